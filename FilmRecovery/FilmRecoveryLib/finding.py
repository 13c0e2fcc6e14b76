"""Where the film lies in a photo: as the model or its outline tells, and as the user has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights

from . import gate, model
from .homography import aspect
from .outline import outlines
from .screens import shows_screen
from .sheet import Sheet
from .turning import as_shown, sheet_as_shown

if TYPE_CHECKING:
    import torch

_SCREEN = "The photo seems to show a screen, whose pixels it mixes with its own; export the images from there instead."
_RIM = 0.015  # of the photo; a film that is nearer than this to its rim may go on beyond


@dataclass(frozen=True)
class Found:
    """A film that was found.

    sheet: as the photo shows it, not turned. seen: the photo, coarsely. bend: how far from flat it is, in pixels of the
    photo; flat: whether that is too little to be told from nothing. warnings: what a user has to know of how it was
    found.
    """

    sheet: Sheet
    seen: gate.Coarse
    flat: bool
    bend: float
    warnings: tuple[str, ...] = ()


def find(
    pixels: np.ndarray,
    weights: Weights | None,
    device: torch.device,
    given: np.ndarray | None = None,
    unbend: bool = True,
) -> Found:
    """Find the film in a photo (H, W, 3) uint8, by the model, or by its outline where there are no weights.

    given: points (R, C, 2) where the user has it; see flatten. unbend: otherwise it is taken for flat. Raises
    InputError when there is no film.
    """
    points = None if given is None else as_shown(given)
    sheet, warnings = _located(pixels, weights, device, points)
    if points is None and _goes_on(sheet, pixels.shape[:2]):
        warnings += ("The film seems to go on beyond the photo; take one of the whole film, or mark its corners.",)
    if shows_screen(pixels, sheet):
        warnings += (_SCREEN,)
    seen = gate.Coarse.of(pixels, sheet)
    flattest = gate.flattest(sheet, seen)
    flat, bend = gate.judge(sheet, flattest, seen)
    if flat or not unbend:
        sheet = flattest
    if points is not None:
        moved = sheet.through(points if unbend else points[[0, -1]][:, [0, -1]])
        sheet = replace(moved, aspect=aspect(moved.corners, pixels.shape[:2]))
    return Found(sheet, seen, flat, bend, warnings)


def _located(
    pixels: np.ndarray, weights: Weights | None, device: torch.device, points: np.ndarray | None
) -> tuple[Sheet, tuple[str, ...]]:
    """The film without what the user has moved, and what the user has to know."""
    try:
        if weights:
            sheet, films = model.locate(pixels, weights, device)
            return sheet_as_shown(sheet), _others(films) if points is None else ()
        if points is None:
            return _outlined(pixels)
    except InputError:
        if points is None:
            raise
    corners = points[[0, 0, -1, -1], [0, -1, -1, 0]]
    return Sheet.of_corners(corners, aspect(corners, pixels.shape[:2]), "user"), ()


def _outlined(pixels: np.ndarray) -> tuple[Sheet, tuple[str, ...]]:
    films = outlines(pixels)
    if not films:
        raise InputError("There is no film in the photo, as far as can be seen; mark its corners by hand.")
    return films[0].sheet, _others(len(films))


def _others(films: int) -> tuple[str, ...]:
    return (f"The photo shows {films} films; this is the clearest, mark the corners of the other.",) * (films > 1)


def _goes_on(sheet: Sheet, shape: tuple[int, int]) -> bool:
    """Whether a film in a photo of that height and width may go on beyond it."""
    corners, rim = sheet.corners, _RIM * max(shape)
    return bool(((corners <= rim) | (corners >= np.array(shape[::-1]) - 1 - rim)).any())
