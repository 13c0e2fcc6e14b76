"""A coarse guess of the densities and a radiograph of any resolution make fine densities that project to it exactly.

Each pixel's ray is set right by itself. What is too much or too little on it is shared out among its densities by their
power beta, so that dense voxels change most and empty ones stay empty:
    fine = guess - excess * guess^beta / sum(guess^beta)
Source: Henzler et al., Single-image Tomography, Eurographics 2018, section 4.2; the excess is a difference of integrals
of the density here, because that of transparencies, as printed there, does not project to the radiograph.
Where this would take more from the densest voxel than it has, as much is taken as that has, and the rest in proportion
to what is left along the ray. So no density gets negative, and one step suffices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from InverseImagingLib.errors import InputError

from . import formation

BETA = 2.0  # the paper's
STEEPEST = 4.0  # the largest beta
_NONE = 1e-8  # so little density, or such an integral of it, counts as none
_ALL = 1 - 1e-5  # of the densest voxel that is taken at most, for rounding must not make it negative
_CPU_BLOCK, _GPU_BLOCK = 2**22, 2**28  # bytes: what stays in a cache; what keeps a GPU busy


class Fused(NamedTuple):
    """Densities (n, J, W) for some rows of a radiograph, or all, and its residual there (n, W).

    residual: the radiograph less the opacity of the densities. It is 0 up to rounding, but for rays on which the guess
    has no density, which stay empty, and for pixels beyond 0 to 1 - 1e-4.
    """

    densities: torch.Tensor
    residual: torch.Tensor


def fuse(guess: torch.Tensor, opacity: torch.Tensor, beta: float = BETA) -> Fused:
    """Densities (H, J, W) and residual (H, W) of a radiograph.

    guess: densities (K, J, I) in any lateral resolution; below 0 they count as 0. opacity: (H, W). beta: 1 to 4; with 1
    rays are only scaled. On the device of both, in float32. Raises InputError.
    """
    blocks = fused_rows(guess, opacity, beta)
    densities = _empty((len(opacity), guess.shape[1], opacity.shape[1]), opacity.device)
    residual = torch.empty(opacity.shape, device=opacity.device)
    for rows, fused in blocks:
        densities[rows], residual[rows] = fused
    return Fused(densities, residual)


def fused_rows(guess: torch.Tensor, opacity: torch.Tensor, beta: float = BETA) -> Iterator[tuple[slice, Fused]]:
    """The same as fuse, by blocks of rows from the first to the last, so that the whole need not fit into memory."""
    guess = _checked(guess, opacity, beta)
    height, width = opacity.shape
    budget = _CPU_BLOCK if opacity.device.type == "cpu" else _GPU_BLOCK
    step = max(budget // (4 * guess.shape[1] * width), 1)
    parts = [slice(first, min(first + step, height)) for first in range(0, height, step)]
    return ((rows, _fused(guess, opacity, rows, beta)) for rows in parts)


def _checked(guess: torch.Tensor, opacity: torch.Tensor, beta: float) -> torch.Tensor:
    """The guess without what is negative, and not finer than the radiograph."""
    if guess.ndim != 3 or opacity.ndim != 2 or not guess.numel() or not opacity.numel():
        raise InputError(
            f"Fusion needs densities (K, J, I) and a radiograph (H, W), not {tuple(guess.shape)} and "
            f"{tuple(opacity.shape)}."
        )
    if not 1 <= beta <= STEEPEST:
        raise InputError(f"The exponent of the fusion must be from 1 to {STEEPEST:g}, not {beta:g}.")
    for name, values in (("guess", guess), ("radiograph", opacity)):
        if not torch.isfinite(values.sum()):
            raise InputError(f"The {name} to be fused holds NaN or infinite values; replace them first.")
    k, j, i = guess.shape
    size = (min(k, opacity.shape[0]), j, min(i, opacity.shape[1]))
    guess = guess.detach().float().clamp_min(0.0)
    return guess if guess.shape == size else torch.nn.functional.adaptive_avg_pool3d(guess[None], size)[0]


@torch.no_grad()
def _fused(guess: torch.Tensor, opacity: torch.Tensor, rows: slice, beta: float) -> Fused:
    wanted = opacity[rows].float()
    densities = _upsampled(guess, rows, opacity.shape)
    _set_right(densities, formation.integral_of_opacity(wanted), beta)
    return Fused(densities, wanted - formation.radiograph(densities))


def _upsampled(guess: torch.Tensor, rows: slice, size: torch.Size) -> torch.Tensor:
    """The guess (K, J, I) in some rows of a radiograph of a size (H, W), bilinear: (n, J, W)."""
    count, depth, _ = guess.shape
    at = ((torch.arange(rows.start, rows.stop, dtype=torch.float64) + 0.5) * (count / size[0]) - 0.5).clamp(
        0, count - 1
    )
    near = torch.arange(int(at[0]), min(int(at[-1]) + 1, count - 1) + 1)
    weights = (1 - (at[:, None] - near).abs()).clamp_min(0).to(guess)
    wide = torch.nn.functional.interpolate(guess[int(near[0]) : int(near[-1]) + 1], size[1], mode="linear")
    return (weights @ wide.flatten(1)).unflatten(1, (depth, size[1]))


def _set_right(densities: torch.Tensor, wanted: torch.Tensor, beta: float) -> None:
    """Change densities (n, J, W) in place so that their integrals are the wanted (n, W), where there is any density.

    mu becomes scale * (mu - share * mu^beta), in which the scale is 1 unless the share had to be limited.
    """
    wanted = torch.where(wanted > _NONE, wanted, 0.0)
    power = densities if beta == 2 else densities ** (beta - 1)
    integral = formation.integral(densities)
    moment = formation.integral(densities * power)
    densest = densities.amax(dim=1)
    known = densest > _NONE
    share = (integral - wanted) / moment
    most = _ALL * densest ** (1 - beta)
    scale = torch.where(share > most, (wanted / (integral - most * moment)).clamp(0.0, 1.0), 1.0)
    share = torch.where(known, torch.minimum(share, most), 0.0)
    scale = torch.where(known, scale, 1.0)
    densities *= torch.addcmul(scale[:, None], power, (-scale * share)[:, None])


def _empty(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """On the CPU from NumPy, which asks the system for huge pages: a large volume is written several times as fast."""
    return torch.empty(shape, device=device) if device.type != "cpu" else torch.from_numpy(np.empty(shape, np.float32))
