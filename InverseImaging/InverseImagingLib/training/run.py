"""A training run from its first step to the weights that it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..errors import InputError
from ..method import check_options
from ..models import write_weights
from .distributed import team
from .trainer import CHECKPOINT, Lesson, Preset, Trainer, TrainingOptions

WEIGHTS = "weights.safetensors"  # of a run that is done


def run(
    folder: Path,
    options: TrainingOptions,
    lesson_on: Callable[[torch.device], Lesson],
    *,
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train what a lesson is for, to the end, by this process or all that torchrun started; see Trainer.

    folder: gets the checkpoint, the log and, at the end, the product's average weights. lesson_on: makes the lesson,
    which will be held on a device. bundle: a folder that gets the weights, too. Raises InputError.
    """
    check_options(options)
    if bundle and options.preset is Preset.PAPER:
        raise InputError("The paper preset's weights are too large for a bundle; leave --bundle out.")
    if not resume and (folder / CHECKPOINT).exists():
        raise InputError(f"'{folder}' holds a training run; go on with --resume, or name another folder.")
    torch.manual_seed(options.seed)
    with team() as processes:
        trainer = Trainer(folder, options, lesson_on(processes.device), processes)
        if resume:
            trainer.resume()
        torch.set_flush_denormal(True)  # what fades to numbers that are very small takes processors long
        try:
            trainer.run(say)
        finally:
            torch.set_flush_denormal(False)
        if processes.leads:
            _finish(trainer, bundle)


def _finish(trainer: Trainer, bundle: str) -> None:
    """Write the average weights."""
    trainer.network.load_state_dict(trainer.average)
    lesson = trainer.lesson
    weights = {name: value.contiguous() for name, value in lesson.product.state_dict().items()}
    save_file(weights, trainer.folder / WEIGHTS)
    if bundle:
        write_weights(
            Path(bundle), lesson.name, lesson.product, {"steps": trainer.step, "seconds": round(trainer.seconds)}
        )
