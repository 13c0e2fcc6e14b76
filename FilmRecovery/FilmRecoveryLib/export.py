"""What the command makes of photos of films: slices, flat films, and what can be told of them, as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from InverseImagingLib.dicom import is_target
from InverseImagingLib.errors import InputError
from InverseImagingLib.files import beside, is_volume, suffix
from InverseImagingLib.image import Image, Meaning, write
from InverseImagingLib.labels import note
from InverseImagingLib.method import OnProgress, Result, ignore_progress, part_of

from .extract import extract
from .flatten import REMARK, flatten
from .joining import joined
from .options import ExtractOptions, FlattenOptions
from .radiomics import features, write_table
from .series import write_slices

_FLATTENING = 0.6  # of the time that a film takes


@dataclass(frozen=True)
class Outputs:
    """Where the slices go, a file or a folder for DICOM, and what else is wanted. Without slices only flat films."""

    slices: Path | None = None
    flat: Path | None = None
    valid: Path | None = None
    radiomics: Path | None = None

    def paths(self) -> list[Path]:
        return [path for item in fields(self) if (path := getattr(self, item.name))]

    def check(self) -> None:
        """Raise InputError for a name that does not end as what it is for, and for one that is given twice."""
        if self.slices and not is_volume(self.slices) and not is_target(self.slices):
            known = ".nrrd, .nii.gz or .mha, a folder for DICOM, or .png for the flat film alone"
            raise InputError(f"Output '{self.slices.name}' names no format that holds slices; use {known}.")
        if self.flat:
            _check_film(self.flat)
        if self.valid and not is_volume(self.valid):
            raise InputError(f"Output '{self.valid.name}' names no format that holds a mask; use .nrrd or .nii.gz.")
        if self.radiomics and suffix(self.radiomics) != ".csv":
            raise InputError(f"The table '{self.radiomics.name}' must end in .csv; name it so.")
        if not self.slices and (self.valid or self.radiomics):
            raise InputError("A flat film alone has no slices to measure; name an output for these, such as out.nrrd.")
        if len({path.absolute() for path in self.paths()}) < len(self.paths()):
            raise InputError("Two of the outputs have the same name; give each its own.")


def export(
    photos: Sequence[Image],
    flatten_options: FlattenOptions,
    extract_options: ExtractOptions,
    outputs: Outputs,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Write all that is wanted of photos of one or more films of one examination, in order; returns the report.

    The slices of all films make one volume. Of several flat films the files are numbered. Nothing is written before all
    is made. Raises InputError; Cancelled passes through.
    """
    outputs.check()
    if len(photos) > 1 and flatten_options.corners:
        raise InputError("Corners are those of one photo; give them with one photo at a time.")
    films: list[Result] = []
    slices: list[Result] = []
    for number, photo in enumerate(photos):
        own = part_of(on_progress, number / len(photos), (number + 1) / len(photos))
        share = _FLATTENING if outputs.slices else 1.0
        films.append(flatten(photo, flatten_options, part_of(own, 0, share)))
        if outputs.slices:
            film, confidence = films[-1].images["film"], films[-1].images["confidence"]
            slices.append(extract(film, extract_options, part_of(own, share, 1), confidence=confidence))
    report = _report(films, slices)
    if outputs.slices:
        _write_slices(joined(slices), outputs.slices, outputs, report)
    if outputs.flat:
        for flat, path in zip(films, _numbered(outputs.flat, len(films)), strict=True):
            write_film(flat.images["film"], path)
    return report


def write_film(film: Image, path: Path) -> None:
    """Write a flat film, 0 to 1, as a .png of 16 bits, which says within the file what it is. Raises InputError."""
    _check_film(path)
    steps = np.rint(film.array.astype(np.float64) * 65535).astype(np.uint16)
    with beside(path) as folder:
        write(Image(steps, meaning=Meaning.DISPLAY, name=film.name), folder / path.name)
        note(folder / path.name, REMARK)


def _check_film(path: Path) -> None:
    if suffix(path) != ".png":
        raise InputError(f"The flat film '{path.name}' must end in .png; name it so.")


def _write_slices(images: dict[str, Image], path: Path, outputs: Outputs, report: dict[str, Any]) -> None:
    volume, valid = images["volume"], images["valid"]
    table = features(volume, valid) if outputs.radiomics else {}
    if is_volume(path):
        write(volume, path)
    else:
        write_slices(volume, path, report)
    if outputs.valid:
        write(valid, outputs.valid)
    if outputs.radiomics:
        write_table(table, outputs.radiomics)


def _report(films: Sequence[Result], slices: Sequence[Result]) -> dict[str, Any]:
    """That of the slices of the first film, or of that film, with those of all films within it, and all warnings."""
    reports = [result.report for result in (*films, *slices)]
    warnings = list(dict.fromkeys(warning for report in reports for warning in report["warnings"]))
    whole = {**(slices or films)[0].report, "warnings": warnings, "films": [film.report for film in films]}
    return {**whole, "slices": [each.report for each in slices]} if len(slices) > 1 else whole


def _numbered(path: Path, count: int) -> list[Path]:
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{number}") for number in range(1, count + 1)]
