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
from InverseImagingLib.models import find_weights, load_weights, own_weights
from InverseImagingLib.training.bodies import bodies
from InverseImagingLib.training.run import WEIGHTS, run
from InverseImagingLib.training.trainer import Lesson, Preset, TrainingOptions

from ..estimate import estimate
from ..networks import DepthNet
from ..paper.networks import Discriminator, PriorNet3D, RefineNet2D
from ..refiner import Refiner
from .adversarial import CriticLesson, guess_by_prior
from .first_stage import DepthLesson, PriorLesson
from .radiographs import films
from .second_stage import RefineLesson

_ADAM = {"beta1": 0.5, "beta2": 0.9, "warm_up": 1, "last_rate": 1.0, "clip": 0.0}
_PAPER: dict[str, Any] = {"batch": 8, "rate": 1e-4, "pool": 64, **_ADAM}
_USUAL: dict[tuple[str, int], dict[str, Any]] = {
    ("compact", 2): {"steps": 4000, "pool": 64, "reuse": 12},
    ("paper", 1): _PAPER,
    ("paper", 2): _PAPER,
}


@dataclass(frozen=True)
class StageOptions(TrainingOptions):
    """Settings of a training run of one of the two stages."""

    stage: int = option(1, "1 learns depth, 2 to correct views that are seen from aside.", low=1, high=2)


def training_options(preset: str = "compact", stage: int = 1, **chosen: Any) -> StageOptions:
    """The settings of a preset's stage, but for those that are chosen and not None. Raises InputError."""
    changes = {name: value for name, value in chosen.items() if value is not None}
    usual = _USUAL.get((preset, stage), {})
    return options_from_dict(StageOptions, {"preset": preset, "stage": stage, **usual, **changes})


def train(
    data: Path,
    folder: Path,
    options: StageOptions,
    *,
    weights: str = "",
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train on prepared data: bodies, or radiographs in the paper's second stage; see training.run.

    weights: a file that the first stage starts with, and that the second takes for its first stage, by default the
    model that is there. Raises InputError.
    """
    run(folder, options, partial(lesson_of, options, data, weights), resume=resume, bundle=bundle, say=say)


def lesson_of(options: StageOptions, data: Path, weights: str, device: torch.device) -> Lesson:
    """What the options tell to train, on prepared data; see train. Raises InputError."""
    paper = options.preset is Preset.PAPER
    if paper and options.stage == 2 and not weights:
        raise InputError(f"The paper's second stage needs its first; give that run's {WEIGHTS} with --weights.")
    first = PriorNet3D() if paper else DepthNet()
    if weights:
        load_weights(first, own_weights(weights))
    if options.stage == 1:
        found = bodies(data, "train")
        return PriorLesson(first, *found) if isinstance(first, PriorNet3D) else DepthLesson(first, *found)
    if not weights:
        load_weights(first, find_weights("XraySyn", DepthLesson.name))
    first.eval().to(device)
    if isinstance(first, PriorNet3D):
        return CriticLesson(RefineNet2D(), Discriminator(), films(data, "train"), guess_by_prior(first))
    return RefineLesson(Refiner(), partial(estimate, network=first), *bodies(data, "train"))
