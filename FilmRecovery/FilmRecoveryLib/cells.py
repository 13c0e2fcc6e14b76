"""The rows and columns of a film: cells that lie evenly, where its waves (see networks.GridNet) agree with them.

A cell is a tile and its share of the gaps around it. Needs no torch.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from .tiles import Span

_MOST = 9  # rows or columns that are looked for
_PITCHES, _STARTS = np.linspace(0.7, 1.02, 48), np.linspace(0, 1, 33)  # that are tried: of an even share, of the rest
_FINER = (1.0, 0.3, 0.1)
_NEAR, _STRETCH = np.linspace(-0.015, 0.015, 9), np.linspace(-0.006, 0.006, 9)  # of the film, around the best
_PLAUSIBLE, _ASPECT_WEIGHT = 0.15, 2.0  # of the logarithm of a cell's height / width; slices are about square
_AGREEMENT = 0.25  # log odds, by which cells are likelier whose waves agree more by 1
_DOUBTED = 0.5  # share that waves have to have, of those of cells, so that these are likelier than none


@dataclass(frozen=True)
class Cells:
    """So many cells along an axis: where the first begins and how long each is, in shares of the film's length.

    agreement: of their waves with those that are seen, 0 that of no cells at all.
    """

    count: int
    start: float
    pitch: float
    agreement: float = 0.0

    @property
    def span(self) -> Span:
        return Span(self.start, self.pitch, self.pitch)

    def wave(self, length: int) -> np.ndarray:
        """The wave (length,) at so many places along the film."""
        return _waves(np.array(self.start), np.array(self.pitch), self.count, length)


def evenly(count: int) -> Cells:
    """Cells that fill a film."""
    return Cells(count, 0.0, 1 / count)


def best_cells(
    waves: np.ndarray, shape: tuple[int, ...], grid: tuple[int, int] | None = None
) -> tuple[Cells, Cells, float]:
    """The likeliest cells down and along a film, and their probability.

    waves: (2, n, n) complex, down and along the film; where none agree with them, the film is one cell. shape: its
    height and width. grid: rows and columns, if known.
    """
    profiles = waves[0].mean(axis=1), waves[1].mean(axis=0)
    down, across = (
        [_fitted(profile, count) for count in sorted({*range(1, _MOST + 1), grid[axis] if grid else 1})]
        for axis, profile in enumerate(profiles)
    )
    odds = np.array([[_odds(one, other, shape) for other in across] for one in down])
    shares = np.exp(odds - odds.max())
    shares /= shares.sum()
    if grid is None:
        row, column = (int(place) for place in np.unravel_index(odds.argmax(), odds.shape))
        if down[row].agreement + across[column].agreement <= 0:
            return evenly(1), evenly(1), 0.0
    else:
        row, column = ([cells.count for cells in each].index(n) for each, n in zip((down, across), grid, strict=True))
    return down[row], across[column], float(shares[row, column])


def agreement(down: Cells, across: Cells, waves: np.ndarray) -> float:
    """How well waves (2, n, n) agree with cells, best_cells of them, at each place: up to about 3."""
    return (down.agreement + across.agreement) / waves.shape[1]


def _odds(down: Cells, across: Cells, shape: tuple[int, ...]) -> float:
    """Log odds of cells of both axes together."""
    aspect = abs(np.log(down.pitch * shape[0] / (across.pitch * shape[1])))
    return _AGREEMENT * (down.agreement + across.agreement) - _ASPECT_WEIGHT * max(aspect - _PLAUSIBLE, 0)


def _fitted(profile: np.ndarray, count: int) -> Cells:
    """So many cells where they agree best with a profile of waves (n,)."""
    starts, pitches, waves, energy = _tried(count, len(profile))
    best = int((2 * (waves @ profile.astype(np.complex64)).real - energy).argmax())
    start, pitch = starts[best], pitches[best]
    for step in _FINER:
        pitches = pitch + _STRETCH * step * 2 / max(count, 2)
        starts = start + _NEAR[:, None] * step - (pitches - pitch) * count / 2
        pitches = np.broadcast_to(pitches, starts.shape)
        found = _nearness(_waves(starts, pitches, count, len(profile)), profile)
        place = np.unravel_index(found.argmax(), found.shape)
        start, pitch = starts[place], pitches[place]
    agreement = _nearness(_waves(start, pitch, count, len(profile)), profile, _DOUBTED)
    return Cells(count, float(start), float(pitch), float(agreement))


@functools.lru_cache(maxsize=2 * _MOST)
def _tried(count: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Starts and pitches (m,) of so many cells, their waves' conjugates (m, length), and the energy of each (m,)."""
    pitches = _PITCHES[:, None] / count
    free = 1 - count * pitches
    starts = np.clip(free, 0, None) * _STARTS + np.minimum(free, 0) / 2
    pitches = np.broadcast_to(pitches, starts.shape).ravel()
    waves = _waves(starts.ravel(), pitches, count, length)
    return starts.ravel(), pitches, waves.conj().astype(np.complex64), (np.abs(waves) ** 2).sum(axis=1)


def _waves(starts: np.ndarray, pitches: np.ndarray, count: int, length: int) -> np.ndarray:
    """Waves (..., length) of cells with these starts and pitches (...)."""
    turns = ((np.arange(length) + 0.5) / length - starts[..., None]) / pitches[..., None]
    half = 0.5 / length / pitches[..., None]
    inside = [(side / half / 2 + 0.5).clip(0, 1) for side in (turns, count - turns)]  # of the place's own length
    found: np.ndarray = np.exp(2j * np.pi * turns) * inside[0] * inside[1]
    return found


def _nearness(waves: np.ndarray, profile: np.ndarray, least: float = 1.0) -> np.ndarray:
    """How much nearer waves (..., n) are to a profile (n,) than none, in squares.

    least: less than 1 where the profile may be small because nobody knows, not because there are none.
    """
    found: np.ndarray = 2 * (waves.conj() @ profile).real - least * (np.abs(waves) ** 2).sum(axis=-1)
    return found
