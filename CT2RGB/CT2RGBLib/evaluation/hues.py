"""Whether tissues that HU tell apart have the hues that the cryosections show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab

from ..bones import bones
from ..training.pairs import Section
from ..training.tissues import Tissue
from .edges import smoothed

# what it is called: HU from and to, and what it is in the sections
_CLASSES = {
    "fat": ((-130.0, -60.0), (Tissue.FAT,)),
    "muscle or organ": ((30.0, 80.0), (Tissue.MUSCLE, Tissue.ORGAN, Tissue.BLOOD)),
    "bone": ((300.0, np.inf), (Tissue.CORTEX,)),
    "lung": ((-900.0, -600.0), (Tissue.LUNG,)),
    "brain": ((20.0, 45.0), (Tissue.GRAY_MATTER, Tissue.WHITE_MATTER)),
}
CLASSES = tuple(_CLASSES)


def references(sections: Sequence[Section]) -> dict[str, np.ndarray]:
    """The median color of each class, CIELAB, in sections; of those that occur."""
    found = {}
    for name, (_, tissues) in _CLASSES.items():
        pixels = [section.rgb[np.isin(section.tissues, tissues)][::16] for section in sections]
        colors = np.concatenate(pixels)
        if len(colors):
            found[name] = np.median(rgb2lab(colors), axis=0)
    return found


def hue_errors(
    hu: np.ndarray,
    colors: np.ndarray,
    body: np.ndarray,
    spacing: tuple[float, float],
    wanted: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Of each class in a slice: its pixels, and the sums of their errors in hue (degrees) and in color (CIE76).

    hu: (J, I); colors: sRGB (J, I, 3) from 0 to 1; body: (J, I); spacing: mm. wanted: see references. Pixels
    count whose neighbors are of their class, too; what a skull surrounds is brain, and nothing else is.
    """
    smooth, _ = smoothed(hu, body, spacing)
    skull = bones(smooth, spacing)
    brain = skull.brain.repeat(skull.steps[0], 0).repeat(skull.steps[1], 1)[: hu.shape[0], : hu.shape[1]]
    lab, found = rgb2lab(colors), {}
    for name, reference in wanted.items():
        low, high = _CLASSES[name][0]
        own = body & (smooth > low) & (smooth < high) & (brain == (name == "brain"))
        there = lab[ndimage.binary_erosion(own)]
        if len(there):
            turn = np.arctan2(there[:, 2], there[:, 1]) - np.arctan2(reference[2], reference[1])
            angle = np.rad2deg(np.abs((turn + np.pi) % (2 * np.pi) - np.pi))
            apart = np.linalg.norm(there - reference, axis=1)
            found[name] = np.array([len(there), angle.sum(), apart.sum()])
    return found
