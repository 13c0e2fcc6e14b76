"""Training data of the second stage: real radiographs, made alike, and split by patient."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydicom import Dataset

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.training.bodies import held_out
from InverseImagingLib.xray.intake import take_in

from ..estimate import resized
from ..synthesize import Area, side_of

FINE = 256  # pixels
_LIST, _LEFT_OUT = "radiographs.csv", "left-out.csv"
_WHITE = 65535


@dataclass(frozen=True)
class Film:
    """A radiograph (256, 256) from 0 to 1, bone bright; the side of the cube behind it in mm; and whether the detector
    was behind the patient."""

    shown: torch.Tensor
    side: float
    from_behind: bool


def prepare_radiographs(source: Path, target: Path, say: Callable[[str], None] = print) -> None:
    """Turn every radiograph in a folder and below into a 16-bit PNG in the target folder, and list them in its
    radiographs.csv; its left-out.csv says of each other file why it was refused.

    source: PNG, JPEG, TIFF and DICOM, such as TBX11K's imgs/health. A patient is the Patient ID of a DICOM header, else
    the folder and the file's name up to its last "_"; a fifth of them is set apart for tests. Edit the list to change
    that, or what the headers do not tell: the side in mm, and whether the detector was behind the patient (AP).
    Raises InputError when there is no radiograph.
    """
    target.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, float, int]] = []
    left_out: list[tuple[str, str]] = []
    for path in sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith(".")):
        inner = path.relative_to(source)
        try:
            image = read(path)
            radiograph = take_in(image, frontal_only=True)
        except InputError as error:
            say(f"{inner} is left out: {error}")
            left_out.append((inner.as_posix(), str(error)))
            continue
        square = resized(Area(radiograph.array.shape).square(torch.from_numpy(radiograph.array)), FINE)
        name = "_".join(inner.with_suffix("").parts)
        pixels = (square.clamp(0, 1).numpy() * _WHITE).round().astype(np.uint16)
        write(Image(pixels[None], meaning=Meaning.DISPLAY), target / f"{name}.png")
        header = image.dicom or Dataset()
        patient = str(header.get("PatientID") or "") or name.rpartition("_")[0] or name
        rows.append((name, patient, round(side_of(radiograph), 1), int(header.get("ViewPosition") == "AP")))
        say(f"{name}: patient {patient}")
    if not rows:
        raise InputError(f"There is no radiograph in '{source}'; give a folder with PNG, JPEG, TIFF or DICOM.")
    tests = held_out(sorted({patient for _, patient, _, _ in rows}))
    listed = [(name, patient, "test" if patient in tests else "train", *rest) for name, patient, *rest in rows]
    _write_table(target / _LIST, [("name", "patient", "split", "side", "from behind"), *listed])
    _write_table(target / _LEFT_OUT, [("file", "why"), *left_out])


def films(folder: Path, split: str) -> list[Film]:
    """The radiographs of a prepared folder that are for "train" or "test". Raises InputError when there are none."""
    try:
        with (folder / _LIST).open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        found = [
            Film(_picture(folder / f"{row['name']}.png"), float(row["side"]), row["from behind"] == "1") for row in rows
        ]
    except (OSError, KeyError, ValueError):
        raise InputError(
            f"'{folder}' holds no prepared radiographs, or damaged ones; make them with inverse-imaging prepare "
            "--radiographs."
        ) from None
    if not found:
        raise InputError(f"The list {folder / _LIST} has no radiograph for '{split}'; edit it, or prepare more.")
    return found


def _picture(path: Path) -> torch.Tensor:
    return torch.from_numpy(read(path).array[0].astype(np.float32) / _WHITE)


def _write_table(path: Path, rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
