"""Simulated radiographs: the physics against its closed forms, the look, the place in the patient, the report."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import spekpy
import xraydb
from radiograph_samples import AIR, block, centered, person

from InverseImagingLib.errors import Cancelled
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Progress, options_to_dict
from InverseImagingLib.methods import METHODS
from InverseImagingLib.xray.geometry import Geometry, Preset
from InverseImagingLib.xray.options import Beam, Look, RadiographOptions
from InverseImagingLib.xray.radiograph import radiograph
from InverseImagingLib.xray.spectrum import Material, detector_response, mass_attenuation, paper_spectrum

FLAT = RadiographOptions(preset=Preset.HENZLER, width=16, pixel=2.0, look=Look.INTENSITY)  # within all blocks
CHEST = RadiographOptions(width=24, look=Look.ATTENUATION)


def taken(image: Image, options: RadiographOptions, name: str = "radiograph", **inputs: Any) -> np.ndarray:
    """The pixels (height, width) of one view."""
    return radiograph(image, options, **inputs).images[name].array[0]


def middle(pixels: np.ndarray) -> float:
    return float(pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])


def tube(kvp: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies in keV, photons and signal per photon of a tube in steps of 1 keV; the open field has the signal 1."""
    energies, photons = spekpy.Spek(kvp=kvp, th=12, dk=1).filter("Al", 3).get_spectrum()
    photons = photons / photons.sum()
    response = detector_response(energies)
    return energies, photons, response / (photons @ response)


# Physics


@pytest.mark.parametrize("kvp", [60.0, 120.0])
@pytest.mark.parametrize("thickness", [5, 20])
def test_water_attenuates_as_beer_and_lambert_say_for_every_energy(kvp: float, thickness: int) -> None:
    energies, photons, response = tube(kvp)
    found = -np.log(middle(taken(block(0, thickness), replace(FLAT, kvp=kvp))))
    alike = -np.log(photons * response @ np.exp(-water_like(energies) * 0.4 * thickness))
    assert found == pytest.approx(alike, rel=5e-4)
    water = sum(share * xraydb.mu_elam(element, energies * 1000) for element, share in (("H", 0.1119), ("O", 0.8881)))
    assert found == pytest.approx(-np.log(photons * response @ np.exp(-water * 0.4 * thickness)), rel=0.015)


def water_like(energies: np.ndarray) -> np.ndarray:
    """Attenuation per cm of the tissue that stands for water: it has the same at 70 keV, and so 0 HU."""
    tissue, there = (mass_attenuation(Material.SOFT_TISSUE, at) for at in (energies, np.array([70.0])))
    return tissue * mass_attenuation(Material.WATER, np.array([70.0])) / there


def test_the_paper_s_beam_is_its_ten_energies_and_its_line_from_hu_to_density() -> None:
    beam = paper_spectrum()
    found = taken(block(1000, 5), replace(FLAT, spectrum=Beam.PAPER))
    bone, air = 0.4 * 5 * (0.8088 + 1.030), 0.4 * 19 * (1.030 - 0.8088)  # g/cm2, and 24 voxels in all
    passed = np.exp(-bone * beam.coefficients[Material.BONE] - air * beam.coefficients[Material.SOFT_TISSUE])
    assert middle(found) == pytest.approx(passed.mean(), rel=1e-4)


def test_bone_map_is_the_mass_of_bone_along_the_ray() -> None:
    per_gram = [mass_attenuation(material, np.array([70.0]))[0] for material in (Material.BONE, Material.WATER)]
    cortical = 1000 * (1.92 * per_gram[0] / per_gram[1] - 1)  # the HU of bone with 1.92 g/cm3
    assert middle(taken(block(cortical, 6), FLAT, "bone map")) == pytest.approx(1.92 * 0.4 * 6, rel=1e-4)
    assert not taken(block(40, 6), FLAT, "bone map").any()
    assert middle(taken(block(1000, 5), replace(FLAT, spectrum=Beam.PAPER), "bone map")) == pytest.approx(1.8388 * 2)


def test_bone_is_what_the_segmentation_says() -> None:
    image = block(60, 6)
    segmentation = image.with_array((image.array > 0).astype(np.uint8), meaning=Meaning.LABEL)
    assert not taken(image, FLAT, "bone map").any()
    assert (taken(image, FLAT, "bone map", segmentation=segmentation) > 1).all()


def test_higher_voltage_and_more_filtration_penetrate_more() -> None:
    image = person()
    by_voltage = [taken(image, replace(CHEST, kvp=kvp)) for kvp in (40.0, 60.0, 80.0, 100.0, 120.0, 150.0)]
    for softer, harder in itertools.pairwise(by_voltage):
        assert (softer > harder - 1e-5).all()
        assert softer.max() > 1.01 * harder.max()
    assert taken(image, replace(CHEST, filtration=20.0)).max() < 0.98 * taken(image, CHEST).max()


def test_noise_has_the_mean_and_the_variance_of_so_many_photons() -> None:
    wide, image = replace(FLAT, width=80, pixel=0.4), block(0, 20)
    clean = middle(taken(image, wide))
    noisy = taken(image, replace(wide, photons=2000.0))
    energies, photons, response = tube(120.0)
    passed = np.exp(-0.4 * 20 * water_like(energies))
    variance = photons * response**2 @ passed / 2000
    assert noisy.var() == pytest.approx(variance, rel=0.08)  # 6400 pixels tell it to 2 %
    assert noisy.mean() == pytest.approx(clean, abs=4 * np.sqrt(variance / noisy.size))
    counts = taken(image, replace(wide, photons=2000.0, spectrum=Beam.PAPER)) * 2000  # whole photons there
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)
    assert counts.var() == pytest.approx(counts.mean(), rel=0.08)


def test_a_seed_gives_one_noise_and_another_seed_another() -> None:
    noisy = replace(CHEST, photons=500.0)
    first, again, other = (taken(person(), replace(noisy, seed=seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.3


@pytest.mark.parametrize("ratio", [0.3, 2.0])
def test_scatter_has_the_ratio_asked_for_behind_the_body_and_is_smooth(ratio: float) -> None:
    options = replace(CHEST, width=64, look=Look.INTENSITY)
    direct, both = (taken(person(), replace(options, scatter=s)) for s in (0.0, ratio))
    scattered, shadow = both - direct, direct < 0.98
    assert scattered.min() >= 0
    assert scattered[shadow].mean() / direct[shadow].mean() == pytest.approx(ratio, rel=1e-3)
    assert np.abs(np.diff(scattered)).max() < 0.1 * scattered.max()
    contrast = [pixels[shadow].std() / pixels[shadow].mean() for pixels in (direct, both)]
    assert contrast[1] < contrast[0] / (1 + ratio / 2)


def test_blur_has_the_width_asked_for() -> None:
    image = block(0, 4)
    image.array[:, :, :11] = AIR
    options = replace(FLAT, width=160, height=3, pixel=0.25)

    def spread(blur: float) -> float:
        """Variance in mm2 of the line that the edge spreads to."""
        line = np.abs(np.diff(taken(image, replace(options, blur=blur))[1].astype(np.float64)))
        place = 0.25 * np.arange(len(line))
        mean = (line * place).sum() / line.sum()
        return float((line * (place - mean) ** 2).sum() / line.sum())

    for width in (1.0, 4.0):
        assert 2.3548 * np.sqrt(spread(width) - spread(0.0)) == pytest.approx(width, rel=0.02)


def test_thick_metal_stops_all_and_breaks_nothing() -> None:
    options = replace(FLAT, kvp=40.0, photons=100.0, scatter=0.5)
    for look in Look:
        pixels = taken(block(20000, 20), replace(options, look=look))
        assert np.isfinite(pixels).all()


def test_what_is_hardly_there_is_dark_and_what_is_even_stays_even() -> None:
    look = replace(FLAT, look=Look.RADIOGRAPH, remove_table=False)
    assert taken(block(-990, 1), look).max() < 40
    assert taken(block(0, 4), replace(look, photons=1e5)).std() < 80


# The look


def test_bone_is_bright_and_air_black() -> None:
    result = radiograph(person(), replace(CHEST, look=Look.RADIOGRAPH)).images
    pixels, attenuation, bone = result["radiograph"].array[0], taken(person(), CHEST), result["bone map"].array[0]
    assert pixels.dtype == np.uint16
    assert pixels.max() <= 4095
    assert (pixels[attenuation == 0] == 0).all()
    assert pixels[bone > 0.5 * bone.max()].min() > 2500
    order = np.argsort(attenuation, axis=None)
    assert (np.diff(pixels.flat[order].astype(int)) >= 0).all()


def test_each_look_says_what_its_values_mean() -> None:
    images = {look: radiograph(person(), replace(CHEST, look=look)).images["radiograph"] for look in Look}
    assert [image.meaning for image in images.values()] == [Meaning.DISPLAY, Meaning.ATTENUATION, Meaning.SCALAR]
    np.testing.assert_allclose(
        images[Look.ATTENUATION].array, -np.log(images[Look.INTENSITY].array), rtol=1e-6, atol=1e-6
    )
    assert images[Look.INTENSITY].array.max() == pytest.approx(1.0)


# Geometry


@pytest.mark.parametrize("preset", [Preset.CHEST_PA, Preset.CHEST_AP, Preset.SKULL, Preset.HENZLER])
@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (30.0, -20.0, 15.0)])
def test_the_radiograph_lies_where_the_detector_is(preset: Preset, turn: tuple[float, float, float]) -> None:
    """The ray that ends in the brightest pixel of a small ball passes through the ball."""
    shape, ball = (40, 40, 40), np.array([24, 14, 27])
    array = np.full(shape, AIR, np.float32)
    k, j, i = np.ogrid[:40, :40, :40]
    array[(i - ball[0]) ** 2 + (j - ball[1]) ** 2 + (k - ball[2]) ** 2 < 10] = 1500
    image = Image(array, centered(shape, np.diag([2.0, 2.0, 2.0])), Meaning.HU)
    center = (image.ijk_to_ras @ [*ball, 1])[:3]

    azimuth, elevation, roll = turn
    options = RadiographOptions(preset=preset, azimuth=azimuth, elevation=elevation, roll=roll, pixel=0.8, width=200)
    result = radiograph(image, replace(options, look=Look.ATTENUATION))
    picture, view = result.images["radiograph"], Geometry(**result.report["views"][0])
    weights = picture.array[0] / picture.array.sum()
    row, column = (float((weights * np.arange(200).reshape(form)).sum()) for form in ((-1, 1), (1, -1)))
    pixel = (picture.ijk_to_ras @ [column, row, 0, 1])[:3]
    beam = view.frame[:3, 2]
    ray = beam if view.parallel else pixel - view.source
    miss = np.linalg.norm(np.cross(center - pixel, ray / np.linalg.norm(ray)))
    assert miss < 0.5
    assert (pixel - view.source) @ beam == pytest.approx(view.sdd)


def test_left_of_the_patient_is_right_in_a_chest_picture_pa_and_ap() -> None:
    for preset in (Preset.CHEST_PA, Preset.CHEST_AP):  # the bone of the person is on the left, the lung on the right
        bone = taken(person(), replace(CHEST, preset=preset, width=48), "bone map")
        pixels = taken(person(), replace(CHEST, preset=preset, width=48))
        assert bone[:24, 26:].max() > 2 * bone[:24, :22].max()
        assert pixels[:, :22].sum() < pixels[:, 26:].sum()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(), (1,), (0, 2)])
def test_the_same_body_stored_otherwise_gives_the_same_radiograph(
    order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    image = person()
    array, matrix = image.array.transpose(order), image.ijk_to_ras.copy()
    matrix[:, :3] = matrix[:, :3][:, [2 - order[2], 2 - order[1], 2 - order[0]]]
    for axis in flips:
        array = np.flip(array, axis)
        matrix[:, 3] += matrix[:, 2 - axis] * (array.shape[axis] - 1)
        matrix[:, 2 - axis] *= -1
    other = Image(np.ascontiguousarray(array), matrix, Meaning.HU)
    options = replace(CHEST, azimuth=25.0, elevation=10.0)
    for name in ("radiograph", "bone map"):
        np.testing.assert_allclose(taken(other, options, name), taken(image, options, name), atol=2e-4)


def test_an_oblique_grid_moves_with_the_detector() -> None:
    """A patient who leans is the same picture for a detector that leans with them."""
    image, angle = person(), np.deg2rad(20)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    leaning = image.with_array(image.array, ijk_to_ras=turned @ image.ijk_to_ras)
    upright = taken(image, CHEST)
    np.testing.assert_allclose(taken(leaning, replace(CHEST, azimuth=20.0)), upright, atol=2e-4)
    assert np.abs(taken(leaning, CHEST) - upright).max() > 0.2


def test_the_table_is_left_out() -> None:
    alone = block(40, 8)
    on_table = alone.with_array(alone.array.copy())
    on_table.array[:, 2, :] = 200  # a plate with a gap to the body
    options = replace(FLAT, look=Look.ATTENUATION, width=32)
    without = taken(alone, options)
    np.testing.assert_allclose(taken(on_table, options), without, atol=1e-5)
    assert (taken(on_table, replace(options, remove_table=False)) > without + 0.02).all()


def test_draft_sees_the_same_field_with_half_the_pixels() -> None:
    options = replace(CHEST, width=96)
    full, draft = (radiograph(person(), replace(options, draft=d)).images["radiograph"] for d in (False, True))
    assert draft.array.shape == (1, 48, 48)
    corner = np.array([-0.5, -0.5, 0, 1])
    opposite = [picture.ijk_to_ras @ [n - 0.5, n - 0.5, 0, 1] for picture, n in ((full, 96), (draft, 48))]
    np.testing.assert_allclose(draft.ijk_to_ras @ corner, full.ijk_to_ras @ corner, atol=1e-9)
    np.testing.assert_allclose(opposite[1], opposite[0], atol=1e-9)
    coarse = full.array[0].reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.abs(draft.array[0] - coarse).mean() < 0.05 * coarse.max()
    assert np.corrcoef(draft.array.ravel(), coarse.ravel())[0, 1] > 0.99


def test_a_sweep_is_its_single_views() -> None:
    result = radiograph(person(), replace(CHEST, sweep="-18:18:3"))
    assert list(result.images) == ["radiograph 1", "radiograph 2", "radiograph 3"]
    for picture, azimuth in zip(result.images.values(), (-18.0, 0.0, 18.0), strict=True):
        single = radiograph(person(), replace(CHEST, azimuth=azimuth)).images["radiograph"]
        np.testing.assert_array_equal(picture.array, single.array)
        np.testing.assert_array_equal(picture.ijk_to_ras, single.ijk_to_ras)


def test_views_of_a_sweep_share_one_scale() -> None:
    shared = radiograph(person(), replace(CHEST, look=Look.RADIOGRAPH, sweep="0:90:2"))
    attenuation = radiograph(person(), replace(CHEST, sweep="0:90:2"))
    pixels, values = (np.concatenate([i.array.ravel() for i in r.images.values()]) for r in (shared, attenuation))
    order = np.argsort(values)
    assert (np.diff(pixels[order].astype(int)) >= 0).all()


# The report


def test_the_report_repeats_the_run() -> None:
    options = replace(CHEST, preset=Preset.CHEST_AP, azimuth=33.3, elevation=-7.7, roll=12.1, offset_superior=20.0)
    result = radiograph(person(), options)
    report = json.loads(json.dumps(result.report))
    assert report["settings"] == options_to_dict(options)
    assert report["method"] == METHODS["XraySyn"].title
    assert (report["input"], report["warnings"]) == ("person", [])
    assert set(report["materials"]) >= {"soft-tissue", "bone"}
    assert report["device"]
    assert report["version"]
    assert report["seconds"] > 0
    (view,) = (Geometry(**view) for view in report["views"])
    np.testing.assert_array_equal(view.pixel_to_ras, result.images["radiograph"].ijk_to_ras)


def test_a_body_that_reaches_behind_the_detector_is_said() -> None:
    result = radiograph(person(), replace(CHEST, sid=400.0, sdd=430.0))
    (warning,) = result.report["warnings"]
    assert "behind the detector" in warning


def test_progress_is_told_and_a_cancel_passes_through() -> None:
    told: list[Progress] = []
    radiograph(person(), replace(CHEST, sweep="0:20:3"), told.append)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert [progress.message for progress in told[-3:]] == [f"view {n} of 3" for n in (1, 2, 3)]

    def cancel(progress: Progress) -> None:
        if progress.message == "view 2 of 3":
            raise Cancelled

    with pytest.raises(Cancelled):
        radiograph(person(), replace(CHEST, sweep="0:20:3"), cancel)


def test_the_ct_is_not_changed() -> None:
    image = person()
    before = image.array.copy()
    result = radiograph(image, CHEST)
    np.testing.assert_array_equal(image.array, before)
    assert result.images["radiograph"].name == "person radiograph"
