"""What of a colored volume is seen: alphas keep the HU, and presets are functions of them."""

from __future__ import annotations

import numpy as np
import pytest

from CT2RGBLib.opacity import Opacity, code

AIR, LUNG, FAT, MUSCLE, VESSEL, BONE = -1000.0, -850.0, -100.0, 50.0, 250.0, 1200.0


def opacity(preset: Opacity, hu: float) -> float:
    alphas, opacities = zip(*preset.points, strict=True)
    return float(np.interp(code(np.array([hu]), np.array([True])), alphas, opacities)[0])


def test_alphas_rise_with_hu_and_are_0_outside_the_body_alone():
    hu = np.arange(-1100.0, 3000.0, 1.0)
    inside = code(hu, np.ones(hu.shape, bool))
    assert inside.dtype == np.uint8
    assert (np.diff(inside.astype(int)) >= 0).all()
    assert inside.min() == 1
    np.testing.assert_array_equal(inside[np.searchsorted(hu, [-200, 0, 200, 600])], [1, 64, 128, 255])
    assert not code(hu, np.zeros(hu.shape, bool)).any()


@pytest.mark.parametrize("preset", Opacity)
def test_presets_are_functions_that_begin_with_nothing_and_reach_the_highest_alpha(preset: Opacity):
    alphas, opacities = zip(*preset.points, strict=True)
    assert list(alphas) == sorted(alphas)
    assert (alphas[0], opacities[0], alphas[-1]) == (0, 0, 255)
    assert 0 <= min(opacities) < max(opacities) <= 1
    assert opacity(preset, AIR) == opacity(preset, LUNG) == 0


def test_presets_show_what_they_are_named_after():
    assert opacity(Opacity.SKIN, FAT) > 0.2
    assert opacity(Opacity.MUSCLE, FAT) == 0 < 0.4 < opacity(Opacity.MUSCLE, MUSCLE)
    assert opacity(Opacity.BONE, MUSCLE) == 0 < 0.6 < opacity(Opacity.BONE, BONE)
    assert (
        opacity(Opacity.VESSELS, MUSCLE) == 0 < opacity(Opacity.VESSELS, BONE) < opacity(Opacity.VESSELS, VESSEL) / 10
    )


def test_surfaces_are_where_presets_begin_to_show_something():
    for preset, outside, inside in (
        (Opacity.SKIN, AIR, FAT),
        (Opacity.MUSCLE, FAT, MUSCLE),
        (Opacity.BONE, MUSCLE, BONE),
        (Opacity.VESSELS, MUSCLE, VESSEL),
    ):
        assert outside < preset.level < inside
        assert opacity(preset, preset.level) > 0
