"""Training pairs of the prior: what each task loses, drawn at random."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from .companding import Companding
from .filling import pull_push
from .masks import dropped, scribbles
from .prior import DENOISE, FILL
from .prior_network import network_inputs
from .resampling import downsample, project, upsample

_DEFAULT_WINDOW = (-160.0, 240.0)


class Degradation:
    """Degrades crops for one network.

    network: DENOISE, FILL or REFINE. noise_bank: for DENOISE, projection noise in HU, arrays larger than a crop.
    """

    def __init__(self, network: str, noise_bank: list[np.ndarray]) -> None:
        self._network, self._bank = network, noise_bank

    def batch(
        self, crops: list[np.ndarray], rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Network inputs (N, 5, H, W), the truth (N, 1, H, W) and its weights, from N crops (H, W) in HU."""
        parts = [self._one(np.ascontiguousarray(crop), rng) for crop in crops]
        inputs, truth, weight = (torch.cat(column) for column in zip(*parts, strict=True))
        return inputs, truth, weight

    def _one(self, crop: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        companding = Companding(*_window(rng))
        truth = companding.compress(torch.from_numpy(crop)[None, None])
        known, everywhere = torch.ones_like(truth), torch.ones_like(truth)
        if self._network == DENOISE:
            noise, level = self._noise(crop.shape, rng)
            noisy = companding.compress(torch.from_numpy(crop + noise)[None, None])
            return network_inputs(noisy, known, level / companding.width, (1, 1)), truth, everywhere
        if self._network == FILL:
            missing = _missing(crop.shape, rng)
            known = 1.0 - torch.from_numpy(missing.astype(np.float32))[None, None]
            return network_inputs(pull_push(truth * known, known), known, 0.0, (1, 1)), truth, 1.0 - known
        factor = int(rng.choice([2, 4, 4, 8]))
        through_plane = rng.random() < 0.2
        factors, kernel = ((factor, 1), "box") if through_plane else ((factor, factor), "lanczos")
        coarse = downsample(crop, factors, kernel)
        start = project(upsample(coarse, factors), coarse, factors, kernel)
        estimate = companding.compress(torch.from_numpy(start.astype(np.float32))[None, None])
        return network_inputs(estimate, known, 0.0, factors), truth, everywhere

    def _noise(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, float]:
        if rng.random() < 0.08:
            noise = rng.standard_normal(shape).astype(np.float32)
        else:
            source = self._bank[rng.integers(len(self._bank))]
            top, left = (rng.integers(0, n - m + 1) for n, m in zip(source.shape, shape, strict=True))
            noise = source[top : top + shape[0], left : left + shape[1]] * rng.choice([-1.0, 1.0])
            noise = (
                np.rot90(noise, 2 * int(rng.integers(2)))
                if shape[0] != shape[1]
                else np.rot90(noise, int(rng.integers(4)))
            )
        if rng.random() < 0.4:
            noise = gaussian_filter(noise, rng.uniform(0.3, 1.2))
        level = float(np.exp(rng.uniform(np.log(4.0), np.log(130.0))))
        noise = noise * (level / max(float(noise.std()), 1e-3))
        return noise.astype(np.float32), level * float(np.exp(rng.normal(0.0, 0.1)))


def _window(rng: np.random.Generator) -> tuple[float, float]:
    if rng.random() < 0.8:
        return _DEFAULT_WINDOW
    center, width = rng.uniform(-700.0, 500.0), float(np.exp(rng.uniform(np.log(250.0), np.log(2500.0))))
    return center - width / 2, center + width / 2


def _missing(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.55:
        return dropped(shape, 0.5 if rng.random() < 0.4 else rng.uniform(0.1, 0.95), rng)
    missing = scribbles((shape[0], shape[1]), rng.uniform(0.05, 0.25), rng)
    return missing | dropped(shape, 0.3, rng) if rng.random() < 0.1 else missing
