"""The results of an evaluation as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from InverseImagingLib.evaluation.tables import Writer, plain

from .hues import CLASSES
from .methods import OURS
from .patients import EDGES, FLICKER
from .sections import GROUPS

_METRICS = {"RMSE": ".1f", "SSIM": ".3f", "LPIPS": ".3f"}
_FOLLOWED = ((EDGES, "false", ".1%"), (EDGES, "missing", ".1%"), (FLICKER, "change", ".2f"))


def summary(found: Mapping[str, Any], written: Writer = plain) -> str:
    """What evaluate_sections and, as "ct", evaluate_patients found, in one look."""
    texts = [
        f"{len(found['bodies'])} blocks of sections of the {found['part']}, in CTs made of them. RMSE: of colors from "
        "0 to 255. SSIM: of the luminance. Inside the body. 95 % intervals of the mean, by bootstrap over blocks.",
        written(scored(found["means"])),
        f"By how much {OURS} differs, block by block.",
        written(gained(found["gains"])),
        "RMSE / SSIM by the noise of the CT in HU.",
        written(by_noise(found["means"])),
    ]
    if "ct" in found:
        patients = found["ct"]["bodies"]
        texts += [
            f"{len(patients)} CTs of patients. False: share of the colors' edges where the CT has none. Missing: share "
            "of the CT's edges between fat, soft tissue and bone where the colors have none. Flicker: change of the "
            "color, 0 to 255, from slice to slice where HU hardly change. 95 % intervals by bootstrap over patients.",
            written(followed(found["ct"]["means"])),
            "Error of the hue in degrees / of the color (CIE76) by tissue.",
            written(by_class(found["ct"]["means"])),
        ]
    return "\n\n".join(texts)


def scored(means: Mapping[str, Any]) -> list[list[str]]:
    metrics = [metric for metric in _METRICS if metric in next(iter(means.values()))["all"]]
    rows = [[name, *(_sure(one["all"], metric, _METRICS[metric]) for metric in metrics)] for name, one in means.items()]
    return [["", *metrics], *rows]


def gained(gains: Mapping[str, Any]) -> list[list[str]]:
    return scored({f"from {name}": one for name, one in gains.items()})


def by_noise(means: Mapping[str, Any]) -> list[list[str]]:
    return [["", *GROUPS], *([name, *(_likeness(one[group]) for group in GROUPS)] for name, one in means.items())]


def followed(means: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [name, *(_sure(one[what], metric, form) if what in one else "-" for what, metric, form in _FOLLOWED)]
        for name, one in means.items()
    ]
    return [["", "false", "missing", "flicker"], *rows]


def by_class(means: Mapping[str, Any]) -> list[list[str]]:
    there = [name for name in CLASSES if name in means[OURS]]
    return [["", *there], *([name, *(_error(one[each]) for each in there)] for name, one in means.items())]


def _sure(scores: Mapping[str, Any], metric: str, form: str) -> str:
    score = scores[metric]
    return f"{score['mean']:{form}} ({score['low']:{form}} to {score['high']:{form}})"


def _likeness(scores: Mapping[str, Any]) -> str:
    return f"{scores['RMSE']['mean']:.1f} / {scores['SSIM']['mean']:.3f}"


def _error(scores: Mapping[str, Any]) -> str:
    return f"{scores['hue']['mean']:.1f} / {scores['color']['mean']:.1f}"
