"""What a method is: one function from images and frozen options to a Result, with progress on the way."""

from __future__ import annotations

import dataclasses
import enum
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from .errors import InputError
from .image import Image


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    fraction: share of the whole run that is done, 0 to 1.
    message: a short phrase for the user, such as "slice 3 of 20".
    preview: the picture so far, with the geometry of the final result.
    curve: named values of this moment, such as {"iteration": 40, "PSNR to input": 31.2}; one point of the run's curve.
    """

    fraction: float
    message: str = ""
    preview: Image | None = None
    curve: Mapping[str, float] | None = None


# Called often by a running method. Raises Cancelled when the user wants the run gone; returns True when the
# user wants it to finish now with the best result so far.
OnProgress = Callable[[Progress], "bool | None"]


def ignore_progress(progress: Progress) -> None:
    """The OnProgress of a caller who does not care."""


def part_of(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """The progress of a part of a run, from one share of it to another."""
    return lambda progress: on_progress(
        dataclasses.replace(progress, fraction=start + (end - start) * progress.fraction)
    )


@dataclass(frozen=True)
class Result:
    """Output images by name (the principal one first) and a JSON-ready report of how they were made."""

    images: dict[str, Image]
    report: dict[str, Any]


class Choice(str, enum.Enum):
    """An option that has few values; label() is what a panel shows for each."""

    def label(self) -> str:
        return self.value.capitalize()


def option(default: Any, text: str, *, low: float | None = None, high: float | None = None, unit: str = "") -> Any:
    """A field of an options dataclass: its default, one sentence for tooltips and --help, its limits (inclusive)."""
    return field(default=default, metadata={"text": text, "low": low, "high": high, "unit": unit})


def check_options(options: Any) -> None:
    """Raise InputError, naming the option, when a value has the wrong type or lies outside its limits."""
    types = get_type_hints(type(options))
    for item in dataclasses.fields(options):
        value, kind, limits = getattr(options, item.name), types[item.name], item.metadata
        name = item.name.replace("_", " ")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise InputError(f"Option '{name}' needs {_kind_name(kind)}, not {value!r}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"Option '{name}' needs a finite number, not {value!r}.")
        if limits.get("low") is not None and value < limits["low"]:
            raise InputError(f"Option '{name}' must be at least {limits['low']:g}, not {value:g}.")
        if limits.get("high") is not None and value > limits["high"]:
            raise InputError(f"Option '{name}' must be at most {limits['high']:g}, not {value:g}.")


def _kind_name(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    return {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}[kind]


def options_to_dict(options: Any) -> dict[str, Any]:
    """JSON-ready settings of an options dataclass."""
    return {k: v.value if isinstance(v, enum.Enum) else v for k, v in dataclasses.asdict(options).items()}


def options_from_dict(kind: type, values: Mapping[str, Any]) -> Any:
    """The inverse of options_to_dict. Unknown names and values raise InputError."""
    types = get_type_hints(kind)
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise InputError(f"Unknown option '{unknown[0]}'; known are {', '.join(types)}.")
    converted = {}
    for name, value in values.items():
        if issubclass(types[name], enum.Enum):
            try:
                value = types[name](value)
            except ValueError:
                raise InputError(f"Option '{name}' needs {_kind_name(types[name])}, not {value!r}.") from None
        elif types[name] is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        converted[name] = value
    options = kind(**converted)
    check_options(options)
    return options


class RemainingTime:
    """Estimates the seconds left of a run from its fractions, steady against an uneven start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, fraction: float) -> float | None:
        """Seconds left, or None while too little is done to tell."""
        elapsed = time.monotonic() - self._start
        if fraction < 0.02 or elapsed < 1.0:
            return None
        return elapsed * (1.0 - min(fraction, 1.0)) / fraction
