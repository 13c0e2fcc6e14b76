"""A generated chest slice with low-dose noise: sample data that nobody has to download."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.image import Image, Meaning

# center x, y, half width, half height (in half fields of view), rotation in degrees, HU; later ones cover earlier ones
_ELLIPSES = (
    (0.00, 0.00, 0.88, 0.62, 0, -90),  # skin and fat
    (0.00, 0.00, 0.82, 0.56, 0, 50),  # chest wall
    (-0.42, -0.02, 0.32, 0.43, 8, -840),  # lungs
    (0.42, -0.02, 0.32, 0.43, -8, -840),
    (0.08, -0.12, 0.24, 0.27, 20, 45),  # heart
    (0.16, -0.10, 0.09, 0.13, 20, 140),  # left ventricle
    (0.02, -0.22, 0.08, 0.09, 0, 130),
    (0.10, 0.24, 0.075, 0.075, 0, 150),  # aorta
    (0.00, 0.36, 0.13, 0.12, 0, 220),  # vertebra
    (0.00, 0.36, 0.10, 0.09, 0, 160),
    (0.00, 0.49, 0.05, 0.05, 0, 30),  # spinal canal
    (0.00, 0.49, 0.032, 0.032, 0, 15),
    (0.00, -0.52, 0.08, 0.03, 0, 300),  # sternum
    (-0.50, 0.10, 0.030, 0.030, 0, 60),  # nodules and vessels
    (-0.36, -0.18, 0.020, 0.020, 0, 40),
    (0.52, 0.16, 0.018, 0.030, 40, 40),
    (0.40, -0.22, 0.014, 0.014, 0, 30),
    (-0.58, -0.10, 0.012, 0.012, 0, 20),
    (-0.28, 0.20, 0.016, 0.035, -35, 40),
    (0.28, 0.24, 0.030, 0.016, 15, 40),
)


def chest_slice(size: int = 256) -> Image:
    """A noiseless axial chest slice in HU, size x size pixels of 360 mm in all, with soft edges."""
    oversampled = 3 * size
    axis = (np.arange(oversampled) + 0.5) / oversampled * 2 - 1
    x, y = axis[None, :], axis[:, None]
    hu = np.full((oversampled, oversampled), -1000.0)
    for center_x, center_y, width, height, degrees, value in (*_ELLIPSES, *_ribs()):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        u, v = (x - center_x) * c + (y - center_y) * s, (y - center_y) * c - (x - center_x) * s
        hu[(u / width) ** 2 + (v / height) ** 2 < 1] = value
    hu = hu.reshape(size, 3, size, 3).mean(axis=(1, 3))
    spacing = 360.0 / size
    ijk_to_ras = np.diag([-spacing, -spacing, 2.5, 1.0])
    ijk_to_ras[:2, 3] = 180.0 - spacing / 2
    return Image(hu[None].astype(np.float32), ijk_to_ras, Meaning.HU, "chest")


def _ribs() -> list[tuple[float, float, float, float, float, float]]:
    angles = np.radians([20, 50, 130, 160, 200, 232, 308, 340])
    return [
        (
            0.78 * np.cos(a),
            0.52 * np.sin(a),
            0.075,
            0.026,
            np.degrees(np.arctan2(0.52 * np.cos(a), -0.78 * np.sin(a))),
            450,
        )
        for a in angles
    ]


def low_dose_slice(size: int = 256, noise: float = 45.0, seed: int = 0) -> Image:
    """The chest slice with noise as filtered back projection colors it: ramp-filtered (its power grows with the
    frequency up to a soft cut-off), stronger in the middle of the body. noise: standard deviation there, in HU."""
    clean = chest_slice(size)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    transfer = np.sqrt(frequency * np.exp(-((frequency / 0.3) ** 2)))
    white = np.random.default_rng(seed).standard_normal((size, size))
    colored = np.fft.ifft2(np.fft.fft2(white) * transfer).real
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    strength = 0.35 + 0.65 * np.exp(-((axis[None, :] / 0.7) ** 2) - (axis[:, None] / 0.6) ** 2)
    hu = clean.array + noise * strength * colored / colored.std()
    return clean.with_array(np.round(hu).clip(-1024, 3071).astype(np.int16), name="low-dose chest")
