"""CTs of cryosections: attenuations, the blur and the noise of a scanner."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ct2rgb_sections import sections
from scipy import ndimage

from CT2RGBLib.training.synthesis import Scan, attenuation, noise
from CT2RGBLib.training.tissues import Tissue

USUAL = Scan(offsets=(0.0,) * len(Tissue), contrast=0.0, blur=0.5, noise=12.0, sharp=0.3, cupping=0.0)


def hu_of(scan: Scan) -> np.ndarray:
    section = sections()[0]
    return attenuation(section.rgb, section.tissues, section.pixel, scan, np.random.default_rng(0))


def inside(tissue: Tissue) -> np.ndarray:
    return ndimage.binary_erosion(sections()[0].tissues == tissue, iterations=2)


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [(Tissue.AIR, -1010, -990), (Tissue.FAT, -115, -90), (Tissue.MUSCLE, 35, 75), (Tissue.MARROW, -80, 300)],
)
def test_tissues_have_the_attenuation_that_atlases_give(tissue: Tissue, low: float, high: float):
    found = hu_of(USUAL)[inside(tissue)]
    assert low < np.median(found) < high


def test_the_cortex_of_a_bone_is_densest():
    hu, tissues = hu_of(USUAL), sections()[0].tissues
    assert hu[tissues == Tissue.CORTEX].mean() > 600
    assert tissues.ravel()[hu.argmax()] == Tissue.CORTEX


def test_contrast_medium_makes_muscle_denser_and_leaves_fat():
    contrast = hu_of(dataclasses.replace(USUAL, contrast=1.0)) - hu_of(USUAL)
    assert contrast[inside(Tissue.MUSCLE)].mean() == pytest.approx(12, abs=1)
    assert abs(contrast[inside(Tissue.FAT)]).max() < 1


def test_dense_bone_casts_shadows_where_beams_harden():
    shadow = hu_of(dataclasses.replace(USUAL, cupping=1.0)) - hu_of(USUAL)
    assert shadow.max() <= 1e-3
    assert shadow[inside(Tissue.MARROW)].mean() < shadow[inside(Tissue.FAT)].mean() - 1


def test_a_scan_blurs():
    sharp, soft = (hu_of(dataclasses.replace(USUAL, blur=blur)) for blur in (0.3, 0.9))
    assert np.abs(np.diff(soft, axis=0)).max() < 0.8 * np.abs(np.diff(sharp, axis=0)).max()


def test_noise_is_as_strong_as_asked_and_has_the_spectrum_of_filtered_back_projection():
    found = noise((32, 64, 96), USUAL, np.random.default_rng(0))
    assert found.dtype == np.float32
    assert found.std() == pytest.approx(USUAL.noise, rel=1e-3)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(96))
    power = (np.abs(np.fft.fft2(found)) ** 2).mean(axis=0)
    rising = (frequency > 0.02) & (frequency < 0.12)
    slope = np.polyfit(np.log(frequency[rising]), np.log(power[rising] * np.exp(2 * (frequency[rising] / 0.3) ** 2)), 1)
    assert slope[0] == pytest.approx(1, abs=0.1)  # a ramp
    assert power[frequency > 0.5].mean() < 0.1 * power[(frequency > 0.15) & (frequency < 0.25)].mean()
    assert power[0, 0] < 1e-6 * power.max()


def test_random_scans_are_such_as_occur():
    scans = [Scan.random(np.random.default_rng(seed)) for seed in range(200)]
    assert all(4 <= scan.noise <= 30 and 0.3 <= scan.blur <= 0.9 for scan in scans)
    assert 0.3 < np.mean([scan.contrast > 0 for scan in scans]) < 0.5
    assert len({scan.offsets for scan in scans}) == 200
