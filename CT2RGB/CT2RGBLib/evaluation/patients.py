"""Whether the colors follow the CT, on CTs of patients, whose true colors nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.image import Image
from InverseImagingLib.training.bodies import read_ct, volumes

from ..anatomy import part_of
from ..intake import check_ct
from ..options import Part
from ..preprocessing import body_mask
from ..slices import Slices, canonical, slice_axes
from .edges import edge_counts
from .hues import hue_errors
from .methods import OURS, Method, upright

EDGES, FLICKER = "edges", "flicker"
_PAIRS = 6  # of neighboring slices that are looked at
_THIN = 3.5  # mm from slice to slice at most, where flicker is measured
_STILL = 10.0  # HU that hardly are a change


def evaluate_patients(
    folder: Path,
    part: Part,
    wanted: Mapping[str, np.ndarray],
    methods: Mapping[str, Method],
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """The scores of all methods, OURS among them, on the CTs in a folder that show the part; see comparison.

    Scores are, under "edges", the shares of false and of missing edges (see edge_counts); under "flicker", how much the
    color changes from slice to slice where HU hardly do, in units of 0 to 255, for slices of at most 3.5 mm; and under
    each class of wanted (see hues) the mean error of hue in degrees, and of color (CIE76). Six pairs of neighboring
    slices of each CT are looked at. Raises InputError when there is no such CT.
    """
    found = {}
    for name, slices in _patients(folder, part, say):
        pairs = _pairs(slices)
        found[name] = {method: _scored(slices, make, pairs, wanted) for method, make in methods.items()}
        shares = ", ".join(f"{method} {row[EDGES]['false']:.3f}" for method, row in found[name].items())
        say(f"{name}, false edges: {shares}")
    if not found:
        raise InputError(f"No CT in '{folder}' shows a {part.value}; give a folder of CTs in HU that do.")
    return comparison(found, OURS)


def _patients(folder: Path, part: Part, say: Callable[[str], None]) -> Iterator[tuple[str, Slices]]:
    for path in volumes(folder):
        name = path.name.split(".")[0]
        try:
            image = read_ct(path)
            check_ct(image, as_hu=False)
        except InputError as error:
            say(f"{path.name} is left out: {error}")
            continue
        slices = _slices(image)
        if len(_pairs(slices)) == 0:
            say(f"{path.name} is left out: it has no neighboring slices with a body.")
        elif part_of(slices) is part:
            yield name, slices


def _slices(image: Image) -> Slices:
    axes, _ = slice_axes(image.ijk_to_ras, image.array.shape)
    rows = image.spacing[2 - axes[0]], image.spacing[2 - axes[1]], image.spacing[2 - axes[2]]
    hu = canonical(image.array, image.ijk_to_ras)
    return upright(hu, rows, body_mask(hu, rows))


def _pairs(slices: Slices) -> np.ndarray:
    """The first ones of pairs of neighboring slices, evenly spaced, that show a body."""
    there = [slices.body(index).any() for index in range(slices.count)]
    first = np.nonzero(np.logical_and(there[:-1], there[1:]))[0]
    return first[np.unique(np.linspace(0, len(first) - 1, _PAIRS).round().astype(int))] if len(first) else first


def _scored(
    slices: Slices, method: Method, pairs: np.ndarray, wanted: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    paint = method(slices)
    edges, hues, changes = np.zeros(4), {name: np.zeros(3) for name in wanted}, []
    for first in pairs:
        near = (first, first + 1)
        hu, body, colors = ([each(index) for index in near] for each in (slices.hu, slices.body, paint))
        for shown in zip(hu, colors, body, strict=True):
            edges += edge_counts(*shown, slices.spacing[1:])
            for name, sums in hue_errors(*shown, slices.spacing[1:], wanted).items():
                hues[name] += sums
        still = body[0] & body[1] & (np.abs(hu[1] - hu[0]) < _STILL)
        changes.append(255 * np.abs(colors[1] - colors[0])[still])
    scores = {EDGES: {"false": edges[0] / max(edges[1], 1), "missing": edges[2] / max(edges[3], 1)}}
    if slices.spacing[0] <= _THIN:
        scores[FLICKER] = {"change": float(np.concatenate(changes).mean())}
    for name, (count, angle, apart) in hues.items():
        if count:
            scores[name] = {"hue": angle / count, "color": apart / count}
    return {what: {metric: float(value) for metric, value in row.items()} for what, row in scores.items()}
