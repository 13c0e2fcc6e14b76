"""How near the colors come to the true ones on sections that were set apart, in CTs made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from skimage.color import rgb2gray

from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.evaluation.scores import ssim

from ..training.pairs import Section, blocks
from .blocks import NOISES, scans
from .methods import OURS, Method
from .perceptual import Lpips


def evaluate_sections(
    sections: Sequence[Section],
    methods: Mapping[str, Method],
    say: Callable[[str], None] = print,
    lpips: Lpips | None = None,
) -> dict[str, Any]:
    """The scores of all methods, OURS among them, on blocks of neighboring sections; see comparison and likeness.

    They are means over the slices of a block: of all its CTs, and of those with each noise.
    """
    found = {}
    for block in blocks(sections):
        rows: dict[str, dict[str, list[dict[str, float]]]] = {name: {} for name in methods}
        for scan in scans(block):
            for name, method in methods.items():
                paint = method(scan.slices)
                scores = [
                    likeness(paint(index), truth, scan.slices.body(index), lpips)
                    for index, truth in enumerate(scan.colors)
                ]
                for group in ("all", noisy(scan.noise)):
                    rows[name].setdefault(group, []).extend(scores)
        found[f"{block[0].part}_{block[0].position:.0f}"] = {
            name: {group: _mean(scores) for group, scores in row.items()} for name, row in rows.items()
        }
        say(f"{block[0].name}: " + ", ".join(f"{name} {_rmse(row['all']):.1f}" for name, row in rows.items()))
    return comparison(found, OURS)


def noisy(noise: float) -> str:
    """What the group of CTs with a noise is called; see blocks.NOISES."""
    return f"noise {noise:g}"


GROUPS = ("all", *map(noisy, NOISES))


def likeness(colors: np.ndarray, truth: np.ndarray, body: np.ndarray, lpips: Lpips | None = None) -> dict[str, float]:
    """Of colors (J, I, 3) and the true ones, 0 to 1: RMSE in units of 0 to 255, and SSIM of the luminance, in the body.

    SSIM: Wang et al. 2004, of both pictures with black outside the body; its mean over the pixels of the body (J, I).
    lpips: gives LPIPS, too, of the same pictures.
    """
    errors = 255 * (colors - truth)[body]
    pictures = [each * body[..., None] for each in (colors, truth)]
    ours, true = (torch.from_numpy(rgb2gray(picture)) for picture in pictures)
    scores = {"RMSE": float(np.sqrt((errors**2).mean())), "SSIM": ssim(ours, true, torch.from_numpy(body))}
    return scores | ({"LPIPS": lpips.distance(*pictures)} if lpips else {})


def _rmse(scores: Sequence[Mapping[str, float]]) -> float:
    return _mean(scores)["RMSE"]


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {metric: float(np.mean([score[metric] for score in scores])) for metric in scores[0]}
