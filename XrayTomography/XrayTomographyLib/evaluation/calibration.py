"""Whether errors lie within the stated intervals as often as these say.

The spread of a voxel is the mean absolute error to be expected. The share p of the errors should lie within a multiple
of it. As stated, that is -ln(1 - p), as for Laplace's distribution; scaled, it is that times one factor; fitted, it is
one of its own for each p. Factor and multiples are found on other bodies than are told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from InverseImagingLib.evaluation.scores import interval

from ..formation import integral
from .scores import cube

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
LAPLACE = -np.log1p(-np.array(LEVELS))  # multiples of the spread
_TOLD = (0.5, 0.8, 0.9, 0.95)  # levels that weights tell users
_MATTER = 1e-3  # integral above which a ray has something to tell
_LEAST, _MOST, _BINS = -4.0, 3.0, 1400  # of the decadic logarithm of errors by spreads
_ENDS = np.linspace(_LEAST, _MOST, _BINS + 1)
_FACTORS = np.geomspace(0.1, 10, 401)


def counted(volume: torch.Tensor, spread: torch.Tensor, truth: torch.Tensor) -> np.ndarray:
    """How many voxels with matter in their ray have which error by spread, as a histogram.

    volume: as fine as the truth, or finer. spread, truth: (128, 128, 128).
    """
    seen = integral(truth) > _MATTER
    by_spread = ((cube(volume) - truth).abs() / spread.clamp(min=1e-12)).transpose(0, 1)[:, seen]
    return torch.histc(by_spread.log10().clamp(_LEAST, _MOST), _BINS, _LEAST, _MOST).numpy().astype(np.float64)


def coverage(counts: np.ndarray, multiples: np.ndarray = LAPLACE) -> list[float]:
    """The share of voxels whose error lies within each multiple of their spread."""
    found: list[float] = np.interp(np.log10(multiples), _ENDS, _within(counts)).tolist()
    return found


def factor_of(counts: Sequence[np.ndarray]) -> float:
    """With which the coverage of bodies comes nearest to the levels, on the mean."""

    def miss(factor: float) -> float:
        return float(np.abs(np.mean([coverage(one, factor * LAPLACE) for one in counts], axis=0) - LEVELS).mean())

    return float(min(_FACTORS, key=miss))


def multiples_of(counts: Sequence[np.ndarray]) -> np.ndarray:
    """With which the coverage of bodies is that of the levels, on the mean."""
    found: np.ndarray = 10 ** np.interp(LEVELS, np.mean([_within(one) for one in counts], axis=0), _ENDS)
    return found


def calibration(counts: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What is to be told of bodies, JSON-ready, with factor and multiples found on others.

    bodies: {body: {"stated": shares, "scaled": shares, "fitted": shares}}, one share for each of the levels. stated,
    scaled, fitted: for each level the mean over bodies, with a bootstrap interval; see scores.interval. intervals:
    {percent: multiple}, as the settings of the weights in a bundle's metadata have them, see case.
    """
    factor, multiples = factor_of(list(others.values())), multiples_of(list(others.values()))
    ways = {"stated": LAPLACE, "scaled": factor * LAPLACE, "fitted": multiples}
    found = {name: {way: coverage(one, ends) for way, ends in ways.items()} for name, one in counts.items()}
    means = {
        way: [interval(shares) for shares in zip(*(one[way] for one in found.values()), strict=True)] for way in ways
    }
    told = {"found on": list(others), "factor": factor, "multiples": multiples.tolist(), "levels": list(LEVELS)}
    told["intervals"] = {f"{100 * level:.0f}": round(float(multiples[LEVELS.index(level)]), 3) for level in _TOLD}
    return {**told, "bodies": found, **means}


def draw(found: Mapping[str, Any], picture: Path) -> None:
    """The curves of a calibration as PNG."""
    labels = {"stated": "as stated", "scaled": f"times {found['factor']:.2f}", "fitted": "fitted by level"}
    axes = (figure := Figure(figsize=(5, 5), layout="constrained")).add_subplot()
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="as it should be")
    for way, label in labels.items():
        shares = found[way]
        ends = [[share["mean"] - share["low"] for share in shares], [share["high"] - share["mean"] for share in shares]]
        axes.errorbar(found["levels"], [share["mean"] for share in shares], ends, marker="o", capsize=3, label=label)
    axes.set(xlabel="level of the interval", ylabel="share of voxels inside", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend()
    figure.savefig(picture, format="png")


def _within(counts: np.ndarray) -> np.ndarray:
    """The share of errors by spread up to each end of the histogram's bins."""
    found: np.ndarray = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return found
