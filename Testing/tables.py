"""Make the tables of InverseImagingLib/xray anew: elements.json from xraydb, tubes.json from SpekPy.

Both packages take seconds to start, which is long for a first picture. A test holds the tables to them.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import spekpy
import xraydb

LIBRARY = Path(__file__).resolve().parents[1] / "InverseImaging"
sys.path.insert(0, str(LIBRARY))

from InverseImagingLib.xray.spectrum import ANODE_ANGLE, CESIUM_IODIDE, KVP_LIMITS, SUBSTANCES  # noqa: E402

ENERGIES = np.log([1e3, 2.5e5])  # of electronvolts: beyond what tubes give
SCATTERING = ("coherent", "incoherent")
LOWEST, THIN = 4.5, 0.1  # keV, which the thinnest filtration lets not pass; mm of aluminum, which pass in part


def elements() -> dict[str, dict[str, list[list[float]]]]:
    """Of each element, by kind of attenuation: logarithms of energies and of cm2/g, and the second derivatives."""
    names = sorted({name for each in (*SUBSTANCES.values(), CESIUM_IODIDE) for name in each.elements})
    return {name: element(name) for name in names}


def element(name: str) -> dict[str, list[list[float]]]:
    database = xraydb.get_xraydb()
    (photo,) = database.get_cache("photoabsorption", column="element", value=name)
    (scatter,) = database.get_cache("scattering", column="element", value=name)
    columns = {"photoelectric": (photo.log_energy, photo.log_photoabsorption, photo.log_photoabsorption_spline)}
    for kind in SCATTERING:
        values = (getattr(scatter, f"log_{kind}_scatter{end}") for end in ("", "_spline"))
        columns[kind] = (scatter.log_energy, *values)
    return {kind: _within(np.array([json.loads(text) for text in texts])) for kind, texts in columns.items()}


def _within(table: np.ndarray) -> list[list[float]]:
    return table[:, (table[0] > ENERGIES[0] - 1e-3) & (table[0] < ENERGIES[1])].tolist()


def tubes() -> dict[str, list[float]]:
    """Of each whole kV, relative photon numbers in steps of 1 keV from LOWEST on, without any filtration."""
    return {str(kvp): tube(kvp) for kvp in range(int(KVP_LIMITS[0]), int(KVP_LIMITS[1]) + 1)}


def tube(kvp: int) -> list[float]:
    energies, photons = spekpy.Spek(kvp=kvp, th=ANODE_ANGLE, dk=1.0).get_spectrum()
    photons = photons[energies >= LOWEST]
    return [_short(value) for value in photons / photons.max()]


def aluminum() -> list[float]:
    """Attenuation per mm at the same energies, as SpekPy has it."""
    tube = {"kvp": KVP_LIMITS[1], "th": ANODE_ANGLE, "dk": 1.0}
    energies, photons = spekpy.Spek(**tube).get_spectrum()
    _, left = spekpy.Spek(**tube).filter("Al", THIN).get_spectrum()
    return [_short(value) for value in -np.log((left / photons)[energies >= LOWEST]) / THIN]


def _short(value: float) -> float:
    return float(f"{value:.8g}")


def write(name: str, **content: Any) -> None:
    """With a line for each list of numbers."""
    text = json.dumps(content).replace("], ", "],\n")
    (LIBRARY / "InverseImagingLib" / "xray" / name).write_text(text + "\n")


def main() -> None:
    write(
        "elements.json",
        source="W. T. Elam, B. D. Ravel, J. R. Sieber. A new atomic database for X-ray spectroscopic calculations. "
        f"Radiat. Phys. Chem. 63, 2002. From xraydb {metadata.version('xraydb')}, copyright M. Newville, The "
        "University of Chicago, MIT license.",
        content="Of each element, by kind of attenuation: logarithms of eV and of cm2/g, second derivatives of these.",
        elements=elements(),
    )
    write(
        "tubes.json",
        source=f"SpekPy {metadata.version('spekpy')} (G. Poludniowski, A. Omar, R. Bujila, P. Andreo. Med. Phys. 48, "
        f"2021), tungsten, anode angle {ANODE_ANGLE:g} degrees",
        content=f"Of each kV, relative photon numbers in steps of 1 keV from {LOWEST} keV on, unfiltered; attenuation "
        "of aluminum at the same energies, per mm.",
        lowest=LOWEST,
        aluminum=aluminum(),
        tubes=tubes(),
    )


if __name__ == "__main__":
    main()
