"""Which part of the body a CT shows. Needs no torch."""

from __future__ import annotations

import numpy as np

from .bones import bones
from .options import Part
from .slices import Slices

_SAMPLES = 16  # slices
_BRAIN = 0.12  # of the body; a head has a third, one with neck and shoulders less than a tenth


def part_of(slices: Slices) -> Part:
    """Head where a skull with a brain is much of what is seen, else body."""
    brain = body = 0.0
    for index in np.unique(np.linspace(0, slices.count - 1, _SAMPLES).round().astype(int)):
        found = bones(slices.hu(index), slices.spacing[1:])
        brain += found.brain.sum() * found.steps[0] * found.steps[1]
        body += slices.body(index).sum()
    return Part.HEAD if brain > _BRAIN * body else Part.BODY
