"""What a CT is made of: maps of the density of bone, soft tissue, fat and metal, from HU."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from ..errors import InputError
from ..image import Image, Meaning
from .options import Beam
from .spectrum import Material, mass_attenuation

_CT_ENERGY = 70.0  # keV: about the mean of a CT at 120 kV, where HU are taken to be true
_BONE_RAMP = 200.0  # HU over which soft tissue turns into bone
_FAT = ((-190.0, -110.0, -70.0, -10.0), (0.0, 1.0, 1.0, 0.0))  # HU, share of fat
_METAL = 3000.0  # HU above all of the body
_BODY = -400.0  # HU that tell a body from the air around it
_THIN = 4.0  # mm: what is thinner is no body, and what hangs on by less is not a part of it
_PART = 0.1  # of the largest: a smaller piece is not a part of the body


@dataclass(frozen=True, eq=False)
class Densities:
    """Density in g/cm3 of each material: array (materials, K, J, I) float32, cut to what is not zero, in RAS.

    hull: half spaces (n, 4) whose intersection holds the body: inside where hull @ (x, y, z, 1) <= 0, in mm.
    corners: (m, 3) points in RAS that span it.
    """

    materials: tuple[Material, ...]
    array: np.ndarray
    ijk_to_ras: np.ndarray
    hull: np.ndarray
    corners: np.ndarray


@functools.lru_cache(maxsize=2)  # a panel turns one CT many times, whole and as a draft
def densities(
    image: Image,
    segmentation: Image | None = None,
    *,
    beam: Beam = Beam.TUBE,
    bone_threshold: float = 250.0,
    remove_table: bool = True,
    draft: bool = False,
) -> Densities:
    """The materials of a CT in HU.

    At 70 keV the maps attenuate exactly as the HU say. The beam PAPER instead takes the paper's line from HU to
    density, which leaves air 0.22 g/cm3, and knows bone and soft tissue only.
    segmentation: of bone, on the grid of the image; without it bone begins softly around the threshold (of the paper:
    at once). draft: of the CT averaged over 2 x 2 x 2 voxels. Raises InputError for what is no CT of a body.
    """
    _check(image, segmentation)
    hu, ijk_to_ras = image.array.astype(np.float32), image.ijk_to_ras
    bone = None if segmentation is None else (segmentation.array != 0).astype(np.float32)
    if remove_table:
        hu[~_body_of(image)] = -1000.0
    if draft:
        hu, bone = _halved(hu), None if bone is None else _halved(bone)
        ijk_to_ras = ijk_to_ras @ np.array([[2, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1.0]])
    maps = _of_paper(hu, bone, bone_threshold) if beam is Beam.PAPER else _of_ct(hu, bone, bone_threshold)
    materials = tuple(material for material, values in maps.items() if values.any())
    filled = np.logical_or.reduce([maps[material] for material in materials])
    (box,) = ndimage.find_objects(filled.astype(np.uint8))
    start = np.eye(4)
    start[:3, 3] = [side.start for side in reversed(box)]
    hull, corners = _hull(filled, ijk_to_ras)
    array = np.stack([maps[material][box] for material in materials])
    return Densities(materials, array, ijk_to_ras @ start, hull, corners)


@functools.lru_cache(maxsize=1)  # one for the whole and the draft, and for every threshold
def _body_of(image: Image) -> np.ndarray:
    return body(image.array, image.ijk_to_ras)


def body(hu: np.ndarray, ijk_to_ras: np.ndarray) -> np.ndarray:
    """Where the body is (K, J, I): its large connected parts with all that they enclose in axial slices."""
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)[::-1]
    dense = hu > _BODY
    cross = ndimage.generate_binary_structure(3, 1)
    for axis in np.flatnonzero(spacing > 2 * spacing.min()):  # a step along thick slices would be too far
        cross &= np.expand_dims([False, True, False], [other for other in range(3) if other != axis])
    steps = max(round(_THIN / 2 / float(spacing.min())), 1)
    labels, count = ndimage.label(ndimage.binary_erosion(dense, cross, steps, border_value=1))
    if not count:
        return np.ones(hu.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())[1:]
    parts = np.concatenate([[False], sizes >= _PART * sizes.max()])[labels]
    parts = ndimage.binary_dilation(parts, cross, steps + 1)  # and the skin's edge
    axial = 2 - int(np.argmax(np.abs(ijk_to_ras[2, :3])))
    for plane in np.moveaxis(parts, axial, 0):
        plane[...] = ndimage.binary_fill_holes(plane)
    return parts


def _hull(filled: np.ndarray, ijk_to_ras: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The convex hull of voxels, as half spaces and corners, in RAS."""
    i = np.arange(filled.shape[2])
    k, j = np.nonzero(filled.any(axis=2))
    rows = filled[k, j]
    ends = np.concatenate([np.argmax(rows, axis=1) - 0.5, i[-1] - np.argmax(rows[:, ::-1], axis=1) + 0.5])
    ends = np.stack([ends, np.tile(j, 2), np.tile(k, 2)], axis=1)
    points = np.concatenate([ends + np.array([0, dj, dk]) for dj in (-0.5, 0.5) for dk in (-0.5, 0.5)])
    points = points @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    hull = ConvexHull(points)
    return hull.equations, points[hull.vertices]


def _check(image: Image, segmentation: Image | None) -> None:
    array = image.array
    if image.is_color or image.meaning in (Meaning.DISPLAY, Meaning.LABEL):
        kind = "color" if image.is_color else image.meaning.value
        raise InputError(f"'{image.name}' is a {kind} image; a CT in HU is needed.")
    if not np.isfinite(array).all():
        raise InputError(f"'{image.name}' holds NaN or infinite values; replace them, for example by -1000 HU for air.")
    low, high = float(array.min()), float(array.max())
    if low >= 0 and high <= 255:
        raise InputError(
            f"'{image.name}' holds {low:g} to {high:g}, as an 8-bit picture does; a CT in HU is needed, with air at "
            f"about -1000."
        )
    if low > -200 and image.meaning is not Meaning.HU:
        raise InputError(
            f"'{image.name}' holds {low:g} to {high:g} and no air at about -1000 HU; convert it to HU (subtract 1024 "
            f"from stored CT values)."
        )
    if high <= -1000:
        raise InputError(f"'{image.name}' holds nothing but air; choose a CT in HU that shows a body.")
    if segmentation is not None and (
        segmentation.array.shape != array.shape or not np.allclose(segmentation.ijk_to_ras, image.ijk_to_ras, atol=1e-3)
    ):
        raise InputError(
            f"Segmentation '{segmentation.name}' lies on another grid than '{image.name}'; resample it to that image."
        )


def _of_ct(hu: np.ndarray, bone: np.ndarray | None, threshold: float) -> dict[Material, np.ndarray]:
    if bone is None:
        bone = np.clip((hu - threshold) / _BONE_RAMP + 0.5, 0, 1)
    metal = (hu > _METAL).astype(np.float32)
    bone = bone * (1 - metal)
    fat = np.interp(hu, *_FAT).astype(np.float32) * (1 - bone)
    shares = {
        Material.SOFT_TISSUE: 1 - bone - fat - metal,
        Material.BONE: bone,
        Material.ADIPOSE: fat,
        Material.METAL: metal,
    }
    water, *own = (
        np.float32(mass_attenuation(material, np.array([_CT_ENERGY]))[0]) for material in (Material.WATER, *shares)
    )
    density = np.maximum(water * (1 + hu / 1000), 0)
    density /= sum(share * mu for share, mu in zip(shares.values(), own, strict=True))
    return {material: density * share for material, share in shares.items()}


def _of_paper(hu: np.ndarray, bone: np.ndarray | None, threshold: float) -> dict[Material, np.ndarray]:
    if bone is None:
        bone = (hu > threshold).astype(np.float32)
    density = np.maximum(0.0008088 * hu + 1.030, 0)
    return {Material.SOFT_TISSUE: density * (1 - bone), Material.BONE: density * bone}


def _halved(values: np.ndarray) -> np.ndarray:
    """Means over 2 x 2 x 2 voxels; an odd end is repeated."""
    values = np.pad(values, [(0, n % 2) for n in values.shape], mode="edge")
    k, j, i = (n // 2 for n in values.shape)
    return values.reshape(k, 2, j, 2, i, 2).mean(axis=(1, 3, 5))
