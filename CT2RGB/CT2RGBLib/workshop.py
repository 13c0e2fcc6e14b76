"""What the commands prepare, train and evaluate do for CT2RGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights, load_weights, own_weights

from . import palette
from .evaluation.hues import references
from .evaluation.methods import OURS, PALETTE, RANGES, Method, WholeSlices, barely_masked, masked
from .evaluation.patients import evaluate_patients
from .evaluation.perceptual import Lpips
from .evaluation.sections import evaluate_sections
from .evaluation.tables import summary
from .model import ModelPainter
from .networks import ColorNet
from .options import ColorizeOptions, Part
from .paper.network import PaperGenerator
from .training import pairs
from .training.lessons import train, training_options
from .training.registration import prepare_registered

Network = TypeVar("Network", bound=nn.Module)

__all__ = ["evaluate_weights", "prepare", "summary", "train", "training_options"]


def prepare(
    source: Path,
    target: Path,
    phantoms: int = 0,
    say: Callable[[str], None] = print,
    *,
    pixel: float,
    posterior_up: bool = False,
    ct: str = "",
) -> None:
    """Training data of color cryosections; see pairs.prepare, and prepare_registered for a CT of the same body.

    Raises InputError.
    """
    if phantoms:
        raise InputError("Phantoms have no colors; leave --phantoms out.")
    if not 0 < pixel < float("inf"):
        raise InputError(f"--pixel must be above 0 mm, not {pixel:g}.")
    if ct:
        prepare_registered(source, target, Path(ct), pixel, posterior_up, say)
    else:
        pairs.prepare(source, target, pixel, posterior_up, say)


def evaluate_weights(
    data: Path,
    weights: Weights,
    say: Callable[[str], None] = print,
    *,
    part: str = Part.BODY.value,
    direct: str = "",
    supervised: str = "",
    paper: str = "",
    lpips: str = "",
    ct: str = "",
) -> dict[str, Any]:
    """The evaluation of the model of a part on its sections that are set apart, beside the palette; see evaluation.

    direct, supervised: weights of its ablations; paper: of the paper's network; lpips: see perceptual. ct: a folder
    of CTs of patients, on which the model is also tried without the mask of the body and without Sobel in range. Raises
    InputError.
    """
    network = _loaded(ColorNet(), weights)
    ours: Method = masked(partial(ModelPainter, network=network, ranges=RANGES))
    flat: Method = masked(partial(ModelPainter, network=network, ranges=()))
    methods: dict[str, Method] = {OURS: ours, PALETTE: masked(lambda slices: palette.painter(ColorizeOptions()))}
    others = dict(methods)
    for name, file in (("direct", direct), ("supervised", supervised)):
        if file:
            ablation = _loaded(ColorNet(), own_weights(file))
            others[name] = masked(partial(ModelPainter, network=ablation, ranges=()))
    if paper:
        generator = _loaded(PaperGenerator(), own_weights(paper))
        others["paper"] = masked(partial(WholeSlices, network=generator))
    measure = _loaded(Lpips(), own_weights(lpips)) if lpips else None
    scores = evaluate_sections(pairs.sections(data, "test", part), others, say, measure)
    found = {**weights.facts(), "part": part, **scores}
    if ct:
        say("Measuring the colors of the training sections.")
        wanted = references(pairs.sections(data, "train", part))
        methods |= {
            "without mask": barely_masked(ours),
            "without Sobel": flat,
            "without both": barely_masked(flat),
        }
        found["ct"] = evaluate_patients(Path(ct), Part(part), wanted, methods, say)
    return found


def _loaded(network: Network, weights: Weights) -> Network:
    load_weights(network, weights)
    return network.eval()
