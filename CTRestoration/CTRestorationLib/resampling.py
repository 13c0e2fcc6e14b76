"""Down- and up-sampling along an axis as small matrices, and the exact return to what was measured."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

_LOBES = 2


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < _LOBES, np.sinc(x) * np.sinc(x / _LOBES), 0.0)


def _catmull_rom(x: np.ndarray) -> np.ndarray:
    a = np.abs(x)
    near, far = 1.5 * a**3 - 2.5 * a**2 + 1.0, -0.5 * a**3 + 2.5 * a**2 - 4.0 * a + 2.0
    return np.where(a < 1, near, np.where(a < 2, far, 0.0))


def _normalized(weights: np.ndarray) -> np.ndarray:
    matrix = weights / weights.sum(axis=1, keepdims=True)
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=64)
def downsampler(size: int, factor: int, kernel: str = "lanczos") -> np.ndarray:
    """Matrix (size, size * factor) that takes `size * factor` samples to `size`, phase 0.5.

    kernel: "lanczos" (2 lobes, widened by the factor) or "box" (the mean of `factor` samples, as a thick slice).
    """
    if factor == 1:
        return _normalized(np.eye(size))
    coarse, fine = np.arange(size)[:, None], np.arange(size * factor)[None, :]
    distance = (fine + 0.5) / factor - (coarse + 0.5)
    return _normalized(_lanczos(distance) if kernel == "lanczos" else (np.abs(distance) < 0.5).astype(float))


@lru_cache(maxsize=64)
def upsampler(size: int, factor: int, kernel: str = "lanczos") -> np.ndarray:
    """Matrix (size * factor, size) that interpolates `size` samples, phase 0.5. kernel: "lanczos" or "cubic"."""
    if factor == 1:
        return _normalized(np.eye(size))
    coarse, fine = np.arange(size)[None, :], np.arange(size * factor)[:, None]
    distance = (fine + 0.5) / factor - (coarse + 0.5)
    return _normalized(_lanczos(distance) if kernel == "lanczos" else _catmull_rom(distance))


@lru_cache(maxsize=64)
def _pseudo_inverse(size: int, factor: int, kernel: str) -> np.ndarray:
    return np.linalg.pinv(downsampler(size, factor, kernel))


def apply(rows: np.ndarray, columns: np.ndarray, image: np.ndarray) -> np.ndarray:
    """rows @ image @ columns.T over the last two axes, in float64."""
    return rows @ np.asarray(image, dtype=np.float64) @ columns.T


def downsample(image: np.ndarray, factors: tuple[int, int], kernel: str = "lanczos") -> np.ndarray:
    """(..., H * f0, W * f1) to (..., H, W)."""
    height, width = image.shape[-2] // factors[0], image.shape[-1] // factors[1]
    return apply(downsampler(height, factors[0], kernel), downsampler(width, factors[1], kernel), image)


def upsample(image: np.ndarray, factors: tuple[int, int], kernel: str = "lanczos") -> np.ndarray:
    """(..., H, W) to (..., H * f0, W * f1)."""
    height, width = image.shape[-2:]
    return apply(upsampler(height, factors[0], kernel), upsampler(width, factors[1], kernel), image)


def project(fine: np.ndarray, coarse: np.ndarray, factors: tuple[int, int], kernel: str = "lanczos") -> np.ndarray:
    """The image nearest to `fine` (H * f0, W * f1) whose downsampling is exactly `coarse` (H, W)."""
    height, width = coarse.shape[-2:]
    gap = coarse - downsample(fine, factors, kernel)
    back = apply(_pseudo_inverse(height, factors[0], kernel), _pseudo_inverse(width, factors[1], kernel), gap)
    return fine + back


class Resampling:
    """The same on torch tensors (..., H, W), for coarse slices of one shape; differentiable."""

    def __init__(
        self, shape: tuple[int, int], factors: tuple[int, int], kernel: str, device: torch.device | str = "cpu"
    ) -> None:
        pairs = list(zip(shape, factors, strict=True))

        def tensors(matrices: list[np.ndarray]) -> list[torch.Tensor]:
            return [torch.tensor(m, dtype=torch.float32, device=device) for m in matrices]

        self._down = tensors([downsampler(s, f, kernel) for s, f in pairs])
        self._up = tensors([upsampler(s, f) for s, f in pairs])
        self._back = tensors([_pseudo_inverse(s, f, kernel) for s, f in pairs])

    def down(self, fine: torch.Tensor) -> torch.Tensor:
        return self._down[0] @ fine @ self._down[1].T

    def start(self, coarse: torch.Tensor) -> torch.Tensor:
        """Interpolated, and corrected so that its downsampling is `coarse`."""
        fine = self._up[0] @ coarse @ self._up[1].T
        return fine + self._back[0] @ (coarse - self.down(fine)) @ self._back[1].T
