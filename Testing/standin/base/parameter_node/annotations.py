"""What may stand in `Annotated[type, ...]`: the default, checks of the value, looks of the widget."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, get_args


def split(annotated) -> tuple[Any, tuple]:
    """The type and its annotations; no annotations for a plain type."""
    kind, *annotations = get_args(Annotated[annotated, None])
    return kind, tuple(annotations[:-1])


def first(annotations: tuple, kind: type):
    """The first annotation of the given class, or None."""
    return next((each for each in annotations if isinstance(each, kind)), None)


class Default:
    """The value of a new parameter; with `generator`, made anew each time."""

    def __init__(self, value=None, *, generator: Callable | None = None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator else self._value


@dataclass(eq=False)
class Decimals:
    """Digits that the widget shows after the point."""

    value: int


@dataclass(eq=False)
class SingleStep:
    """What one step of the widget adds."""

    value: float


class Validator(abc.ABC):
    """Checks a value before it is written."""

    @abc.abstractmethod
    def validate(self, value) -> None:
        """Raise ValueError or TypeError where the value is not allowed."""


class NotNone(Validator):
    """Any value but None."""

    def validate(self, value):
        if value is None:
            raise ValueError("Value must not be None")


@dataclass(eq=False)
class IsInstance(Validator):
    """None or an instance of a class."""

    classtype: type | tuple[type, ...]

    def validate(self, value):
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type {self.classtype}, is {value!r} of type {type(value)}")


@dataclass(eq=False)
class WithinRange(Validator):
    """minimum <= value <= maximum."""

    minimum: float
    maximum: float

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass(eq=False)
class Minimum(Validator):
    """minimum <= value."""

    minimum: float

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass(eq=False)
class Maximum(Validator):
    """value <= maximum."""

    maximum: float

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass(eq=False)
class Choice(Validator):
    """One of some values."""

    choices: Collection

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"Value must be one of {self.choices}, is {value!r}")


@dataclass(eq=False)
class Exclude(Validator):
    """None of some values."""

    excludedValues: Collection

    def validate(self, value):
        if value in self.excludedValues:
            raise ValueError(f"Value must not be one of {self.excludedValues}, is {value!r}")
