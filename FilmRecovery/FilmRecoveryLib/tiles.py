"""Where the tiles of a film lie, to the pixel, once it is about known.

Text, rulers and pictures end where tiles end, and the film is empty between them. A line of text above or below all
of them, the film's title, sets them off its middle. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_GAPS = np.array([0.0, 0.002, 0.006, 0.015])  # between tiles, of the film's longer side
_SHIFTS = np.linspace(-0.024, 0.024, 33)  # of the middle of all tiles, that are tried, of the film's length
_STRETCHES = np.linspace(-0.052, 0.052, 53)  # of the length of all of them, with their gaps
_SQUARE = np.linspace(0.98, 1.02, 5)  # of a tile's other side
_NOISE = 3.2  # standard deviations of it that are no edge
_STRONG, _FAINT = 0.1, 0.12  # edges of gray that count no more; share of what is usual that is half of all
_RIM = 0.05  # of a tile, along its sides, where text is
_ROOM, _STRIP = 0.028, 0.055  # of a film, that a title needs, and takes at most
_LITTLE = 0.02  # of a film: margins that differ by more are no likelier
_SURE_TITLE = 0.4  # how much more edges there are on a line of text than around it
_NEAR = 0.07  # of a distance, around it

# What tells that tiles lie so: log odds, by a logistic regression on drawn films against tiles that lie otherwise.
_WEIGHTS = {
    "moved": -430.7,  # how far the middle of all is from where it is thought to be
    "stretched": -208.1,  # how much longer or shorter all are
    "repeats": 85.8,  # how much more like itself the film is a tile on than a little nearer or farther
    "full between": 3.9,  # edges between those tiles where they are most
    "full inside": 3.8,  # and along the sides of that tile where they are fewest
    "more inside": 15.1,  # how many more there are, in the mean
    "full around": -11.9,  # before the first of those tiles and after the last
    "lines": 7.6,  # straight ones along the sides of tiles
    "aside": -529.1,  # how much wider one margin is than the other, up to a little, without a title
    "far aside": -665.7,  # beyond what a title needs
    "gap": -55.3,
    "no gap": -4.3,
    "title": 11.5,  # a line of text in the middle of a margin
    "sure title": -3.0,
    "off centers": -42.5,  # how far edges lie from the middles of tiles
}


@dataclass(frozen=True)
class Span:
    """Tiles along an axis, in shares of the film's length: where the first begins, and how long and far apart all
    are."""

    start: float
    size: float
    pitch: float

    def middle(self, count: int) -> float:
        """The middle of so many tiles."""
        return self.start + ((count - 1) * self.pitch + self.size) / 2


class Edges:
    """Edges of a film along an axis, 0 down or 1 to the right, and what else is known along it.

    there: from 0 to about 1 (n,), whether there are any in a row or column, faint ones, too. alike (n,): correlation of
    the film with itself, by the distance. lines (n,): how straight one runs. longer: the film's longer side by this
    one.
    """

    def __init__(self, small: np.ndarray, axis: int, alike: np.ndarray, lines: np.ndarray) -> None:
        self.alike = alike
        self.lines = ndimage.gaussian_filter1d(lines, 0.0025 * len(lines))
        self.runs_down = axis == 0
        soft = ndimage.gaussian_filter(small, 0.8)
        slopes = np.hypot(*(ndimage.correlate1d(soft, [-1, 0, 1], each) for each in (0, 1)))
        noise = min(1.5 * np.quantile(slopes, 0.2), np.quantile(slopes, 0.35))
        amount = np.clip(slopes - _NOISE * noise, 0, _STRONG).mean(axis=1 - axis)
        usual = np.median(amount) + 1e-6
        self.there = amount / (amount + _FAINT * usual)
        self.longer = max(small.shape) / small.shape[axis]
        self.places = np.linspace(0, 1, len(amount) + 1)
        middles = (self.places[1:] + self.places[:-1]) / 2
        amount = np.clip(amount / usual, 0, 3)
        amount /= amount.sum() + 1e-9
        self._there, self._share, self._moment = (
            np.concatenate([[0], np.cumsum(each)]) for each in (self.there / len(amount), amount, amount * middles)
        )

    def mean(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """How full it is from places to others, over a pixel at least."""
        least = 1.5 / len(self.there)
        middle, half = (start + end) / 2, np.maximum(end - start, least) / 2
        start, end = np.clip(middle - half, 0, 1 - least), np.clip(middle + half, least, 1)
        return (self._sum(self._there, end) - self._sum(self._there, start)) / np.maximum(end - start, least / 3)

    def share(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Share of all edges from places to others."""
        return self._sum(self._share, end) - self._sum(self._share, start)

    def moment(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The same, times where they are."""
        return self._sum(self._moment, end) - self._sum(self._moment, start)

    def _sum(self, sums: np.ndarray, place: np.ndarray) -> np.ndarray:
        return np.interp(place, self.places, sums)


def best_span(edges: Edges, near: Span, count: int, side: float | None = None) -> Span:
    """The likeliest place of so many tiles along an axis, near one that is about right.

    side: how long tiles are along the other axis, as a share of this one, where they may be square.
    """
    start, size, pitch = _tried(edges, near, count, side)
    odds = np.zeros_like(start)
    for name, value in _signs(edges, near, count, start, size, pitch).items():
        odds += _WEIGHTS[name] * value
    best = int(odds.argmax())
    return Span(float(start[best]), float(size[best]), float(pitch[best]))


def _tried(edges: Edges, near: Span, count: int, side: float | None) -> np.ndarray:
    """Start, size and pitch of tiles (3, N)."""
    length = near.size + (count - 1) * near.pitch
    middles, lengths = (
        each.ravel() for each in np.meshgrid(near.middle(count) + _SHIFTS, length + _STRETCHES, indexing="ij")
    )
    pitch = lengths / count
    tried = [[middles - (lengths - gap) / 2, pitch - gap, pitch] for gap in _GAPS * edges.longer]
    for size in () if side is None else side * _SQUARE:
        apart = pitch - size > 0.02 * pitch
        begin = middles - ((count - 1) * pitch + size) / 2
        tried.append([each[apart] for each in (begin, np.full_like(pitch, size), pitch)])
    start, size, pitch = np.concatenate(tried, axis=1)
    fits = (start > -0.006) & (start + (count - 1) * pitch + size < 1.006)
    if not fits.any():
        return np.array([[near.start], [near.size], [near.pitch]])
    return np.stack([start, size, pitch])[:, fits]


def _signs(
    edges: Edges, near: Span, count: int, start: np.ndarray, size: np.ndarray, pitch: np.ndarray
) -> dict[str, np.ndarray]:
    """What tells whether tiles lie so, by the names of the weights, (N,) each."""
    places, nothing = (np.arange(len(edges.lines)) + 0.5) / len(edges.lines), np.zeros_like(start)
    first = start[:, None] + pitch[:, None] * np.arange(count)
    last = first + size[:, None]
    end = last[:, -1]
    between = edges.mean(last[:, :-1], first[:, 1:]) if count > 1 else nothing[:, None]
    rim = _RIM * size[:, None]
    inside = (edges.mean(first, first + rim) + edges.mean(last - rim, last)) / 2
    at_first, at_last = (np.interp(place, places, edges.lines) for place in (first, last))
    title = _title(edges, start, 1 - end) if edges.runs_down else nothing
    sure = np.clip(title / _SURE_TITLE, 0, 1)
    aside = np.abs(start - (1 - end))
    gap = (pitch - size) / edges.longer
    share = edges.share(first, last)
    off = edges.moment(first, last) - (first + last) / 2 * share
    return {
        "moved": np.abs((start + end) / 2 - near.middle(count)),
        "stretched": count * np.abs(pitch - near.pitch),
        "repeats": _peak(edges.alike, pitch * len(edges.lines)) if count > 1 else nothing,
        "full between": between.max(axis=1),
        "full inside": inside.min(axis=1),
        "more inside": inside.mean(axis=1) - between.mean(axis=1),
        "full around": (edges.mean(nothing, start) + edges.mean(end, nothing + 1)) / 2,
        "lines": ((at_first + at_last) / 2).mean(axis=1),
        "aside": np.minimum(aside, _LITTLE) * (1 - sure),
        "far aside": np.maximum(aside - _STRIP, 0),
        "gap": gap,
        "no gap": (gap < 0.001).astype(float),
        "title": title,
        "sure title": sure,
        "off centers": np.abs(off / np.maximum(share, 0.3 / count) / size[:, None]).mean(axis=1),
    }


def _peak(alike: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How much less alike a film is at distances (N,) of pixels than at the best that is near each."""
    places = np.arange(len(alike))
    near = [alike[max(int(n * (1 - _NEAR)), 1) : int(n * (1 + _NEAR)) + 2].max(initial=0) for n in places]
    return np.interp(distance, places, alike) - np.interp(distance, places, near)


def _title(edges: Edges, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """How clearly a line of text is in the middle of the room (N,) above all tiles, or below where that is larger."""
    room = np.maximum(above, below)
    start = np.where(above >= below, 0, 1 - room)
    parts = ((0.36, 0.64), (0.002, 0.2), (0.8, 0.998))
    core, before, after = (edges.mean(start + a * room, start + b * room) for a, b in parts)
    return np.where(room > _ROOM, core - (before + after) / 2, 0)
