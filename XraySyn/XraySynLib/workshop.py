"""What the commands prepare, train and evaluate do for X-ray Synthesis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, load_weights, own_weights
from InverseImagingLib.training.bodies import bodies
from InverseImagingLib.training.bodies import prepare as prepare_bodies

from .evaluation.baselines import MeanBody, ViewNet, back_projected, drawn, unchanged
from .evaluation.evaluate import evaluate, synthesized
from .evaluation.guesses import Method
from .evaluation.real import evaluate_radiographs
from .evaluation.tables import summary
from .networks import DepthNet
from .options import Projection, SynthesisOptions
from .synthesize import refiner_of
from .training.first_stage import DepthLesson
from .training.lessons import train, training_options
from .training.radiographs import prepare_radiographs

NETWORK = DepthLesson.name

__all__ = ["NETWORK", "evaluate_weights", "prepare", "summary", "train", "training_options"]


def prepare(
    source: Path, target: Path, phantoms: int = 0, say: Callable[[str], None] = print, *, radiographs: bool = False
) -> None:
    """Training data of bodies, see bodies.prepare, or of radiographs, see prepare_radiographs. Raises InputError."""
    if not radiographs:
        prepare_bodies(source, target, phantoms, say)
    elif phantoms:
        raise InputError("Phantoms are bodies and no radiographs; leave --phantoms or --radiographs out.")
    else:
        prepare_radiographs(source, target, say)


def evaluate_weights(
    data: Path,
    weights: Weights,
    say: Callable[[str], None] = print,
    *,
    radiographs: str = "",
    projection: str = "auto",
    unet: str = "",
) -> dict[str, Any]:
    """The evaluation on the bodies that are set apart for tests; see evaluation.evaluate. Raises InputError.

    radiographs: a folder of real ones, taken in a projection, for "real"; see real.evaluate_radiographs. unet: weights
    of a baselines.ViewNet, one more baseline.
    """
    network = DepthNet()
    load_weights(network, weights)
    baselines: dict[str, Method] = {
        "back projection": back_projected,
        "mean body": MeanBody(bodies(data, "train")[0]),
        "unchanged": unchanged,
    }
    if unet:
        view_network = ViewNet()
        load_weights(view_network, own_weights(unet))
        baselines["2D U-Net"] = partial(drawn, view_network.eval())
    ours = partial(synthesized, network.eval(), refiner=refiner_of(weights))
    found: dict[str, Any] = weights.facts()
    if radiographs:
        chosen = "" if weights.bundle else str(weights.path)
        options = SynthesisOptions(weights=chosen, projection=Projection(projection))
        found["real"] = evaluate_radiographs(Path(radiographs), options, say)
    return {**found, **evaluate(bodies(data, "test")[0], ours, baselines, say)}
