"""Which tissue is where in a cryosection, by its colors and by where it lies.

The rules are made for the Visible Human Male: photographed from below in blue gelatin, which also fills what was gas.
They need not be perfect: what is taken for another tissue of about the same color teaches about the same.
"""

from __future__ import annotations

import enum

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.measure import label, regionprops

_SKIN, _SCALP = 1.5, 5.0  # mm
_SKULL = 7.0  # mm at most
_BLUE = -2.0  # b* below which there is gelatin
_GRAY = 4.0  # chroma of the frame at most
_REDDISH, _YELLOWISH = -1.0, 6.0  # median a* and b* of what belongs to the body
_BODY_PART, _THIN = 150.0, 8.0  # mm2, mm
_BRAIN = 1200.0  # mm2 in a section
_FACE, _CRANIUM = 0.2, 0.6  # of the length of a head, in front of the brain; of a section that is brain, above the brow
_LUNG, _LUNG_DEPTH = 900.0, 22.0  # mm2 in a section; mm below the skin
_ARMS, _SPINE = 170.0, 28.0  # mm from the middle
_VERTEBRA = 500.0  # mm2
_SHIN = 5.0  # mm, half of what fat in front of it or anywhere in the lower leg measures at most
_BONE, _LARGEST_BONE = 25.0, 4000.0  # mm2
_SLIM = 2.6  # mm, half of what a bone is thick at least
_COMPACT = 0.65  # of its convex hull is filled by a bone
_AMID_FAT = 0.7  # of what lies beside it is fat, where it is none
_HOLE = 500.0  # mm2 of marrow


class Tissue(enum.IntEnum):
    """What a pixel of a cryosection shows."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    ORGAN = 4
    BLOOD = 5
    LUNG = 6
    CORTEX = 7
    MARROW = 8
    GRAY_MATTER = 9
    WHITE_MATTER = 10
    FIBROUS = 11


_FATTY = (Tissue.FAT, Tissue.FIBROUS, Tissue.SKIN)


class Region(str, enum.Enum):
    """Part of the body, from the vertex down. The numbers are mm of the Visible Human Male."""

    HEAD = "head"
    NECK = "neck"
    CHEST = "chest"
    BELLY = "belly"
    THIGHS = "thighs"
    SHINS = "shins"

    @classmethod
    def at(cls, position: float) -> Region:
        """That in which a section lies, by its distance from the vertex in mm."""
        return next(region for region, end in _ENDS.items() if position < end)


_ENDS = {
    Region.HEAD: 175.0,
    Region.NECK: 260.0,
    Region.CHEST: 515.0,
    Region.BELLY: 950.0,
    Region.THIGHS: 1350.0,
    Region.SHINS: float("inf"),
}


def body_of(rgb: np.ndarray, pixel: float) -> np.ndarray:
    """Where a section (J, I, 3), uint8, shows the body (J, I), gas inside it included. pixel: mm.

    The body is what is neither blue nor outside of the block, and reddish or yellow: rulers and labels are not.
    """
    lab = rgb2lab(ndimage.gaussian_filter(rgb, (1, 1, 0))[::2, ::2])  # half as fine is fine enough
    pixel = 2 * pixel
    colored = (lab[..., 0] > 9) & (np.hypot(lab[..., 1], lab[..., 2]) > _GRAY)
    solid = ndimage.binary_opening(colored & (lab[..., 2] > _BLUE))
    parts = label(solid)
    body = np.zeros(solid.shape, bool)
    for part in regionprops(parts):
        if part.area * pixel**2 < _BODY_PART or part.axis_minor_length * pixel < _THIN:
            continue
        rows, columns = (slice(part.bbox[axis], part.bbox[axis + 2]) for axis in (0, 1))
        _light, red, yellow = np.median(lab[rows, columns][part.image], axis=0)
        if red > _REDDISH and yellow > _YELLOWISH:
            body[rows, columns] |= part.image
    body = ndimage.binary_fill_holes(ndimage.binary_closing(body, iterations=2))
    return body.repeat(2, 0).repeat(2, 1)[: rgb.shape[0], : rgb.shape[1]]


def tissues_of(rgb: np.ndarray, body: np.ndarray, pixel: float, region: Region) -> np.ndarray:
    """The Tissue of each pixel of a section, uint8 (J, I).

    rgb: uint8 (J, I, 3), rows to the posterior. body: as body_of gives it. pixel: mm.
    """
    lab = rgb2lab(rgb)
    smooth = np.stack([ndimage.gaussian_filter(lab[..., part], 0.8) for part in range(3)], axis=-1)
    light, red, yellow = np.moveaxis(smooth, -1, 0)
    depth = ndimage.distance_transform_edt(body) * pixel
    if not body.any():
        return np.zeros(body.shape, np.uint8)
    found = np.where(light + 0.6 * yellow - red > 55, Tissue.FAT, Tissue.MUSCLE).astype(np.uint8)
    found[light < 9] = Tissue.BLOOD
    pale = (light > 52) & (yellow - red < 16) & (yellow < 24)
    found[pale] = Tissue.FIBROUS
    if region is Region.HEAD:
        _find_brain(found, smooth, depth, pixel)
    if region is Region.CHEST:
        _find_lungs(found, light, depth, pixel)
    if region in (Region.CHEST, Region.BELLY):
        _find_organs(found, depth, pixel)
        _find_vertebra(found, light, depth, pixel)
    _find_bones(found, smooth, depth, pixel, region)
    if region is Region.SHINS:
        _find_shin(found, depth, pixel)
    gas = (lab[..., 2] < -12) & (lab[..., 0] > 8)
    found[ndimage.binary_opening(gas)] = Tissue.AIR
    found[(depth < _SKIN) & (found != Tissue.AIR)] = Tissue.SKIN
    found[~body] = Tissue.AIR
    return found


def _find_brain(found: np.ndarray, lab: np.ndarray, depth: np.ndarray, pixel: float) -> None:
    """The brain is the large light part in the middle; around it there is skull."""
    inner = (found == Tissue.FAT) | (found == Tissue.FIBROUS)
    brain = _large(ndimage.binary_opening(inner & (depth > _SCALP + 3), _disk(4 / pixel)), _BRAIN, pixel)
    if not brain.any():
        return
    brain = ndimage.binary_fill_holes(ndimage.binary_closing(brain, _disk(3 / pixel)))
    around = ndimage.distance_transform_edt(~brain) * pixel
    skull = (around > 1) & (around < _SKULL) & (depth > _SCALP - 1) & (lab[..., 0] > 32)
    found[skull & ~brain] = Tissue.CORTEX
    if brain.sum() < _CRANIUM * (depth > 0).sum():  # below the brow
        brain &= _within(depth, pixel)[0] > _FACE
    usual = np.median(lab[..., 0][brain])
    found[brain & (lab[..., 0] > usual + 4)] = Tissue.WHITE_MATTER
    found[brain & (lab[..., 0] <= usual + 4) & (lab[..., 0] > 25)] = Tissue.GRAY_MATTER


def _find_lungs(found: np.ndarray, light: np.ndarray, depth: np.ndarray, pixel: float) -> None:
    """The lungs are dark, large, even, deep below the skin, and behind the liver."""
    red = (found == Tissue.MUSCLE) | (found == Tissue.BLOOD)
    down, aside = _within(depth, pixel)
    place = (depth > _LUNG_DEPTH) & (down > 0.5) & (aside < _ARMS)
    dark = red & (ndimage.gaussian_filter(light, 2 / pixel) < 18) & place
    lungs = _large(ndimage.binary_opening(dark, _disk(5 / pixel)), _LUNG, pixel)
    found[ndimage.binary_dilation(lungs, _disk(3 / pixel)) & red] = Tissue.LUNG


def _find_organs(found: np.ndarray, depth: np.ndarray, pixel: float) -> None:
    """Red parts deep below the skin are organs, as far as they are not the muscles beside the spine."""
    down, aside = _within(depth, pixel)
    place = (depth > 38) & ((down < 0.62) | (aside > 75)) & (aside < _ARMS)
    found[(found == Tissue.MUSCLE) & place] = Tissue.ORGAN


def _find_vertebra(found: np.ndarray, light: np.ndarray, depth: np.ndarray, pixel: float) -> None:
    """A vertebra is a lighter red than the muscles beside it."""
    down, aside = _within(depth, pixel)
    red = (found == Tissue.MUSCLE) | (found == Tissue.ORGAN)
    light = ndimage.gaussian_filter(light, 1 / pixel)
    inner = red & (light > 31) & (light < 55) & (aside < _SPINE) & (down > 0.42) & (depth > 25)
    vertebra = _large(ndimage.binary_opening(inner, _disk(5 / pixel)), _VERTEBRA, pixel)
    found[vertebra] = Tissue.MARROW
    found[ndimage.binary_dilation(vertebra, _disk(1.2 / pixel)) & ~vertebra] = Tissue.CORTEX


def _find_shin(found: np.ndarray, depth: np.ndarray, pixel: float) -> None:
    """Below the knee all thick light parts are bones, however near to the skin."""
    light = (found == Tissue.FAT) | (found == Tissue.FIBROUS) | (found == Tissue.CORTEX)
    bone = ndimage.binary_opening(light & (depth > 2), _disk(_SHIN / pixel))
    inner = ndimage.distance_transform_edt(bone) * pixel > 3.5
    found[bone] = Tissue.CORTEX
    found[inner] = Tissue.MARROW


def _within(depth: np.ndarray, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the share of the body's height that is above it, and its distance from the middle in mm."""
    rows, columns = np.nonzero(depth > 0)
    row, column = np.indices(depth.shape)
    return (row - rows.min()) / max(np.ptp(rows), 1), np.abs(column - columns.mean()) * pixel


def _find_bones(found: np.ndarray, lab: np.ndarray, depth: np.ndarray, pixel: float, region: Region) -> None:
    """Bones are compact light parts that are less yellow than the fat below the skin; marrow is what they enclose."""
    fat = (found == Tissue.FAT) & (depth > 2) & (depth < 12)
    if fat.sum() * pixel**2 < _BONE:
        return
    usual = np.quantile(lab[fat], 0.6, axis=0)
    less = (usual[2] - lab[..., 2]) + (lab[..., 1] - usual[1]) > 4
    light = (found == Tissue.FIBROUS) | ((found == Tissue.FAT) & less & (depth > 4))
    solid = ndimage.binary_opening(light & (depth > 3), _disk(1.2 / pixel))
    down, aside = _within(depth, pixel)
    if region in (Region.CHEST, Region.BELLY):
        solid &= (depth < 30) | (down > 0.45) | (aside > _ARMS)  # guts and their fat are as pale
    closed = ndimage.binary_closing(solid, _disk(1.5 / pixel))
    for part in regionprops(label(closed)):
        area = part.area * pixel**2
        filled = part.image_filled.sum() / part.area_convex
        inside = ndimage.distance_transform_edt(np.pad(part.image_filled, 1))[1:-1, 1:-1] * pixel
        if not _BONE < area < _LARGEST_BONE or filled < _COMPACT or inside.max() < _SLIM:
            continue
        rows, columns = (slice(part.bbox[axis], part.bbox[axis + 2]) for axis in (0, 1))
        own, view = part.image, found[rows, columns]
        beside = view[ndimage.binary_dilation(own, iterations=2) & ~own]
        if np.isin(beside, _FATTY).sum() > _AMID_FAT * beside.size:
            continue
        holes = part.image_filled & ~own
        marrow = holes & (view != Tissue.FIBROUS) if holes.sum() * pixel**2 < _HOLE else np.zeros_like(own)
        inner = own & (inside > 6)
        view[own & ((view == Tissue.FAT) | (view == Tissue.FIBROUS))] = Tissue.CORTEX
        view[marrow | (inner & (area > 400))] = Tissue.MARROW


def _large(mask: np.ndarray, area: float, pixel: float) -> np.ndarray:
    """The connected parts of a mask that cover at least an area in mm2."""
    parts = label(mask)
    sizes = np.bincount(parts.ravel()) * pixel**2
    sizes[0] = 0
    return sizes[parts] >= area


def _disk(radius: float) -> np.ndarray:
    size = max(round(radius), 1)
    rows, columns = np.ogrid[-size : size + 1, -size : size + 1]
    return rows**2 + columns**2 <= size**2 + size
