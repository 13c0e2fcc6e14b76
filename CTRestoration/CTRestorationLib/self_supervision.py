"""What one image can teach a network about itself: pairs of inputs and targets made from the image alone.

Each class serves one kind of task. A fifth of the slice, in blocks, is never a target of training; its targets tell
when to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.ndimage import binary_erosion, gaussian_filter

from .classical import biharmonic
from .filling import pull_push
from .noise import NoiseModel, estimate_noise
from .prior_network import network_inputs
from .problem import Problem, Step, no_step
from .resampling import Resampling, downsample, upsample

_CROP, _BATCH = 128, 4
_BLOCK = 32  # side of the held-out blocks
_HELD_OUT = 0.2


@dataclass
class Pairs:
    """inputs: (N, 5, H, W); target: (N, 1, H, W) in units of the window (0 to 1, linear); weight: the same shape.

    exact: the target is the truth; otherwise it has noise, and must not be clipped to the window.
    measured: what is to be compared with the target, from the network's output; None: the output itself.
    """

    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    exact: bool = True
    measured: Callable[[torch.Tensor], torch.Tensor] | None = None


class SelfSupervision(Protocol):
    def inputs(self) -> torch.Tensor:
        """What the network shall finally be applied to, (1, 5, H, W)."""
        ...

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs | None:
        """Random pairs; None where the slice is too small to teach anything."""
        ...

    def misfit(self, values: np.ndarray) -> float:
        """How far an estimate (H, W) in HU contradicts what is known, as a mean square in units of the window."""
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

    def misfit(self, values: np.ndarray) -> float:
        return 0.0

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
    _PATTERNS = 3
    _REMAINING = 0.3  # of the noise level, at most, unless the classical denoiser leaves more
    _REMOVED = 0.6  # of the noise power is taught to be noise where a prior is kept: a full-dose CT has noise as well

    def __init__(
        self,
        problem: Problem,
        noise: NoiseModel,
        device: torch.device,
        seed: int,
        first: Callable[[np.ndarray, float], np.ndarray] | None = None,
    ) -> None:
        """first: for a network that knows nothing, the classical denoiser that it starts from: called with values
        (H, W) in HU and their noise level. None: for the trained network, which is also taught without neighbors."""
        super().__init__(problem, device, seed, problem.values.shape)
        self._crops = _Crops(problem.values.shape)
        self._level, self._first = noise.level, first
        self.noise_level = noise.typical
        self._tissue = np.ones(problem.values.shape, dtype=bool)
        rng = np.random.default_rng([seed, 11])
        values, a = problem.values, self._RECORRUPTION
        flat = NoiseModel(np.ones_like(noise.level), noise.transfer)
        self._pool = [flat.sample(rng) for _ in range(self._PATTERNS)]
        self._neighbors = []
        if first is not None:
            self._start = first(values, noise.typical).astype(np.float32)
            self.guide_by(self._start)
            self._allowed = max(self._REMAINING * noise.typical, estimate_noise(self._start).typical)
            self._neighbors = [(n.astype(np.float32), self._similar(n, noise.typical)) for n in problem.neighbors]
            if not self._neighbors:
                louder = noise.typical * float(np.hypot(1.0, a))
                self._starts = [first(values + a * z * self._level, louder).astype(np.float32) for z in self._pool]

    def guide_by(self, guide: np.ndarray) -> None:
        """Teach only where a denoised slice (H, W) in HU shows what the window shows."""
        margin = 0.05 * self._companding.width
        self._clipped = (self._companding.low - margin, self._companding.high + margin)
        self._tissue = (guide > self._companding.low + margin) & (guide < self._companding.high - margin)

    def misfit(self, values: np.ndarray) -> float:
        """Infinite where more noise is left than may be: noise that the model missed teaches to keep it."""
        if self._first is None or estimate_noise(values).typical <= self._allowed:
            return 0.0
        return float("inf")

    def _similar(self, neighbor: np.ndarray, level: float) -> np.ndarray:
        difference = gaussian_filter(neighbor.astype(np.float32) - self._problem.values, 2.0)
        return np.exp(-((difference / (0.3 * level + 4.0)) ** 2))

    def _stacked(self, start: torch.Tensor, noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """The trained network sees the noisy slice; the other one the classical estimate and the noisy slice."""
        begun, seen = self._compress(start), self._compress(noisy)
        known = torch.ones_like(seen) if self._first is None else seen
        return network_inputs(begun, known, level.to(self._device) / self._companding.width, (1, 1))

    def inputs(self) -> torch.Tensor:
        noisy = self._whole(self._problem.values)
        start = noisy if self._first is None else self._whole(self._start)
        return self._stacked(start, noisy, self._whole(self._level))

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs:
        region = self._tissue & (self._blocks == held_out)
        values, level, a = self._problem.values, self._level, self._RECORRUPTION
        if self._neighbors:
            target, similar = self._neighbors[rng.integers(len(self._neighbors))]
            noisy, start, weight, factor = values, self._start, region * similar, 1.0
        else:
            choice = int(rng.integers(self._PATTERNS))
            field = self._pool[choice]
            if self._first is None:
                shift = (int(rng.integers(level.shape[0])), int(rng.integers(level.shape[1])))
                field = np.roll(field, shift, axis=(0, 1))
            if self._first is None:
                field = field * self._REMOVED**0.5
            noisy, target = values + a * field * level, values - field * level / a
            start = noisy if self._first is None else self._starts[choice]
            weight, factor = region, float(np.hypot(1.0, a))
        if self._first is not None:  # elsewhere a network that knows nothing shall keep to the classical estimate
            target = np.where(self._tissue, target, np.clip(start, *self._clipped))
            weight = np.where(self._tissue, weight, self._blocks == held_out)
        crops = self._crops.take([start, noisy, target, weight, level], rng)
        begun, seen, wanted, counting, levels = crops
        mean = factor * levels.mean(dim=(2, 3), keepdim=True)
        inputs = self._stacked(begun, seen, mean)
        return Pairs(inputs, self._unit(wanted), counting.to(self._device), exact=False)


class HiddenPixels(_Base):
    """Inpainting and restoration: known pixels are hidden in the pattern of the missing ones, and have to be found."""

    _SHARE = 0.15  # of the known pixels are hidden at a time where single pixels are missing
    _PATTERNS = 3  # that are filled beforehand, where filling takes long

    def __init__(self, problem: Problem, device: torch.device, seed: int, trained: bool, step: Step = no_step) -> None:
        """trained: the network knows the quick fill; otherwise it starts from the biharmonic one."""
        super().__init__(problem, device, seed, problem.values.shape)
        assert problem.missing is not None
        self._missing = problem.missing
        self._trained = trained
        self._crops = _Crops(problem.values.shape)
        scattered = binary_erosion(self._missing).sum() < 0.05 * self._missing.sum()
        self._keep = min(1.0, self._SHARE / float(self._missing.mean())) if scattered else 1.0
        rng = np.random.default_rng([seed, 13])
        self._hidden = [] if trained else [self._pattern(rng) for _ in range(self._PATTERNS)]
        self._filled = [biharmonic(problem.values, self._missing | hidden, step) for hidden in self._hidden]
        self._start = problem.values if trained else biharmonic(problem.values, self._missing, step)

    def _pattern(self, rng: np.random.Generator) -> np.ndarray:
        shift = (int(rng.integers(self._missing.shape[0])), int(rng.integers(self._missing.shape[1])))
        pattern = np.roll(self._missing, shift, axis=(0, 1)) & ~self._missing
        return pattern & (rng.random(pattern.shape) < self._keep) if self._keep < 1.0 else pattern

    def _stacked(self, unit: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        start = pull_push(unit * known, known) if self._trained else unit
        return network_inputs(start, known, 0.0, (1, 1))

    def inputs(self) -> torch.Tensor:
        return self._stacked(self._compress(self._whole(self._start)), self._whole(~self._missing))

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs:
        values = start = self._problem.values
        if self._trained:
            hidden = self._pattern(rng)
        else:
            choice = int(rng.integers(self._PATTERNS))
            hidden, start = self._hidden[choice], self._filled[choice]
        maps = [values, start, ~self._missing & ~hidden, hidden & (self._blocks == held_out)]
        target, begun, known, weight = (m.to(self._device) for m in self._crops.take(maps, rng))
        return Pairs(self._stacked(self._compress(begun), known), self._unit(target), weight)


class CoarseImage(_Base):
    """Super-resolution: the result must give the coarse slice back when it is downsampled.

    A network that knows nothing is first taught to get the slice itself from a still coarser one; a trained one knows
    better what the finer scale looks like. Source of the former: Shocher et al., Zero-shot SR, CVPR 2018.
    """

    def __init__(self, problem: Problem, device: torch.device, seed: int, trained: bool) -> None:
        super().__init__(problem, device, seed, problem.values.shape)
        self._trained = trained
        self._crops = _Crops(problem.values.shape, problem.factors)
        self._small = any(n < 4 * f for n, f in zip(problem.values.shape, problem.factors, strict=True))

    def inputs(self) -> torch.Tensor:
        start = self._problem.consistent(upsample(self._problem.values, self._problem.factors))
        estimate = self._compress(self._whole(start))
        return network_inputs(estimate, torch.ones_like(estimate), 0.0, self._problem.factors)

    def misfit(self, values: np.ndarray) -> float:
        window = (self._companding.low, self._companding.high)
        coarse = downsample(values, self._problem.factors, self._problem.kernel)
        return float(((np.clip(coarse, *window) - np.clip(self._problem.values, *window)) ** 2).mean()) / (
            self._companding.width**2
        )

    def pairs(self, rng: np.random.Generator, held_out: bool) -> Pairs | None:
        if self._small:
            return None
        problem = self._problem
        maps = [problem.values, self._blocks == held_out]
        values, weight = (m.to(self._device) for m in self._crops.take(maps, rng, 1 if self._trained else _BATCH))
        shape = (values.shape[-2], values.shape[-1])
        if not self._trained:
            shape = (shape[0] // problem.factors[0], shape[1] // problem.factors[1])
        resampling = Resampling(shape, problem.factors, problem.kernel, self._device)
        coarse = values if self._trained else resampling.down(values)
        estimate = self._compress(resampling.start(coarse))
        inputs = network_inputs(estimate, torch.ones_like(estimate), 0.0, problem.factors)

        def measured(output: torch.Tensor) -> torch.Tensor:
            return resampling.down(self._unit(self._companding.expand(output)))

        return Pairs(inputs, self._unit(values), weight, measured=measured if self._trained else None)
