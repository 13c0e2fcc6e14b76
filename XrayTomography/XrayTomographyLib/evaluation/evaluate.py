"""How near the model comes to the truth on bodies that it has not seen, beside simple ways to do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.evaluation.scores import interval
from InverseImagingLib.training.bodies import Body

from ..fusion import fuse
from ..guess import Guess
from .baselines import Method
from .calibration import calibration, counted
from .scenes import Scene, scenes
from .scores import Camera, by_depth, difference, reprojection, seen

OURS, UNFUSED = "X-ray Tomography", "without fusion"

Model = Callable[[torch.Tensor], Guess]  # of a radiograph (256, 256)
Scores = Mapping[str, float]  # by metric


def evaluate(
    bodies: Sequence[Body],
    calibrating: Sequence[Body],
    model: Model,
    baselines: Mapping[str, Method],
    camera: Camera,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """The scores of all methods on scenes of bodies; see comparison.

    L2 is the root of the mean square over the cube; DSSIM is that of pictures of the surface; PSNR, in dB, is that of
    the projected volume beside the radiograph. They are means over the scenes of a body: over all, those of each view,
    and those of each subject; and ours with fewer planes of depth. Further keys, margins: {method: {metric: by which
    share ours is lower, body by body}}. calibration: see there; factor and multiples are found on calibrating.
    """
    others = {body.name: np.sum([errors for *_, errors in _told(body, model)], axis=0) for body in calibrating}
    found, counts = {}, {}
    for body in bodies:
        rows: dict[str, dict[str, list[Scores]]] = {}
        each = []
        for scene, volumes, errors in _told(body, model):
            volumes.update({name: method(scene) for name, method in baselines.items()})
            truth = seen(scene.densities, camera)
            looks = {name: seen(volume, camera) for name, volume in volumes.items()}
            for name, look in looks.items():
                scored = {**difference(look, truth), "PSNR": reprojection(volumes[name], scene.radiograph)}
                for group in ("all", scene.view, scene.subject):
                    rows.setdefault(name, {}).setdefault(group, []).append(scored)
            for depth, scored in by_depth(looks[OURS], truth, camera).items():
                rows[OURS].setdefault(f"depth {depth}", []).append(scored)
            each.append(errors)
        found[body.name] = {name: {what: _mean(some) for what, some in row.items()} for name, row in rows.items()}
        counts[body.name] = np.sum(each, axis=0)
        each_l2 = ", ".join(f"{name} {row['all']['L2']:.4f}" for name, row in found[body.name].items())
        say(f"{body.name}, L2: {each_l2}")
    return {
        **comparison(found, OURS),
        "margins": margins(found),
        "calibration": calibration(counts, others),
    }


def margins(found: Mapping[str, Mapping[str, Mapping[str, Scores]]]) -> dict[str, Any]:
    """By which share ours is lower than each other method, with intervals over bodies; see evaluate."""
    rows = [{name: row["all"] for name, row in each.items()} for each in found.values()]
    return {
        name: {
            metric: interval([1 - row[OURS][metric] / max(row[name][metric], 1e-12) for row in rows])
            for metric in ("L2", "DSSIM")
        }
        for name in rows[0]
        if name != OURS
    }


def _told(body: Body, model: Model) -> Iterator[tuple[Scene, dict[str, torch.Tensor], np.ndarray]]:
    """Each scene of a body, what the model tells of it, and its errors by their spread; see calibration.counted."""
    for scene in scenes(body):
        guess = model(scene.radiograph)
        volume = fuse(guess.densities, scene.radiograph).densities
        yield scene, {OURS: volume, UNFUSED: guess.densities}, counted(volume, guess.spread, scene.densities)


def _mean(rows: Sequence[Scores]) -> dict[str, float]:
    return {metric: float(np.mean([row[metric] for row in rows])) for metric in rows[0]}
