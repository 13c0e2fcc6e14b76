"""Which photons leave the X-ray tube, how matter attenuates them, and what the detector makes of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..method import Choice
from . import elements

KVP_LIMITS = (40.0, 150.0)
FILTRATION_LIMITS = (0.5, 40.0)  # mm of aluminum

ANODE_ANGLE = 12.0  # degrees


class Material(Choice):
    """What a body is made of."""

    SOFT_TISSUE = "soft-tissue"
    BONE = "bone"
    WATER = "water"
    AIR = "air"
    ADIPOSE = "adipose"
    METAL = "metal"

    def label(self) -> str:
        return self.value.replace("-", " ").capitalize()


@dataclass(frozen=True)
class Substance:
    """Density in g/cm3 and the share of each element in the mass."""

    density: float
    elements: Mapping[str, float]


# NIST, X-Ray Mass Attenuation Coefficients (NISTIR 5632), table 2, where the tissues are those of ICRU Report 44; the
# density of titanium is that of the CRC Handbook.
SUBSTANCES = {
    Material.SOFT_TISSUE: Substance(
        1.060,
        {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708}
        | {"Na": 0.002, "P": 0.003, "S": 0.003, "Cl": 0.002, "K": 0.003},
    ),
    Material.BONE: Substance(  # cortical
        1.920,
        {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435}
        | {"Na": 0.001, "Mg": 0.002, "P": 0.103, "S": 0.003, "Ca": 0.225},
    ),
    Material.WATER: Substance(1.000, {"H": 0.111898, "O": 0.888102}),
    Material.AIR: Substance(0.001205, {"C": 0.000124, "N": 0.755268, "O": 0.231781, "Ar": 0.012827}),
    Material.ADIPOSE: Substance(
        0.950, {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001}
    ),
    Material.METAL: Substance(4.506, {"Ti": 1.0}),  # titanium, as in implants
}

CESIUM_IODIDE = Substance(4.510, {"Cs": 0.511549, "I": 0.488451})
_SCINTILLATOR = 0.05 * 0.75  # cm: 0.5 mm of needles that fill three quarters of it


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Photons by energy.

    energies: (n,) keV, rising. weights: (n,) share of the photons at each energy; their sum is 1.
    coefficients: mass attenuation (n,) in cm2/g of materials, where a spectrum brings its own; see attenuation_table.
    """

    energies: np.ndarray
    weights: np.ndarray
    coefficients: Mapping[Material, np.ndarray] = field(default_factory=dict)


def mass_attenuation(material: Material, energies_kev: np.ndarray) -> np.ndarray:
    """Total mass attenuation coefficient mu/rho in cm2/g, coherent scatter included, (n,) for (n,) energies in keV.

    Source: see elements; within 0.1 % of NIST's between 20 and 100 keV.
    """
    return _mass_attenuation(SUBSTANCES[material], energies_kev)


def attenuation_table(spectrum: Spectrum, materials: Sequence[Material]) -> np.ndarray:
    """mu/rho in cm2/g, (materials, energies): the spectrum's own coefficients if it has any, else mass_attenuation.

    Raises InputError for a material that a spectrum with its own coefficients lacks.
    """
    own = spectrum.coefficients
    lacking = [material for material in materials if own and material not in own]
    if lacking:
        raise InputError(
            f"The paper's spectrum has no coefficients of {lacking[0].label().lower()}; choose a tube's spectrum."
        )
    return np.stack([own[m] if own else mass_attenuation(m, spectrum.energies) for m in materials])


def detector_response(energies_kev: np.ndarray) -> np.ndarray:
    """Signal per photon, in keV, of a flat panel with a cesium iodide scintillator that adds up the energies, (n,)."""
    energies = np.asarray(energies_kev, dtype=np.float64)
    depth = CESIUM_IODIDE.density * _SCINTILLATOR
    return energies * -np.expm1(-depth * _mass_attenuation(CESIUM_IODIDE, energies))


@functools.lru_cache(maxsize=64)
def tube_spectrum(kvp: float, filtration: float, bins: int = 8) -> Spectrum:
    """The spectrum of a tungsten tube at a peak voltage, behind so many mm of aluminum in all, as few energies.

    The energies and weights are those of Gauss's quadrature over the logarithm of the energy, weighted by the signal of
    the detector. With detector_response, -log of the signal behind up to 30 cm of water and 4 cm of bone then differs
    by at most 0.05 % from that of the spectrum in steps of 1 keV, which enough bins (150) return as it is.
    Source of the spectrum: SpekPy (Poludniowski et al., Med. Phys. 48, 2021). Raises InputError for other tubes.
    """
    _check("tube voltage", kvp, KVP_LIMITS, "kV")
    _check("filtration", filtration, FILTRATION_LIMITS, "mm of aluminum")
    if bins < 1:
        raise InputError(f"A spectrum needs at least 1 energy, not {bins}.")
    energies, photons = _filtered(kvp, filtration)
    seen = photons > 1e-6 * photons.max()
    energies, photons = energies[seen], photons[seen]
    if bins < len(energies):
        energies, photons = _gauss(energies, photons, bins)
    weights = photons / photons.sum()
    energies.flags.writeable = weights.flags.writeable = False  # they are shared by all who ask for this spectrum
    return Spectrum(energies, weights)


def paper_spectrum() -> Spectrum:
    """The ten energies of XraySyn (Peng et al., AAAI 2021), as its authors run it: equal weights, their coefficients
    for bone and tissue, and no detector response.
    """
    bone = np.array([9.032, 2.738, 1.230, 0.7074, 0.4806, 0.3630, 0.2969, 0.2572, 0.2263, 0.2080])
    tissue = np.array([1.699, 0.630, 0.3644, 0.2771, 0.2374, 0.2148, 0.2008, 0.1913, 0.1832, 0.1773])
    return Spectrum(np.arange(15.0, 88.0, 8.0), np.full(10, 0.1), {Material.BONE: bone, Material.SOFT_TISSUE: tissue})


def _mass_attenuation(substance: Substance, energies_kev: np.ndarray) -> np.ndarray:
    parts = [share * elements.mass_attenuation(name, energies_kev) for name, share in substance.elements.items()]
    return np.sum(parts, axis=0)


def _filtered(kvp: float, filtration: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies in steps of 1 keV and relative photon numbers. What SpekPy gives for whole kV is at hand in a table,
    because SpekPy takes seconds to start."""
    table = _tubes()
    if kvp == int(kvp):
        photons = np.array(table["tubes"][str(int(kvp))])
        energies = table["lowest"] + np.arange(len(photons))
        return energies, photons * np.exp(-filtration * np.array(table["aluminum"][: len(photons)]))
    import spekpy

    return spekpy.Spek(kvp=kvp, th=ANODE_ANGLE, dk=1.0).filter("Al", filtration).get_spectrum()


@functools.lru_cache(maxsize=1)
def _tubes() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("tubes.json").read_text(encoding="utf-8"))


def _gauss(energies: np.ndarray, photons: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The energies and photon numbers of a Gauss quadrature with the signal as its measure.

    Golub and Welsch (Math. Comp. 23, 1969): the nodes are the eigenvalues of the variable on orthonormal polynomials.
    """
    variable = np.log(energies)
    root = np.sqrt(photons * detector_response(energies))
    scaled = 2 * (variable - variable[0]) / (variable[-1] - variable[0]) - 1
    basis, _ = np.linalg.qr(root[:, None] * np.polynomial.chebyshev.chebvander(scaled, count - 1))
    nodes, vectors = np.linalg.eigh(basis.T @ (variable[:, None] * basis))
    merged = np.exp(nodes)
    return merged, (vectors.T @ (basis.T @ root)) ** 2 / detector_response(merged)


def _check(name: str, value: float, limits: tuple[float, float], unit: str) -> None:
    if not limits[0] <= value <= limits[1]:
        raise InputError(f"The {name} must be {limits[0]:g} to {limits[1]:g} {unit}, not {value:g}.")
