"""How near flat films and their slices come to the truth, on test films."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.evaluation.scores import psnr, ssim
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.models import Weights

from ..assemble import stack
from ..extract import extract
from ..layout import Box, find_layout
from ..options import ExtractOptions
from ..radiomics import compare, features
from ..sheet import Sheet
from ..warp import places, resampled
from ..window import to_gray
from .cases import Case
from .methods import OURS, Method
from .metrics import deshifted, likeness, misplaced

FILM, SHIFTED, PLACE, FLAT, LAYOUT = "film", "de-shifted", "place", "flat film", "layout"
SLICES, REFINED = "slices", "slices, refined"
_AROUND = 0.12  # of a flat film's side, beside it in a photo of it
_FEWEST = 3  # films whose radiomics are compared
_OFF = 0.1  # of a tile's side, by which its middle may be off


@dataclass(frozen=True, eq=False)
class _Volumes:
    """Slices of a film, in HU, those of the CT, and where the film can tell them."""

    ours: Image
    truth: Image
    valid: Image


def evaluate_films(
    films: Iterable[Case], methods: Mapping[str, Method], weights: Weights, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """The scores of all methods, OURS among them, on test films; see comparison.

    Of each: under FILM and SHIFTED, see likeness and deshifted; under PLACE, misplaced, and "found", whether it found
    any film (else the whole photo counts as the film); each as near to the truth as quarter turns bring it. Of OURS
    also under FLAT what is lost, in dB, where the same film hangs flat and is found rather than known; under LAYOUT,
    whether the tiles were found; under SLICES and REFINED the mean error of HU, and PSNR and SSIM of the window, where
    the film can tell HU, and the share of that. weights: of the model. "radiomics": see compare; empty where its
    packages are missing, and of less than three films.
    """
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    volumes: list[_Volumes] = []
    for case in films:
        rows = {name: _scored(case, method) for name, method in methods.items()}
        film, scores = rows[OURS]
        scores[FLAT] = _flat(case, methods[OURS])
        scores[LAYOUT] = {"found": float(has_layout(film, case))}
        for what, restore in ((SLICES, False), (REFINED, True)):
            volume = _volumes(film, case, weights if restore else None)
            scores.update({what: slice_scores(volume, case)} if volume.valid.array.any() else {})
        volumes.append(volume)
        found[case.name] = {name: row for name, (_, row) in rows.items()}
        say(
            f"{case.name}: MS-SSIM "
            + ", ".join(f"{name} {row[FILM]['MS-SSIM']:.3f}" for name, (_, row) in rows.items())
        )
    return {**comparison(found, OURS), "radiomics": _radiomics(volumes, say)}


def _scored(case: Case, method: Method) -> tuple[np.ndarray, dict[str, dict[str, float]]]:
    sheet, any_film = _located(case.photo, method)
    backward = nearest_turn(sheet, case.backward, case.known)
    film = method.tone(resampled(case.photo, backward))
    still = method.tone(resampled(case.photo, deshifted(backward, case.backward, case.known)))
    return film, {
        FILM: likeness(film, case.film),
        SHIFTED: likeness(still, case.film),
        PLACE: {**misplaced(backward, case.backward, case.known), "found": float(any_film)},
    }


def _located(photo: np.ndarray, method: Method) -> tuple[Sheet, bool]:
    try:
        return method.locate(photo), True
    except InputError:
        height, width = photo.shape[:2]
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], float)
        return Sheet.of_corners(corners, width / height, "outline", 0.0), False


def nearest_turn(sheet: Sheet, truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The backward map of a sheet, on the grid of the true one (h, w, 2), turned by the quarters that bring it nearest.

    Which way is up is not what is measured here.
    """
    turns = [sheet.turned(quarters).at(truth.shape[0], truth.shape[1]) for quarters in range(4)]
    return min(turns, key=lambda each: misplaced(each, truth, known)["EPE"])


def _flat(case: Case, method: Method) -> dict[str, float]:
    """PSNR of a flat film, and by how much it is less when its place is found than when it is known."""
    colors = resampled(case.photo, case.backward)
    height, width = case.film.shape
    rim = round(_AROUND * max(height, width))
    around = np.quantile(colors, 0.95, axis=(0, 1))
    photo = np.broadcast_to(around, (height + 2 * rim, width + 2 * rim, 3)).copy()
    photo[rim:-rim, rim:-rim] = colors
    pixels = (photo * 255).round().clip(0, 255).astype(np.uint8)
    truth = places(case.film.shape) * (width, height) - 0.5 + rim
    sheet, _ = _located(pixels, method)
    backward = nearest_turn(sheet, truth, case.known)
    ours, known = (likeness(method.tone(resampled(pixels, each)), case.film)["PSNR"] for each in (backward, truth))
    return {"PSNR": ours, "lost": known - ours}


# Slices


def has_layout(film: np.ndarray, case: Case) -> bool:
    """Whether the tiles of a film are found: as many rows and columns, and each tile's middle near where it is."""
    try:
        layout = find_layout(film)
    except InputError:
        return False
    if (layout.rows, layout.columns) != (case.rows, case.columns):
        return False
    return all(any(_near(box, tile) for box in layout.boxes) for tile in case.tiles)


def _near(box: Box, tile: Box) -> bool:
    apart = [abs((box[n] + box[n + 2]) - (tile[n] + tile[n + 2])) / 2 for n in (0, 1)]
    return apart[0] < _OFF * (tile[2] - tile[0]) and apart[1] < _OFF * (tile[3] - tile[1])


def _volumes(film: np.ndarray, case: Case, weights: Weights | None) -> _Volumes:
    """Slices of a film where the tiles truly are, refined by weights; where text is does not count."""
    options = ExtractOptions(
        level=case.level, width=case.width, restore=bool(weights), weights=str(weights.path) if weights else ""
    )
    tiles = Image(np.array([case.tiles], np.float32))
    page = Image(film.clip(0, 1).astype(np.float32)[None], meaning=Meaning.DISPLAY, name=case.name)
    found = extract(page, options, tiles=tiles).images
    truth = to_gray(case.hu, case.level, case.width)
    free = stack(case.ink, list(case.tiles)) < 0.01
    valid = (found["valid"].array > 0) & free & (truth > 0) & (truth < 1)
    volume = found["volume"]
    return _Volumes(
        volume,
        volume.with_array(case.hu),
        volume.with_array(valid.astype(np.uint8), meaning=Meaning.LABEL, name="valid"),
    )


def slice_scores(volumes: _Volumes, case: Case) -> dict[str, float]:
    """See evaluate_films; of a film that can tell some HU."""
    valid = volumes.valid.array > 0
    ours, truth = volumes.ours.array.astype(np.float64), volumes.truth.array.astype(np.float64)
    gray, true = (torch.from_numpy(to_gray(each, case.level, case.width)) for each in (ours, truth))
    seen = [page for page in range(len(valid)) if valid[page].any()]
    region = torch.from_numpy(valid)
    return {
        "HU": float(np.abs(ours - truth)[valid].mean()),
        "PSNR": psnr(gray, true, region),
        "SSIM": float(np.mean([ssim(gray[page], true[page], region[page]) for page in seen])),
        "valid": float(valid.mean()),
    }


def _radiomics(volumes: Sequence[_Volumes], say: Callable[[str], None]) -> dict[str, Any]:
    if len(volumes) < _FEWEST:
        return {}
    rows: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for each in volumes:
        try:
            pair = [features(volume, each.valid) for volume in (each.ours, each.truth)]
        except InputError as error:
            say(f"Radiomics are left out of a film: {error}")
            continue
        for row, found in zip(rows, pair, strict=True):
            row.append(found)
    return compare(*rows) if len(rows[0]) >= _FEWEST else {}
