"""The presets: their networks and settings, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from InverseImagingLib.errors import InputError
from InverseImagingLib.method import option, options_from_dict
from InverseImagingLib.models import load_weights, own_weights
from InverseImagingLib.training.run import run
from InverseImagingLib.training.trainer import Lesson, Preset, TrainingOptions

from ..networks import ColorNet
from ..options import Part
from ..paper.features import features
from ..paper.network import PaperGenerator
from .adversarial import PAPER, AdversarialLesson, Variant
from .pairs import sections
from .samples import Drawing

_USUAL: dict[str, dict[str, Any]] = {
    "compact": {"batch": 4, "rate": 7e-4, "steps": 4000, "pool": 96, "reuse": 12},
    "paper": {**PAPER, "steps": 200_000, "pool": 96, "reuse": 12},
}
_SIZES = {Preset.COMPACT: 192, Preset.PAPER: 256}  # pixels of a sample
_CRITICS = {Preset.COMPACT: 32, Preset.PAPER: 64}  # width
_STRUCTURE = {Preset.COMPACT: 9.0, Preset.PAPER: 0.0}  # how much it counts


@dataclass(frozen=True)
class ColorOptions(TrainingOptions):
    """Settings of a training run of one of the two models."""

    part: Part = option(Part.BODY, "Which model: head or body.")
    variant: Variant = option(Variant.FULL, "full, or what the paper compares it with: direct, supervised.")
    features: str = option("", "Weights of ResNet-50 for the perceptual loss; empty means fixed filters.")


def training_options(preset: str = "compact", **chosen: Any) -> ColorOptions:
    """The settings of a preset, but for those that are chosen and not None. Raises InputError."""
    changes = {name: value for name, value in chosen.items() if value is not None}
    options = options_from_dict(ColorOptions, {"preset": preset, **_USUAL.get(preset, {}), **changes})
    if options.part is Part.AUTO:
        raise InputError("A model is trained for the head or for the body; choose one of the two.")
    return options


def train(
    data: Path,
    folder: Path,
    options: ColorOptions,
    *,
    weights: str = "",
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train on prepared sections; see training.run. weights: a file to start with. Raises InputError."""
    run(folder, options, partial(lesson_of, options, data, weights), resume=resume, bundle=bundle, say=say)


def lesson_of(options: ColorOptions, data: Path, weights: str, device: torch.device) -> Lesson:
    """What the options tell to train, on prepared sections; see train. Raises InputError."""
    generator = PaperGenerator() if options.preset is Preset.PAPER else ColorNet()
    if weights:
        load_weights(generator, own_weights(weights))
    draw = Drawing(sections(data, "train", options.part.value), _SIZES[options.preset])
    critic, structure = _CRITICS[options.preset], _STRUCTURE[options.preset]
    lesson = AdversarialLesson(generator, draw, features(options.features), options.variant, critic, structure)
    lesson.name = options.part.value
    return lesson
