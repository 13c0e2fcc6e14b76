"""DICOM out: slices of a film as a derived CT series, without what the film tells of the patient."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from InverseImagingLib.derived import write_derived
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

KIND = "From a photo of a film"


def write_slices(volume: Image, path: str | os.PathLike[str], report: Mapping[str, Any]) -> None:
    """Write slices (K, J, I) in HU, or in relative gray, as a derived CT series into a new folder, or one into a .dcm.

    report: of extract. What it read of the film's text stays out, because that names the patient, and slices whose text
    was not erased are refused; whether all of it was found is left open. Whose film it is, a photo does not tell: the
    series is of an unknown patient, in a study of its own. See derived.write_derived for the rest. Raises InputError;
    nothing is left behind then.
    """
    if not dict(report.get("settings") or {}).get("erase"):
        raise InputError(
            f"'{volume.name}' may still show the text of the film, which names the patient; make the slices again "
            "without text, then write DICOM."
        )
    told = {name: value for name, value in report.items() if name != "texts"}
    write_derived(volume, path, told, window=_window(volume, report), kind=KIND, text_free=False)


def _window(volume: Image, report: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest and the highest value of the film."""
    if volume.meaning is not Meaning.HU:
        return 0.0, 1.0
    level, width = report["window"]["level"], report["window"]["width"]
    return level - width / 2, level + width / 2
