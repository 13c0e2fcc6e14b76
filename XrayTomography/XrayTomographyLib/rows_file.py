"""A NRRD file that grows by rows, for a volume that does not fit into memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.files import LPS_TO_RAS, beside
from InverseImagingLib.image import Meaning


@contextlib.contextmanager
def rows_file(
    path: Path, shape: tuple[int, int, int], ijk_to_ras: np.ndarray
) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that takes the next rows (n, J, I) of a volume of shape (K, J, I), until all K are there.

    They are written as float32, uncompressed; the file appears when the block ends without error. Raises InputError.
    """
    check_rows_file(path)
    with beside(path) as folder, (folder / path.name).open("wb") as stream:
        stream.write(_header(shape, ijk_to_ras).encode())
        yield lambda rows: rows.astype("<f4", copy=False).tofile(stream)


def check_rows_file(path: Path) -> None:
    """Raise InputError for a file that does not end in .nrrd."""
    if path.suffix.lower() != ".nrrd":
        raise InputError(
            f"'{path.name}' is too large to be written at once; let it end in .nrrd, or choose a smaller size."
        )


def _header(shape: tuple[int, int, int], ijk_to_ras: np.ndarray) -> str:
    """Source: https://teem.sourceforge.net/nrrd/format.html; the last line as image.write has it."""
    lps = LPS_TO_RAS @ ijk_to_ras
    vectors = [f"({','.join(repr(float(value)) for value in column)})" for column in lps[:3].T]
    lines = (
        "NRRD0004",
        "type: float",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, shape[::-1]))}",
        f"space directions: {' '.join(vectors[:3])}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: raw",
        f"space origin: {vectors[3]}",
        f"InverseImagingMeaning:={Meaning.SCALAR.value}",
    )
    return "\n".join(lines) + "\n\n"
