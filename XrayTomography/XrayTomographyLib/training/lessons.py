"""The presets: their networks and settings, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from InverseImagingLib.method import options_from_dict
from InverseImagingLib.models import load_weights, own_weights
from InverseImagingLib.training.bodies import bodies
from InverseImagingLib.training.run import run
from InverseImagingLib.training.trainer import Lesson, Preset, TrainingOptions

from ..networks import VolumeNet
from ..paper.network import TomographyNet
from .lesson import TomographyLesson, VolumeLesson

_USUAL: dict[str, dict[str, Any]] = {"paper": {"batch": 16, "rate": 1e-4, "pool": 128}}


def training_options(preset: str = "compact", **chosen: Any) -> TrainingOptions:
    """The settings of a preset, but for those that are chosen and not None. Raises InputError."""
    changes = {name: value for name, value in chosen.items() if value is not None}
    return options_from_dict(TrainingOptions, {"preset": preset, **_USUAL.get(preset, {}), **changes})


def train(
    data: Path,
    folder: Path,
    options: TrainingOptions,
    *,
    weights: str = "",
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train on prepared bodies; see training.run. weights: a file to start with. Raises InputError."""
    run(folder, options, partial(lesson_of, options, data, weights), resume=resume, bundle=bundle, say=say)


def lesson_of(options: TrainingOptions, data: Path, weights: str, device: torch.device) -> Lesson:
    """What the options tell to train, on prepared bodies; see train. Raises InputError."""
    network = TomographyNet() if options.preset is Preset.PAPER else VolumeNet()
    if weights:
        load_weights(network, own_weights(weights))
    found = bodies(data, "train")
    return TomographyLesson(network, *found) if isinstance(network, TomographyNet) else VolumeLesson(network, *found)
