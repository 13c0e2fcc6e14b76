"""Procedural anatomy in HU at any size: sample data for demos, tests and training, drawn by chance from a seed."""

from __future__ import annotations

import importlib

import numpy as np

from ...errors import InputError
from ...image import Image, Meaning
from ...method import Choice

SMALLEST = 16  # voxels


class Anatomy(Choice):
    """What a phantom shows."""

    THORAX = "thorax"
    SKULL = "skull"
    LIMB = "limb"


def phantom(anatomy: Anatomy, size: int = 256, seed: int = 0) -> Image:
    """A person's chest, head, or knee or hand, (K, J, I) int16 HU; the seed decides which person.

    size: voxels along the longest side; they are cubes, and a seed gives the same body at every size. The patient
    faces forward and stands upright, axes along R, A and S. The field is about 400 mm (thorax), 250 mm (skull) or
    250 mm (limb) long. Nothing is measured from patients: plausible bodies, not a study of them.
    Raises InputError for a size below 16 or beyond the memory, and for a seed that is not a whole number from 0 on.
    """
    return phantom_with_bone(anatomy, size, seed)[0]


def phantom_with_bone(anatomy: Anatomy, size: int = 256, seed: int = 0) -> tuple[Image, Image]:
    """A phantom and its true bones, uint8 LABEL on the same voxels: 1 in bones (marrow included) and teeth, else 0."""
    try:
        anatomy = Anatomy(anatomy)
    except ValueError:
        known = ", ".join(member.value for member in Anatomy)
        raise InputError(f"There is no phantom of {anatomy!r}; choose one of {known}.") from None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"The seed of a phantom must be a whole number from 0 on, not {seed!r}.")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < SMALLEST:
        raise InputError(f"The size of a phantom must be a whole number of at least {SMALLEST} voxels, not {size!r}.")
    painter = importlib.import_module(f".{anatomy.value}", __name__)
    hu = bone = np.empty(0)
    rows = slice(0, 0)
    while rows.stop < len(hu) or not hu.size:  # by parts: painting takes many times the memory of its result
        rng = np.random.default_rng([int(seed), list(Anatomy).index(anatomy)])
        canvas = painter.paint(rng, int(size), rows.stop)
        rows = canvas.rows
        if not hu.size:
            hu, bone = np.empty(canvas.counts[::-1], np.int16), np.empty(canvas.counts[::-1], np.uint8)
        hu[rows] = np.clip(np.rint(canvas.hu), -1024, 3071)
        bone[rows] = canvas.bone > 0.5
    name = f"{anatomy.value} phantom {seed}"
    image = Image(hu, canvas.ijk_to_ras, Meaning.HU, name)
    return image, image.with_array(bone, meaning=Meaning.LABEL, name=f"{name} bone")
