"""What the text of a film says, in the many ways that scanners say it."""

from __future__ import annotations

import pytest

from FilmRecoveryLib.text import Text
from FilmRecoveryLib.wording import Wording, understand

BOX = (0, 0, 1, 1)


def said(*tiles: str) -> Wording:
    """What the texts of tiles say; lines are separated by |."""
    return understand([Text(tile, BOX, line) for tile, text in enumerate(tiles) for line in text.split("|")])


@pytest.mark.parametrize(
    "text",
    [
        "W 80|C 40", "W:80 L:40", "WW:80 WL:40", "WW 80|WL 40", "C40 W80", "WL/WW 40/80", "W/L: 80/40",
        "WW = 80, WC = 40", "ww:80.0 wl:40.0", "Center 40 Width 80", "L: 40|W: 80", "Window 80|Level 40",
        "Acc 7741|W 80|C 40|R", "W:80 1:40",
    ],
)  # fmt: skip
def test_the_window_is_read(text: str):
    found = said(text)
    assert (found.level, found.width) == (40, 80)


def test_levels_may_lie_below_water():
    found = said("W 1500|C -600")
    assert (found.level, found.width) == (-600, 1500)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R",
        "W 80",
        "C 40",
        "CT 64",
        "kV 120|mA 300",
        "W 0|C 40",
        "Wang Li 045Y",
        "L 12 W",
        "WL 40 WW|30.5",
        "W 80|1:40",
    ],
)
def test_what_is_no_window_is_not_taken_for_one(text: str):
    found = said(text)
    assert found.level is None
    assert found.width is None
    assert not found.warnings


def test_single_errors_of_reading_do_not_count():
    found = said(*["W 80|C 40"] * 5, "W 30|C 40", "W 8O|C 4O")
    assert (found.level, found.width) == (40, 80)


def test_windows_that_contradict_each_other_are_none():
    found = said("W 80|C 40", "W 80|C 40", "W 2000|C 500", "W 2000|C 500")
    assert found.width is None
    assert found.warnings == (
        "The text names different windows, such as 40 / 80 and 500 / 2000; give level and width yourself.",
    )


@pytest.mark.parametrize("text", ["Thk 5 mm", "5.0mm", "5 mm", "SL 5.0", "ST:5", "Thickness: 5,0 mm", "W 80|5.0mm|C 4"])
def test_the_thickness_is_read(text: str):
    assert said(text).thickness == 5


@pytest.mark.parametrize(
    ("text", "across"),
    [("FOV 240 mm", 240), ("DFOV 25.0cm", 250), ("DFOV: 25 cm", 250), ("FOV 90", 90), ("FOV 3", None)],
)
def test_the_field_of_view_is_read(text: str, across: float | None):
    assert said(text).across == across


@pytest.mark.parametrize(
    ("texts", "step"),
    [
        (("SP 10.5", "SP 15.5", "SP 20.5"), 5), (("SP -4.0", "SP -6.5", "SP -9.0"), -2.5), (("SP H4.0", "SP H6.0"), 2),
        (("SP F4.0", "SP F6.0"), -2), (("S6.00", "S1.00", "I4.00", "I9.00"), -5), (("Pos: 3.0", "Pos: 4.5"), 1.5),
        (("+3.0 mm", "+1.0 mm", "-1.0 mm"), -2), (("TP 1", "", "TP 11"), 5),
        (("SP 1", "SP 6", "SP 77", "SP 16", "SP 21", "SP 26"), 5),
    ],
)  # fmt: skip
def test_positions_tell_the_distance_and_the_direction(texts: tuple[str, ...], step: float):
    found, order = said(*texts), list(range(len(texts)))
    assert found.step(order) == pytest.approx(step)
    assert found.spacing(order) == pytest.approx(abs(step))
    assert found.head_last(order) is (step > 0)
    assert found.head_last(order[::-1]) is (step < 0)


def test_positions_count_before_the_thickness():
    assert said("SP 1|5 mm", "SP 3|5 mm").spacing([0, 1]) == 2


@pytest.mark.parametrize(
    "texts", [("5.0mm", "5.0mm"), ("SP 3|5 mm", "SP 3|5 mm"), ("SP 1|5 mm", "SP 90|5mm", "SP -4|5mm")]
)
def test_without_positions_that_agree_the_thickness_counts(texts: tuple[str, ...]):
    found, order = said(*texts), list(range(len(texts)))
    assert found.spacing(order) == 5
    assert found.head_last(order) is None


def test_letters_of_the_sides_are_counted():
    assert said("R|A", "R|W 80", "R|Robert").letters == {"R": 3, "A": 1}


def test_text_beside_the_tiles_says_nothing_of_slices():
    assert understand([Text(-1, BOX, "W 80 C 40")]) == Wording()
