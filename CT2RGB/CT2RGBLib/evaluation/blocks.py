"""Sections that were set apart, as CTs whose colors are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..slices import Slices
from ..training.pairs import Section
from ..training.samples import PIXEL, fitted, hu_of, moved
from ..training.synthesis import Scan, noise
from .methods import AIR, upright

NOISES = (5.0, 12.0, 25.0)  # HU
_APART = 5.0  # mm between sections
_AS_IT_IS = np.eye(2)


@dataclass(frozen=True, eq=False)
class Block:
    """A CT of neighboring sections, and their colors (K, J, I, 3) from 0 to 1, black outside; noise: HU."""

    noise: float
    slices: Slices
    colors: np.ndarray


def scans(sections: Sequence[Section]) -> Iterator[Block]:
    """Neighboring sections, from the vertex down, each time in another patient's CT and with more noise.

    Made as samples are in training, at as many mm, but neither turned nor cut out, and always the same.
    """
    below = sections[::-1]
    shape = tuple(int(n) for n in np.max([_seen(section.tissues, section).shape for section in below], axis=0))
    body = np.stack([fitted(_seen(section.body.astype(np.float32), section), shape, 0.0) > 0.5 for section in below])
    channels = [[_seen(channel / 255.0, section) for channel in np.moveaxis(section.rgb, -1, 0)] for section in below]
    colors = np.stack([np.stack([fitted(plane, shape, 0.0) for plane in each], axis=-1) for each in channels])
    for number, level in enumerate(NOISES):
        rng = np.random.default_rng([round(sections[0].position), number])
        scan = dataclasses.replace(Scan.random(rng), noise=level)
        planes = [fitted(_seen(hu_of(section, scan, rng), section, AIR), shape, AIR) for section in below]
        hu = np.where(body, np.stack(planes) + noise(body.shape, scan, rng), AIR).round().astype(np.int16)
        yield Block(level, upright(hu, (_APART, PIXEL, PIXEL), body), np.where(body[..., None], colors, 0.0))


def _seen(plane: np.ndarray, section: Section, around: float = 0.0) -> np.ndarray:
    return moved(plane, _AS_IT_IS, section.pixel, around)
