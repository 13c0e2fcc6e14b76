"""What the commands prepare, train and evaluate do for X-ray Tomography."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from InverseImagingLib.cli_shared import check_place
from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, load_weights
from InverseImagingLib.training.bodies import Body, bodies, kind_of
from InverseImagingLib.training.bodies import prepare as prepare_bodies
from InverseImagingLib.xray.phantoms import Anatomy

from .evaluation.baselines import MeanVolume, Method, Pool, back_projected, fused
from .evaluation.calibration import draw
from .evaluation.evaluate import evaluate
from .evaluation.tables import summary
from .guess import guess
from .networks import VolumeNet
from .training.lesson import VolumeLesson
from .training.lessons import train, training_options
from .training.slices import prepare_slices
from .training.subjects import heads_of

NETWORK = VolumeLesson.name
_CALIBRATING = 6  # bodies at most

__all__ = ["NETWORK", "evaluate_weights", "prepare", "summary", "train", "training_options"]


def prepare(
    source: Path, target: Path, phantoms: int = 0, say: Callable[[str], None] = print, *, slices: bool = False
) -> None:
    """Training data of CTs and phantoms, most of them skulls, see bodies.prepare; or of slices, see prepare_slices.
    Raises InputError."""
    if not slices:
        prepare_bodies(source, target, phantoms, say, anatomy=Anatomy.SKULL)
    elif phantoms:
        raise InputError("Phantoms are CTs in HU; leave --phantoms or --slices out.")
    else:
        prepare_slices(source, target, say)


def evaluate_weights(
    data: Path, weights: Weights, say: Callable[[str], None] = print, *, curve: str = ""
) -> dict[str, Any]:
    """The evaluation on the bodies that are set apart for tests; see evaluation.evaluate. Raises InputError.

    curve: a PNG that shows how true the stated spread is.
    """
    from .evaluation.surfaces import SurfaceCamera  # needs VTK, and nothing else here does

    if curve:
        check_place(curve)
    network = VolumeNet()
    load_weights(network, weights)
    training, tests = (heads_of(bodies(data, split)[0]) for split in ("train", "test"))
    say(f"Preparing the volumes of {len(training)} training bodies.")
    pool, mean = Pool(training), MeanVolume(training)
    baselines: dict[str, Method] = {
        "nearest neighbor": pool.nearest,
        "nearest neighbor, fused": fused(pool.nearest),
        "oracle": pool.oracle,
        "mean volume": mean,
        "mean volume, fused": fused(mean),
        "back projection": back_projected,
    }
    model = partial(guess, network=network.eval())
    found = evaluate(tests, _calibrating(training, tests), model, baselines, SurfaceCamera(), say)
    if curve:
        draw(found["calibration"], Path(curve))
    return {**weights.facts(), "pool": len(pool), **found}


def _calibrating(training: Sequence[Body], tests: Sequence[Body]) -> Sequence[Body]:
    """A few training bodies, of the kinds that are tested where there are such."""
    kinds = {kind_of(body.name) for body in tests}
    alike = [body for body in training if kind_of(body.name) in kinds] or training
    return alike[:: math.ceil(len(alike) / _CALIBRATING)]
