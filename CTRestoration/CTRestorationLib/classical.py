"""The instant tier: non-local means and total variation, biharmonic filling, Lanczos interpolation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from .filling import pull_push
from .noise import NoiseModel, estimate_noise
from .options import Task
from .problem import Estimate, Problem, Step, no_step
from .resampling import upsample
from .tiles import tile_count, tiles

_NLM_STRENGTHS = (0.4, 0.55, 0.7, 0.85, 1.0)  # h, in units of the noise level
_TV_WEIGHTS = (0.4, 0.7, 1.0, 1.4)  # in units of the noise level
_CALIBRATION = 256  # side of the part of a slice that the choice is made on
_TILE, _OVERLAP = 192, 16


def non_local_means(unit: np.ndarray, strength: float, sigma: float) -> np.ndarray:
    """Denoise (H, W); strength: h in units of sigma. Source: Buades et al., CVPR 2005; as in scikit-image."""
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(unit, patch_size=5, patch_distance=7, h=strength * sigma, fast_mode=True)


def total_variation(unit: np.ndarray, weight: float, sigma: float) -> np.ndarray:
    """Denoise (H, W); weight in units of sigma. Source: Chambolle, JMIV 2004; as in scikit-image."""
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(unit, weight=weight * sigma, eps=1e-4, max_num_iter=100)


Denoiser = Callable[[np.ndarray, float, float], np.ndarray]
DENOISERS: dict[str, tuple[Denoiser, tuple[float, ...]]] = {
    "non-local means": (non_local_means, _NLM_STRENGTHS),
    "total variation": (total_variation, _TV_WEIGHTS),
}


def calibrate(
    problem: Problem, noise: NoiseModel, names: tuple[str, ...] = tuple(DENOISERS), step: Step = no_step
) -> tuple[str, float, float]:
    """The denoiser and its parameter with the least estimated risk, and that risk (mean square error in HU^2).

    J-invariance needs noise that differs from pixel to pixel, which filtered back projection does not give. So the
    risk is Stein's, with the divergence probed by noise of the slice's own spectrum: for noise of covariance C and z
    drawn from it, E|D(y) - x|^2 = E|D(y) - y|^2 - tr C + 2 E z'(D(y + e z) - D(y)) / e.
    Source: Ramani et al., Monte-Carlo SURE, IEEE TIP 17 (2008), for colored noise.
    """
    part = _middle(problem.values)
    values, level = problem.values[part].astype(np.float64), noise.level[part]
    probe = noise.sample(np.random.default_rng(0))[part]
    smooth = gaussian_filter(values, 1.5)
    tissue = (smooth > problem.companding.low) & (smooth < problem.companding.high)
    if not tissue.any():
        tissue[:] = True
    epsilon, best = 0.1, ("", 0.0, np.inf)
    candidates = [(name, parameter) for name in names for parameter in DENOISERS[name][1]]
    for index, (name, parameter) in enumerate(candidates):
        if step(0.5 * index / len(candidates), f"trying {name}"):
            break
        first = _denoise(problem, values, name, parameter, noise.typical)
        second = _denoise(problem, values + epsilon * probe, name, parameter, noise.typical)
        divergence = (probe * (second - first) / epsilon)[tissue].mean()
        risk = ((first - values) ** 2)[tissue].mean() - (level**2)[tissue].mean() + 2.0 * divergence
        if risk < best[2]:
            best = (name, parameter, float(risk))
    return best if best[0] else (*candidates[2], np.inf)


def _middle(values: np.ndarray) -> tuple[slice, slice]:
    starts = [max((n - _CALIBRATION) // 2, 0) for n in values.shape]
    return slice(starts[0], starts[0] + _CALIBRATION), slice(starts[1], starts[1] + _CALIBRATION)


def _denoise(problem: Problem, values: np.ndarray, name: str, parameter: float, sigma: float) -> np.ndarray:
    """Denoise HU values; outside the window they are companded, so that bone and air do not outweigh tissue."""
    companding = problem.companding
    unit = companding.compress(torch.from_numpy(np.asarray(values, dtype=np.float64))).numpy()
    clean = DENOISERS[name][0](unit, parameter, sigma / companding.width)
    return companding.expand(torch.from_numpy(clean)).numpy()


def denoise_with(
    problem: Problem, values: np.ndarray, name: str, parameter: float, sigma: float, step: Step = no_step
) -> np.ndarray:
    """Denoise HU values (H, W) of a slice by one of DENOISERS, tile by tile. sigma: noise level in HU."""
    result = np.empty(values.shape, dtype=np.float64)
    total = tile_count(problem.values.shape, _TILE)
    for index, (read, keep, put) in enumerate(tiles(problem.values.shape, _TILE, _OVERLAP)):
        step(0.5 + 0.5 * index / total, name)
        result[put] = _denoise(problem, values[read], name, parameter, sigma)[keep]
    return result


def denoise(
    problem: Problem, names: tuple[str, ...] = tuple(DENOISERS), step: Step = no_step
) -> tuple[np.ndarray, dict[str, Any]]:
    """Denoise a slice by the calibrated best of the named denoisers. Returns HU (H, W) and the choice made."""
    noise = estimate_noise(problem.values)
    name, parameter, risk = calibrate(problem, noise, names, step)
    result = denoise_with(problem, problem.values, name, parameter, noise.typical, step)
    facts = {"denoiser": name, "strength": parameter, "noise level HU": round(noise.typical, 2)}
    if np.isfinite(risk):
        facts["estimated error HU"] = round(float(np.sqrt(max(risk, 0.0))), 2)
    return result, facts


def biharmonic(values: np.ndarray, missing: np.ndarray, step: Step = no_step, iterations: int = 300) -> np.ndarray:
    """Fill missing pixels (H, W) by the surface of least squared Laplacian through the known ones.

    The same equation as scikit-image's inpaint_biharmonic, solved by conjugate gradients, which takes half a million
    unknowns in seconds. Source: Damelin and Hoang, On surface completion and image inpainting by biharmonic functions.
    """
    known = torch.from_numpy((~missing).astype(np.float64))[None, None]
    start = torch.from_numpy(np.where(missing, 0.0, values).astype(np.float64))[None, None]
    x = pull_push(start, known).numpy()[0, 0]
    residual = np.where(missing, -_laplacian(_laplacian(x)), 0.0)
    direction, energy = residual.copy(), float((residual**2).sum())
    goal = 1e-8 * max(energy, 1e-12)
    for iteration in range(iterations):
        if energy <= goal or step(iteration / iterations, "biharmonic filling"):
            break
        image = np.where(missing, _laplacian(_laplacian(direction)), 0.0)
        length = energy / max(float((direction * image).sum()), 1e-30)
        x += length * direction
        residual -= length * image
        previous, energy = energy, float((residual**2).sum())
        direction = residual + (energy / previous) * direction
    return x


def _laplacian(x: np.ndarray) -> np.ndarray:
    """Five-point Laplacian with mirrored borders, a symmetric operator."""
    result = np.zeros_like(x)
    for axis in (0, 1):
        step = np.diff(x, axis=axis)
        first = (slice(None, -1), slice(1, None))
        low, high = ((part, slice(None)) if axis == 0 else (slice(None), part) for part in first)
        result[low] += step
        result[high] -= step
    return result


class InstantSolver:
    """Classical methods only."""

    def solve(self, problem: Problem, step: Step) -> Estimate:
        if problem.task is Task.DENOISE:
            values, facts = denoise(problem, step=step)
            return Estimate(values.astype(np.float32), facts=facts)
        return self.quick(problem, step)

    def quick(self, problem: Problem, step: Step = no_step) -> Estimate:
        if problem.task is Task.DENOISE:
            values, facts = denoise(problem, ("total variation",), step)
        elif problem.task is Task.SUPER_RESOLUTION:
            values, facts = upsample(problem.values, problem.factors), {"interpolation": "Lanczos"}
        else:
            assert problem.missing is not None
            values, facts = biharmonic(problem.values, problem.missing, step), {"filling": "biharmonic"}
        return Estimate(problem.consistent(values), facts=facts)

    def facts(self) -> dict[str, Any]:
        return {}
