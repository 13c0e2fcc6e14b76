"""The evaluation of CT2RGB: CTs with known colors, what is measured, and on what."""

from __future__ import annotations

import functools
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ct2rgb_samples import CORTEX, FAT, MUSCLE, disks, placed, thigh
from ct2rgb_sections import sections, write_prepared, write_untrained
from safetensors.torch import save_file
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab

from CT2RGBLib import palette
from CT2RGBLib.evaluation.blocks import NOISES, Block, scans
from CT2RGBLib.evaluation.edges import edge_counts, noise_of, smoothed
from CT2RGBLib.evaluation.hues import hue_errors, references
from CT2RGBLib.evaluation.methods import OURS, Colors, WholeSlices, barely_masked, masked, upright
from CT2RGBLib.evaluation.patients import EDGES, FLICKER, evaluate_patients
from CT2RGBLib.evaluation.perceptual import Lpips
from CT2RGBLib.evaluation.sections import GROUPS, evaluate_sections, likeness
from CT2RGBLib.evaluation.tables import summary
from CT2RGBLib.options import ColorizeOptions, Part
from CT2RGBLib.paper.network import PaperGenerator
from CT2RGBLib.slices import Slices
from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.tables import markdown

PIXEL = (1.0, 1.0)
BY_PALETTE = masked(lambda slices: palette.painter(ColorizeOptions()))


@functools.cache
def scanned() -> list[Block]:
    return list(scans(sections()[-2:]))


def gray(hu: np.ndarray) -> np.ndarray:
    """Colors whose edges are those of the CT."""
    return np.repeat(((hu + 200) / 400).clip(0, 1)[..., None], 3, axis=-1)


def slice_of(*layers: tuple[float, float], noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """HU and body of disks at 1 mm, as a scanner sees them, which blurs."""
    hu = ndimage.gaussian_filter(disks(*layers, size=120, pixel=1.0, count=1)[0], 0.6)
    noisy = hu + np.random.default_rng(0).normal(0, noise or 1e-9, hu.shape)
    return noisy.astype(np.float32), hu > -300


# Sections


def test_a_block_is_scanned_with_each_noise_and_always_the_same():
    assert [block.noise for block in scanned()] == list(NOISES)
    again = next(scans(sections()[-2:]))
    for index in range(2):
        np.testing.assert_array_equal(again.slices.hu(index), scanned()[0].slices.hu(index))
    assert not np.array_equal(scanned()[0].colors[0], scanned()[0].colors[1])
    np.testing.assert_array_equal(scanned()[0].colors, scanned()[1].colors)


def test_scans_run_from_the_feet_up_and_show_the_colors_where_the_ct_shows_the_tissue():
    block = scanned()[0]
    assert block.slices.spacing == (5.0, 1.0, 1.0)
    lowest = sections()[-1]
    drawn = np.median(lowest.rgb[lowest.body], axis=0) / 255
    found = block.colors[0][block.slices.body(0)]
    np.testing.assert_allclose(np.median(found, axis=0), drawn, atol=0.02)
    for index in range(block.slices.count):
        hu, body = block.slices.hu(index), block.slices.body(index)
        assert not block.colors[index][~body].any()
        assert (hu[~body] == -1000).all()
        fat, muscle = (np.median(block.colors[index][body & (abs(hu - at) < 25)], axis=0) for at in (-100, 55))
        assert fat[1] > 0.6 > 0.3 > muscle[1]


def test_likeness_is_perfect_for_the_truth_and_falls_with_errors():
    block = scanned()[0]
    truth, body = block.colors[0], block.slices.body(0)
    assert likeness(truth, truth, body) == {"RMSE": 0.0, "SSIM": 1.0}
    shifted = likeness(truth + 0.1, truth, body)
    assert shifted["RMSE"] == pytest.approx(25.5)
    rough = likeness(truth + np.random.default_rng(0).normal(0, 0.1, truth.shape), truth, body)
    assert rough["SSIM"] < shifted["SSIM"] < 1
    outside = np.where(body[..., None], truth, 1.0)
    assert likeness(outside, truth, body) == {"RMSE": 0.0, "SSIM": 1.0}


def test_methods_are_compared_on_blocks():
    found = evaluate_sections(sections()[-2:], {OURS: BY_PALETTE, "black": black}, lambda line: None)
    assert list(found["bodies"]) == ["body_1080"]
    assert set(found["means"][OURS]) == set(GROUPS)
    assert found["means"][OURS]["all"]["RMSE"]["mean"] < found["means"]["black"]["all"]["RMSE"]["mean"]
    assert found["gains"]["black"]["all"]["RMSE"]["mean"] < 0


def black(slices: Slices) -> Colors:
    return lambda index: np.zeros((*slices.shape, 3))


def test_lpips_is_the_weighted_distance_of_features_of_unit_length():
    """As the package lpips has it, for a network of which only one feature of the first layer is left."""
    torch.manual_seed(0)
    network, some = Lpips(), np.random.default_rng(0).random((67, 80, 3))
    assert network.distance(some, some) == 0
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.net["slice1"]["0"].bias[:2] = 1.0
        network.net["slice1"]["0"].weight[0, :, 5, 5] = 1.0
        network.lin0["model"]["1"].weight[0, 0] = 0.7
    means, deviations = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    bright, middle = (1 + ((value - means) / deviations).sum() for value in (1.0, 0.5))
    wanted = 0.7 * (bright / np.hypot(bright, 1) - middle / np.hypot(middle, 1)) ** 2
    assert network.distance(np.ones_like(some), np.full_like(some, 0.5)) == pytest.approx(wanted, rel=1e-3)


# Edges


def test_noise_is_told_from_edges():
    hu, body = slice_of((50, FAT), (40, MUSCLE), (12, CORTEX), noise=15.0)
    assert noise_of(hu, body) == pytest.approx(15, rel=0.1)
    clean, _ = slice_of((50, FAT), (40, MUSCLE), (12, CORTEX))
    assert noise_of(clean, body) < 1
    even, _ = smoothed(hu, body, PIXEL)
    inside = ndimage.binary_erosion((abs(clean - MUSCLE) < 1) & body, iterations=8)
    assert np.hypot(*np.gradient(even))[inside].max() < 10


@pytest.mark.parametrize("noise", [0.0, 20.0])
def test_colors_that_follow_the_ct_have_neither_false_nor_missing_edges(noise: float):
    hu, body = slice_of((50, FAT), (40, MUSCLE), (12, CORTEX), noise=noise)
    false, of_colors, missing, between = edge_counts(hu, gray(hu), body, PIXEL)
    assert false <= 0.02 * of_colors
    assert missing == 0
    assert between > 2 * np.pi * (40 + 12)


@pytest.mark.parametrize("pixel", [1.0, 4.0])
def test_edges_are_seen_in_coarse_cts_too(pixel: float):
    hu = disks((100, FAT), (80, MUSCLE), (30, CORTEX), size=int(240 / pixel), pixel=pixel, count=1)[0]
    false, _, missing, between = edge_counts(hu, gray(hu), hu > -300, (pixel, pixel))
    assert false == missing == 0
    assert between > 2 * np.pi * (80 + 30) / pixel


def test_invented_contours_are_false_edges():
    hu, body = slice_of((50, FAT), (40, MUSCLE))
    colors = gray(hu)
    colors[55:65, 55:65] = (0.9, 0.2, 0.2)
    false, of_colors, missing, _ = edge_counts(hu, colors, body, PIXEL)
    assert 40 <= false <= 160
    assert false < of_colors
    assert missing == 0


def test_an_edge_that_is_up_to_2_mm_away_counts_as_the_same():
    hu, body = slice_of((50, FAT), (40, MUSCLE))
    for pixels, most in ((1, 0.0), (6, 1.0)):
        false, of_colors, *_ = edge_counts(hu, gray(np.roll(hu, pixels, axis=1)), body, PIXEL)
        assert (false > 0.2 * of_colors) == bool(most)


def test_one_color_for_all_misses_every_edge():
    hu, body = slice_of((50, FAT), (40, MUSCLE), (12, CORTEX))
    false, of_colors, missing, between = edge_counts(hu, np.full((*hu.shape, 3), 0.5), body, PIXEL)
    assert false == of_colors == 0
    assert missing == between > 0


# Hues


def test_references_are_the_colors_of_the_tissues():
    wanted = references(sections()[:3])
    assert set(wanted) == {"fat", "muscle or organ", "bone"}
    for name, color in (("fat", (225, 190, 110)), ("muscle or organ", (120, 40, 35))):
        np.testing.assert_allclose(wanted[name], rgb2lab(np.array(color) / 255), atol=1.5)


def test_the_error_of_a_hue_is_its_angle():
    hu, body = slice_of((50, FAT), (40, MUSCLE))
    wanted = {"fat": np.array([60.0, 30.0, 0.0]), "muscle or organ": np.array([60.0, -30.0, -1e-3])}
    angle = np.deg2rad(20)
    shown = np.array([60.0, 30 * np.cos(angle), 30 * np.sin(angle)])
    colors = np.broadcast_to(lab2rgb(shown), (*hu.shape, 3))
    found = hue_errors(hu, colors, body, PIXEL, wanted)
    count, hues, apart = found["fat"]
    assert count > 500
    assert hues / count == pytest.approx(20, abs=0.1)
    assert apart / count == pytest.approx(2 * 30 * np.sin(angle / 2), abs=0.1)
    count, hues, _ = found["muscle or organ"]
    assert hues / count == pytest.approx(160, abs=0.1)  # the shorter way around


def test_what_a_skull_surrounds_is_brain():
    hu, body = slice_of((55, 40), (50, CORTEX), (44, 33))
    wanted = {name: np.array([60.0, 10.0, 10.0]) for name in ("brain", "muscle or organ", "bone")}
    found = hue_errors(hu, np.full((*hu.shape, 3), 0.5), body, PIXEL, wanted)
    assert found["brain"][0] > 0.8 * np.pi * 42**2
    assert found["muscle or organ"][0] < 1000


# Patients


def write_cts(folder: Path) -> Path:
    folder.mkdir()
    images.write(thigh(4), folder / "thin_1.nrrd")
    hu = disks((60, FAT), (50, MUSCLE), (16, CORTEX), count=4)
    images.write(placed(hu + np.random.default_rng(0).normal(0, 8, hu.shape), (3.0, 1.5, 1.5)), folder / "thin_2.nrrd")
    images.write(thigh(1), folder / "single.nrrd")
    images.write(thigh().with_array(np.full((3, 8, 8), 40, np.int16)), folder / "mr.nrrd")
    return folder


def test_patients_are_those_cts_that_show_the_part(tmp_path: Path):
    said: list[str] = []
    wanted = references(sections()[:3])
    methods = {OURS: BY_PALETTE, "bare": barely_masked(BY_PALETTE)}
    found = evaluate_patients(write_cts(tmp_path / "cts"), Part.BODY, wanted, methods, said.append)
    assert set(found["bodies"]) == {"thin_1", "thin_2"}
    assert any("mr.nrrd is left out" in line for line in said)
    assert any("single.nrrd is left out" in line for line in said)
    scores = found["bodies"]["thin_2"][OURS]
    assert 0 <= scores[EDGES]["false"] < 0.2
    assert 0 <= scores[EDGES]["missing"] < 0.2
    assert FLICKER not in found["bodies"]["thin_1"][OURS]  # its slices are 4 mm apart
    assert 0 < scores[FLICKER]["change"] < 20
    assert {"fat", "muscle or organ"} <= set(scores)
    with pytest.raises(InputError, match="shows a head"):
        evaluate_patients(tmp_path / "cts", Part.HEAD, wanted, methods, said.append)


def test_flicker_is_the_change_of_the_color_where_hu_stay(tmp_path: Path):
    (tmp_path / "cts").mkdir()
    images.write(placed(disks((60, FAT), (50, MUSCLE), count=8), (1.0, 1.5, 1.5)), tmp_path / "cts" / "leg.nrrd")

    def flickering(slices: Slices) -> Colors:
        return lambda index: np.full((*slices.shape, 3), 0.5 + 0.02 * (index % 2))

    found = evaluate_patients(tmp_path / "cts", Part.BODY, {}, {OURS: flickering}, lambda line: None)
    assert found["bodies"]["leg"][OURS][FLICKER]["change"] == pytest.approx(255 * 0.02)


def test_the_simpler_mask_keeps_the_noise_of_the_air():
    hu = disks((60, FAT), count=2) + np.random.default_rng(0).normal(0, 20, (2, 96, 96))
    slices = upright(hu.astype(np.float32), (3.0, 1.5, 1.5), hu > -300)
    own, bare = BY_PALETTE(slices)(0), barely_masked(BY_PALETTE)(slices)(0)
    air = ~ndimage.binary_dilation(slices.body(0), iterations=3)
    assert not own[air].any()
    assert 0.3 < (bare[air].max(axis=-1) > 0).mean() < 0.7
    inner = ndimage.binary_erosion(slices.body(0), iterations=6)
    np.testing.assert_allclose(own[inner], bare[inner], atol=0.05)


def test_the_network_of_the_paper_colors_slices_of_any_size():
    torch.manual_seed(0)
    network = PaperGenerator(width=8, downs=4).eval()
    slices = upright(disks((40, FAT), (30, MUSCLE), count=2)[:, :70], (5.0, 1.0, 1.0), np.ones((2, 70, 96), bool))
    colors = masked(partial(WholeSlices, network=network))(slices)(1)
    assert colors.shape == (70, 96, 3)
    assert 0 <= colors.min() < colors.max() <= 1


# The command


def test_evaluating_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("CT2RGBLib.workshop.PaperGenerator", partial(PaperGenerator, 8, 4))
    save_file(PaperGenerator(8, 4).state_dict(), tmp_path / "paper.safetensors")
    data, weights = write_prepared(tmp_path / "data"), str(write_untrained(tmp_path / "w.safetensors"))
    others = ["--direct", weights, "--supervised", weights, "--paper", str(tmp_path / "paper.safetensors")]
    save_file(Lpips().state_dict(), tmp_path / "lpips.safetensors")
    others += ["--lpips", str(tmp_path / "lpips.safetensors")]
    words = ["--data", str(data), "--weights", weights, *others, "--ct", str(write_cts(tmp_path / "cts"))]
    assert cli.main(["evaluate", "ct2rgb", *words, "--json", str(tmp_path / "scores.json")]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert set(found["means"]) == {OURS, "palette", "direct", "supervised", "paper"}
    assert set(found["ct"]["means"]) == {OURS, "palette", "without mask", "without Sobel", "without both"}
    assert found["means"]["direct"] == found["means"]["supervised"] != found["means"][OURS]
    assert found["ct"]["means"]["without Sobel"] != found["ct"]["means"][OURS]
    assert set(found["means"]["paper"]["all"]) == {"RMSE", "SSIM", "LPIPS"}
    shown = capsys.readouterr().out
    assert summary(found) in shown
    assert "| palette |" in summary(found, markdown)
    assert "2 CTs of patients" in shown
