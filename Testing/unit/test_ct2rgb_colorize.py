"""The colors of a CT: the same wherever and however its voxels are stored, and what options do to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ct2rgb_samples import FAT, MUSCLE, PALETTE, chest, disks, head, placed, stored, thigh
from hypothesis import given, settings
from hypothesis import strategies as st

from CT2RGBLib.anatomy import part_of
from CT2RGBLib.colorize import REMARK, colorize
from CT2RGBLib.opacity import code
from CT2RGBLib.options import ColorizeOptions, Part, Tier
from CT2RGBLib.preprocessing import body_mask
from CT2RGBLib.slices import Slices, canonical
from InverseImagingLib.errors import Cancelled
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Progress

orders = st.permutations([0, 1, 2])
flips = st.tuples(st.booleans(), st.booleans(), st.booleans())


def colors(image: Image, mask: Image | None = None, tints: Image | None = None, **changes) -> Image:
    return colorize(image, replace(PALETTE, **changes), mask=mask, tints=tints).images["colors"]


# Orientation


def lopsided() -> Image:
    """A body without any symmetry: no two flips or orders of its axes look alike."""
    hu = disks((60, FAT), (52, MUSCLE), count=5)
    hu[:, 30:40, 50:65] = 900
    hu[2:, 60:66, 30:50] = -700
    hu[4, 50:54, 40:44] = 300
    return placed(hu[:, 4:90])


@settings(max_examples=12, deadline=None)
@given(order=orders, flip=flips)
def test_colors_do_not_depend_on_how_the_ct_is_stored(order: list[int], flip: tuple[bool, bool, bool]) -> None:
    image = lopsided()
    turned = stored(image, tuple(order), flip)
    found, expected = colors(turned, rgba=True), stored(colors(image, rgba=True), tuple(order), flip)
    np.testing.assert_array_equal(found.array, expected.array)
    np.testing.assert_allclose(found.ijk_to_ras, turned.ijk_to_ras)


@settings(max_examples=12, deadline=None)
@given(order=orders, flip=flips, start=st.integers(0, 3))
def test_a_range_of_slices_is_that_part_of_the_whole(order: list[int], flip: tuple, start: int) -> None:
    turned = stored(lopsided(), tuple(order), flip)
    axis = order.index(0)  # of the slices
    part, whole = colors(turned, slices=f"{start}:{start + 2}"), colors(turned)
    np.testing.assert_array_equal(part.array, whole.array.take(range(start, start + 2), axis))
    first = np.zeros(4)
    first[2 - axis], first[3] = start, 1
    np.testing.assert_allclose(part.ijk_to_ras @ [0, 0, 0, 1], turned.ijk_to_ras @ first)


def test_an_oblique_ct_keeps_its_grid() -> None:
    image = lopsided()
    angle = np.radians(20)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = image.with_array(image.array, ijk_to_ras=turn @ image.ijk_to_ras)
    np.testing.assert_array_equal(colors(oblique).array, colors(image).array)
    np.testing.assert_allclose(colors(oblique).ijk_to_ras, oblique.ijk_to_ras)


@given(order=orders, flip=flips)
def test_slices_run_to_the_head_rows_to_the_back_columns_to_the_left(order: list[int], flip: tuple) -> None:
    k, j, i = np.indices((3, 4, 5))
    image = stored(placed(100 * k + 10 * j + i, (4.0, 2.0, 1.0)), tuple(order), flip)
    slices = Slices(image, image.array > 0)
    assert slices.spacing == pytest.approx((4, 2, 1))
    np.testing.assert_array_equal(slices.hu(2), (100 * k + 10 * j + i)[2])
    np.testing.assert_array_equal(slices.body(0), (10 * j + i)[0] > 0)


@pytest.mark.parametrize(("mm", "expected"), [(5, 6), (-5, 4), (9, 7), (-30, 0), (100, 9), (0.5, 6)])
def test_the_slice_near_another(mm: float, expected: int) -> None:
    slices = Slices(placed(np.zeros((10, 2, 2)), (4.0, 1.0, 1.0)), np.ones((10, 2, 2), bool))
    assert slices.near(5, mm) == expected


@pytest.mark.parametrize("axis", [1, 2])
def test_one_coronal_or_sagittal_slice_is_colored_as_such(axis: int) -> None:
    whole = chest()
    array = whole.array.take([whole.array.shape[axis] // 2], axis)
    image = whole.with_array(array)
    found = colors(image)
    assert found.array.shape == (*array.shape, 3)
    muscle = (array > 30) & (array < 80) & (found.array.sum(-1) > 0)
    assert np.median(found.array[muscle][:, 0]) > 2 * np.median(found.array[muscle][:, 2])


# What is given


def test_the_ct_is_never_changed() -> None:
    image = thigh()
    image.array.setflags(write=False)
    mask = image.with_array(np.ones(image.array.shape, np.uint8), meaning=Meaning.LABEL)
    before = image.array.copy()
    colors(image, rgba=True, strength=0.5, mask=mask)
    np.testing.assert_array_equal(image.array, before)


def test_the_result_is_color_where_the_body_is() -> None:
    image = thigh()
    found = colors(image)
    assert found.array.dtype == np.uint8
    assert found.meaning is Meaning.RGB
    body = body_mask(image.array, image.spacing[::-1])
    assert not found.array[~body].any()
    assert (found.array[body].sum(-1) > 0).all()
    assert colors(image, masked=False).array[~body].any()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000))
def test_alpha_keeps_the_hu_and_leaves_the_air_clear(seed: int) -> None:
    hu = disks((60, MUSCLE), count=2)
    hu += np.random.default_rng(seed).normal(0, 300, hu.shape) * (hu > -500)
    image = placed(hu)
    body = body_mask(image.array, image.spacing[::-1])
    np.testing.assert_array_equal(colors(image, rgba=True).array[..., 3], code(image.array, body))
    np.testing.assert_array_equal(colors(image, rgba=True).array[..., :3], colors(image).array)
    assert colors(image, rgba=True, masked=False).array[..., 3].min() > 0


def test_the_volume_for_3d_is_soft_and_not_large(monkeypatch: pytest.MonkeyPatch) -> None:
    image = thigh()
    plain, fine = colorize(image, PALETTE), colorize(image, replace(PALETTE, solid=True))
    np.testing.assert_array_equal(fine.images["colors"].array, plain.images["colors"].array)
    rgba, solid = colors(image, rgba=True), fine.images["solid"]
    assert solid.array.shape == rgba.array.shape
    np.testing.assert_allclose(solid.ijk_to_ras, rgba.ijk_to_ras)

    def steepest(volume: Image) -> int:
        return np.abs(np.diff(volume.array[..., 3].astype(int), axis=2)).max()

    assert steepest(solid) < 0.6 * steepest(rgba)
    monkeypatch.setattr("CT2RGBLib.coarser._MOST", image.array.size / 3)
    coarse = colorize(image, replace(PALETTE, solid=True)).images
    np.testing.assert_array_equal(coarse["colors"].array, plain.images["colors"].array)
    assert coarse["solid"].array[..., 0].size <= image.array.size / 3
    assert coarse["solid"].array[..., 3].mean() == pytest.approx(rgba.array[..., 3].mean(), rel=0.1)
    assert list(colorize(image, replace(PALETTE, solid=True, slices="1:2")).images) == ["colors"]


def test_without_strength_it_is_the_gray_of_soft_tissue() -> None:
    image = thigh()
    body = body_mask(image.array, image.spacing[::-1])
    gray = np.where(body, ((image.array + 160.0) / 400).clip(0, 1) * 255, 0)
    found = colors(image, strength=0.0).array.astype(float)
    np.testing.assert_allclose(found, np.repeat(gray[..., None], 3, -1), atol=0.51)
    half = colors(image, strength=0.5).array.astype(float)
    np.testing.assert_allclose(half, (found + colors(image).array) / 2, atol=1.01)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), order=orders, flip=flips)
def test_a_mask_parts_color_from_gray(seed: int, order: list[int], flip: tuple) -> None:
    image = stored(thigh(), tuple(order), flip)
    inside = np.random.default_rng(seed).random(image.array.shape) < 0.5
    mask = image.with_array(inside.astype(np.uint8) * 3, meaning=Meaning.LABEL, name="mask")
    expected = np.where(inside[..., None], colors(image).array, colors(image, strength=0.0).array)
    np.testing.assert_array_equal(colors(image, mask=mask).array, expected)


def test_tints_lie_over_the_colors_by_their_alpha() -> None:
    image = thigh()
    tints = np.zeros((*image.array.shape, 4), np.uint8)
    tints[:, 30:40, 30:40] = (0, 255, 0, 255)
    tints[:, 50:60, 50:60] = (0, 0, 255, 51)
    found = colors(image, tints=image.with_array(tints, meaning=Meaning.RGB)).array
    plain = colors(image).array
    assert (found[:, 30:40, 30:40] == (0, 255, 0)).all()
    blend = 0.8 * plain[:, 50:60, 50:60] + 0.2 * np.array([0, 0, 255])
    np.testing.assert_allclose(found[:, 50:60, 50:60], blend, atol=1.01)
    np.testing.assert_array_equal(found[:, :30], plain[:, :30])


# What is told


@pytest.mark.parametrize(("image", "part"), [(head(), Part.HEAD), (chest(), Part.BODY), (thigh(), Part.BODY)])
def test_the_part_of_the_body_is_known_by_its_looks(image: Image, part: Part) -> None:
    slices = Slices(image, _body(image))
    assert part_of(slices) is part
    assert colorize(image, PALETTE).report["part"] == part.value
    assert colorize(image, replace(PALETTE, part=Part.HEAD)).report["part"] == "head"


def _body(image: Image) -> np.ndarray:
    body = np.empty(image.array.shape, bool)
    canonical(body, image.ijk_to_ras)[:] = body_mask(canonical(image.array, image.ijk_to_ras), image.spacing[::-1])
    return body


def test_the_report_says_how_the_colors_were_made() -> None:
    result = colorize(thigh(), replace(PALETTE, slices="1:3"))
    assert list(result.images) == ["colors"]
    report = result.report
    assert (report["method"], report["tier"], report["remark"]) == ("CT2RGB", "palette", REMARK)
    assert report["input"]["name"] == "thigh"
    assert report["slices"] == [1, 3]
    assert report["settings"]["tier"] == "palette"
    assert report["warnings"] == []
    assert "illustrative" in result.images["colors"].name


def test_without_weights_the_palette_gives_the_colors_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("InverseImagingLib.models.shipped_folder", lambda method: tmp_path / "none")
    monkeypatch.setenv("INVERSE_IMAGING_MODELS", str(tmp_path))
    result = colorize(thigh(), ColorizeOptions())
    np.testing.assert_array_equal(result.images["colors"].array, colors(thigh()).array)
    assert result.report["tier"] == Tier.PALETTE.value
    (warning,) = result.report["warnings"]
    assert warning.startswith("The palette of tissues gave the colors")


def test_progress_has_previews_of_single_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CT2RGBLib.canvas._PREVIEW_SECONDS", -1.0)
    image, told = stored(thigh(4), (0, 1, 2), (True, False, False)), []
    result = colorize(image, replace(PALETTE, slices="1:4"), told.append).images["colors"]
    assert told[-1].fraction == 1.0
    assert [each.fraction for each in told] == sorted(each.fraction for each in told)
    previews = [each.preview for each in told if each.preview]
    assert len(previews) == 3
    for preview in previews:
        (at,) = np.round(np.linalg.solve(result.ijk_to_ras, preview.ijk_to_ras[:, 3])[2:3]).astype(int)
        np.testing.assert_array_equal(preview.array, result.array[at : at + 1])


@pytest.mark.parametrize("after", [0, 2])
def test_a_cancelled_run_ends_at_once(after: int) -> None:
    told: list[Progress] = []

    def cancel(progress: Progress) -> None:
        told.append(progress)
        if len(told) > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        colorize(thigh(), PALETTE, cancel)
    assert len(told) == after + 1
