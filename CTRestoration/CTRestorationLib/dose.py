"""Lower the dose of a CT slice where noise arises: Poisson counts in the projections, then filtered back projection."""

from __future__ import annotations

import numpy as np

from .noise import estimate_noise

WATER = 0.02  # linear attenuation of water per mm, at about 70 keV
FULL_DOSE_COUNTS = 5e6  # unattenuated photons per detector element and view: about 25 HU of noise amid an abdomen
_VIEWS = 720


def line_integrals(hu: np.ndarray, spacing: float, views: int = _VIEWS) -> np.ndarray:
    """Parallel-beam projections (detectors, views) of a slice (H, W) in HU with square pixels of `spacing` mm."""
    from skimage.transform import radon

    side = max(hu.shape)
    attenuation = np.zeros((side, side))
    top, left = (side - hu.shape[0]) // 2, (side - hu.shape[1]) // 2
    attenuation[top : top + hu.shape[0], left : left + hu.shape[1]] = WATER * np.clip(hu / 1000.0 + 1.0, 0.0, None)
    rows, columns = np.ogrid[:side, :side]
    center = side // 2
    attenuation[(rows - center) ** 2 + (columns - center) ** 2 > center**2] = 0.0
    return radon(attenuation, np.arange(views) * 180.0 / views, circle=True) * spacing


def dose_noise(
    integrals: np.ndarray,
    shape: tuple[int, int],
    spacing: float,
    dose: float,
    rng: np.random.Generator,
    *,
    counts: float = FULL_DOSE_COUNTS,
    kernel: str = "ramp",
) -> np.ndarray:
    """Noise (H, W) in HU that a scan at the share `dose` of the full dose has more than the full-dose scan.

    integrals: what line_integrals gave. kernel: filter of the back projection, as in skimage ("ramp", "hann", ...).
    Source: Zeng et al., A simple low-dose X-ray CT simulation from high-dose scan, IEEE TNS 62 (2015).
    """
    from skimage.transform import iradon

    # the noise that the full-dose scan already has counts towards the lower dose: 1/N = (1/dose - 1)/counts
    photons = counts * dose / (1.0 - dose)
    expected = photons * np.exp(-integrals)
    measured = np.maximum(rng.poisson(expected), 1)
    error = -np.log(measured / photons) - integrals
    side = integrals.shape[0]
    views = integrals.shape[1]
    image = iradon(error, np.arange(views) * 180.0 / views, output_size=side, filter_name=kernel, circle=False)
    top, left = (side - shape[0]) // 2, (side - shape[1]) // 2
    return (image[top : top + shape[0], left : left + shape[1]] / spacing / WATER * 1000.0).astype(np.float32)


def lower_dose(hu: np.ndarray, spacing: float, dose: float, seed: int = 0) -> np.ndarray:
    """A slice (H, W) in HU as it would look at the share `dose` (0 to 1) of its dose.

    The number of photons is chosen such that the noise which the slice already has is that of the full dose.
    """
    integrals = line_integrals(hu, spacing)
    wanted = estimate_noise(hu).typical * (1.0 / dose - 1.0) ** 0.5
    tissue = (hu > -160.0) & (hu < 240.0)
    trial = dose_noise(integrals, hu.shape, spacing, dose, np.random.default_rng([seed, 1]))
    level = float(trial[tissue].std()) if tissue.any() else float(trial.std())
    counts = FULL_DOSE_COUNTS * (level / wanted) ** 2
    noise = dose_noise(integrals, hu.shape, spacing, dose, np.random.default_rng(seed), counts=counts)
    return hu.astype(np.float32) + noise
