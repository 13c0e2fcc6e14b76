"""What is measured on flat films."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from film_photos import backward, film
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import MultiScaleSSIMMetric

from FilmRecoveryLib.evaluation.metrics import deshifted, likeness, misplaced, ms_ssim

SHAPE = (240, 320)


def noisy(amount: float) -> np.ndarray:
    return (film(shape=SHAPE) + np.random.default_rng(0).normal(0, amount, SHAPE)).clip(0, 1).astype(np.float32)


def test_the_truth_is_perfect():
    assert likeness(film(shape=SHAPE), film(shape=SHAPE)) == {"PSNR": 100.0, "SSIM": 1.0, "MS-SSIM": pytest.approx(1)}


def test_psnr_is_that_of_the_mean_square():
    truth = film(shape=SHAPE).clip(0, 0.9)
    assert likeness(truth + np.float32(0.1), truth)["PSNR"] == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize("amount", [0.02, 0.1, 0.3])
def test_ms_ssim_is_monais(amount: float):
    one, other = torch.from_numpy(noisy(amount)), torch.from_numpy(film(shape=SHAPE))
    theirs = MultiScaleSSIMMetric(spatial_dims=2, data_range=1.0)(one[None, None], other[None, None])
    assert ms_ssim(one, other) == pytest.approx(float(theirs), abs=2e-3)


@settings(deadline=None, max_examples=10)
@given(st.floats(-9, 9), st.floats(-9, 9))
def test_a_shift_is_an_error_that_deshifting_takes_away(x: float, y: float):
    truth, known = backward((60, 80)), np.ones((60, 80), bool)
    known[:20] = False
    shifted = truth + np.array([x, y])
    assert misplaced(shifted, truth, known)["EPE"] == pytest.approx(np.hypot(x, y), abs=1e-6)
    np.testing.assert_allclose(deshifted(shifted, truth, known), truth, atol=1e-6)


def test_local_distortion_counts_pixels_of_the_film():
    fine = backward((600, 800))
    off = np.roll(fine, -3, axis=1)[:, :-3]  # shows what lies three pixels to the right
    known = np.ones((600, 797), bool)
    assert misplaced(off, fine[:, :-3], known)["LD"] == pytest.approx(3 * np.sqrt(598_400 / known.size), rel=0.02)
    assert misplaced(np.roll(fine, 2, axis=0)[2:], fine[2:], np.ones((598, 800), bool))["LD"] == pytest.approx(
        2 * np.sqrt(598_400 / (598 * 800)), rel=0.02
    )
