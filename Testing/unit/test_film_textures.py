"""Printed films, drawn by chance, and what is known of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from drawn_films import film, subjects
from hypothesis import given, settings
from hypothesis import strategies as st

from FilmRecoveryLib.options import Order
from FilmRecoveryLib.training.hdr import read_hdr, surroundings
from FilmRecoveryLib.training.subjects import Plane, patient_of, scan_of
from FilmRecoveryLib.training.subjects import subjects as patients
from FilmRecoveryLib.window import to_gray
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, write

SEEDS = st.integers(0, 10**6)
few = settings(max_examples=20, deadline=None)


@few
@given(SEEDS)
def test_tiles_show_their_slices_where_nothing_is_written(seed: int):
    drawn = film(seed)
    assert drawn.texture.dtype == np.float32
    assert 0 <= drawn.texture.min() <= drawn.texture.max() <= 1
    assert len(drawn.tiles) == len(drawn.hu)
    for (left, top, right, bottom), hu in zip(drawn.tiles, drawn.hu, strict=True):
        shown, ink = drawn.texture[top:bottom, left:right], drawn.ink[top:bottom, left:right]
        assert shown.shape == hu.shape
        np.testing.assert_array_equal(shown[ink == 0], to_gray(hu, drawn.level, drawn.width)[ink == 0])


@few
@given(SEEDS)
def test_tiles_lie_apart_on_the_film_and_follow_each_other(seed: int):
    drawn = film(seed)
    height, width = drawn.texture.shape
    boxes = [*drawn.tiles, *drawn.others]
    assert len(boxes) == drawn.rows * drawn.columns
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    along = [(top, left) if drawn.order is Order.ROWS else (left, top) for left, top, _, _ in drawn.tiles]
    assert along == sorted(along)


@few
@given(SEEDS)
def test_ink_of_a_text_lies_in_its_box(seed: int):
    drawn = film(seed, 1024)
    for text in drawn.texts:
        left, top, right, bottom = text.box
        if right - left > 2 and bottom - top > 2:
            assert drawn.ink[top:bottom, left:right].max() > 0.1, text.text


def test_the_same_seed_gives_the_same_film():
    one, other = film(7), film(7)
    np.testing.assert_array_equal(one.texture, other.texture)
    assert one.texts == other.texts
    assert film(8).texture.shape != one.texture.shape or (film(8).texture != one.texture).any()


def test_films_are_of_many_layouts_and_some_have_empty_tiles_or_an_overview():
    drawn = [film(seed, 256) for seed in range(40)]
    assert len({(each.rows, each.columns) for each in drawn}) > 8
    assert {each.order for each in drawn} == set(Order)
    assert any(each.others for each in drawn)
    assert any(each.spacing[2] < 0 for each in drawn)
    assert {each.subject for each in drawn} == {subject.name for subject in subjects()}


@pytest.mark.parametrize("flips", list(itertools.product([1, -1], repeat=3)))
def test_scans_are_turned_to_how_films_show_them(flips: tuple[int, int, int]):
    hu = np.full((6, 5, 4), -1000, np.int16)
    hu[4, 1, 3] = 500  # of axes along S, P and L: toward the head, the front and the patient's left
    matrix = np.diag([-2.0, -3.0, 4.0, 1.0])
    matrix[:3, :3] *= np.array(flips)
    turned = hu[:: flips[2], :: flips[1], :: flips[0]].transpose(1, 2, 0)  # and its axes in another order
    scan = scan_of(Image(turned, matrix[:, [2, 0, 1, 3]], Meaning.HU))
    np.testing.assert_array_equal(scan.hu, hu)
    assert scan.spacing == (4.0, 3.0, 2.0)


def test_what_is_no_ct_is_refused():
    with pytest.raises(InputError, match="no CT"):
        scan_of(Image(np.zeros((3, 4, 4), np.uint8), np.eye(4), Meaning.LABEL, "labels"))


def test_no_patient_is_in_both_sets(tmp_path: Path):
    names = ["headneck_openkbp_pt_2", "headneck_openkbp_pt_7", "slice2d_A048383_axial_19001231-30", "limb_sts001"]
    names += ["slice2d_A048383_coronal_19001231-057", "thoraxcrop_totseg_aorta", "thoraxcrop_totseg_pulmonary"]
    for name in names:
        write(Image(np.full((1, 4, 4), -1000, np.int16), np.eye(4), Meaning.HU), tmp_path / f"{name}.nrrd")
    train, test = ({each.name: each for each in patients(tmp_path, wanted, 2)} for wanted in ("train", "test"))
    assert not train.keys() & test.keys()
    assert {name for name in test if "_" in name} >= {"headneck_openkbp_pt_2", "thoraxcrop_totseg"}
    assert [scan.plane for scan in test["A048383"].scans] == [Plane.AXIAL, Plane.CORONAL]
    of_files = {patient_of(Path(f"{name}.nrrd")) for name in names}
    assert {**train, **test}.keys() - of_files == {"skull_1000", "limb_1001", "limb_5000", "thorax_5001"}
    with pytest.raises(InputError, match="no CT"):
        patients(None, "train")


def test_radiance_pictures_are_read(tmp_path: Path):
    path = tmp_path / "room.hdr"
    row = bytes((2, 2, 0, 8)) + bytes((136, 128)) + bytes((8, *range(8))) + bytes((136, 64)) + bytes((136, 129))
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 8\n" + 2 * row)
    expected = np.stack([np.full(8, 1.0), np.arange(8) / 128, np.full(8, 0.5)], axis=-1)
    np.testing.assert_allclose(read_hdr(path), np.stack([expected, expected]))
    (room,) = surroundings(tmp_path)
    assert room.shape[2] == 2 * room.shape[1]
    assert room.mean() == pytest.approx(1)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="damaged"):
        read_hdr(path)
    path.write_bytes(b"P6 2 2 255")
    with pytest.raises(InputError, match="no Radiance"):
        read_hdr(path)
