"""The slices of several films of one examination, as one volume. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image
from InverseImagingLib.method import Result

from .assemble import geometry


def joined(films: Sequence[Result]) -> dict[str, Image]:
    """The images of extract (volume, valid) of films that go on from one to the next, on the grid of the first one.

    Raises InputError where one is in HU and another in relative gray.
    """
    first = films[0].images["volume"]
    if len({film.images["volume"].meaning for film in films}) > 1:
        raise InputError("The window of one film is known, and that of another is not; give level and width for all.")
    plane = first.array.shape[1:]
    arrays = {
        name: np.concatenate([_resized(film.images[name].array, plane, order) for film in films])
        for name, order in (("volume", 1), ("valid", 0))
    }
    grid = geometry(arrays["volume"].shape, first.spacing, films[0].report["head last"])
    return {name: films[0].images[name].with_array(array, ijk_to_ras=grid) for name, array in arrays.items()}


def _resized(slices: np.ndarray, plane: tuple[int, ...], order: int) -> np.ndarray:
    """Slices (K, J, I) with so many pixels (J, I), interpolated."""
    if slices.shape[1:] == plane:
        return slices
    zoom = (1.0, *(wanted / given for wanted, given in zip(plane, slices.shape[1:], strict=True)))
    return ndimage.zoom(slices, zoom, order=order, grid_mode=True, mode="nearest")
