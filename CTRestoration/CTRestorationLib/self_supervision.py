"""What one image can teach a network about itself: pairs of inputs and targets made from the image alone.

Each class serves one kind of task. A fifth of the slice, in blocks, is never a target of training; its targets tell
when to stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from .filling import pull_push
from .noise import NoiseModel
from .prior_network import network_inputs
from .problem import Problem
from .resampling import Resampling, upsample

_CROP, _BATCH = 128, 4
_BLOCK = 32  # side of the held-out blocks
_HELD_OUT = 0.2


@dataclass
class Pairs:
    """inputs: (N, 5, H, W); target: (N, 1, H, W) in units of the window (0 to 1, linear); weight: the same shape.

    exact: the target is the truth; otherwise it has noise, and must not be clipped to the window.
    """

    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    exact: bool = True


class SelfSupervision(Protocol):
    def inputs(self) -> torch.Tensor:
        """What the network shall finally be applied to, (1, 5, H, W)."""
        ...

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs | None:
        """Random pairs; None where the slice is too small to teach anything."""
        ...


def _held_out_blocks(shape: tuple[int, int], seed: int) -> np.ndarray:
    grid = [-(-n // _BLOCK) for n in shape]
    blocks = np.random.default_rng([seed, 7]).random(grid) < _HELD_OUT
    return np.kron(blocks, np.ones((_BLOCK, _BLOCK), dtype=bool))[: shape[0], : shape[1]]


class _Crops:
    """Random crops (N, 1, h, w) of several maps (H, W) at the same places, turned alike."""

    def __init__(self, shape: tuple[int, int], multiple: tuple[int, int] = (1, 1)) -> None:
        self._shape = shape
        self._size = tuple(min(_CROP, n) // m * m for n, m in zip(shape, multiple, strict=True))

    def take(self, maps: list[np.ndarray], rng: np.random.Generator, count: int = _BATCH) -> list[torch.Tensor]:
        height, width = self._size
        crops: list[list[np.ndarray]] = [[] for _ in maps]
        for _ in range(count):
            top, left = (rng.integers(0, n - m + 1) for n, m in zip(self._shape, self._size, strict=True))
            flips = rng.random(2) < 0.5
            for row, values in zip(crops, maps, strict=True):
                crop = values[top : top + height, left : left + width]
                row.append(crop[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1])
        return [torch.from_numpy(np.stack(row).astype(np.float32))[:, None] for row in crops]


class _Base:
    def __init__(self, problem: Problem, device: torch.device, seed: int, shape: tuple[int, int]) -> None:
        self._problem, self._device = problem, device
        self._companding = problem.companding
        self._blocks = _held_out_blocks(shape, seed)

    def _compress(self, hu: np.ndarray | torch.Tensor) -> torch.Tensor:
        tensor = torch.as_tensor(np.asarray(hu, dtype=np.float32)) if isinstance(hu, np.ndarray) else hu
        return self._companding.compress(tensor.to(self._device))

    def _whole(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(self._device)[None, None]

    def _unit(self, hu: torch.Tensor) -> torch.Tensor:
        return (hu.to(self._device) - self._companding.low) / self._companding.width


class NoisePairs(_Base):
    """Denoising: two versions of the slice whose noises are independent.

    With neighbors, the slice and the one beside it where both show the same. Without, y + a z and y - z / a, where z
    is drawn from the estimated noise: uncorrelated errors even where filtered back projection correlates pixels.
    Sources: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; Zhou et al., NS-N2N, for the neighbors.
    """

    _RECORRUPTION = 0.5

    def __init__(
        self,
        problem: Problem,
        noise: NoiseModel,
        guide: np.ndarray | None,
        device: torch.device,
        seed: int,
        use_neighbors: bool,
    ) -> None:
        """guide: a first denoised slice (H, W) in HU, which tells where the window's tissue is; or call guide_by."""
        super().__init__(problem, device, seed, problem.values.shape)
        self._crops = _Crops(problem.values.shape)
        self._level = noise.level
        rng = np.random.default_rng([seed, 11])
        flat = NoiseModel(np.ones_like(noise.level), noise.transfer)
        self._pool = [flat.sample(rng) for _ in range(4)]
        self._tissue = np.ones(problem.values.shape, dtype=bool)
        if guide is not None:
            self.guide_by(guide)
        self._neighbors = [
            (n.astype(np.float32), self._similar(n, noise.typical)) for n in problem.neighbors if use_neighbors
        ]

    def guide_by(self, guide: np.ndarray) -> None:
        margin = 0.05 * self._companding.width
        self._tissue = (guide > self._companding.low + margin) & (guide < self._companding.high - margin)

    def _similar(self, neighbor: np.ndarray, level: float) -> np.ndarray:
        difference = gaussian_filter(neighbor.astype(np.float32) - self._problem.values, 2.0)
        return np.exp(-((difference / (0.3 * level + 4.0)) ** 2))

    def inputs(self) -> torch.Tensor:
        values = self._compress(self._whole(self._problem.values))
        level = self._whole(self._level) / self._companding.width
        return network_inputs(values, torch.ones_like(values), level, (1, 1))

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs:
        region = self._tissue & (self._blocks == held_out)
        if self._neighbors:
            neighbor, similar = self._neighbors[rng.integers(len(self._neighbors))]
            maps = [self._problem.values, neighbor, region * similar, self._level]
            noisy, target, weight, level = self._crops.take(maps, rng)
        else:
            shift = (int(rng.integers(self._level.shape[0])), int(rng.integers(self._level.shape[1])))
            field = np.roll(self._pool[rng.integers(len(self._pool))], shift, axis=(0, 1)) * self._level
            a = self._RECORRUPTION
            maps = [self._problem.values + a * field, self._problem.values - field / a, region, self._level]
            noisy, target, weight, level = self._crops.take(maps, rng)
            level = level * float(np.hypot(1.0, a))
        estimate = self._compress(noisy)
        mean = level.mean(dim=(2, 3), keepdim=True).to(self._device) / self._companding.width
        inputs = network_inputs(estimate, torch.ones_like(estimate), mean, (1, 1))
        return Pairs(inputs, self._unit(target), weight.to(self._device), exact=False)


class HiddenPixels(_Base):
    """Inpainting and restoration: known pixels are hidden in the pattern of the missing ones, and have to be found."""

    def __init__(self, problem: Problem, device: torch.device, seed: int) -> None:
        super().__init__(problem, device, seed, problem.values.shape)
        assert problem.missing is not None
        self._missing = problem.missing
        self._crops = _Crops(problem.values.shape)

    def inputs(self) -> torch.Tensor:
        known = self._whole(~self._missing)
        values = self._compress(self._whole(self._problem.values))
        return network_inputs(pull_push(values * known, known), known, 0.0, (1, 1))

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs:
        shift = (int(rng.integers(self._missing.shape[0])), int(rng.integers(self._missing.shape[1])))
        pattern = np.roll(self._missing, shift, axis=(0, 1))
        hidden = pattern & ~self._missing
        maps = [self._problem.values, ~self._missing & ~hidden, hidden & (self._blocks == held_out)]
        values, known, weight = (m.to(self._device) for m in self._crops.take(maps, rng))
        unit = self._compress(values)
        inputs = network_inputs(pull_push(unit * known, known), known, 0.0, (1, 1))
        return Pairs(inputs, self._unit(values), weight)


class CoarserScale(_Base):
    """Super-resolution: the slice itself from a still coarser one. Source: Shocher et al., Zero-shot SR, CVPR 2018."""

    def __init__(self, problem: Problem, device: torch.device, seed: int) -> None:
        super().__init__(problem, device, seed, problem.values.shape)
        self._crops = _Crops(problem.values.shape, problem.factors)
        self._small = any(n < 4 * f for n, f in zip(problem.values.shape, problem.factors, strict=True))

    def inputs(self) -> torch.Tensor:
        start = self._problem.consistent(upsample(self._problem.values, self._problem.factors))
        estimate = self._compress(self._whole(start))
        return network_inputs(estimate, torch.ones_like(estimate), 0.0, self._problem.factors)

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs | None:
        if self._small:
            return None
        maps = [self._problem.values, self._blocks == held_out]
        values, weight = self._crops.take(maps, rng)
        factors, kernel = self._problem.factors, self._problem.kernel
        shape = (values.shape[-2] // factors[0], values.shape[-1] // factors[1])
        resampling = Resampling(shape, factors, kernel)
        estimate = self._compress(resampling.start(resampling.down(values)))
        inputs = network_inputs(estimate, torch.ones_like(estimate), 0.0, factors)
        return Pairs(inputs, self._unit(values), weight.to(self._device))
