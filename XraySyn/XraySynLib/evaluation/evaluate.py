"""How near the model comes to the truth on bodies that it has not seen, beside simple ways to do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.training.bodies import Body

from ..estimate import SIZE, estimate
from ..networks import DepthNet
from ..refiner import Refiner
from ..views import suppressed, view
from .guesses import Guess, Method, Scores, scores
from .scenes import VIEWS, Scene, scene

OURS = "X-ray Synthesis"
_METRICS = ("PSNR", "SSIM")


def synthesized(network: DepthNet, scene: Scene, refiner: Refiner | None = None) -> Guess:
    """What the model tells, in the way that synthesize does."""
    found = estimate(scene.radiograph, scene.frame, network, refiner)
    with torch.inference_mode():
        views = {azimuth: view(found, azimuth, 0.0, SIZE) for azimuth in VIEWS}
        given = views[0.0]
        return Guess(
            {azimuth: one.shown for azimuth, one in views.items()},
            {azimuth: torch.stack([one.bone, one.tissue]) for azimuth, one in views.items()},
            suppressed(scene.radiograph, given.bone, given.tissue, found.look, 1.0),
        )


def evaluate(
    bodies: Sequence[Body], ours: Method, baselines: Mapping[str, Method], say: Callable[[str], None] = print
) -> dict[str, Any]:
    """The scores of all methods on radiographs of bodies; see comparison, and guesses.scores for what is scored."""
    methods = {OURS: ours, **baselines}
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for body in bodies:
        one = scene(body)
        rows = {name: scores(one, method(one)) for name, method in methods.items()}
        novel = ", ".join(f"{name} {row['novel views'][0]:.2f}" for name, row in rows.items())
        say(f"{body.name}, novel views in dB: {novel}")
        found[body.name] = {name: _named(row) for name, row in rows.items()}
    return comparison(found, OURS)


def _named(row: Scores) -> dict[str, dict[str, float]]:
    return {what: dict(zip(_METRICS, both, strict=True)) for what, both in row.items()}
