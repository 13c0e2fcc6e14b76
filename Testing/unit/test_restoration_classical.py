from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from restoration_samples import WINDOW, clean, noisy

from CTRestorationLib.classical import DENOISERS, biharmonic, calibrate, denoise, denoise_with
from CTRestorationLib.companding import Companding
from CTRestorationLib.dose import dose_noise, line_integrals, lower_dose
from CTRestorationLib.filling import pull_push
from CTRestorationLib.masks import dropped, scribbles
from CTRestorationLib.metrics import edge_slope, noise_power, psnr, ssim
from CTRestorationLib.noise import NoiseModel, estimate_noise
from CTRestorationLib.options import Task
from CTRestorationLib.problem import Problem
from CTRestorationLib.tiles import tiles


@given(low=st.floats(-2000, 500), width=st.floats(10, 4000), value=st.floats(-1100, 3100))
def test_companding_is_invertible_and_linear_inside(low: float, width: float, value: float) -> None:
    companding = Companding(low, low + width)
    x = torch.tensor([value], dtype=torch.float64)
    unit = companding.compress(x)
    if -2 < (value - low) / width < 3:
        assert float(companding.expand(unit)) == pytest.approx(value, abs=1e-6 * max(width, 1000))
    if 0 <= (value - low) / width <= 1:
        assert float(unit) == pytest.approx((value - low) / width, abs=1e-9)


def test_biharmonic_agrees_with_scikit_image() -> None:
    from skimage.restoration import inpaint_biharmonic

    truth = clean(96).array[0, 20:60, 20:60].astype(float)
    missing = dropped(truth.shape, 0.3, np.random.default_rng(0))
    own = biharmonic(np.where(missing, 0, truth), missing)
    theirs = inpaint_biharmonic(np.where(missing, 0, truth), missing)
    inside = (slice(4, -4), slice(4, -4))  # the two treat the border differently
    assert np.abs(own - theirs)[inside].mean() < 0.05 * np.abs(theirs - truth)[missing].mean() + 0.5
    np.testing.assert_array_equal(own[~missing], truth[~missing])


def test_biharmonic_continues_a_plane() -> None:
    j, i = np.mgrid[:30, :30]
    plane = 3.0 * i - 2.0 * j
    missing = scribbles(plane.shape, 0.15, np.random.default_rng(1), width=3.0)
    missing[[0, 1, -1, -2]] = False
    missing[:, [0, 1, -1, -2]] = False
    np.testing.assert_allclose(biharmonic(np.where(missing, 0, plane), missing, iterations=2000), plane, atol=0.2)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (32, 17)])
def test_pull_push_keeps_the_known_and_fills_the_rest(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    values = torch.from_numpy(rng.uniform(1, 2, (1, 1, *shape))).float()
    known = torch.from_numpy(rng.random((1, 1, *shape)) < 0.3).float()
    known[..., 0, 0] = 1.0
    filled = pull_push(values * known, known)
    assert torch.equal(filled[known > 0], values[known > 0])
    assert float(filled.min()) >= 1.0
    assert float(filled.max()) <= 2.0


def test_noise_model_finds_level_and_color() -> None:
    rng = np.random.default_rng(3)
    shape = (192, 192)
    frequency = np.hypot(np.fft.fftfreq(192)[:, None], np.fft.fftfreq(192)[None, :])
    transfer = np.sqrt(frequency * np.exp(-((frequency / 0.25) ** 2)))
    transfer /= np.sqrt((transfer**2).mean())
    noise = NoiseModel(np.full(shape, 25.0), transfer).sample(rng)
    model = estimate_noise(40.0 + noise)
    assert model.typical == pytest.approx(25.0, rel=0.15)
    again = model.sample(rng)
    assert again.std() == pytest.approx(noise.std(), rel=0.15)

    def neighbors(x: np.ndarray) -> float:
        return float((x[:, 1:] * x[:, :-1]).mean() / x.var())

    assert neighbors(again) == pytest.approx(neighbors(noise), abs=0.12)


@pytest.mark.parametrize("name", DENOISERS)
def test_calibration_is_near_the_best_choice(name: str) -> None:
    truth, image = clean(256).array[0], noisy(256).array[0].astype(np.float32)
    problem = Problem(Task.DENOISE, image, Companding(*WINDOW))
    noise = estimate_noise(image)
    _, chosen, _ = calibrate(problem, noise, (name,))
    quality = {p: psnr(denoise_with(problem, image, name, p, noise.typical), truth, WINDOW) for p in DENOISERS[name][1]}
    assert quality[chosen] > max(quality.values()) - 2.0
    assert quality[chosen] > psnr(image, truth, WINDOW) + 2.0


def test_instant_denoising_of_tiles_has_no_seams() -> None:
    image = np.tile(noisy(96).array[0].astype(np.float32), (1, 3))
    problem = Problem(Task.DENOISE, image, Companding(*WINDOW))
    result, _ = denoise(problem, ("non-local means",))
    whole = denoise_with(problem, image, "non-local means", 0.9, estimate_noise(image).typical)
    assert result.shape == whole.shape == image.shape
    assert np.isfinite(result).all()


@given(shape=st.tuples(st.integers(1, 60), st.integers(1, 60)), size=st.integers(5, 40), overlap=st.integers(0, 9))
def test_tiles_cover_each_pixel_once(shape: tuple[int, int], size: int, overlap: int) -> None:
    picture, count = np.arange(shape[0] * shape[1]).reshape(shape), np.zeros(shape, dtype=int)
    for read, keep, put in tiles(shape, size, overlap):
        np.testing.assert_array_equal(picture[read][keep], picture[put])
        count[put] += 1
    assert (count == 1).all()


def test_less_dose_gives_more_noise_of_zero_mean() -> None:
    truth = clean(64).array[0]
    integrals = line_integrals(truth, 5.6, views=90)
    levels = []
    for dose in (0.5, 0.1):
        noise = dose_noise(integrals, truth.shape, 5.6, dose, np.random.default_rng(4), counts=1e5)
        assert abs(noise.mean()) < 0.2 * noise.std()
        levels.append(noise.std())
    assert levels[1] / levels[0] == pytest.approx(3.0, rel=0.15)  # sqrt((1/0.1 - 1) / (1/0.5 - 1))


def test_lower_dose_adds_to_the_noise_that_is_there() -> None:
    image = noisy(128).array[0].astype(np.float32)
    inserted = [(lower_dose(image, 2.8, dose) - image).std() for dose in (0.5, 0.1)]
    assert inserted[1] / inserted[0] == pytest.approx(3.0, rel=0.15)
    tissue = (image > -160) & (image < 240)
    own = estimate_noise(image).typical
    assert (lower_dose(image, 2.8, 0.5) - image)[tissue].std() == pytest.approx(own, rel=0.2)


def test_metrics_know_better_from_worse() -> None:
    truth = clean(96).array[0]
    rng = np.random.default_rng(5)
    little, much = (truth + rng.normal(0, s, truth.shape).astype(np.float32) for s in (5, 30))
    assert psnr(truth, truth, WINDOW) == 200.0
    assert psnr(little, truth, WINDOW) > psnr(much, truth, WINDOW) + 10
    assert ssim(truth, truth, WINDOW) == pytest.approx(1.0)
    assert ssim(little, truth, WINDOW) > ssim(much, truth, WINDOW)
    deviation, frequency = noise_power(much, truth, WINDOW)
    assert deviation == pytest.approx(30.0, rel=0.2)
    assert frequency == pytest.approx(0.38, abs=0.04)
    from scipy.ndimage import gaussian_filter

    assert edge_slope(truth, truth, WINDOW) == pytest.approx(1.0)
    assert edge_slope(gaussian_filter(truth, 2.0), truth, WINDOW) < 0.8
    step = np.full((8, 8), 10.0)
    assert psnr(step, step + 4.0, (0.0, 400.0)) == pytest.approx(40.0)
