"""How the elements attenuate X-rays."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np


def mass_attenuation(element: str, energies_kev: np.ndarray) -> np.ndarray:
    """Total mass attenuation coefficient mu/rho in cm2/g, coherent scatter included, (n,) for (n,) energies of 1 to
    200 keV; of the elements in elements.json.

    Source: tables of Elam, Ravel and Sieber (Radiat. Phys. Chem. 63, 2002), from xraydb, which gives the same: cubic
    splines of logarithms.
    """
    places = np.log(1000 * np.asarray(energies_kev, dtype=np.float64))
    return np.sum([np.exp(_spline(table, places)) for table in _tables()[element]], axis=0)


def _spline(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    """table: places, values and second derivatives (3, m)."""
    x, y, curvature = table
    high = np.searchsorted(x, places)
    low, step = high - 1, x[high] - x[high - 1]
    above, below = (places - x[low]) / step, (x[high] - places) / step
    bend = (above**3 - above) * curvature[high] + (below**3 - below) * curvature[low]
    return above * y[high] + below * y[low] + bend * step**2 / 6


@functools.lru_cache(maxsize=1)
def _tables() -> dict[str, list[np.ndarray]]:
    found = json.loads(Path(__file__).with_name("elements.json").read_text(encoding="utf-8"))["elements"]
    return {name: [np.array(table) for table in kinds.values()] for name, kinds in found.items()}
