"""Cryosections: what in them is body and what it is, and which are for training and which for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from ct2rgb_sections import FAT, GELATIN, PIXEL, RADII, SIZE, TESTS, TRAINING, cryosection, sections, write_pictures
from hypothesis import given
from hypothesis import strategies as st

from CT2RGBLib.training.pairs import blocks, prepare, section_of, set_of
from CT2RGBLib.training.pairs import sections as read_sections
from CT2RGBLib.training.tissues import Tissue, body_of
from InverseImagingLib.errors import InputError


def radius() -> np.ndarray:
    rows, columns = np.indices(SIZE)
    return np.hypot(rows - SIZE[0] / 2, columns - SIZE[1] / 2)


def test_the_body_is_found_and_rulers_and_labels_are_left_out():
    body = body_of(cryosection(), PIXEL)
    assert body[radius() < RADII[FAT] - 3].all()
    assert not body[radius() > RADII[FAT] + 3].any()


def test_gelatin_alone_shows_no_body():
    assert section_of("empty", cryosection()[:, :15], 1020.0, PIXEL) is None


def test_tissues_are_told_apart():
    found = sections()[0]
    rows, columns = np.nonzero(found.tissues)
    away = np.indices(found.tissues.shape) - np.array([rows.mean(), columns.mean()])[:, None, None]
    ring = np.hypot(*away)
    for tissue, low, high in (
        (Tissue.SKIN, 59, 59.5),
        (Tissue.FAT, 50, 57),
        (Tissue.MUSCLE, 15, 46),
        (Tissue.CORTEX, 8, 11),
        (Tissue.MARROW, 0, 4),
    ):
        shares = np.bincount(found.tissues[(ring >= low) & (ring <= high)], minlength=len(Tissue))
        assert shares.argmax() == tissue
        assert shares.max() > 0.6 * shares.sum()


def test_gas_inside_the_body_is_air_but_body():
    picture = cryosection()
    picture[60:80, 60:75] = GELATIN
    section = section_of("gas", picture, 1020.0, PIXEL)
    inside = section.body & (section.tissues == Tissue.AIR)
    assert inside.sum() == pytest.approx(20 * 15, rel=0.1)
    assert not section.rgb[inside].any()


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_no_section_that_is_trained_on_is_within_15_mm_of_one_for_tests(one: int, other: int):
    if {set_of(float(one)), set_of(float(other))} == {"train", "test"}:
        assert abs(one - other) >= 15


def test_all_sets_occur_in_the_head_and_in_the_body():
    for positions in (range(20, 250, 5), range(250, 1880, 5)):
        assert {set_of(float(position)) for position in positions} == {"train", "test", "gap"}


def test_preparing_a_folder(tmp_path: Path):
    said: list[str] = []
    source = write_pictures(tmp_path / "pictures")
    PIL.Image.new("RGB", SIZE[::-1], GELATIN).save(source / "empty_1090.png")
    prepare(source, tmp_path / "data", PIXEL, True, said.append)
    assert any("empty_1090.png: no body found" in line for line in said)
    training, tests = (read_sections(tmp_path / "data", name, "body") for name in ("train", "test"))
    assert [section.position for section in training] == list(TRAINING)
    assert [section.position for section in tests] == list(TESTS)
    for found, drawn in zip((*training, *tests), sections(), strict=True):
        np.testing.assert_array_equal(found.rgb, drawn.rgb)
        np.testing.assert_array_equal(found.tissues, drawn.tissues)
    with pytest.raises(InputError, match="no sections of the set 'train' of the head"):
        read_sections(tmp_path / "data", "train", "head")


def test_blocks_have_no_gaps():
    assert [[section.position for section in block] for block in blocks(sections())] == [list(TRAINING), list(TESTS)]


def test_damaged_data_are_refused(tmp_path: Path):
    prepare(write_pictures(tmp_path / "pictures"), tmp_path / "data", PIXEL, True, lambda line: None)
    (tmp_path / "data" / "pairs" / "body_1080.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"body_1080.npz' cannot be read .*; prepare the data again"):
        read_sections(tmp_path / "data", "test")


@pytest.mark.parametrize(
    ("name", "mode", "sentence"),
    [
        ("section.png", "RGB", "does not end in its distance from the vertex"),
        ("section_1020.png", "L", "is gray; cryosections are in color"),
        ("notes.txt", "", "holds no pictures"),
    ],
)
def test_what_are_no_cryosections_is_refused(tmp_path: Path, name: str, mode: str, sentence: str):
    source = tmp_path / "pictures"
    source.mkdir()
    if mode:
        PIL.Image.new(mode, (40, 30)).save(source / name)
    else:
        (source / name).write_text("none")
    with pytest.raises(InputError, match=sentence):
        prepare(source, tmp_path / "data", PIXEL, False, lambda line: None)
