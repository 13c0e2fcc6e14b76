"""What the commands prepare, train and evaluate do for X-ray Synthesis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from InverseImagingLib import device as devices
from InverseImagingLib.errors import InputError
from InverseImagingLib.method import check_options
from InverseImagingLib.models import Weights, load_weights, own_weights, write_weights

from .baselines import MeanBody, ViewNet, back_projected, drawn, unchanged
from .bodies import bodies, prepare
from .evaluation import evaluate, synthesized
from .guesses import Method
from .networks import DepthNet
from .options import Projection, SynthesisOptions
from .real import evaluate_radiographs
from .tables import summary
from .training import CHECKPOINT, Trainer, TrainingOptions

NETWORK = "depth"  # of the bundle

__all__ = ["NETWORK", "evaluate_weights", "prepare", "summary", "train", "training_options"]


def training_options(**chosen: Any) -> TrainingOptions:
    """Those that are chosen; what is None stays as it is by default."""
    return TrainingOptions(**{name: value for name, value in chosen.items() if value is not None})


def train(
    data: Path,
    folder: Path,
    options: TrainingOptions,
    *,
    resume: bool = False,
    bundle: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Train the compact preset on prepared data; see training.Trainer.

    bundle: a folder that gets the weights at the end. Raises InputError.
    """
    check_options(options)
    if not resume and (folder / CHECKPOINT).exists():
        raise InputError(f"'{folder}' holds a training run; go on with --resume, or name another folder.")
    torch.manual_seed(options.seed)
    trainer = Trainer(folder, options, DepthNet(), devices.choose("auto"))
    if resume:
        trainer.resume()
    found, weights = bodies(data, "train")
    trainer.run(found, weights, say)
    if bundle:
        trainer.network.load_state_dict(trainer.average)
        facts = {"steps": trainer.step, "seconds": round(trainer.seconds)}
        write_weights(Path(bundle), NETWORK, trainer.network, facts)


def evaluate_weights(
    data: Path,
    weights: Weights,
    say: Callable[[str], None] = print,
    *,
    radiographs: str = "",
    projection: str = "pa",
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
    found: dict[str, Any] = weights.facts()
    if radiographs:
        chosen = "" if weights.bundle else str(weights.path)
        options = SynthesisOptions(weights=chosen, projection=Projection(projection))
        found["real"] = evaluate_radiographs(Path(radiographs), options, say)
    return {**found, **evaluate(bodies(data, "test")[0], partial(synthesized, network.eval()), baselines, say)}
