"""How near the model comes to the truth on bodies that it has not seen, beside simple ways to do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..estimate import SIZE, estimate
from ..networks import DepthNet
from ..training.bodies import Body, kind_of
from ..views import suppressed, view
from .guesses import Guess, Method, Scores, scores
from .scenes import VIEWS, Scene, scene
from .scores import interval

OURS = "X-ray Synthesis"
_METRICS = ("PSNR", "SSIM")


def synthesized(network: DepthNet, scene: Scene) -> Guess:
    """What the model tells, in the way that synthesize does."""
    found = estimate(scene.radiograph, scene.frame, network)
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
    """The scores of all methods on radiographs of bodies, JSON-ready.

    bodies: {body: {method: {what: {"PSNR": dB, "SSIM": share}}}}, see guesses.scores for what. means: {method: {what:
    {metric: {"mean", "low", "high", "count"}}}} with bootstrap intervals over bodies; gains: the same of ours less each
    baseline, body by body; kinds: {kind of body: means}.
    """
    methods = {OURS: ours, **baselines}
    found: dict[str, dict[str, Scores]] = {}
    for body in bodies:
        one = scene(body)
        found[body.name] = {name: scores(one, method(one)) for name, method in methods.items()}
        novel = ", ".join(f"{name} {row['novel views'][0]:.2f}" for name, row in found[body.name].items())
        say(f"{body.name}, novel views in dB: {novel}")
    kinds: dict[str, list[dict[str, Scores]]] = {}
    for name, rows in found.items():
        kinds.setdefault(kind_of(name), []).append(rows)
    everyone = list(found.values())
    return {
        "bodies": {body: {name: _named(row) for name, row in rows.items()} for body, rows in found.items()},
        "means": {name: _means([rows[name] for rows in everyone]) for name in methods},
        "gains": {name: _means([_less(rows[OURS], rows[name]) for rows in everyone]) for name in baselines},
        "kinds": {
            kind: {name: _means([rows[name] for rows in some]) for name in methods} for kind, some in kinds.items()
        },
    }


def _named(row: Scores) -> dict[str, dict[str, float]]:
    return {what: dict(zip(_METRICS, both, strict=True)) for what, both in row.items()}


def _less(ours: Scores, theirs: Scores) -> Scores:
    return {what: (ours[what][0] - theirs[what][0], ours[what][1] - theirs[what][1]) for what in ours if what in theirs}


def _means(rows: Sequence[Scores]) -> dict[str, dict[str, dict[str, float]]]:
    names = dict.fromkeys(what for row in rows for what in row)
    return {
        what: {
            metric: interval([row[what][number] for row in rows if what in row])
            for number, metric in enumerate(_METRICS)
        }
        for what in names
    }
