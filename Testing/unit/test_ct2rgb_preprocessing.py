"""The edges within ranges of HU, and where the body is."""

from __future__ import annotations

import numpy as np
import pytest
from ct2rgb_samples import AIR, FAT, MUSCLE, chest, disks, head
from hypothesis import given
from hypothesis import strategies as st

from CT2RGBLib.preprocessing import baseline_threshold, body_mask, otsu, sobel_in_range
from CT2RGBLib.slices import canonical

RANGES = ((-190.0, -30.0), (150.0, 1500.0))
SPACING = (4.0, 1.5, 1.5)


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    return (found & true).sum() / (found | true).sum()


# Sobel in range


@given(slope=st.floats(0.1, 3), start=st.floats(-180, -150), mm=st.floats(0.3, 5))
def test_a_ramp_within_a_range_has_its_slope(slope: float, start: float, mm: float) -> None:
    hu = np.tile(np.float32(start + slope * np.arange(20)), (7, 1))
    for turned, spacing in ((hu, (1.0, mm)), (hu.T, (mm, 1.0))):
        found = sobel_in_range(turned, RANGES, spacing)
        np.testing.assert_allclose(found[2:-2, 2:-2], slope / 160 / mm, rtol=1e-3)


@given(low=st.floats(-20, 100), step=st.floats(0, 40))
def test_an_edge_outside_of_the_ranges_is_none(low: float, step: float) -> None:
    hu = np.full((8, 8), low, np.float32)
    hu[:, 4:] += step
    assert not sobel_in_range(hu, RANGES).any()


def test_an_edge_counts_by_the_share_of_the_range_that_it_crosses() -> None:
    hu = np.full((3, 9, 9), -500, np.int16)
    hu[..., 4:] = 3000
    found = sobel_in_range(hu, RANGES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., 3:5], 1.0, atol=1e-6)  # half of each of the two ranges in a pixel
    assert not found[..., :3].any()
    hu[..., 4:] = 825
    np.testing.assert_allclose(sobel_in_range(hu, RANGES)[..., 3], 0.75, atol=1e-6)


def test_an_edge_is_as_strong_in_each_direction() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    for angle in np.linspace(0, np.pi, 7):
        hu = (-110 + 2 * (x * np.cos(angle) + y * np.sin(angle))).astype(np.float32)
        assert sobel_in_range(hu, RANGES)[20, 20] == pytest.approx(2 / 160, rel=1e-3)


# Thresholds


@given(air=st.integers(-1024, -900), body=st.integers(-120, 80), share=st.floats(0.05, 0.95))
def test_otsu_parts_air_and_body(air: int, body: int, share: float) -> None:
    rng = np.random.default_rng(0)
    hu = np.where(rng.random(5000) < share, body, air) + rng.normal(0, 10, 5000)
    assert air + 60 < otsu(hu) < body - 60


def test_otsu_stays_between_lungs_and_fat_without_air() -> None:
    assert otsu(np.array([FAT, MUSCLE] * 50)) == -200
    assert otsu(np.full(100, AIR)) == -700


def test_the_threshold_of_the_paper_is_the_median_of_a_corner() -> None:
    picture = np.zeros((40, 40))
    picture[:10, :10] = np.arange(100).reshape(10, 10)
    assert baseline_threshold(picture) == 49.5


# The body


def test_a_body_is_found_to_the_voxel() -> None:
    hu = disks((60, FAT), (50, MUSCLE))
    assert overlap(body_mask(hu, SPACING), hu > -550) > 0.99


def test_its_hollows_belong_to_it() -> None:
    hu = disks((60, MUSCLE), (40, -850), (20, AIR))
    assert overlap(body_mask(hu, SPACING), disks((60, MUSCLE)) > -550) > 0.99


def test_a_table_does_not_belong_to_it_even_where_it_touches() -> None:
    hu = disks((50, MUSCLE))
    body = hu > -550
    hu[:, 82:85] = 100  # a plate 1 mm below
    hu[:, 82:94, :2] = hu[:, 82:94, -2:] = hu[:, 92:94] = 100
    assert overlap(body_mask(hu, SPACING), body) > 0.97
    hu[:, 81] = 0  # a cover between
    assert overlap(body_mask(hu, SPACING), body) > 0.95


def test_clothes_and_a_cable_do_not_belong_to_it() -> None:
    hu = disks((60, MUSCLE))
    body = hu > -550
    hu[:, 2:4, 5:90] = -300
    hu[:, 5:10, 5:10] = 2000
    assert overlap(body_mask(hu, SPACING), body) > 0.99


def test_arms_and_a_second_leg_belong_to_it() -> None:
    hu = disks((40, MUSCLE))
    y, x = np.mgrid[:96, :96]
    hu[:, np.hypot(x - 12, y - 48) < 9] = MUSCLE
    hu[:, np.hypot(x - 84, y - 30) < 10] = MUSCLE
    assert overlap(body_mask(hu, SPACING), hu > -550) > 0.98


def test_an_ear_belongs_to_it() -> None:
    hu = disks((50, MUSCLE))
    hu[:, 46:49, 80:92] = MUSCLE
    assert body_mask(hu, SPACING)[:, 47, 82:90].all()


def test_lungs_belong_to_it_where_the_image_ends_in_them() -> None:
    lungs = np.random.default_rng(0).normal(-780, 60, (3, 60, 60))
    lungs[:, :, 20:40] = MUSCLE
    assert body_mask(lungs, SPACING).all()


def test_air_is_no_body() -> None:
    air = np.random.default_rng(0).normal(-1000, 20, (4, 40, 40)).clip(-1024)
    assert not body_mask(air, SPACING).any()


@pytest.mark.parametrize("count", [1, 5])
def test_one_slice_or_many(count: int) -> None:
    hu = disks((60, MUSCLE), count=count)
    assert overlap(body_mask(hu, SPACING), hu > -550) > 0.99


def test_a_threshold_of_ones_own() -> None:
    hu = disks((60, FAT), (40, MUSCLE))
    assert overlap(body_mask(hu, SPACING, -20.0), hu > -20) > 0.98


@pytest.mark.parametrize("make", [head, chest])
def test_whole_phantoms(make) -> None:
    image = make()
    hu = canonical(image.array, image.ijk_to_ras)
    body = body_mask(hu, image.spacing[::-1])
    dense = hu > -300
    assert (body & dense).sum() > 0.985 * dense.sum()
    assert (body & (hu < -950)).sum() < 0.1 * body.sum()  # airways, not the room
