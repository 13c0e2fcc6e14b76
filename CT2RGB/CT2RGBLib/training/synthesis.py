"""A CT of a cryosection: each tissue gets the attenuation that it has in patients, and the scanner adds its own.

Attenuations: mean values of published CT atlases. The scanner blurs, and adds noise whose spectrum is that of filtered
back projection (a ramp, cut off) and a little cupping between and inside dense bones (beam hardening).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab

from .tissues import Tissue

# tissue: HU in the mean, its spread from patient to patient, and within the tissue
_HU = {
    Tissue.AIR: (-1000.0, 5.0, 0.0),
    Tissue.SKIN: (30.0, 25.0, 15.0),
    Tissue.FAT: (-102.0, 8.0, 8.0),
    Tissue.MUSCLE: (55.0, 8.0, 6.0),
    Tissue.ORGAN: (48.0, 12.0, 8.0),
    Tissue.BLOOD: (45.0, 8.0, 4.0),
    Tissue.LUNG: (-780.0, 80.0, 90.0),
    Tissue.CORTEX: (1150.0, 200.0, 120.0),
    Tissue.MARROW: (90.0, 40.0, 30.0),
    Tissue.GRAY_MATTER: (38.0, 3.0, 1.0),
    Tissue.WHITE_MATTER: (29.0, 3.0, 1.0),
    Tissue.FIBROUS: (85.0, 25.0, 15.0),
}
# HU that contrast medium adds to a tissue at its most
_CONTRAST = {Tissue.MUSCLE: 12.0, Tissue.ORGAN: 80.0, Tissue.BLOOD: 220.0, Tissue.MARROW: 10.0, Tissue.GRAY_MATTER: 6.0}
_ENHANCED = 0.4  # of the CTs have contrast medium
_FATTY, _RED = -60.0, 240.0  # HU of yellow and of red marrow
_MARBLING = 1.2  # HU less for each L* that a red tissue is lighter, by fat in it
_MOST_MARBLING = 40.0  # HU
_ORGANS = 20.0  # mm, over which contrast medium differs among organs
_GRAIN = 1.5  # mm, of the structure inside tissues
_CUPPING, _NEAR = 25.0, 15.0  # HU, mm


@dataclass(frozen=True)
class Scan:
    """One patient and one scanner. offsets: HU of each Tissue; contrast: 0 to 1; blur: mm (standard deviation) of the
    point spread; noise: HU (standard deviation); sharp: where the noise spectrum is cut off, cycles per pixel."""

    offsets: tuple[float, ...]
    contrast: float
    blur: float
    noise: float
    sharp: float
    cupping: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Scan:
        """One of those that may occur."""
        offsets = tuple(float(rng.normal(0, _HU[tissue][1])) for tissue in Tissue)
        contrast = float(rng.uniform(0.2, 1)) if rng.random() < _ENHANCED else 0.0
        noise = float(np.exp(rng.uniform(np.log(4), np.log(30))))
        return cls(
            offsets, contrast, float(rng.uniform(0.3, 0.9)), noise, float(rng.uniform(0.15, 0.5)), float(rng.random())
        )


def attenuation(rgb: np.ndarray, tissues: np.ndarray, pixel: float, scan: Scan, rng: np.random.Generator) -> np.ndarray:
    """HU (J, I), float32, of what a scan would see without noise, on the grid of the section; pixel: mm."""
    means = np.array([_HU[tissue][0] + _CONTRAST.get(tissue, 0) * scan.contrast for tissue in Tissue]) + scan.offsets
    spread = np.array([_HU[tissue][2] for tissue in Tissue])
    uneven = ndimage.gaussian_filter(rng.standard_normal(tissues.shape[:2]), _ORGANS / pixel)
    light, red, yellow = np.moveaxis(rgb2lab(rgb), -1, 0)
    hu = means[tissues]
    for tissue in (Tissue.MUSCLE, Tissue.ORGAN):
        own = tissues == tissue
        if own.any():
            lighter = light - np.median(light[own])
            hu[own] -= np.clip(_MARBLING * lighter[own], -_MOST_MARBLING / 2, _MOST_MARBLING)
    organ = tissues == Tissue.ORGAN
    hu[organ] += scan.contrast * _CONTRAST[Tissue.ORGAN] * (np.exp(uneven / uneven.std() / 2) - 1)[organ]
    marrow = tissues == Tissue.MARROW
    share = np.clip((red[marrow] - yellow[marrow] + 30) / 30, 0, 1)
    hu[marrow] += _FATTY + share * (_RED - _FATTY) - _HU[Tissue.MARROW][0]
    grain = ndimage.gaussian_filter(rng.standard_normal(hu.shape), _GRAIN / pixel)
    hu += spread[tissues] * grain / grain.std()
    hu = ndimage.gaussian_filter(hu, scan.blur / pixel)
    bone = ndimage.gaussian_filter((hu > 400).astype(np.float32), _NEAR / pixel)
    return (hu - _CUPPING * scan.cupping * bone * (hu > -900)).astype(np.float32)


def noise(shape: tuple[int, ...], scan: Scan, rng: np.random.Generator) -> np.ndarray:
    """Noise of a scan in HU, float32, on the grid of a CT (..., J, I)."""
    rows, columns = (np.fft.fftfreq(shape[-2]), np.fft.rfftfreq(shape[-1]))
    frequency = np.hypot(rows[:, None], columns)
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * np.sqrt(frequency) * np.exp(-((frequency / scan.sharp) ** 2))
    found = np.fft.irfft2(spectrum, shape[-2:])
    return (found * (scan.noise / found.std())).astype(np.float32)
