"""The results of an evaluation as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from InverseImagingLib.evaluation.tables import Writer, plain

from .cases import SQUARE
from .films import BY_PAPER, DEWARPED, FILM, FLAT, LAYOUT, PLACE, REFINED, SHIFTED, SLICES, STILL
from .methods import OURS

_FORMS = {"PSNR": ".2f", "SSIM": ".4f", "MS-SSIM": ".4f", "EPE": ".2f", "LD": ".2f", "HU": ".1f"}
_FORMS |= {"PSNR of the CT": ".2f", "counted": ".1%", "found": ".1%", "valid": ".1%", "lost": ".2f"}
_LIKE = ("PSNR", "SSIM", "MS-SSIM")


def summary(found: Mapping[str, Any], written: Writer = plain) -> str:
    """What evaluate_films found, in one look."""
    means = found["means"]
    ours = means[OURS]
    texts = [
        f"{len(found['bodies'])} test films. PSNR in dB; 95 % intervals of the mean, by bootstrap over films.",
        "The paper's comparison: the photo's luminance, light and all, through the backward map that was found against "
        f"the same through the true one, {SQUARE} x {SQUARE} pixels, the mean shift of the map taken away.",
        written(_table(means, ((SHIFTED, each) for each in _LIKE))),
        "The same with the shift.",
        written(_table(means, ((DEWARPED, each) for each in _LIKE))),
        "The flat film, its light taken out, against what was printed, both as fine as the photo.",
        written(_table(means, ((FILM, each) for each in _LIKE))),
        "Where films were found. EPE: mean error of the film's places in photo pixels; LD: local distortion in pixels "
        "of a film of 598,400.",
        written(_table(means, ((PLACE, each) for each in ("EPE", "LD", "found")))),
        f"By how much {OURS} differs, film by film: in the paper's comparison without the shift, and of the flat film.",
        written(_table(found["gains"], ((SHIFTED, each) for each in _LIKE))),
        written(_table(found["gains"], ((FILM, each) for each in _LIKE))),
        f"Rows and columns counted: {_sure(ours[LAYOUT], 'counted')}; all tiles found within a tenth of their size: "
        f"{_sure(ours[LAYOUT], 'found')}. A flat, well-lit film that is found rather than known "
        f"loses {_sure(ours[FLAT], 'lost')} dB; its places are off by {_sure(ours[FLAT], 'EPE')} pixels.",
        "Slices of a film as fine as the photo, against those of the CT averaged to its pixels, where the film can "
        "tell HU: mean error in HU, PSNR and SSIM of the window, PSNR with the range of the CT's HU as its peak, and "
        "how much that is. De-shifted: without the mean shift of each slice.",
        written(
            [["", "HU", "PSNR", "SSIM", "PSNR of the CT", "valid"]]
            + [
                [what, *(_sure(ours[what], each) for each in ("HU", "PSNR", "SSIM", "PSNR of the CT", "valid"))]
                for what in (SLICES, STILL, REFINED, BY_PAPER)
                if what in ours
            ]
        ),
    ]
    if found["radiomics"]:
        texts.append(_radiomics(found["radiomics"]))
    return "\n\n".join(texts)


def _table(means: Mapping[str, Any], columns: Any) -> list[list[str]]:
    chosen = list(columns)
    rows = [[name, *(_sure(one[what], metric) for what, metric in chosen)] for name, one in means.items()]
    return [["", *(metric for _, metric in chosen)], *rows]


def _sure(scores: Mapping[str, Any], metric: str) -> str:
    if metric not in scores:
        return "-"
    score, form = scores[metric], _FORMS[metric]
    return f"{score['mean']:{form}} ({score['low']:{form}} to {score['high']:{form}})"


def _radiomics(found: Mapping[str, Any]) -> str:
    below = ", ".join(f"{count} at {level}" for level, count in found["below"].items())
    return (
        f"Radiomics of {found['count']} slices, one a film, {len(found['features'])} features: not told apart "
        f"by the paper's t test {below}; equivalent (two one-sided tests) {found['equivalent']}; concordant (CCC "
        f"of 0.9 or more) {found['concordant']}. Not to be told apart is not the same as equal."
    )
