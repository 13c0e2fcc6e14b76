from __future__ import annotations

import numpy as np
import pytest
import torch

from CTRestorationLib.resampling import Resampling, downsample, downsampler, project, upsample, upsampler


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("kernel", ["lanczos", "box"])
def test_projection_returns_to_what_was_measured(factor: int, kernel: str) -> None:
    rng = np.random.default_rng(factor)
    coarse = rng.normal(0, 100, (11, 9))
    guess = rng.normal(0, 100, (11 * factor, 9 * factor))
    fine = project(guess, coarse, (factor, factor), kernel)
    np.testing.assert_allclose(downsample(fine, (factor, factor), kernel), coarse, atol=1e-6)


def test_projection_leaves_a_consistent_image_alone() -> None:
    fine = np.random.default_rng(0).normal(0, 100, (24, 32))
    coarse = downsample(fine, (4, 2))
    np.testing.assert_allclose(project(fine, coarse, (4, 2)), fine, atol=1e-6)


@pytest.mark.parametrize("kernel", ["lanczos", "box"])
def test_a_constant_stays_constant(kernel: str) -> None:
    np.testing.assert_allclose(downsampler(7, 4, kernel).sum(axis=1), 1.0)
    np.testing.assert_allclose(upsampler(7, 4).sum(axis=1), 1.0)


def test_a_ramp_keeps_its_place() -> None:
    """Phase 0.5: coarse sample c lies amid the fine samples c * f ... c * f + f - 1."""
    factor, size = 4, 16
    fine = (np.arange(size * factor) + 0.5) / factor - 0.5
    for kernel in ("lanczos", "box"):
        coarse = downsampler(size, factor, kernel) @ fine
        np.testing.assert_allclose(coarse[3:-3], np.arange(size)[3:-3], atol=1e-9)
    np.testing.assert_allclose((upsampler(size, factor, "cubic") @ np.arange(size))[12:-12], fine[12:-12], atol=1e-9)


def test_torch_and_numpy_agree() -> None:
    coarse = np.random.default_rng(1).normal(0, 1, (8, 10))
    resampling = Resampling((8, 10), (2, 4), "lanczos")
    start = resampling.start(torch.from_numpy(coarse).float())
    np.testing.assert_allclose(start.numpy(), project(upsample(coarse, (2, 4)), coarse, (2, 4)), atol=1e-4)
    np.testing.assert_allclose(resampling.down(start).numpy(), coarse, atol=1e-4)
