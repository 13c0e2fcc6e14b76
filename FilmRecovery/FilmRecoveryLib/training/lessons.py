"""The presets: their networks and settings, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from InverseImagingLib.errors import InputError
from InverseImagingLib.method import Choice, option, options_from_dict
from InverseImagingLib.models import load_weights, own_weights
from InverseImagingLib.training.run import run
from InverseImagingLib.training.trainer import Lesson, Preset, TrainingOptions

from ..networks import FilmNet, LetterNet
from ..paper.cascade import light_cascade, values_cascade
from ..paper.variants import Variant, network_of
from .cascading import CascadeLesson
from .dewarping import DewarpingLesson
from .gridding import GridLesson
from .lettering import LetterLesson, Parts
from .places import PlaceLesson
from .rims import RimLesson
from .samples import BareFilms, FlatFilms, Frames, GriddedFilms, Maps, Strips, Tiles, TurnedFilms
from .subjects import Subject, subjects
from .tones import ToneLesson
from .turns import TurnLesson
from .values import ValueLesson

_PHANTOMS = 8  # beside the patients


class Task(Choice):
    """Which of the networks learns."""

    PLACE = "place"
    TONE = "tone"
    VALUES = "values"
    TURN = "turn"
    GRID = "grid"
    RIM = "rim"
    LETTERS = "letters"


_USUAL: dict[str, dict[str, Any]] = {
    "place": {"batch": 8, "rate": 1e-3, "steps": 6000, "pool": 192, "reuse": 12},
    "tone": {"batch": 8, "rate": 1e-3, "steps": 1500, "pool": 192, "reuse": 8},
    "values": {"batch": 16, "rate": 1e-3, "steps": 1500, "pool": 256, "reuse": 4},
    "turn": {"batch": 16, "rate": 1e-3, "steps": 1000, "pool": 192, "reuse": 8},
    "grid": {"batch": 16, "rate": 1.5e-3, "steps": 3300, "pool": 192, "reuse": 16},
    "rim": {"batch": 5, "rate": 1.5e-3, "steps": 2000, "pool": 160, "reuse": 12},
    "letters": {"batch": 32, "rate": 4e-3, "steps": 5000, "pool": 96, "reuse": 40},
}


_PAPER: dict[str, Any] = {  # as the paper has it
    "batch": 16,
    "rate": 1e-3,
    "beta2": 0.999,
    "warm_up": 1,
    "last_rate": 1.0,
    "clip": 0.0,
    "steps": 60_000,
    "pool": 192,
    "reuse": 12,
}
N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class FilmOptions(TrainingOptions):
    """Settings of a training run of one of the networks."""

    task: Task = option(Task.PLACE, "Which of the networks learns: place, tone, values, turn, grid, rim or letters.")
    variant: Variant = option(Variant.FULL, "The paper's network: full, or without parts: maps, uv or backward.")


def training_options(preset: str = "compact", **chosen: Any) -> FilmOptions:
    """The settings of a preset, but for those that are chosen and not None. Raises InputError."""
    changes = {name: value for name, value in chosen.items() if value is not None}
    usual = _PAPER if preset == "paper" else _USUAL.get(changes.get("task", "place"), {})
    return options_from_dict(FilmOptions, {"preset": preset, **usual, **changes})


def train(
    data: Path,
    folder: Path,
    options: FilmOptions,
    *,
    weights: str = "",
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train on films of a folder's CTs; see training.run. weights: a file to start with. Raises InputError."""
    run(folder, options, partial(lesson_of, options, data, weights), resume=resume, bundle=bundle, say=say)


def lesson_of(options: FilmOptions, data: Path, weights: str, device: torch.device) -> Lesson:
    """What the options tell to train, on films of the CTs of a folder; see train. Raises InputError."""
    patients = subjects(data, "train", _PHANTOMS)
    if options.preset is Preset.PAPER:
        return _of_paper(options, patients, weights)
    if options.task is Task.LETTERS:
        return LetterLesson(_begun(LetterNet(), weights), Parts(patients))
    networks = _begun(FilmNet(), weights)
    lessons: dict[Task, Callable[[], Lesson]] = {
        Task.PLACE: lambda: PlaceLesson(networks, Frames(patients)),
        Task.TONE: lambda: ToneLesson(networks, FlatFilms(patients)),
        Task.VALUES: lambda: ValueLesson(networks, Tiles(patients)),
        Task.TURN: lambda: TurnLesson(networks, TurnedFilms(patients)),
        Task.GRID: lambda: GridLesson(networks, GriddedFilms(patients)),
        Task.RIM: lambda: RimLesson(networks, Strips(patients)),
    }
    return lessons[options.task]()


def _of_paper(options: FilmOptions, patients: Sequence[Subject], weights: str) -> Lesson:
    if options.task is Task.PLACE:
        return DewarpingLesson(_begun(network_of(options.variant), weights), Maps(patients))
    if options.task is Task.TONE:
        return CascadeLesson(_begun(light_cascade(), weights), FlatFilms(patients))
    if options.task is Task.VALUES:
        return CascadeLesson(_begun(values_cascade(), weights), BareFilms(patients))
    raise InputError(f"The paper has no network for the task '{options.task.value}'; choose place, tone or values.")


def _begun(network: N, weights: str) -> N:
    if weights:
        load_weights(network, own_weights(weights))
    return network
