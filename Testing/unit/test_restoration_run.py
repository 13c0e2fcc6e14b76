from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from restoration_samples import WINDOW, clean, noisy, volume

from CTRestorationLib import prior
from CTRestorationLib.metrics import psnr
from CTRestorationLib.options import Direction, Preset, RestorationOptions, Task, Tier
from CTRestorationLib.resampling import downsample
from CTRestorationLib.restore import restore
from CTRestorationLib.sample import low_dose_slice
from InverseImagingLib.device import Device
from InverseImagingLib.errors import Cancelled
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Progress

SMALL_PAPER = {"tier": Tier.DEEP, "preset": Preset.PAPER, "channels": 8, "scales": 2, "iterations": 30}


@pytest.fixture(autouse=True)
def one_thread():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def result_of(image: Image, mask: Image | None = None, **options) -> np.ndarray:  # type: ignore[no-untyped-def]
    return restore(image, RestorationOptions(**options), mask=mask).images["result"].array


@pytest.mark.parametrize("tier", list(Tier))
def test_denoising_brings_the_phantom_nearer_to_the_truth(tier: Tier) -> None:
    truth, image = clean(256), noisy(256)
    before = psnr(image.array, truth.array, WINDOW)
    assert psnr(result_of(image, tier=tier, iterations=10), truth.array, WINDOW) > before + 3.0


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("task", [Task.RESTORE, Task.INPAINT])
def test_filling_is_near_the_truth_and_keeps_the_known(task: Task, tier: Tier) -> None:
    truth = clean(96)
    holes = np.zeros(truth.array.shape, np.uint8)
    if task is Task.INPAINT:
        holes[0, 30:34, 10:80] = holes[0, 60:66, 20:70] = 1
    else:
        holes[:] = np.random.default_rng(0).random(holes.shape) < 0.5
    damaged = truth.with_array(np.where(holes, -1000.0, truth.array).astype(np.float32))
    restored = result_of(damaged, truth.with_array(holes), task=task, tier=tier, iterations=20)
    np.testing.assert_array_equal(restored[holes == 0], truth.array[holes == 0])
    assert psnr(restored, truth.array, WINDOW) > psnr(damaged.array, truth.array, WINDOW) + 5.0


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("factor", [2, 4])
def test_super_resolution_agrees_with_the_coarse_image(factor: int, tier: Tier) -> None:
    truth = clean(96).array[0]
    coarse = downsample(truth, (factor, factor)).astype(np.float32)
    image = clean(96).with_array(coarse[None])
    result = restore(image, RestorationOptions(task=Task.SUPER_RESOLUTION, factor=factor, tier=tier, iterations=10))
    fine = result.images["result"].array[0]
    np.testing.assert_allclose(downsample(fine, (factor, factor)), coarse, atol=0.05)
    assert np.abs(result.images["residual"].array).max() < 0.1
    nearest = np.kron(coarse, np.ones((factor, factor), np.float32))
    assert psnr(fine, truth, WINDOW) > psnr(nearest, truth, WINDOW)


@pytest.mark.parametrize("tier", list(Tier))
def test_thick_slices_are_means_of_thin_ones(tier: Tier) -> None:
    image = volume((8, 16, 20))
    options = RestorationOptions(
        task=Task.SUPER_RESOLUTION, direction=Direction.THROUGH_PLANE, factor=2, tier=tier, slices="2:6", iterations=10
    )
    thin = restore(image, options).images["result"].array
    assert thin.shape == (8, 16, 20)
    np.testing.assert_allclose(thin.reshape(4, 2, 16, 20).mean(axis=1), image.array[2:6], atol=0.05)


@pytest.mark.parametrize("task", [Task.DENOISE, Task.SUPER_RESOLUTION, Task.RESTORE])
def test_paper_preset_fits_the_image(task: Task) -> None:
    image = clean(32)
    result = restore(image, RestorationOptions(task=task, learning_rate=0.01, uncertainty=True, **SMALL_PAPER))
    facts = result.report["per slice"][0]
    assert 10 < facts["iterations"] <= 30
    assert result.report["network parameters"] < 50_000
    assert result.images["uncertainty"].array.max() > 0
    low, high = facts["HU range"]
    assert low < image.array.min() < image.array.max() < high


@pytest.mark.parametrize(
    "options",
    [
        {"tier": Tier.INSTANT},
        {"tier": Tier.FAST, "iterations": 5},
        {"iterations": 5},
        {"iterations": 5, "task": Task.RESTORE},
        SMALL_PAPER | {"iterations": 5},
    ],
    ids=["instant", "fast", "deep", "deep restore", "paper"],
)
def test_one_seed_gives_one_result(options: dict) -> None:
    image = noisy(64)
    first, second = (result_of(image, seed=3, device=Device.CPU, **options) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_another_seed_drops_other_pixels() -> None:
    images = [
        restore(noisy(64), RestorationOptions(task=Task.RESTORE, tier=Tier.INSTANT, seed=s)).images for s in (0, 1)
    ]
    assert (images[0]["residual"].array != images[1]["residual"].array).mean() > 0.3


@pytest.mark.parametrize("options", [{"tier": Tier.INSTANT}, {"tier": Tier.FAST}, {}, SMALL_PAPER])
def test_cancel_passes_through(options: dict) -> None:
    calls = []

    def cancel(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        restore(noisy(64), RestorationOptions(**options), cancel)
    assert len(calls) == 3


@pytest.mark.parametrize("options", [{"tier": Tier.FAST}, {}, SMALL_PAPER], ids=["fast", "deep", "paper"])
def test_finish_now_gives_all_slices(options: dict) -> None:
    image = volume((3, 32, 32))

    def finish(progress: Progress) -> bool:
        return bool(progress.curve)

    result = restore(image, RestorationOptions(**options), finish)
    assert any("finished early" in sentence for sentence in result.report["warnings"])
    changed = np.abs(result.images["residual"].array).max(axis=(1, 2))
    assert (changed > 0.5).all()
    assert result.report["per slice"][0]["iterations"] <= 10


def test_progress_grows_and_carries_curve_and_previews() -> None:
    seen: list[Progress] = []
    restore(noisy(64), RestorationOptions(iterations=20), seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] <= fractions[-1] <= 1.0
    curves = [p.curve for p in seen if p.curve]
    assert curves
    assert {"iteration", "variance", "PSNR to input"} <= set(curves[-1])
    assert any(p.preview is not None for p in seen)


def test_without_the_weights_it_runs_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior, "FOLDER", tmp_path)
    truth, image = clean(128), noisy(128)
    result = restore(image, RestorationOptions(iterations=10))
    assert any("random weights" in sentence for sentence in result.report["warnings"])
    assert "model sha256" not in result.report
    assert psnr(result.images["result"].array, truth.array, WINDOW) > psnr(image.array, truth.array, WINDOW)


def test_other_sizes_of_the_network_start_from_random_weights() -> None:
    report = restore(noisy(64), RestorationOptions(iterations=5, channels=16)).report
    assert any("random weights" in sentence for sentence in report["warnings"])


def test_neighbors_help_the_fast_tier() -> None:
    truth = clean(96)
    stack = np.concatenate([noisy_copy(truth, seed) for seed in range(3)])
    image = truth.with_array(stack)
    restored = result_of(image, tier=Tier.FAST, slices="1:2", iterations=30)[1]
    assert psnr(restored, truth.array[0], WINDOW) > psnr(stack[1], truth.array[0], WINDOW) + 2.0


def noisy_copy(truth: Image, seed: int) -> np.ndarray:
    return truth.array + np.random.default_rng(seed).normal(0, 40, truth.array.shape).astype(np.float32)


def test_report_is_json_and_tells_what_was_done() -> None:
    result = restore(noisy(64), RestorationOptions(iterations=5, uncertainty=True))
    report = json.loads(json.dumps(result.report))
    assert report["settings"]["task"] == "denoise"
    assert report["window HU"] == [-160.0, 240.0]
    assert len(report["model sha256"]) == 64
    assert "research use only" in report["remark"]
    assert report["seconds"] > 0
    assert list(result.images) == ["result", "residual", "uncertainty"]
    assert result.images["uncertainty"].array.max() > 0


def test_input_is_not_changed() -> None:
    image = noisy(64)
    before = image.array.copy()
    restore(image, RestorationOptions(iterations=5))
    np.testing.assert_array_equal(image.array, before)


def test_metal_threshold_is_filled() -> None:
    array = clean(64).array.copy()
    array[0, 30:33, 20:23] = 3000.0
    result = result_of(clean(64).with_array(array), task=Task.INPAINT, tier=Tier.INSTANT, mask_above=2500.0)
    assert result.max() < 1000.0


def test_the_paper_preset_starts_warm_from_slice_to_slice() -> None:
    slice_hu = low_dose_slice(64).array[0, 16:48, 16:48].astype(np.float32)
    image = Image(np.stack([slice_hu, slice_hu]), np.eye(4), Meaning.HU, "twins")
    options = RestorationOptions(preset=Preset.PAPER, scales=2, channels=8, iterations=150, reg_noise_std=0.0)
    points = []
    restore(image, options, lambda progress: points.append(progress.curve) if progress.curve else None)
    first, second = [p["PSNR to input"] for p in points if p["iteration"] == min(q["iteration"] for q in points)]
    assert second > first + 1.0
