"""Text, rulers and marks on films, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .layouts import Box
from .protocols import Protocol

_SMALLEST = 5  # pixels of a letter's height; smaller text is not drawn
_MARGIN = 0.015  # of a tile's height, between text and the tile's rim
_FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono-Bold.ttf", "")  # of machines
_ALL = (*_FONTS, "DejaVuSerif.ttf", "STIXGeneral.ttf", "STIXGeneralBol.ttf", "cmss10.ttf", "cmr10.ttf", "cmtt10.ttf")
FONTS = len(_ALL)


@dataclass(frozen=True)
class Text:
    """A line of text: the tile it is on, as an index into the slices' boxes, or -1 beside them; its box in film
    pixels."""

    tile: int
    box: Box
    text: str


@dataclass(frozen=True)
class Style:
    """How one machine writes: font (an index), height of the letters as a share of the tile's height, how bright, what
    it writes in the four corners of a tile, and whether letters of the sides and a ruler are there."""

    font: int
    height: float
    bright: float
    corners: tuple[tuple[str, ...], ...]
    sides: bool
    ruler: str  # "right", "left", "bottom" or ""


def draw_style(rng: np.random.Generator, protocol: Protocol) -> Style:
    """One of the ways to write of a protocol. {number}, {count} and {position} are filled in tile by tile."""
    p = protocol
    level, width = f"{p.level:g}", f"{p.width:g}"
    window = [
        [f"W {width}", f"C {level}"], [f"WW:{width} WL:{level}"], [f"W:{width} L:{level}"], [f"C{level} W{width}"],
        [f"WW {width}", f"WL {level}"], [f"WL/WW {level}/{width}"], [f"Window {width}", f"Level {level}"], [],
    ][rng.choice(8, p=[0.18, 0.14, 0.16, 0.14, 0.12, 0.1, 0.08, 0.08])]  # fmt: skip
    thick = [
        [f"Thk {p.thickness:g} mm"],
        [f"{p.thickness:.1f}mm"],
        [f"SL {p.thickness:.1f}"],
        [f"ST:{p.thickness:g}"],
        [],
    ][rng.integers(5)]
    at = [
        ["SP {position:.1f}"],
        ["Pos: {position:.1f}"],
        ["I{position:.2f}"],
        ["TP {position:.1f}"],
        ["{position:+.1f} mm"],
        [],
    ][rng.integers(6)]
    number = [
        ["Im: {number}/{count}"],
        ["IMA {number}"],
        ["#{number}"],
        [f"Se:{p.series}", "Im:{number}"],
        ["{number}"],
    ][rng.integers(5)]
    who = [p.patient, p.about, f"ID {rng.integers(10**5, 10**8)}"][: rng.integers(1, 4)]
    where = [p.place, p.scanner, p.date, f"Acc {rng.integers(10**4, 10**7)}"]
    where = list(rng.permutation(where)[: rng.integers(1, 4)])
    tube = [f"kV {p.voltage}", f"mA {p.current}", f"Tilt {p.tilt:g}", f"FOV {rng.integers(180, 501)} mm"]
    tube = list(rng.permutation(tube)[: rng.integers(0, 4)])
    corners = [where, who, number + tube, window + thick + at]
    corners = [corners[index] for index in rng.permutation(4)] if rng.random() < 0.5 else corners
    kept = rng.random(4) < rng.choice([0.5, 0.8, 1.0])
    if not kept.any():
        kept[:] = True
    return Style(
        font=int(rng.integers(len(_FONTS))),
        height=float(rng.uniform(0.028, 0.05)),
        bright=float(rng.uniform(0.75, 1.0)),
        corners=tuple(tuple(map(str, lines)) if keep else () for lines, keep in zip(corners, kept, strict=True)),
        sides=bool(rng.random() < 0.6),
        ruler=str(rng.choice(["right", "left", "bottom", ""], p=[0.3, 0.1, 0.2, 0.4])),
    )


class Sheetwriter:
    """Writes on the ink of a film, which is (h, w) from 0 to 1."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.picture = Image.new("L", size[::-1])
        self.draw = ImageDraw.Draw(self.picture)
        self.texts: list[Text] = []

    @property
    def ink(self) -> np.ndarray:
        return np.asarray(self.picture, np.float32) / 255

    def write(
        self, tile: int, place: tuple[float, float], text: str, font: ImageFont.FreeTypeFont, anchor: str, bright: float
    ) -> None:
        """Write a line at a place (x, y) of the film; anchor: which of its points lies there, as Pillow says."""
        left, top, right, bottom = self.draw.textbbox(place, text, font, anchor)
        self.draw.text(place, text, round(255 * bright), font, anchor)
        width, height = self.picture.size
        box = max(int(left), 0), max(int(top), 0), min(int(np.ceil(right)), width), min(int(np.ceil(bottom)), height)
        self.texts.append(Text(tile, box, text))

    def write_tile(self, tile: int, box: Box, style: Style, letters: str, facts: dict[str, float]) -> None:
        """Write in the corners and at the sides of a tile. letters: of its left, right, top and bottom."""
        left, top, right, bottom = box
        height = bottom - top
        letter = style.height * height
        if letter < _SMALLEST:
            return
        font = font_of(style.font, letter)
        margin, line = max(_MARGIN * height, 2), 1.25 * letter
        for corner, lines in enumerate(style.corners):
            x = right - margin if corner % 2 else left + margin
            for row, text in enumerate(lines):
                y = top + margin + row * line if corner < 2 else bottom - margin - (len(lines) - 1 - row) * line
                anchor = ("r" if corner % 2 else "l") + ("a" if corner < 2 else "d")
                self.write(tile, (x, y), text.format(**facts), font, anchor, style.bright)
        if style.sides:
            large = font_of(style.font, 1.3 * letter)
            self.write(tile, (left + margin, (top + bottom) / 2), letters[0], large, "lm", style.bright)
            self.write(tile, ((left + right) / 2, top + margin), letters[2], large, "ma", style.bright)

    def rule(self, box: Box, style: Style, pixel: float, mm: float = 10.0, ticks: int = 10) -> None:
        """Draw a ruler of so many ticks, so many mm apart, along a side of a tile; pixel: mm."""
        left, top, right, bottom = box
        ink, long = round(255 * style.bright), mm / pixel
        across = style.ruler == "bottom"
        ticks = min(ticks, int(0.8 * ((right - left) if across else (bottom - top)) / long))
        if ticks < 2 or long < 2:
            return
        middle = (left + right) / 2 if across else (top + bottom) / 2
        short = max(0.02 * (bottom - top), 2)
        base = bottom - 2 if across else right - 2 if style.ruler == "right" else left + 1
        toward = 1 if style.ruler == "left" else -1
        marks = [middle + (tick - ticks / 2) * long for tick in range(ticks + 1)]
        for tick, mark in enumerate(marks):
            far = base + toward * short * (2 if tick % 5 == 0 else 1)
            self.draw.line([(mark, base), (mark, far)] if across else [(base, mark), (far, mark)], ink)
        self.draw.line([(marks[0], base), (marks[-1], base)] if across else [(base, marks[0]), (base, marks[-1])], ink)


@lru_cache(maxsize=256)
def font_of(index: int, height: float) -> ImageFont.FreeTypeFont:
    """A font whose letters are so many pixels high; those of matplotlib, and Pillow's own."""
    import matplotlib

    name, size = _ALL[index], round(height / 0.72)
    if not name:
        return ImageFont.load_default(size)  # type: ignore[return-value]
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
