"""Options: limits, types, dictionaries; remaining time."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import pytest

from InverseImagingLib.errors import InputError
from InverseImagingLib.method import RemainingTime, check_options, option, options_from_dict, options_to_dict


class Color(str, enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Options:
    color: Color = option(Color.RED, "a color")
    count: int = option(3, "how many", low=1, high=9)
    share: float = option(0.5, "how much", low=0.0, high=1.0)
    quick: bool = option(False, "whether to hurry")
    name: str = option("", "a name")


def test_dictionaries_and_back() -> None:
    options = Options(Color.BLUE, 4, 0.25, True, "x")
    assert options_to_dict(options) == {"color": "blue", "count": 4, "share": 0.25, "quick": True, "name": "x"}
    assert options_from_dict(Options, options_to_dict(options)) == options
    assert options_from_dict(Options, {"share": 1}).share == 1.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 0}, "'count' must be at least 1, not 0"),
        ({"count": 10}, "'count' must be at most 9"),
        ({"count": 2.5}, "'count' needs a whole number"),
        ({"count": True}, "'count' needs a whole number"),
        ({"share": float("nan")}, "'share' needs a finite number"),
        ({"share": "much"}, "'share' needs a number, not 'much'"),
        ({"quick": 1}, "'quick' needs true or false"),
        ({"color": "green"}, "'color' needs one of red, blue, not 'green'"),
        ({"size": 1}, "Unknown option 'size'; known are color, count"),
    ],
)
def test_bad_values_are_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        options_from_dict(Options, values)


def test_whole_numbers_do_for_numbers() -> None:
    check_options(Options(share=1))


def test_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("InverseImagingLib.method.time.monotonic", lambda: now[0])
    remaining = RemainingTime()
    assert remaining(0.5) is None
    now[0] += 30
    assert remaining(0.25) == pytest.approx(90)
    assert remaining(0.001) is None
    assert remaining(1.0) == 0
