"""How near flat films and their slices come to the truth, on test films."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.evaluation.scores import psnr, ssim
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.models import Weights

from .. import model, text
from ..assemble import stack
from ..layout import Box, find_layout
from ..radiomics import compare, features
from ..sheet import Sheet
from ..warp import places, resampled
from ..window import known, to_gray, to_hu
from .cases import SQUARE, Case, averaged
from .methods import OURS, PAPER_VALUES, Method, as_seen
from .metrics import deshifted, likeness, misplaced

DEWARPED, SHIFTED, FILM = "dewarped", "dewarped, de-shifted", "film"
PLACE, FLAT, LAYOUT = "place", "flat film", "layout"
SLICES, STILL, REFINED = "slices", "slices, de-shifted", "slices, refined"
BY_PAPER = "slices, the paper's cascade"
_AROUND = 0.12  # of a flat film's side, beside it in a photo of it
_FLAT_TONES = 0.05, 0.85, 0.95  # of that photo: the film where it is black and where it is clear, and the light behind
_GAMMA, _BLUR = 2.2, 0.7  # of that photo, and in pixels
_FEWEST = 3  # films whose radiomics are compared
_OFF = 0.1  # of a tile's side, by which its middle may be off


@dataclass(frozen=True, eq=False)
class Volumes:
    """Slices of a film, in HU, those of the CT, and where the film can tell them."""

    ours: Image
    truth: Image
    valid: Image


def evaluate_films(
    films: Iterable[Case], methods: Mapping[str, Method], weights: Weights, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """The scores of all methods, OURS among them, on test films; see comparison.

    Of each: under DEWARPED and SHIFTED the paper's comparison, see dewarped; under FILM the likeness of the film, its
    light taken out, to what was printed, both as fine as the photo, see Case; under PLACE, misplaced, and "found",
    whether it found any film (else the whole photo counts as the film); each as near to the truth as quarter turns
    bring it. Of OURS also under FLAT its flat_scores; under LAYOUT its layout_scores; under SLICES, STILL, without each
    slice's mean shift, REFINED, and, where PAPER_VALUES is among the methods, BY_PAPER the slice_scores. weights: of
    the model. "radiomics": of the refined slice of each film that tells most, see compare; empty where its packages are
    missing, and of less than three films.
    """
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    pages: list[Volumes] = []
    for case in films:
        rows = {name: _scored(case, method) for name, method in methods.items()}
        backward, film, scores = rows[OURS]
        scores[FLAT] = flat_scores(case, methods[OURS])
        scores[LAYOUT] = layout_scores(film, model.waves(film, weights), case)
        slices = _volumes(film, case, weights)
        still = methods[OURS].tone(resampled(case.photo, without_shifts(backward, case)))
        slices[STILL] = _volumes(still, case, weights)[SLICES]
        if PAPER_VALUES in rows:
            slices[BY_PAPER] = _volumes(rows[PAPER_VALUES][1], case, weights)[SLICES]
        scores |= {what: slice_scores(each, case) for what, each in slices.items() if each.valid.array.any()}
        pages.append(_fullest(slices[REFINED]))
        found[case.name] = {name: row for name, (*_, row) in rows.items()}
        say(
            f"{case.name}: MS-SSIM "
            + ", ".join(f"{name} {row[FILM]['MS-SSIM']:.3f}" for name, (*_, row) in rows.items())
        )
    return {**comparison(found, OURS), "radiomics": _radiomics(pages, say)}


def _scored(case: Case, method: Method) -> tuple[np.ndarray, np.ndarray, dict[str, dict[str, float]]]:
    sheet, any_film = _located(case.photo, method)
    sheet = nearest_turn(sheet, *case.square)
    backward = sheet.at(case.film.shape[0], case.film.shape[1])
    film = method.tone(resampled(case.photo, backward))
    scores = {
        **dewarped(sheet, case),
        FILM: likeness(film, case.film),
        PLACE: {**misplaced(backward, case.backward, case.known), "found": float(any_film)},
    }
    return backward, film, scores


def dewarped(sheet: Sheet, case: Case) -> dict[str, dict[str, float]]:
    """How like each other the photo through a sheet and the same photo through the true one are, light and all: the
    places alone are compared. SHIFTED: the same without the mean shift between the two, see deshifted.

    Photo, luminance alone, and film have SQUARE x SQUARE pixels, as those of the paper's network. So the paper's Tables
    1 and 2 have it, as far as it says.
    """
    photo = averaged(as_seen(case.photo.astype(np.float32) / 255), (SQUARE, SQUARE))
    scale = SQUARE / np.array(case.photo.shape[1::-1])
    truth, sure = case.square
    found = sheet.at(SQUARE, SQUARE)
    true, ours, still = (
        resampled(photo, (each + 0.5) * scale - 0.5) for each in (truth, found, deshifted(found, truth, sure))
    )
    return {DEWARPED: likeness(ours, true), SHIFTED: likeness(still, true)}


def _located(photo: np.ndarray, method: Method) -> tuple[Sheet, bool]:
    try:
        return method.locate(photo), True
    except InputError:
        height, width = photo.shape[:2]
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
        return Sheet.of_corners(corners, width / height, "outline", 0.0), False


def nearest_turn(sheet: Sheet, truth: np.ndarray, sure: np.ndarray) -> Sheet:
    """A sheet turned by the quarters that bring it nearest to the true backward map (h, w, 2), where that is sure.

    Which way is up is not what is measured here.
    """

    def off(turned: Sheet) -> float:
        return float(np.linalg.norm(turned.at(truth.shape[0], truth.shape[1]) - truth, axis=-1)[sure].mean())

    return min((sheet.turned(quarters) for quarters in range(4)), key=off)


def flat_scores(case: Case, method: Method) -> dict[str, float]:
    """What a method makes of a flat, well-lit film: PSNR, by how much it is less than if its place were known ("lost"),
    and how far places are off in pixels (EPE).

    It is what was printed, before an even light that is a little brighter, blurred as lenses do it.
    """
    height, width = case.film.shape
    rim = round(_AROUND * max(height, width))
    dark, clear, light = _FLAT_TONES
    lit = np.pad(dark + (clear - dark) * case.film, rim, constant_values=light) ** _GAMMA
    photo = ndimage.gaussian_filter(lit, _BLUR)[..., None].repeat(3, axis=-1) ** (1 / _GAMMA)
    pixels = (photo * 255).round().clip(0, 255).astype(np.uint8)
    truth = places(case.film.shape) * (width, height) - 0.5 + rim
    sheet, _ = _located(pixels, method)
    backward = nearest_turn(sheet, truth, np.ones(case.film.shape, bool)).at(height, width)
    found, sure = (likeness(method.tone(resampled(pixels, each)), case.film)["PSNR"] for each in (backward, truth))
    off = float(np.linalg.norm(backward - truth, axis=-1).mean())
    return {"PSNR": found, "lost": sure - found, "EPE": off}


# Slices


def layout_scores(film: np.ndarray, waves: np.ndarray, case: Case) -> dict[str, float]:
    """Whether rows and columns are "counted" rightly on a film, by its waves, see find_layout, and whether all tiles
    are "found", too, each with its middle near where it is."""
    try:
        layout = find_layout(film, waves)
    except InputError:
        return {"counted": 0.0, "found": 0.0}
    counted = (layout.rows, layout.columns) == (case.rows, case.columns)
    near = all(any(_near(box, tile) for box in layout.boxes) for tile in case.tiles)
    return {"counted": float(counted), "found": float(counted and near)}


def without_shifts(backward: np.ndarray, case: Case) -> np.ndarray:
    """A backward map without the mean shift of each tile: where in its picture a slice lies is no error of its HU."""
    still = backward.copy()
    for left, top, right, bottom in case.tiles:
        tile = np.s_[top:bottom, left:right]
        if case.known[tile].any():
            still[tile] = deshifted(backward[tile], case.backward[tile], case.known[tile])
    return still


def _near(box: Box, tile: Box) -> bool:
    apart = [abs((box[n] + box[n + 2]) - (tile[n] + tile[n + 2])) / 2 for n in (0, 1)]
    return apart[0] < _OFF * (tile[2] - tile[0]) and apart[1] < _OFF * (tile[3] - tile[1])


def _volumes(film: np.ndarray, case: Case, weights: Weights) -> dict[str, Volumes]:
    """SLICES of a film where the tiles truly are, and these REFINED by weights, as extract makes them of a film as fine
    as the photo; those of the CT are averaged over the area of each of its pixels. What text says does not count.
    """
    boxes, gray = case.tiles, film.clip(0, 1).astype(np.float32)
    written, _ = text.find_text(gray, boxes)
    seen, marks = stack(gray, boxes), stack(written, boxes)
    slices = text.erase(seen, marks)
    valid = known(seen, text=marks) * stack(case.told, boxes)
    truth = Image(stack(case.hu, boxes), meaning=Meaning.HU, name=case.name)
    mask = truth.with_array(valid, meaning=Meaning.LABEL, name="valid")
    grays = {SLICES: slices, REFINED: model.refined(slices, weights)}
    return {
        what: Volumes(truth.with_array(to_hu(each, case.level, case.width)), truth, mask)
        for what, each in grays.items()
    }


def slice_scores(volumes: Volumes, case: Case) -> dict[str, float]:
    """Where a film can tell HU, which it can somewhere: their mean error, and PSNR and SSIM of the window; PSNR with
    the range of all HU of the CT's slices as its peak, as CTs are often measured that have no window; the share of
    "valid" pixels."""
    valid = volumes.valid.array > 0
    ours, truth = volumes.ours.array.astype(np.float64), volumes.truth.array.astype(np.float64)
    gray, true = (torch.from_numpy(to_gray(each, case.level, case.width)) for each in (ours, truth))
    seen = [page for page in range(len(valid)) if valid[page].any()]
    region = torch.from_numpy(valid)
    off = (ours - truth)[valid]
    return {
        "HU": float(np.abs(off).mean()),
        "PSNR": psnr(gray, true, region),
        "PSNR of the CT": float(20 * np.log10(np.ptp(truth) / max(float(np.sqrt(np.square(off).mean())), 1.0))),
        "SSIM": float(np.mean([ssim(gray[page], true[page], region[page]) for page in seen])),
        "valid": float(valid.mean()),
    }


def _fullest(volumes: Volumes) -> Volumes:
    """The slice where the film tells most, alone: radiomics of all would take longer than all else."""
    page = int(volumes.valid.array.sum(axis=(1, 2), dtype=np.int64).argmax())
    parts = volumes.ours, volumes.truth, volumes.valid
    return Volumes(*(each.with_array(each.array[page : page + 1]) for each in parts))


def _radiomics(pages: Sequence[Volumes], say: Callable[[str], None]) -> dict[str, Any]:
    if len(pages) < _FEWEST:
        return {}
    rows: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for each in pages:
        try:
            pair = [features(volume, each.valid) for volume in (each.ours, each.truth)]
        except InputError as error:
            say(f"Radiomics are left out of a film: {error}")
            continue
        for row, found in zip(rows, pair, strict=True):
            row.append(found)
    return compare(*rows) if len(rows[0]) >= _FEWEST else {}
