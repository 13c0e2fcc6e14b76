"""What can be set on the way from a photo to a film, from a film to slices, and to numbers. Needs no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.method import Choice, check_options, option

_MOST_TILES = 400  # of a film


class Turn(Choice):
    """How far a film is turned clockwise until it is upright, in degrees."""

    AUTO = "auto"
    NONE = "0"
    QUARTER = "90"
    HALF = "180"
    THREE_QUARTERS = "270"

    def label(self) -> str:
        return "As it looks" if self is Turn.AUTO else f"{self.value}°"


class Mirror(Choice):
    """Whether the film was seen from behind."""

    AUTO = "auto"
    NO = "no"
    YES = "yes"

    def label(self) -> str:
        return "As it looks" if self is Mirror.AUTO else super().label()


class Order(Choice):
    """How the slices follow each other on a film."""

    ROWS = "rows"
    COLUMNS = "columns"

    def label(self) -> str:
        return {"rows": "Row by row", "columns": "Column by column"}[self.value]


@dataclass(frozen=True)
class FlattenOptions:
    """Settings of the way from a photo to a flat film."""

    corners: str = option(
        "", "The film's corners as x,y x,y x,y x,y in pixels, clockwise from its top left; empty means as found."
    )
    turn: Turn = option(Turn.AUTO, "How far to turn the film clockwise: auto (as it looks), 0, 90, 180 or 270 degrees.")
    mirror: Mirror = option(Mirror.AUTO, "Whether to mirror the film, seen from behind: auto (as it looks), no or yes.")
    unbend: bool = option(True, "Also unbend the film; otherwise only its corners count.")
    relight: bool = option(True, "Take out the light: shadows, glare, an uneven lamp behind.")
    size: int = option(0, "Pixels along the longer side of the film; 0 means as fine as the photo.", low=0, high=12000)
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")

    def check(self) -> None:
        """Raise InputError for a value that is out of its limits, and for corners that are none."""
        check_options(self)
        self.points()
        if 0 < self.size < 64:
            raise InputError(f"A film of {self.size} pixels shows nothing; choose a size of 64 at least, or 0.")

    def points(self) -> np.ndarray | None:
        """The corners as points (2, 2, 2): rows top and bottom, columns left and right, x and y; None for empty."""
        if not self.corners.strip():
            return None
        pairs = [re.fullmatch(r"(-?[\d.]+),(-?[\d.]+)", word) for word in self.corners.split()]
        try:
            (x0, y0), (x1, y1), (x2, y2), (x3, y3) = [(float(pair[1]), float(pair[2])) for pair in pairs if pair]
        except ValueError:
            raise InputError(
                f"The corners '{self.corners}' are no four points; write them as 'x,y x,y x,y x,y', in pixels."
            ) from None
        return np.array([[(x0, y0), (x1, y1)], [(x3, y3), (x2, y2)]])


@dataclass(frozen=True)
class ExtractOptions:
    """Settings of the way from a flat film to slices."""

    layout: str = option("", "Rows and columns of slices on the film, such as 4x5; empty means as found.")
    order: Order = option(Order.ROWS, "How the slices follow each other: rows (row by row) or columns.")
    reverse: bool = option(False, "Turn the slices around: they run the other way between feet and head than found.")
    skip: str = option("", "What is no slice, such as the overview: numbers of tiles from 1, as 1,20.")
    level: float = option(0.0, "Middle of the window.", low=-4000, high=10000, unit="HU")
    width: float = option(0.0, "Width of the window; 0 means level and width as the text tells.", low=0, high=20000)
    spacing_x: float = option(0.0, "Width of a pixel of a slice; 0 means as found.", low=0, high=100, unit="mm")
    spacing_y: float = option(0.0, "Height of a pixel of a slice; 0 means as found.", low=0, high=100, unit="mm")
    spacing_z: float = option(0.0, "From slice to slice; 0 means as found.", low=0, high=100, unit="mm")
    restore: bool = option(True, "Let a network refine the values.")
    erase: bool = option(True, "Take the text out of the slices.")
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")

    def check(self) -> None:
        """Raise InputError for a value that is out of its limits, a layout or tiles that are none, half a window."""
        check_options(self)
        self.grid()
        self.skipped()
        if self.level and not self.width:
            raise InputError(f"The window has a level of {self.level:g} HU, but no width; give both.")

    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of tiles; None for empty."""
        if not self.layout.strip():
            return None
        found = re.fullmatch(r"\s*([1-9]\d?)\s*[x×]\s*([1-9]\d?)\s*", self.layout.lower())
        if not found or int(found[1]) * int(found[2]) > _MOST_TILES:
            raise InputError(
                f"The layout '{self.layout}' is none; write rows x columns, such as 4x5, of up to {_MOST_TILES} tiles."
            )
        return int(found[1]), int(found[2])

    def skipped(self) -> frozenset[int]:
        """The tiles that are no slices, counted from 1 in the order of the film."""
        words = self.skip.replace(",", " ").split()
        if not all(word.isdecimal() and int(word) > 0 for word in words):
            raise InputError(f"The tiles to skip, '{self.skip}', are no numbers from 1; write them as 1,20.")
        return frozenset(map(int, words))


@dataclass(frozen=True)
class RadiomicsOptions:
    """Settings of the radiomics of slices."""

    bins: int = option(32, "Steps from the lowest to the highest value, for features of texture.", low=4, high=256)

    def check(self) -> None:
        """Raise InputError for a value that is out of its limits."""
        check_options(self)
