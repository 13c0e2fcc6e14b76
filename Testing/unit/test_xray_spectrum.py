from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spekpy
import xraydb
from scipy.optimize import brentq

from InverseImagingLib.errors import InputError
from InverseImagingLib.xray import elements
from InverseImagingLib.xray.spectrum import (
    SUBSTANCES,
    Material,
    Spectrum,
    attenuation_table,
    detector_response,
    mass_attenuation,
    paper_spectrum,
    tube_spectrum,
)

TABLES = Path(elements.__file__).parent
WHOLE = 500  # more energies than there are steps of 1 keV: the spectrum as it is

# NIST, Tables of X-Ray Mass Attenuation Coefficients (NISTIR 5632), tables 3 and 4, cm2/g.
ENERGIES = np.array([20.0, 30.0, 40.0, 60.0, 80.0, 100.0])
NIST = {
    Material.SOFT_TISSUE: [0.8230, 0.3790, 0.2688, 0.2048, 0.1823, 0.1693],
    Material.BONE: [4.001, 1.331, 0.6655, 0.3148, 0.2229, 0.1855],
    Material.WATER: [0.8096, 0.3756, 0.2683, 0.2059, 0.1837, 0.1707],
    Material.AIR: [0.7779, 0.3538, 0.2485, 0.1875, 0.1662, 0.1541],
    Material.ADIPOSE: [0.5677, 0.3063, 0.2396, 0.1974, 0.1800, 0.1688],
    Material.METAL: [15.85, 4.972, 2.214, 0.7661, 0.4052, 0.2721],
}

# The same source: mass energy-absorption of dry air, for air kerma.
AIR_KERMA = np.array(
    [
        (10, 4.742),
        (15, 1.334),
        (20, 0.5389),
        (30, 0.1537),
        (40, 0.06833),
        (50, 0.04098),
        (60, 0.03041),
        (80, 0.02407),
        (100, 0.02325),
        (150, 0.02496),
    ]
)


@pytest.mark.parametrize("material", Material)
def test_coefficients_are_those_of_nist(material):
    np.testing.assert_allclose(mass_attenuation(material, ENERGIES), NIST[material], rtol=1e-3)
    assert sum(SUBSTANCES[material].elements.values()) == pytest.approx(1, abs=1e-6)


def attenuation(spectrum: Spectrum, materials: list[Material], grams: np.ndarray) -> np.ndarray:
    """-log of the signal behind so many g/cm2 of each material: grams (paths, materials)."""
    signal = spectrum.weights * detector_response(spectrum.energies)
    return -np.log(np.exp(-grams @ attenuation_table(spectrum, materials)) @ (signal / signal.sum()))


@pytest.mark.parametrize("kvp", [40, 60, 100, 150])
@pytest.mark.parametrize("filtration", [0.5, 2.5, 10])
def test_eight_energies_attenuate_as_the_whole_spectrum_does(kvp, filtration):
    water, bone = np.meshgrid([0, 0.01, 0.1, 1, 3, 10, 20, 30], np.array([0, 0.01, 0.1, 0.5, 1, 2, 4]) * 1.92)
    paths = np.stack([water.ravel(), bone.ravel()], axis=1)[1:]
    few, whole = tube_spectrum(kvp, filtration), tube_spectrum(kvp, filtration, WHOLE)
    assert len(few.energies) == 8
    assert len(whole.energies) > 20
    body = [Material.WATER, Material.BONE]
    np.testing.assert_allclose(attenuation(few, body, paths), attenuation(whole, body, paths), rtol=5e-4)
    if kvp >= 60:
        implant = np.array([[0.01], [0.1], [1], [2]]) * SUBSTANCES[Material.METAL].density
        metal = [Material.METAL]
        np.testing.assert_allclose(attenuation(few, metal, implant), attenuation(whole, metal, implant), rtol=5e-3)


@pytest.mark.parametrize("bins", [1, 2, 8, 16, 36, WHOLE])
@pytest.mark.parametrize(("kvp", "filtration"), [(40, 0.5), (40, 40), (75.5, 3), (150, 0.5), (150, 40)])
def test_a_spectrum_is_one(kvp, filtration, bins):
    spectrum = tube_spectrum(kvp, filtration, bins)
    assert len(spectrum.energies) == len(spectrum.weights)
    assert len(spectrum.energies) == bins or 10 < len(spectrum.energies) < bins
    assert (spectrum.weights > 0).all()
    assert spectrum.weights.sum() == pytest.approx(1)
    assert (np.diff(spectrum.energies) > 0).all()
    assert 5 < spectrum.energies[0] <= spectrum.energies[-1] < kvp
    with pytest.raises(ValueError, match="read-only"):
        spectrum.energies[0] = 0


def half_value_layers(kvp: float, filtration: float) -> tuple[float, float]:
    """How many mm of aluminum halve the air kerma, and how many more halve it again."""
    spectrum = tube_spectrum(kvp, filtration, WHOLE)
    log_energies = np.log(spectrum.energies)
    kerma = spectrum.weights * spectrum.energies * np.exp(np.interp(log_energies, *np.log(AIR_KERMA.T)))
    aluminum = xraydb.mu_elam("Al", spectrum.energies * 1000) * 0.2699

    def left(thickness: float) -> float:
        return float(kerma @ np.exp(-aluminum * thickness) / kerma.sum())

    half, quarter = (brentq(lambda t, share=share: left(t) - share, 0, 60) for share in (0.5, 0.25))
    return half, quarter - half


# IEC 61267, standard radiation qualities RQR 2, 5, 6, 8, 10: half-value layer in mm of aluminum, homogeneity.
@pytest.mark.parametrize(
    ("kvp", "first", "homogeneity"),
    [
        (40, 1.42, 0.81),
        (70, 2.58, 0.71),
        (80, 3.01, 0.69),
        (100, 3.97, 0.68),
        (150, 6.57, 0.72),
    ],
)
def test_beams_are_as_hard_and_as_wide_as_the_standard_ones(kvp, first, homogeneity):
    # Filters that give such beams are about as thick as the 2.5 mm that are the least allowed above 70 kV.
    filtration = brentq(lambda f: half_value_layers(kvp, f)[0] - first, 1, 10, xtol=0.01)
    assert 2.4 < filtration < 4.3
    half, next_half = half_value_layers(kvp, filtration)
    assert half / next_half == pytest.approx(homogeneity, abs=0.015)


def test_the_tables_are_those_of_xraydb_and_spekpy():
    """See Testing/tables.py, which made them."""
    energies = np.geomspace(1.01, 199, 500)
    for name in json.loads((TABLES / "elements.json").read_text())["elements"]:
        truth = xraydb.mu_elam(name, 1000 * energies)
        np.testing.assert_allclose(elements.mass_attenuation(name, energies), truth, rtol=1e-12)
    for kvp, filtration in ((40, 0.5), (90, 3), (121, 10), (150, 40)):
        energies, photons = spekpy.Spek(kvp=kvp, th=12, dk=1).filter("Al", filtration).get_spectrum()
        seen = photons > 1e-6 * photons.max()
        spectrum = tube_spectrum(kvp, filtration, WHOLE)
        np.testing.assert_array_equal(spectrum.energies, energies[seen])
        np.testing.assert_allclose(spectrum.weights, photons[seen] / photons[seen].sum(), rtol=1e-6)


def test_mean_energy():
    def mean(*tube: float) -> float:
        spectrum = tube_spectrum(*tube, WHOLE)
        return float(spectrum.energies @ spectrum.weights)

    assert mean(60, 2.5) < mean(80, 2.5) < mean(80, 5) < mean(120, 5)
    assert 80 / 3 < mean(80, 2.5) < 80 * 0.6


def test_paper_spectrum_is_the_authors_and_near_the_real_coefficients():
    spectrum = paper_spectrum()
    assert spectrum.energies.tolist() == [15, 23, 31, 39, 47, 55, 63, 71, 79, 87]
    assert spectrum.weights.sum() == pytest.approx(1)
    materials = [Material.SOFT_TISSUE, Material.BONE]
    table = attenuation_table(spectrum, materials)
    assert table[:, [0, -1]].tolist() == [[1.699, 0.1773], [9.032, 0.2080]]
    real = attenuation_table(Spectrum(spectrum.energies, spectrum.weights), materials)
    np.testing.assert_allclose(table, real, rtol=0.04)
    assert not np.array_equal(table, real)
    with pytest.raises(InputError, match="no coefficients of metal; choose a tube's spectrum"):
        attenuation_table(spectrum, [Material.BONE, Material.METAL])


def test_detector_response():
    below, above, middle = detector_response(np.array([33.1, 33.3, 60.0])) / [33.1, 33.3, 60.0]
    assert above > 1.2 * below  # the K edge of iodine, 33.17 keV
    assert middle == pytest.approx(1 - np.exp(-7.921 * 4.51 * 0.0375), rel=1e-3)  # mu/rho of CsI from NIST


@pytest.mark.parametrize(
    ("tube", "problem"),
    [
        ((39, 2.5), "tube voltage must be 40 to 150 kV, not 39"),
        ((151, 2.5), "tube voltage must be 40 to 150 kV"),
        ((float("nan"), 2.5), "tube voltage must be 40 to 150 kV"),
        ((80, 0), "filtration must be 0.5 to 40 mm of aluminum, not 0"),
        ((80, 2.5, 0), "needs at least 1 energy, not 0"),
    ],
)
def test_tubes_that_do_not_exist_are_refused(tube, problem):
    with pytest.raises(InputError, match=problem):
        tube_spectrum(*tube)
