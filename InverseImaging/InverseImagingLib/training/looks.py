"""Random ways to take and show a radiograph."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional


def random_look(attenuation: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A radiograph from 0 to 1 of -log of the signal (H, W): scatter, noise, blur, and some way to show it."""
    signal = torch.exp(-attenuation)
    if rng.random() < 0.6:  # scatter: a smooth share of the mean
        coarse = torch.from_numpy(rng.uniform(0.5, 1, (1, 1, 4, 4))).to(attenuation)
        shape = functional.interpolate(coarse, attenuation.shape, mode="bicubic")[0, 0]
        signal = signal + rng.uniform(0, 0.3) * signal.mean() * shape * (1 - signal)
    photons = 10 ** rng.uniform(4, 6)
    noise = torch.from_numpy(rng.standard_normal(attenuation.shape)).to(attenuation)
    signal = (signal + noise * (signal / photons).sqrt()).clamp(min=1e-5)
    shown = -torch.log(signal)
    if rng.random() < 0.2:  # closer to the intensity
        shown = 1 - torch.exp(-shown * (rng.uniform(0.5, 2.0) / attenuation.max().clamp(min=0.1)))
    body = shown[attenuation > 0.1]
    if body.numel() < 100:
        body = shown.flatten()
    low = torch.quantile(body, rng.uniform(0, 0.1)) * rng.uniform(0, 1)
    high = torch.quantile(body, rng.uniform(0.98, 1.0)) * rng.uniform(1.0, 1.1)
    shown = ((shown - low) / (high - low).clamp(min=1e-3)).clamp(0, 1)
    if rng.random() < 0.3:  # a sigmoid, as radiographs are shown
        middle, slope = rng.uniform(0.4, 0.6), rng.uniform(3, 6)
        ends = [1 / (1 + math.exp(-slope * (end - middle))) for end in (0, 1)]
        shown = (torch.sigmoid(slope * (shown - middle)) - ends[0]) / (ends[1] - ends[0])
    return shown.clamp(0, 1) ** float(np.exp(rng.normal(0, 0.25)))
