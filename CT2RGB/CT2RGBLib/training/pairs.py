"""Pairs of a CT and colors, made of cryosections: a folder of pictures becomes compact training data.

DIR/pairs/NAME.npz holds one section in the canonical orientation, cut out around the body: "rgb" (J, I, 3) uint8, black
where there was gas, and "tissues" (J, I) uint8, see tissues; a registered CT of the same body, if there is
one, lies beside them as "hu" (J, I) int16, and is taken instead of one synthesized from the tissues.
DIR/split.csv lists name, part (head or body), position in mm from the vertex, pixel in mm, and set: train, test or gap.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import read

from .tissues import Region, Tissue, body_of, tissues_of

FOLDER, LIST = "pairs", "split.csv"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
# mm: every so often a block is set apart, and what is near it left out; the few sections of lungs are for training
_PERIOD, _TEST, _GAP = 140.0, (100.0, 120.0), 15.0
_HEAD = 250.0  # mm from the vertex that belong to the head, and the neck
_MARGIN = 8  # pixels around the body
_BLUISH = 4.0  # b* of a tissue that gelatin shines through, at most
_FRINGE = (1.4, 3.6)  # mm from gelatin in which it does, and may
_REDDISH, _YELLOWISH = 3.0, 10.0  # a* and b* there of tissue alone, at least


@dataclass(frozen=True)
class Section:
    """One section. position: mm from the vertex; pixel: mm; part: "head" or "body"; hu: int16, where a CT is known."""

    name: str
    part: str
    position: float
    pixel: float
    rgb: np.ndarray
    tissues: np.ndarray
    hu: np.ndarray | None = None

    @property
    def body(self) -> np.ndarray:
        """Where the body is (J, I), gas inside it included."""
        return ndimage.binary_fill_holes(self.tissues != Tissue.AIR)


def prepare(
    source: Path, target: Path, pixel: float, posterior_up: bool = False, say: Callable[[str], None] = print
) -> None:
    """Make training data of a folder of cryosections, whose file names end in their distance from the vertex in mm.

    pixel: mm. posterior_up: whether the pictures show the back above. Raises InputError.
    """
    pictures = pictures_in(source)
    (target / FOLDER).mkdir(parents=True)
    rows = []
    for number, (path, position) in enumerate(pictures):
        rgb = read_picture(path, posterior_up)
        section = section_of(path.stem, rgb, position, pixel)
        if section is None:
            say(f"{path.name}: no body found, left out")
            continue
        write(section, target)
        rows.append((section.name, section.part, position, pixel, set_of(position)))
        say(f"{path.name}: {number + 1} of {len(pictures)}")
    write_list(target, rows)


def pictures_in(source: Path) -> list[tuple[Path, float]]:
    """The cryosections in a folder, and their distances from the vertex in mm, which their names end in.

    Raises InputError when there are none, or other names.
    """
    paths = sorted(path for path in source.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise InputError(f"'{source}' holds no pictures ({', '.join(_SUFFIXES)}); give the folder of the cryosections.")
    return [(path, _position(path)) for path in paths]


def read_picture(path: Path, posterior_up: bool) -> np.ndarray:
    """A cryosection (J, I, 3), uint8, in the canonical orientation. Raises InputError."""
    picture = read(path).array
    if picture.ndim != 4:
        raise InputError(f"'{path.name}' is gray; cryosections are in color.")
    return np.ascontiguousarray(picture[0, ::-1] if posterior_up else picture[0])[..., :3]


def _position(path: Path) -> float:
    numbers = re.findall(r"\d+", path.stem)
    if not numbers:
        raise InputError(f"The name of '{path.name}' does not end in its distance from the vertex in mm; rename it.")
    return float(numbers[-1])


def section_of(
    name: str, rgb: np.ndarray, position: float, pixel: float, hu: np.ndarray | None = None
) -> Section | None:
    """What a picture (J, I, 3), uint8, in the canonical orientation shows, or None where there is no body.

    hu: a CT of the same, (J, I), if there is one.
    """
    body = body_of(rgb, pixel)
    if not body.any():
        return None
    cut = tuple(slice(max(index.min() - _MARGIN, 0), index.max() + _MARGIN + 1) for index in np.nonzero(body))
    rgb, body, hu = rgb[cut], body[cut], None if hu is None else hu[cut]
    tissues = tissues_of(rgb, body, pixel, Region.at(position))
    part = "head" if position < _HEAD else "body"
    return Section(name, part, position, pixel, _cleaned(rgb, tissues, pixel), tissues, hu)


def _cleaned(rgb: np.ndarray, tissues: np.ndarray, pixel: float) -> np.ndarray:
    """Colors without gelatin: black in gas, and of the nearest tissue outside the body and where gelatin shines
    through, so that no border is blue, or dark because it is blurred."""
    air = tissues == Tissue.AIR
    _light, red, yellow = np.moveaxis(rgb2lab(rgb), -1, 0)
    within = ndimage.distance_transform_edt(~air) * pixel
    fringe, around = (within < mm for mm in _FRINGE)
    bluish = air | fringe | (around & ((red < _REDDISH) | (yellow < _YELLOWISH))) | (yellow < _BLUISH)
    near = ndimage.distance_transform_edt(bluish, return_distances=False, return_indices=True)
    gas = air & ndimage.binary_fill_holes(~air)
    return np.where(gas[..., None], np.uint8(0), rgb[tuple(near)])


def set_of(position: float) -> str:
    """Whether a section at a position is for training or for tests, or is too near to those for either."""
    within = position % _PERIOD
    if _TEST[0] <= within < _TEST[1]:
        return "test"
    return "gap" if _TEST[0] - _GAP < within < _TEST[1] + _GAP - 5 else "train"


def write(section: Section, folder: Path) -> None:
    """Add a section to a folder of training data."""
    more: dict[str, Any] = {} if section.hu is None else {"hu": section.hu.astype(np.int16)}
    np.savez_compressed(folder / FOLDER / f"{section.name}.npz", rgb=section.rgb, tissues=section.tissues, **more)


def write_list(folder: Path, rows: Sequence[tuple[str, str, float, float, str]]) -> None:
    """Write which sections there are, and what for."""
    with (folder / LIST).open("w", newline="") as file:
        csv.writer(file).writerows([("name", "part", "position", "pixel", "set"), *rows])


def sections(folder: Path, wanted: str, part: str = "") -> list[Section]:
    """The sections for training or tests, or "all", of a part or of all of the body, from the vertex down.

    Raises InputError when there are none.
    """
    if not (folder / LIST).is_file():
        raise InputError(f"'{folder}' holds no training data; make it with inverse-imaging prepare ct2rgb.")
    with (folder / LIST).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == wanted and part in ("", row["part"])]
    if not rows:
        raise InputError(
            f"'{folder / LIST}' lists no sections of the set '{wanted}'{f' of the {part}' if part else ''}."
        )
    return sorted((_read(folder, row) for row in rows), key=lambda section: section.position)


def _read(folder: Path, row: dict[str, str]) -> Section:
    path = folder / FOLDER / f"{row['name']}.npz"
    try:
        with np.load(path) as data:
            arrays = {name: data[name] for name in data.files}
        return Section(row["name"], row["part"], float(row["position"]), float(row["pixel"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path}' cannot be read ({error}); prepare the data again.") from None


def blocks(found: Sequence[Section]) -> Iterator[list[Section]]:
    """The sections in groups without gaps between them, such as a block that is set apart for tests."""
    block: list[Section] = []
    for section in found:
        if block and not math.isclose(section.position - block[-1].position, 5.0, abs_tol=_GAP / 2):
            yield block
            block = []
        block.append(section)
    if block:
        yield block
