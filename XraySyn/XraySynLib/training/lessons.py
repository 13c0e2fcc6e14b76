"""The presets: their networks and settings, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from InverseImagingLib.errors import InputError
from InverseImagingLib.method import check_options, options_from_dict
from InverseImagingLib.models import find_weights, load_weights, own_weights, write_weights

from ..networks import DepthNet
from ..paper.networks import Discriminator, PriorNet3D, RefineNet2D
from ..refiner import Refiner
from .bodies import bodies
from .distributed import team
from .first_stage import DepthLesson, PriorLesson
from .radiographs import films
from .second_stage import RefineLesson, guess_by_depth, guess_by_prior
from .trainer import CHECKPOINT, Lesson, Preset, Trainer, TrainingOptions

WEIGHTS = "weights.safetensors"  # of a run that is done
NAMES = {1: "depth", 2: "refiner"}  # of the compact preset's weights in the bundle, by stage

_ADAM = {"beta1": 0.5, "beta2": 0.9, "warm_up": 1, "last_rate": 1.0, "clip": 0.0}
_PAPER: dict[str, Any] = {"batch": 8, "rate": 1e-4, "pool": 64, **_ADAM}
_USUAL: dict[tuple[str, int], dict[str, Any]] = {
    ("compact", 2): {"steps": 3000, "batch": 4, "rate": 2e-4, "beta1": 0.5, "clip": 0.0, "pool": 64, "reuse": 50},
    ("paper", 1): _PAPER,
    ("paper", 2): _PAPER,
}


def training_options(preset: str = "compact", stage: int = 1, **chosen: Any) -> TrainingOptions:
    """The settings of a preset's stage, but for those that are chosen and not None. Raises InputError."""
    changes = {name: value for name, value in chosen.items() if value is not None}
    usual = _USUAL.get((preset, stage), {})
    return options_from_dict(TrainingOptions, {"preset": preset, "stage": stage, **usual, **changes})


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
    """Train on prepared data: bodies in the first stage, radiographs in the second; see training.Trainer.

    folder: gets the checkpoint, the log and, at the end, the product's weights.safetensors. weights: a file that the
    first stage starts with, and that the second takes for its first stage, by default the model that is there. bundle:
    a folder that gets the weights, too. Raises InputError.
    """
    check_options(options)
    torch.set_flush_denormal(True)  # densities fade to numbers that are so small that processors take long for them
    if bundle and options.preset is Preset.PAPER:
        raise InputError("The paper preset's weights are too large for a bundle; leave --bundle out.")
    if options.preset is Preset.PAPER and options.stage == 2 and not weights:
        raise InputError(f"The paper's second stage needs its first; give that run's {WEIGHTS} with --weights.")
    if not resume and (folder / CHECKPOINT).exists():
        raise InputError(f"'{folder}' holds a training run; go on with --resume, or name another folder.")
    torch.manual_seed(options.seed)
    with team() as processes:
        trainer = Trainer(folder, options, lesson_of(options, data, weights, processes.device), processes)
        if resume:
            trainer.resume()
        trainer.run(say)
        if processes.leads:
            _finish(trainer, bundle)


def lesson_of(options: TrainingOptions, data: Path, weights: str, device: torch.device) -> Lesson:
    """What the options tell to train, on prepared data; see train. Raises InputError."""
    first = PriorNet3D() if options.preset is Preset.PAPER else DepthNet()
    if weights:
        load_weights(first, own_weights(weights))
    if options.stage == 1:
        found = bodies(data, "train")
        return PriorLesson(first, *found) if isinstance(first, PriorNet3D) else DepthLesson(first, *found)
    if not weights:
        load_weights(first, find_weights("XraySyn", NAMES[1]))
    found_films = films(data, "train")
    first.eval()
    if isinstance(first, PriorNet3D):
        return RefineLesson(RefineNet2D(), Discriminator(), found_films, guess_by_prior(first.to(device)))
    return RefineLesson(Refiner(), Discriminator(width=32), found_films, guess_by_depth(first.to(device)))


def _finish(trainer: Trainer, bundle: str) -> None:
    """Write the average weights."""
    trainer.network.load_state_dict(trainer.average)
    product = trainer.lesson.product
    save_file({name: value.contiguous() for name, value in product.state_dict().items()}, trainer.folder / WEIGHTS)
    if bundle:
        facts = {"steps": trainer.step, "seconds": round(trainer.seconds)}
        write_weights(Path(bundle), NAMES[trainer.options.stage], product, facts)
