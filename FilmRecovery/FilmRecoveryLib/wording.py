"""What the text of a film says: the window, where slices lie and how thick they are. Needs no torch."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from .text import Text

_NUMBER = r"([-+]?\d+(?:[.,]\d+)?)"
_TO = r"[ \t]*[:=]?[ \t]*"  # on one line
_WIDTH = rf"(?:\bWW|\bW|\bWindow|\bWidth|\bWindow\s+Width){_TO}{_NUMBER}"
_LEVEL = rf"(?:\bWL|\bWC|\bL|\bC|\bLevel|\bCent(?:er|re)|\bWindow\s+(?:Level|Cent(?:er|re))){_TO}{_NUMBER}"
_WINDOWS = (  # with the places of the level and of the width
    (rf"\b(?:WL\s*/\s*WW|L\s*/\s*W|C\s*/\s*W){_TO}{_NUMBER}\s*/\s*{_NUMBER}", 1, 2),
    (rf"\b(?:WW\s*/\s*WL|W\s*/\s*L|W\s*/\s*C){_TO}{_NUMBER}\s*/\s*{_NUMBER}", 2, 1),
    (rf"{_WIDTH}[\s,/;]*{_LEVEL}", 2, 1),
    (rf"{_LEVEL}[\s,/;]*{_WIDTH}", 1, 2),
    (rf"{_WIDTH}[ \t,/;]+[1Il|][:=]{_TO}{_NUMBER}", 2, 1),  # an L, read wrongly
)
_THICKNESS = rf"(?:\b(?:Thk|Thick(?:ness)?|ST|SL|Slice){_TO}|^\s*(?=\d[\d.,]*\s*mm\s*$)){_NUMBER}"
_ACROSS = rf"\bD?FOV{_TO}{_NUMBER}\s*(?:mm|(cm))?"
_POSITIONS = (  # with letters of the side of 0: H (head) and S (superior), F (feet) and I (inferior)
    rf"\b(?:SP|TP|Pos|Loc|Z){_TO}([HFSI]?)\s*{_NUMBER}",
    r"^\s*([HFSI])\s*(\d+[.,]\d+)\s*(?:mm)?\s*$",
    r"^\s*()([-+]\d+[.,]\d+)\s*mm\s*$",
)
_LETTERS = "RLAPHFSI"
_WIDEST, _LONGEST, _FARTHEST = 20000.0, 600.0, 3000.0  # HU, mm, mm
_NARROWEST = 50.0  # mm across a slice
_SIGNS = {"": 1, "H": 1, "S": 1, "F": -1, "I": -1}
_AGREE = 0.6  # the least share of tiles that a value is on, of those that say any


@dataclass(frozen=True)
class Wording:
    """What a film says about its slices; None for what it does not say.

    level, width: HU of the window. thickness: mm of a slice. across: mm of the scan's field of view. positions: mm
    towards the head, by tile. letters: of the patient's sides, with how many tiles bear each. warnings: sentences about
    what contradicts itself.
    """

    level: float | None = None
    width: float | None = None
    thickness: float | None = None
    across: float | None = None
    positions: Mapping[int, float] = field(default_factory=dict)
    letters: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def step(self, order: Sequence[int]) -> float | None:
        """How many mm each slice lies nearer to the head than the one before, by most of the positions that are told
        of tiles in order; None where too few are told, or they do not agree."""
        told = [(place, self.positions[tile]) for place, tile in enumerate(order) if tile in self.positions]
        steps = np.array([(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(told)])
        if not steps.size:
            return None
        usual = float(np.median(steps))
        agree = np.abs(steps - usual) <= 0.1 * abs(usual) + 0.05
        return usual if usual and agree.mean() >= _AGREE else None

    def spacing(self, order: Sequence[int]) -> float | None:
        """mm from slice to slice, by the positions of tiles in order; by the thickness where these are not told."""
        step = self.step(order)
        return abs(step) if step else self.thickness

    def head_last(self, order: Sequence[int]) -> bool | None:
        """Whether slices in order run towards the head; None where the positions do not tell."""
        step = self.step(order)
        return step > 0 if step else None


def understand(texts: Iterable[Text]) -> Wording:
    """What the texts of a film's tiles say together.

    Text is read with errors, and not on all tiles: each value is the one that most tiles bear. Where they do not agree
    it is None, and a warning says so.
    """
    lines: dict[int, list[str]] = defaultdict(list)
    for text in texts:
        if text.tile >= 0:
            lines[text.tile] += text.text.splitlines()
    windows: Counter[tuple[float, float]] = Counter()
    thicknesses: Counter[float] = Counter()
    fields: Counter[float] = Counter()
    positions: dict[int, float] = {}
    letters: Counter[str] = Counter()
    for tile, said in lines.items():
        joined = "\n".join(said)
        windows.update(_window(joined))
        thicknesses.update(_lengths(_THICKNESS, joined))
        fields.update(length for length in _lengths(_ACROSS, joined) if length >= _NARROWEST)
        positions.update((tile, place) for place in _position(joined))
        letters.update({line.strip() for line in said} & set(_LETTERS))
    warnings: list[str] = []
    level, width = _agreed(windows, "windows", "level and width", warnings) or (None, None)
    return Wording(
        level,
        width,
        _agreed(thicknesses, "thicknesses", "the distance of slices", warnings),
        _agreed(fields, "fields of view", "the size of a pixel", warnings),
        positions,
        dict(letters),
        tuple(warnings),
    )


def _window(said: str) -> set[tuple[float, float]]:
    """Level and width in the text of a tile, where it bears any."""
    for pattern, level, width in _WINDOWS:
        found = re.search(pattern, said, re.IGNORECASE)
        if found and 0 < _number(found[width]) <= _WIDEST:
            return {(_number(found[level]), _number(found[width]))}
    return set()


def _lengths(pattern: str, said: str) -> set[float]:
    """The length in mm in the text of a tile, where it bears any."""
    found = re.search(pattern, said, re.IGNORECASE | re.MULTILINE)
    length = _number(found[1]) * (10 if found.lastindex == 2 else 1) if found else 0
    return {length} if 0 < length <= _LONGEST else set()


def _position(said: str) -> set[float]:
    """Where a slice lies, in mm towards the head, by the text of its tile, where it bears that."""
    for pattern in _POSITIONS:
        found = re.search(pattern, said, re.IGNORECASE | re.MULTILINE)
        if found and abs(_number(found[2])) <= _FARTHEST:
            return {_SIGNS[found[1].upper()] * _number(found[2])}
    return set()


def _number(said: str) -> float:
    return float(said.replace(",", "."))


def _agreed(counts: Counter[Any], name: str, wanted: str, warnings: list[str]) -> Any:
    """What most tiles bear; None, and a warning, where they contradict each other."""
    if not counts:
        return None
    (value, most), *others = counts.most_common()
    if most >= _AGREE * counts.total():
        return value
    also = others[0][0]
    said = [
        " / ".join(f"{part:g}" for part in (each if isinstance(each, tuple) else (each,))) for each in (value, also)
    ]
    warnings.append(f"The text names different {name}, such as {said[0]} and {said[1]}; give {wanted} yourself.")
    return None
