"""The results of an evaluation as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from InverseImagingLib.evaluation.tables import Writer, plain, within

from .evaluate import OURS
from .scenes import ANGLES, FAR

_SUPPRESSION = ("bone suppression", "bone suppression, lungs")
_NONE = "-"


def summary(found: Mapping[str, Any], written: Writer = plain) -> str:
    """What evaluate found, and evaluate_radiographs under "real" if that was run, in one look."""
    means, gains = found["means"], found["gains"]
    parts = [
        f"{len(found['bodies'])} bodies. PSNR in dB (95 % interval of the mean, by bootstrap over patients) / SSIM.",
        written(scored(means, ("input view", "novel views", "18 degrees"))),
        written(scored(means, ("bone, input view", "bone, novel views", "tissue, input view", "tissue, novel views"))),
        written(scored(means, _SUPPRESSION)),
        f"{OURS} less each of the others, body by body, in dB.",
        written(gained(gains, ("novel views", "18 degrees", "bone, input view", *_SUPPRESSION))),
        "PSNR of the views by angle in degrees.",
        written(by_angle(means)),
        "PSNR of the novel views by kind of body.",
        written(by_kind(found["kinds"])),
    ]
    if "real" in found:
        parts.append(of_radiographs(found["real"], written))
    return "\n\n".join(parts)


def scored(means: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    """A row for each method that has any of these scores, with intervals of up to three columns."""
    wide = len(names) <= 3

    def cell(scores: Mapping[str, Any]) -> str:
        if not scores:
            return _NONE
        around = f" {within(scores['PSNR'])}" if wide else ""
        return f"{scores['PSNR']['mean']:.2f}{around} / {scores['SSIM']['mean']:.3f}"

    rows = [[method, *(cell(one.get(name, {})) for name in names)] for method, one in means.items()]
    return [["", *names], *(row for row in rows if any(text != _NONE for text in row[1:]))]


def gained(gains: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    def cell(scores: Mapping[str, Any]) -> str:
        return f"{scores['PSNR']['mean']:+.2f} {within(scores['PSNR'])}" if scores else _NONE

    return [["", *names], *([method, *(cell(one.get(name, {})) for name in names)] for method, one in gains.items())]


def by_angle(means: Mapping[str, Any]) -> list[list[str]]:
    angles = sorted((*ANGLES, *FAR))
    rows = [[f"{one[f'view {angle:+g}']['PSNR']['mean']:.1f}" for angle in angles] for one in means.values()]
    return [["", *(f"{angle:g}" for angle in angles)], *([name, *row] for name, row in zip(means, rows, strict=True))]


def by_kind(kinds: Mapping[str, Any]) -> list[list[str]]:
    methods = list(next(iter(kinds.values())))
    rows = []
    for kind, means in kinds.items():
        scores = [means[method]["novel views"]["PSNR"] for method in methods]
        rows.append([f"{kind} ({scores[0]['count']})", *(f"{score['mean']:.2f}" for score in scores)])
    return [["", *methods], *rows]


def of_radiographs(found: Mapping[str, Any], written: Writer) -> str:
    again, whole = found["reprojection"], found["full size"]
    share = next(name for name in again if name.startswith("share"))
    lines = [
        f"{again['count']} real radiographs, {len(found['refused'])} refused. Reprojection {again['mean']:.2f} dB "
        f"{within(again)}, lowest {again['lowest']:.2f}, {share} {again[share]:.0%}; in full size "
        f"{whole['PSNR']['mean']:.2f} dB, SSIM {whole['SSIM']['mean']:.3f}.",
        f"Frechet distance; it compares with no other FID. Features: {found['features']}.",
        written(distances(found["frechet"])),
    ]
    return "\n\n".join(lines)


def distances(frechet: Mapping[str, Any]) -> list[list[str]]:
    heads = list(next(iter(frechet.values())))
    return [["", *heads], *([name, *(f"{row[head]:.2f}" for head in heads)] for name, row in frechet.items())]
