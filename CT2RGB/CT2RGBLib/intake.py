"""Whether an image is a CT in HU, and what is to be said of it. Needs no torch."""

from __future__ import annotations

import functools

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

_LOWEST = -50.0  # HU that a CT goes below: there is air, or fat, or noise
_METAL, _LEAST = 2900.0, 50.0  # HU, and mm3


@functools.lru_cache(maxsize=1)  # a panel colors one CT many times, slice by slice
def check_ct(image: Image, as_hu: bool) -> tuple[str, ...]:
    """Raise InputError for what is no CT in HU, with the reason; returns what is to be said of one that is.

    as_hu: whether the user insists that the values are HU.
    """
    name = image.name
    if image.is_color:
        raise InputError(f"Image '{name}' has {image.array.shape[-1]} colors a voxel; choose a CT in HU.")
    if image.meaning not in (Meaning.HU, Meaning.SCALAR):
        raise InputError(f"Image '{name}' holds {image.meaning.value} values; choose a CT in HU.")
    lowest, highest = float(image.array.min()), float(image.array.max())
    if not np.isfinite([lowest, highest]).all():
        raise InputError(f"Image '{name}' holds NaN or infinite values; replace them, by -1000 where nothing is known.")
    if lowest <= _LOWEST:
        return _doubts(image)
    values = f"The values of '{name}' run from {lowest:g} to {highest:g}"
    if as_hu:
        return f"{values} and were taken for HU.", *_doubts(image)
    raise InputError(
        f"{values}, as those of an MR or of a CT that was not calibrated do, but a CT in HU has -1000 for air; choose "
        "one, subtract the offset (often 1024) first, or insist (as HU) that these are HU."
    )


def check_grid(other: Image, image: Image, rgba: bool) -> None:
    """Raise InputError where a mask, or colors (RGBA, uint8), lie on another grid than an image."""
    kind = "Colors" if rgba else "Mask"
    wanted = (*image.array.shape, 4) if rgba else image.array.shape
    if other.array.shape[:3] != image.array.shape or not np.allclose(other.ijk_to_ras, image.ijk_to_ras, atol=1e-3):
        raise InputError(
            f"{kind} '{other.name}' lies on another grid than image '{image.name}'; resample it to that image."
        )
    if other.array.shape != wanted or (rgba and other.array.dtype != np.uint8):
        needed = "red, green, blue and opacity from 0 to 255" if rgba else "one value"
        raise InputError(f"{kind} '{other.name}' must have {needed} in each voxel; choose another image.")


def _doubts(image: Image) -> tuple[str, ...]:
    """What the user should know of a CT before trusting the colors."""
    if np.count_nonzero(image.array >= _METAL) * np.prod(image.spacing) < _LEAST:
        return ()
    return (f"There seems to be metal in '{image.name}'; the colors around it show its streaks, no anatomy.",)
