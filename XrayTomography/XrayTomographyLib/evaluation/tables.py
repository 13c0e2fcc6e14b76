"""The results of an evaluation as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from InverseImagingLib.evaluation.tables import Writer, plain

from ..training.subjects import VIEWS
from .evaluate import OURS
from .scenes import SUBJECTS
from .scores import CHANGE, DEPTHS

_GROUPS = (*VIEWS, "other", *SUBJECTS)
_PAPER = {  # by which share its method is lower than others
    "nearest neighbor": {"L2": 1 - 0.051 / 0.067, "DSSIM": 1 - 0.097 / 0.109},
    "oracle": {"L2": 1 - 0.051 / 0.060, "DSSIM": 1 - 0.097 / 0.110},
}


def summary(found: Mapping[str, Any], written: Writer = plain) -> str:
    """What evaluate found, in one look."""
    means = found["means"]
    return "\n\n".join(
        [
            f"{len(found['bodies'])} bodies. L2: root of the mean square error of the density. DSSIM: of pictures of "
            "the surface at .1. PSNR: of the projected volume beside the radiograph, in dB. 95 % intervals of the "
            "mean, by bootstrap over bodies. Nearest neighbor and oracle choose from "
            f"{found['pool']} volumes of the training bodies.",
            written(scored(means)),
            f"By which share {OURS} is lower, body by body.",
            written(margins(found["margins"])),
            "L2 / DSSIM by view, and by what there is of the body.",
            written(by_group(means, _GROUPS)),
            "L2 / DSSIM by kind of body.",
            written(by_kind(found["kinds"])),
            "With fewer planes of depth, from which the others are interpolated.",
            written(by_depth(means[OURS])),
            "Share of voxels whose error lies within the interval of a level: as stated, if all spreads are multiplied "
            f"by {found['calibration']['factor']:.2f}, and with a multiple for each level, found on training bodies.",
            written(covered(found["calibration"])),
        ]
    )


def scored(means: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [name, _precise(one["all"]["L2"]), _precise(one["all"]["DSSIM"]), f"{one['all']['PSNR']['mean']:.1f}"]
        for name, one in means.items()
    ]
    return [["", "L2", "DSSIM", "PSNR"], *rows]


def margins(found: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [
            f"than {name}",
            *(_percent(one[metric]) for metric in ("L2", "DSSIM")),
            *(f"{_PAPER[name][metric]:.0%}" if name in _PAPER else "-" for metric in ("L2", "DSSIM")),
        ]
        for name, one in found.items()
    ]
    return [["", "L2", "DSSIM", "L2, paper", "DSSIM, paper"], *rows]


def by_group(means: Mapping[str, Any], groups: Sequence[str]) -> list[list[str]]:
    return [["", *groups], *([name, *(_both(one[group]) for group in groups)] for name, one in means.items())]


def by_kind(kinds: Mapping[str, Any]) -> list[list[str]]:
    heads = [f"{kind} ({means[OURS]['all']['L2']['count']})" for kind, means in kinds.items()]
    methods = next(iter(kinds.values()))
    return [["", *heads], *([name, *(_both(means[name]["all"]) for means in kinds.values())] for name in methods)]


def by_depth(ours: Mapping[str, Any]) -> list[list[str]]:
    metrics = ("L2", "DSSIM", CHANGE)
    rows = [[metric, *(f"{ours[f'depth {depth}'][metric]['mean']:.4f}" for depth in DEPTHS)] for metric in metrics]
    return [["", *map(str, DEPTHS)], *rows]


def covered(calibration: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [which, *(f"{share['mean']:.1%}" for share in calibration[which])] for which in ("stated", "scaled", "fitted")
    ]
    return [["", *(f"{level:.0%}" for level in calibration["levels"])], *rows]


def _precise(score: Mapping[str, float]) -> str:
    return f"{score['mean']:.4f} ({score['low']:.4f} to {score['high']:.4f})"


def _percent(score: Mapping[str, float]) -> str:
    return f"{score['mean']:.1%} ({score['low']:.1%} to {score['high']:.1%})"


def _both(scores: Mapping[str, Any]) -> str:
    return f"{scores['L2']['mean']:.4f} / {scores['DSSIM']['mean']:.4f}"
