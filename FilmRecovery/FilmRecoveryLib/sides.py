"""The sides of a film as RimNet sees them: where they run, also beside edges that are clearer.

A strip is what is seen along a side, as if that were the upper one, of which the network tells what is film.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from .looks import seen_at
from .networks import RimNet
from .rim import continuing, with_sides
from .sheet import product
from .warp import Picture

REACH = 0.1  # of the film's side, on both sides of where it is
DEEP, LONG = 64, 192  # pixels of a strip across the side, and along it, which go on as far beyond its ends
_ENDS = 4  # places at both ends of a strip's depth, of which one has to be film and the other not
_SURE = 0.8
_NEAR = 0.03  # of a side, by whose places one of it lies
_LEAST = 0.3  # of a side that has to be seen
_DEGREE = 4  # of its curve


@dataclass(frozen=True)
class Sides:
    """Of each side, clockwise from the upper one, at places (n,) along it: how deep within the film as it was known it
    runs (4, n), how far that usually is off, both by the film's side, and whether it is seen."""

    at: np.ndarray
    depth: np.ndarray
    spread: np.ndarray
    seen: np.ndarray

    def near(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Depth, spread and whether it is seen (4, m) at other places."""
        depths, spreads, clear = np.zeros((3, 4, len(at)))
        for side, (depth, spread, seen) in enumerate(zip(self.depth, self.spread, self.seen, strict=True)):
            for number, place in enumerate(at):
                here = np.abs(self.at - np.clip(place, _NEAR, 1 - _NEAR)) < _NEAR
                used = here & seen
                if used.sum() > here.sum() / 2:
                    line = np.polyval(np.polyfit(self.at[used], depth[used], 1, w=1 / spread[used]), place)
                    depths[side, number] = np.clip(line, depth[used].min(), depth[used].max())
                    spreads[side, number], clear[side, number] = np.median(spread[used]), 1
        return depths, spreads, clear > 0

    def moved(self, backward: np.ndarray) -> np.ndarray:
        """The backward map (NODES, NODES, 2) that they were seen by, its sides where they are seen."""
        curves = []
        for depth, spread, seen in zip(self.depth, self.spread, self.seen, strict=True):
            found = np.polyfit(self.at[seen], depth[seen], _DEGREE, w=1 / spread[seen]) if seen.mean() > _LEAST else [0]
            curves.append(partial(_within_reach, np.poly1d(found)))
        return with_sides(backward, curves, REACH, DEEP / (2 * REACH))


def sides_of(photo: Picture, backward: np.ndarray, network: RimNet) -> Sides:
    """The sides of a film in a photo (H, W, 3), about where its backward map (NODES, NODES, 2) has them."""
    seen = np.stack([seen_at(photo, every) for every in strips(backward)])
    with torch.inference_mode():
        found = network(torch.from_numpy(seen).to(next(network.parameters()).device))[:, 0].sigmoid().cpu().numpy()
    rows, columns = found.shape[1:]
    at = (np.arange(columns) + 0.5) / columns * (1 + 2 * REACH) - REACH
    inside = (at > 0) & (at < 1)
    found, step = found[..., inside], 2 * REACH / rows
    ends = found[:, :_ENDS].mean(axis=1) < 1 - _SURE, found[:, -_ENDS:].mean(axis=1) > _SURE
    spread = step * (found * (1 - found)).sum(axis=1)
    return Sides(at[inside], step * (1 - found).sum(axis=1) - REACH, np.maximum(spread, step / 4), ends[0] & ends[1])


def _within_reach(curve: np.poly1d, at: np.ndarray) -> np.ndarray:
    """A curve where it was seen; elsewhere it may run anywhere."""
    return curve(at).clip(-REACH, REACH)


def strips(backward: np.ndarray) -> Iterator[np.ndarray]:
    """The photo pixels (DEEP, LONG, 2) of the strips of a film by its backward map (n, n, 2), clockwise from the upper
    side, each from outside the film to its inside."""
    along = continuing(len(backward), LONG, REACH)
    across = continuing(len(backward), round(DEEP * (1 + 2 * REACH) / (2 * REACH)), REACH)[:DEEP]
    for side in range(4):
        yield product(across, np.rot90(backward, side).astype(np.float32), along)
