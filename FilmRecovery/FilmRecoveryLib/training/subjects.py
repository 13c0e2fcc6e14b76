"""Whose CTs are on films, and which patients are for training and which for tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read
from InverseImagingLib.method import Choice
from InverseImagingLib.xray.phantoms import Anatomy, phantom

# Patients and phantoms that no training sees; a fifth of each kind of openly licensed CT that the models learn from.
TEST = frozenset(
    [f"headneck_openkbp_pt_{number}" for number in (2, 15, 30, 58, 72, 83, 99, 105, 124, 133, 155, 182, 190)]
    + ["limb_sts005", "limb_sts010", "limb_sts036", "A048383", "A058062", "headphantom_imagex", "thoraxcrop_totseg"]
)
_PHANTOM, _FIRST_SEEDS = 112, {"train": 1000, "test": 5000}  # voxels
_ONE_PATIENT = re.compile(r"slice2d_(\w+?)_|(thoraxcrop_totseg)_")  # whose files have names beyond the patient's


class Plane(Choice):
    """What a slice is parallel to."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"

    @property
    def letters(self) -> str:
        """What is on the left, right, top and bottom of a slice: right, left, anterior, posterior, head, feet."""
        return {"axial": "RLAP", "coronal": "RLHF", "sagittal": "APHF"}[self.value]


@dataclass(frozen=True)
class Scan:
    """One CT as films show it: hu (K, J, I), int16, of slices of a plane, each as seen by the reader (J down, I to
    the right), from the feet, the right or the front on; spacing: mm along K, J, I."""

    hu: np.ndarray
    spacing: tuple[float, float, float]
    plane: Plane = Plane.AXIAL


@dataclass(frozen=True)
class Subject:
    """A patient, or a phantom, and all that there is of CTs."""

    name: str
    scans: tuple[Scan, ...]


def subjects(folder: Path | None, wanted: str, phantoms: int = 0) -> list[Subject]:
    """The patients of a folder of CTs (and below) that are for "train" or "test", by name, and so many phantoms.

    Raises InputError when there are none.
    """
    found: dict[str, list[Scan]] = {}
    for path in _files(folder):
        name = patient_of(path)
        if (name in TEST) == (wanted == "test"):
            found.setdefault(name, []).append(scan_of(read(path), _plane_of(path)))
    first = _FIRST_SEEDS[wanted]
    for seed in range(first, first + phantoms):
        anatomy = list(Anatomy)[seed % len(Anatomy)]
        found[f"{anatomy.value}_{seed}"] = [scan_of(phantom(anatomy, _PHANTOM, seed))]
    if not found:
        raise InputError(f"There is no CT for the set '{wanted}' in '{folder}'; give a folder with NIfTI or NRRD.")
    return [Subject(name, tuple(scans)) for name, scans in found.items()]


def patient_of(path: Path) -> str:
    """Whose CT a file holds, by its name."""
    stem = re.sub(r"\.(nii|nrrd|mha|mhd)(\.gz)?$", "", path.name)
    match = _ONE_PATIENT.match(stem)
    return (match[1] or match[2]) if match else stem


def scan_of(image: Image, plane: Plane = Plane.AXIAL) -> Scan:
    """A CT in HU as axial slices, whatever its axes; a single slice of another plane as it is. Raises InputError."""
    if image.meaning is not Meaning.HU:
        raise InputError(f"'{image.name}' is no CT in HU; films show CTs.")
    hu = image.array
    spacing = np.array(image.spacing)
    if plane is Plane.AXIAL:
        directions = image.ijk_to_ras[:3, :3] / spacing
        axes = _matched(directions)  # which of I, J, K runs along R, A and S
        signs = [directions[ras, axis] for ras, axis in enumerate(axes)]
        hu = hu.transpose([2 - axes[2], 2 - axes[1], 2 - axes[0]])
        upward, down, right = (
            slice(None, None, -1 if turned else 1) for turned in (signs[2] < 0, signs[1] > 0, signs[0] > 0)
        )
        hu, spacing = hu[upward, down, right], spacing[axes]
    mm = (float(spacing[2]), float(spacing[1]), float(spacing[0]))
    return Scan(np.ascontiguousarray(hu.clip(-1024, 3071).astype(np.int16)), mm, plane)


def _matched(directions: np.ndarray) -> list[int]:
    """For R, A and S, which axis of the array is nearest; each once."""
    left = np.abs(directions).copy()
    axes = [0, 0, 0]
    for _ in range(3):
        ras, axis = np.unravel_index(np.argmax(left), left.shape)
        axes[ras] = int(axis)
        left[ras], left[:, axis] = -1, -1
    return axes


def _files(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield from sorted(path for path in folder.rglob("*") if re.search(r"\.(nii|nii\.gz|nrrd|mha|mhd)$", path.name))


def _plane_of(path: Path) -> Plane:
    return next((plane for plane in Plane if f"_{plane.value}_" in path.name), Plane.AXIAL)
