"""The colors that tissues get from the palette, and those on the edges between them."""

from __future__ import annotations

import numpy as np
import pytest
from ct2rgb_samples import AIR, CORTEX, FAT, MARROW, MUSCLE, disks, head, placed
from hypothesis import given, settings
from hypothesis import strategies as st

from CT2RGBLib.bones import bones
from CT2RGBLib.options import ColorizeOptions
from CT2RGBLib.palette import DENSE_BONE, GRAY_MATTER, SKIN, WHITE_MATTER, YELLOW_MARROW, paint, painter
from CT2RGBLib.palette import FAT as YELLOW
from CT2RGBLib.palette import MUSCLE as RED
from CT2RGBLib.preprocessing import body_mask
from CT2RGBLib.slices import Slices, canonical

PIXEL = (1.5, 1.5)
BLACK = (0, 0, 0)


def colored(hu: np.ndarray, pixel: tuple[float, float] = PIXEL) -> np.ndarray:
    body = body_mask(hu, (4.0, *pixel))
    colors = paint(hu[0].astype(np.float32), body[0], pixel)
    assert colors.shape == (*hu.shape[1:], 3)
    assert colors.dtype == np.float32
    assert ((colors >= 0) & (colors <= 1.001)).all()
    return colors


def outward(colors: np.ndarray) -> np.ndarray:
    """The colors from the middle to the right."""
    middle = len(colors) // 2
    return colors[middle, middle:]


def redness(colors: np.ndarray) -> np.ndarray:
    return colors[..., 0] / (colors.sum(-1) + 0.05)


def test_tissues_have_their_colors() -> None:
    line = outward(colored(disks((66, 20), (62, FAT), (50, MUSCLE), (20, CORTEX), (10, MARROW))))
    for mm, color in ((3, YELLOW_MARROW), (15, DENSE_BONE), (35, RED), (56, YELLOW), (64.5, SKIN)):
        np.testing.assert_allclose(line[round(mm / 1.5)], np.array(color) / 255, atol=0.09, err_msg=f"at {mm} mm")


def test_gas_is_black_and_lungs_are_dark_red() -> None:
    line = outward(colored(disks((60, MUSCLE), (45, -820), (15, AIR))))
    np.testing.assert_allclose(line[4], BLACK, atol=0.05)
    lung = line[20]
    assert lung[0] > 1.5 * lung[1]
    assert lung.sum() < outward(colored(disks((60, MUSCLE))))[20].sum() + 0.1


@pytest.mark.parametrize("pixel", [0.7, 1.5])
@pytest.mark.parametrize("inner", [CORTEX, AIR])
def test_no_third_tissue_appears_between_fat_and_bone_or_gas(inner: float, pixel: float) -> None:
    line = outward(colored(disks((45 * pixel, FAT), (20 * pixel, inner), pixel=pixel), (pixel, pixel)))
    within, edge, without = line[8], line[16:25], line[32]
    assert redness(edge).max() < max(redness(within), redness(without)) + 0.12
    if inner == CORTEX:
        assert (edge >= np.minimum(within, without) - 0.12).all()


def test_gas_in_muscle_has_no_yellow_rim() -> None:
    edge = outward(colored(disks((60, MUSCLE), (30, AIR))))[14:27]
    assert edge[:, 1].max() < 0.3


def test_vessels_in_lungs_are_no_fat() -> None:
    hu = disks((66, MUSCLE), (50, -850))
    hu[:, 40:42, 40:42] = -100  # a thin vessel, a part of each pixel
    vessel = colored(hu)[40:42, 40:42]
    assert (vessel[..., 0] > 1.8 * vessel[..., 1]).all()


def test_marrow_is_no_muscle() -> None:
    hu = disks((60, MUSCLE), (20, CORTEX), (12, 60))
    colors = colored(hu)
    marrow, muscle = colors[48, 48], colors[48, 78]
    assert marrow.sum() > muscle.sum() + 0.4


def test_what_a_skull_surrounds_is_brain() -> None:
    hu = disks((66, 30), (60, CORTEX), (54, 34))
    colors = colored(hu)
    brain = colors[40:56, 40:56].mean((0, 1))
    assert (brain > np.array(GRAY_MATTER) / 255).all()
    assert (brain < np.array(WHITE_MATTER) / 255).all()
    found = bones(hu[0], PIXEL)
    assert found.brain.sum() * found.steps[0] * found.steps[1] * 1.5**2 == pytest.approx(np.pi * 54**2, rel=0.1)


def test_vessels_with_contrast_are_red_though_as_dense_as_bone() -> None:
    vessel = colored(disks((60, MUSCLE), (18, 320)))[48, 48]
    assert vessel[0] > 1.7 * vessel[1]


def test_skin_ends_where_the_body_does_and_not_where_the_image_does() -> None:
    colors = colored(np.full((1, 60, 60), MUSCLE))
    np.testing.assert_allclose(colors, np.broadcast_to(colors[30, 30], colors.shape), atol=1e-3)


@settings(max_examples=20)
@given(shift=st.tuples(st.integers(-15, 15), st.integers(-15, 15)), noise=st.integers(0, 2**31))
def test_the_air_around_a_body_changes_none_of_its_colors(shift: tuple[int, int], noise: int) -> None:
    hu = np.roll(disks((70, FAT), (55, MUSCLE), (25, CORTEX), (15, MARROW), pixel=2.0, size=120)[:1], shift, (1, 2))
    image = placed(hu + np.random.default_rng(noise).normal(0, 30, hu.shape).astype(np.int16), (4.0, 2.0, 2.0))
    slices = Slices(image, hu > -500)
    body = slices.body(0)
    found = painter(ColorizeOptions()).paint(slices, 0)
    np.testing.assert_allclose(found[body], painter(ColorizeOptions(masked=False)).paint(slices, 0)[body], atol=1e-6)
    assert not found[0].any()


def test_a_slice_without_a_body_is_black() -> None:
    image = placed(np.full((1, 9, 9), 40, np.int16))
    assert not painter(ColorizeOptions()).paint(Slices(image, np.zeros(image.array.shape, bool)), 0).any()


def test_metal_is_colored() -> None:
    colors = colored(disks((60, MUSCLE), (10, 12000)))
    assert np.ptp(colors[48, 48]) < 0.1  # gray


@settings(max_examples=20)
@given(values=st.lists(st.integers(-1024, 32767), min_size=1, max_size=12), mm=st.floats(0.2, 12))
def test_whatever_a_slice_holds_it_is_colored(values: list[int], mm: float) -> None:
    hu = np.resize(np.float32(values), (11, 9))
    colors = paint(hu, hu > -500, (mm, 1.0))
    assert ((colors >= 0) & (colors <= 1.001)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
def test_tiny_slices(shape: tuple[int, int]) -> None:
    assert np.isfinite(paint(np.full(shape, 40, np.float32), np.ones(shape, bool), (0.5, 3.0))).all()


def test_a_head_shows_bone_around_brain() -> None:
    image = head()
    hu = canonical(image.array, image.ijk_to_ras).astype(np.float32)
    index = int(len(hu) * 0.75)
    found = bones(hu[index], image.spacing[:2])
    assert found.brain.any()
    assert found.bone.any()
    assert not (found.brain & found.bone).any()
