"""Whether two sets of pictures look alike: the Frechet distance of their texture energies.

No network that was trained on photographs is needed, and none is used: the distance compares with no other FID.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from InverseImagingLib.errors import InputError

_SIZE = 128  # pixels
_WAVES = (4.0, 8.0, 16.0, 32.0)  # pixels, the middles of the scales
_BAND = 0.74  # of a scale: an octave
_DIRECTIONS = 4
_TRACE = 1e-8  # energy that is taken for none
FEATURES = (
    f"logarithms of the mean energies of a log-Gabor bank with wavelengths of {', '.join(f'{w:g}' for w in _WAVES)} "
    f"pixels and {_DIRECTIONS} directions in each quarter of a picture of {_SIZE} x {_SIZE} pixels"
)


def features(pictures: torch.Tensor) -> np.ndarray:
    """Texture energies, (N, 64), of pictures (N, 128, 128) from 0 to 1.

    D. J. Field. Relations between the statistics of natural images and the response properties of cortical cells. 1987.
    """
    spectrum = torch.fft.fft2(pictures.double())[:, None]
    energies = torch.fft.ifft2(spectrum * _bank()).abs() ** 2
    quarters = torch.nn.functional.avg_pool2d(energies, _SIZE // 2)
    found: np.ndarray = torch.log(quarters + _TRACE).flatten(1).numpy()
    return found


def _bank() -> torch.Tensor:
    """The filters on the frequencies of fft2, (16, 128, 128); each passes one half of the plane."""
    down, right = torch.meshgrid(*[torch.fft.fftfreq(_SIZE, dtype=torch.float64)] * 2, indexing="ij")
    radius, angle = torch.hypot(down, right).clamp(min=1e-9), torch.atan2(down, right)
    filters = []
    for wave in _WAVES:
        scale = torch.exp(-(torch.log(radius * wave) ** 2) / (2 * math.log(_BAND) ** 2))
        for direction in range(_DIRECTIONS):
            away = torch.remainder(angle - math.pi * direction / _DIRECTIONS + math.pi, 2 * math.pi) - math.pi
            filters.append(scale * torch.exp(-(away**2) / (2 * (math.pi / _DIRECTIONS / 2) ** 2)))
    return torch.stack(filters)


def frechet(ones: np.ndarray, others: np.ndarray) -> float:
    """|m - n|^2 + tr(C + D - 2 (C D)^(1/2)), with the means and covariances of two sets of features (N, F).

    It grows as sets get small; compare sets of one size. Raises InputError for sets of less than two.
    M. Heusel et al. GANs trained by a two time-scale update rule converge to a local Nash equilibrium. NeurIPS 2017.
    """
    if min(len(ones), len(others)) < 2:
        raise InputError("A Frechet distance needs at least two pictures in each set; give more radiographs.")
    c, d = np.cov(ones, rowvar=False), np.cov(others, rowvar=False)
    root = _root(c)
    apart = ones.mean(axis=0) - others.mean(axis=0)
    distance = apart @ apart + np.trace(c) + np.trace(d) - 2 * np.trace(_root(root @ d @ root))
    return float(max(distance, 0.0))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    found: np.ndarray = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return found
