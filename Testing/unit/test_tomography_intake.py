"""Radiographs as users bring them, turned into opacity: gamma, lookup tables, air, padding, and what is none."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydicom import Dataset

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.intake import Crop, Invert
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from XrayTomographyLib.formation import radiograph
from XrayTomographyLib.intake import Background, OpacityOptions, Prepared, Step, Tone, prepare

DENSEST = OpacityOptions().densest
AS_IT_IS = OpacityOptions(crop=Crop.NONE, invert=Invert.NO, low=0, high=100)


@functools.cache
def skull() -> np.ndarray:
    """The opacity (120, 120) of a head with air around it, 0 to 0.9, as the paper's image formation shows it."""
    densities = np.clip(phantom(Anatomy.SKULL, 96, 1).array[::-1].astype(np.float32) / 1000 + 1, 0, 2.5)
    opacity = np.pad(radiograph(torch.from_numpy(densities * 0.2)).numpy(), ((12, 12), (24, 24)))
    opacity *= DENSEST / opacity.max()
    opacity.setflags(write=False)
    return opacity


def thickness(opacity: np.ndarray) -> np.ndarray:
    """0 in air to 1 in the densest part."""
    return np.log(1 - opacity) / np.log(1 - DENSEST)


def image(gray: np.ndarray, **changes) -> Image:
    return Image(gray[None], meaning=changes.pop("meaning", Meaning.DISPLAY), name="skull", **changes)


def stored(gray: np.ndarray) -> np.ndarray:
    """0 to 1 in 12 bits, with some offset and noise."""
    noise = np.random.default_rng(0).normal(0, 8, gray.shape)
    return (300 + 3500 * gray + noise).round().astype(np.uint16)


def like_the_skull(prepared: Prepared, atol: float = 0.04) -> None:
    assert prepared.opacity.dtype == np.float32
    assert prepared.opacity.shape == skull().shape
    assert np.abs(prepared.opacity - skull()).mean() < atol
    assert (prepared.opacity[skull() == 0] < 0.02).mean() > 0.97
    assert prepared.opacity.max() == pytest.approx(DENSEST, abs=1e-4)


# What the gray goes with


@pytest.mark.parametrize("negative", [False, True])
def test_thickness_on_film_becomes_opacity(negative: bool):
    gray = stored(thickness(skull()))
    prepared = prepare(image(4095 - gray if negative else gray))
    like_the_skull(prepared)
    assert prepared.radiograph.inverted == negative
    assert prepared.tone is Tone.LOGARITHMIC
    assert prepared.warnings == ()


@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_linear_opacity_behind_the_gamma_of_a_screen(gamma: float):
    gray = (255 * (skull() / DENSEST) ** (1 / gamma)).round().astype(np.uint8)
    prepared = prepare(image(gray), OpacityOptions(tone=Tone.LINEAR, gamma=1 / gamma))
    like_the_skull(prepared)
    assert prepared.tone is Tone.LINEAR


@pytest.mark.parametrize(
    ("told", "tone"), [("LIN", Tone.LINEAR), ("LOG", Tone.LOGARITHMIC), ("DISP", Tone.LOGARITHMIC)]
)
def test_the_header_tells_the_tone(told: str, tone: Tone):
    header = Dataset()
    header.PixelIntensityRelationship = told
    shown = skull() / DENSEST if tone is Tone.LINEAR else thickness(skull())
    prepared = prepare(image(stored(shown), dicom=header))
    assert prepared.tone is tone
    like_the_skull(prepared)
    assert prepare(image(stored(shown), dicom=header), OpacityOptions(tone=Tone.LINEAR)).tone is Tone.LINEAR


def test_lookup_tables_of_the_display_are_taken_off():
    header = Dataset()
    header.WindowCenter, header.WindowWidth = 900, 800  # bone all white
    radiograph = image(stored(thickness(skull())), dicom=header)
    like_the_skull(prepare(radiograph))
    assert (prepare(radiograph, OpacityOptions(lut=False)).opacity > 0.99 * DENSEST).mean() > 0.2
    assert header.WindowCenter == 900


def test_the_densest_part_can_be_set():
    gray = image(stored(thickness(skull())))
    for densest in (0.3, 0.9999):
        assert prepare(gray, OpacityOptions(densest=densest)).opacity.max() == pytest.approx(densest)


# Air


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_air_that_is_not_black_gets_opacity_0(level: float):
    x = np.arange(120) / 120
    gray = level + 0.03 * x + (1 - level - 0.03) * thickness(skull())  # a heel effect, too
    prepared = prepare(image(stored(gray)), replace(OpacityOptions(), low=0))
    like_the_skull(prepared)


def test_air_can_be_set():
    ramp = image(np.tile(np.arange(101, dtype=np.uint8), (40, 1)))
    manual = prepare(ramp, replace(AS_IT_IS, background=Background.MANUAL, air=20, tone=Tone.LINEAR, densest=0.8))
    assert (manual.opacity[0, :21] == 0).all()
    np.testing.assert_allclose(manual.opacity[0, 20:], 0.8 * np.linspace(0, 1, 81), atol=1e-6)
    assert manual.air == pytest.approx(0.2)
    none = prepare(ramp, replace(AS_IT_IS, background=Background.NONE, tone=Tone.LINEAR, densest=0.8))
    np.testing.assert_allclose(none.opacity[0], 0.8 * np.linspace(0, 1, 101), atol=1e-6)
    assert none.air == 0


def test_a_body_that_fills_the_picture_has_no_air():
    inside = stored(thickness(skull()))[40:90, 45:80]
    prepared = prepare(image(inside), AS_IT_IS)
    assert prepared.air == 0
    assert any("No air was found at the edge of 'skull'" in sentence for sentence in prepared.warnings)


# Padding


@pytest.mark.parametrize("value", [0, 65535])
def test_padding_is_air(value: int):
    y, x = np.mgrid[:120, :120] - 59.5
    outside = np.hypot(x, y) > 70  # a round field
    gray = stored(thickness(skull())) + np.uint16(4000)
    gray[outside] = value
    prepared = prepare(image(gray), OpacityOptions(crop=Crop.NONE))
    like_the_skull(prepared)
    assert (prepared.opacity[outside] == 0).all()
    assert any("7% of 'skull' are padding around the picture" in sentence for sentence in prepared.warnings)


def test_a_metal_mark_inside_is_no_padding():
    gray = stored(thickness(skull()))
    gray[5:10, 5:9] = 65535
    prepared = prepare(image(gray))
    assert prepared.opacity[7, 7] == pytest.approx(DENSEST)
    assert not any("padding" in sentence for sentence in prepared.warnings)


# Steps


def test_each_step_can_be_seen():
    prepared = prepare(image(stored(thickness(skull()))), OpacityOptions(gamma=0.5))
    assert list(prepared.steps) == list(Step)
    for picture in prepared.steps.values():
        assert picture.shape == (120, 120)
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1
    gray, linear, body, opacity = prepared.steps.values()
    np.testing.assert_array_equal(gray, prepared.radiograph.array)
    np.testing.assert_allclose(linear, gray**2, atol=1e-6)
    np.testing.assert_allclose(body, ((linear - prepared.air) / (1 - prepared.air)).clip(0, 1), atol=1e-6)
    np.testing.assert_allclose(opacity, 1 - (1 - DENSEST) ** body, atol=1e-6)


def test_borders_are_cut_as_the_radiograph_says():
    gray = np.pad(stored(0.2 + 0.8 * thickness(skull())), ((20, 0), (0, 30)))
    prepared = prepare(image(gray))
    assert prepared.radiograph.box == (20, 140, 0, 120)
    like_the_skull(prepared)


# What is no radiograph, or hardly


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (image(np.zeros((60, 50), np.uint8)), "'skull' has the same value everywhere"),
        (image(np.full((60, 50), 65535, np.uint16)), "'skull' has the same value everywhere"),
        (image(np.zeros((1, 1), np.uint8)), "'skull' has 1 x 1 pixels, but a radiograph needs 32 a side"),
        (image(np.arange(2000, dtype=np.uint16)[None]), "'skull' has 2000 x 1 pixels"),
        (image(np.full((60, 50), np.nan, np.float32)), "'skull' holds NaN or infinite values"),
        (image(np.ones((60, 50), complex)), "'skull' holds complex128 values"),
        (Image(np.zeros((5, 60, 50), np.uint8), name="skull"), "'skull' is a volume of 5 slices"),
        (image(np.zeros((60, 50), np.uint8), meaning=Meaning.LABEL), "'skull' is a label image"),
    ],
)
def test_one_clear_sentence(bad: Image, words: str):
    with pytest.raises(InputError, match=words) as caught:
        prepare(bad)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (OpacityOptions(densest=1.0), "'densest' must be at most 0.9999"),
        (OpacityOptions(air=95.0), "'air' must be at most 90"),
        (OpacityOptions(tone="maybe"), "'tone' needs one of auto, logarithmic, linear, not 'maybe'"),
        (OpacityOptions(crop=Crop.MANUAL, crop_left=90), "crop leaves less than 32 x 32 pixels of 'skull'"),
    ],
)
def test_options_that_leave_nothing(options: OpacityOptions, words: str):
    with pytest.raises(InputError, match=words):
        prepare(image(stored(thickness(skull()))), options)


def test_a_strip_is_named():
    gray = np.repeat(stored(thickness(skull())), 6, axis=1)
    prepared = prepare(image(gray), replace(OpacityOptions(), crop=Crop.NONE))
    assert prepared.opacity.shape == (120, 720)
    assert any("'skull' has 720 x 120 pixels, a strip" in sentence for sentence in prepared.warnings)


def test_a_picture_of_nearly_nothing_is_named():
    gray = np.zeros((100, 100), np.uint8)
    gray[50:53, 50:60] = np.arange(100, 250, 15, dtype=np.uint8)
    prepared = prepare(image(gray), OpacityOptions(crop=Crop.NONE, invert=Invert.NO))
    assert any("Nearly all of 'skull' is air" in sentence for sentence in prepared.warnings)


def test_gray_stored_as_color_is_the_same():
    gray = (255 * thickness(skull())).round().astype(np.uint8)
    colors = image(np.repeat(gray[..., None], 3, axis=-1), meaning=Meaning.RGB)
    np.testing.assert_allclose(prepare(colors).opacity, prepare(image(gray)).opacity, atol=1e-6)
