"""Colored slices as pictures, which say what they are. Needs no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.files import beside
from InverseImagingLib.image import Image, Meaning, write
from InverseImagingLib.labels import labelled, note

from .colorize import REMARK
from .slices import canonical

WORDS = "illustrative colors"  # in a corner of every picture


def write_picture(colors: Image, path: Path) -> None:
    """Write the one axial slice of a colored volume as a .png, seen from the feet. Raises InputError."""
    pages = _pages(colors)
    if len(pages) > 1:
        raise InputError(f"'{path.name}' can hold one slice, but '{colors.name}' has {len(pages)}; name a folder.")
    with beside(path) as folder:
        _write(pages[0], folder / path.name)


def write_pictures(colors: Image, path: Path) -> None:
    """Write the axial slices of a colored volume, feet first, as .png files into a new folder. Raises InputError."""
    with beside(path) as holder:
        folder = holder / path.name
        folder.mkdir()
        for number, page in enumerate(_pages(colors), 1):
            _write(page, folder / f"{path.name}-{number:04d}.png")


def _pages(colors: Image) -> np.ndarray:
    return canonical(colors.array, colors.ijk_to_ras)[..., :3]


def _write(page: np.ndarray, path: Path) -> None:
    write(Image(labelled(page, WORDS)[None], meaning=Meaning.RGB, name=path.stem), path)
    note(path, REMARK)
