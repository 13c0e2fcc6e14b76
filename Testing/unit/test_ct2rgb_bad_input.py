"""What comes to CT2RGB as users have it: what is no CT in HU, metal and contrast, and what cannot be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ct2rgb_samples import FAT, MUSCLE, PALETTE, disks, placed, stored, thigh
from model_samples import network
from safetensors.torch import save_file

from CT2RGBLib.colorize import colorize
from CT2RGBLib.options import ColorizeOptions
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError, sentence
from InverseImagingLib.image import Image, Meaning


def refused(image: Image, options: ColorizeOptions = PALETTE, **others: Image) -> str:
    with pytest.raises(InputError) as caught:
        colorize(image, options, **others)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def warned(image: Image, **changes: object) -> str:
    result = colorize(image, replace(PALETTE, **changes))
    assert result.images["colors"].array.any()
    return " ".join(result.report["warnings"])


# No CT in HU


@pytest.mark.parametrize("meaning", [Meaning.HU, Meaning.SCALAR])
def test_an_mr(meaning: Meaning) -> None:
    values = np.random.default_rng(0).gamma(2, 150, (3, 40, 40)).astype(np.int16)
    text = refused(Image(values, meaning=meaning, name="T1 brain"))
    for word in ("'T1 brain' run from 2 to 1712", "MR", "HU"):
        assert word in text


def test_a_ct_without_calibration_until_the_offset_is_taken_off() -> None:
    image = thigh()
    raw = image.with_array((image.array + 1024).astype(np.uint16), meaning=Meaning.SCALAR)
    assert "subtract the offset" in refused(raw)
    right = raw.with_array(raw.array.astype(np.int16) - 1024)
    np.testing.assert_array_equal(
        colorize(right, PALETTE).images["colors"].array, colorize(image, PALETTE).images["colors"].array
    )


def test_the_user_may_insist_on_hu() -> None:
    brain = placed(disks((200, 40)) + np.random.default_rng(0).normal(0, 3, (3, 96, 96)), name="crop")
    assert "insist" in refused(brain)
    assert "'crop' run from" in warned(brain, as_hu=True)


def test_values_of_unknown_meaning_that_look_like_hu_are_taken_for_hu() -> None:
    assert warned(thigh().with_array(thigh().array, meaning=Meaning.SCALAR)) == ""


@pytest.mark.parametrize("channels", [3, 4])
def test_colors(channels: int) -> None:
    image = Image(np.zeros((2, 9, 9, channels), np.uint8), meaning=Meaning.RGB, name="photo")
    assert f"'photo' has {channels} colors" in refused(image)


@pytest.mark.parametrize("meaning", [Meaning.DISPLAY, Meaning.ATTENUATION, Meaning.LABEL])
def test_other_values(meaning: Meaning) -> None:
    assert meaning.value in refused(thigh().with_array(thigh().array, meaning=meaning), replace(PALETTE, as_hu=True))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number(value: float) -> None:
    array = thigh().array.astype(np.float32)
    array[1, 50, 50] = value
    assert "NaN or infinite" in refused(thigh().with_array(array))


@pytest.mark.parametrize("low", [-1000, -3024])
def test_air_only(low: int) -> None:
    air = np.random.default_rng(0).normal(low, 15, (3, 30, 30)).astype(np.int16)
    assert "only air" in refused(placed(air, name="empty"))


def test_a_threshold_above_all() -> None:
    assert "lower threshold" in refused(thigh(), replace(PALETTE, threshold=3000.0))


# What is colored


def test_a_slice_of_air_beside_others_stays_black() -> None:
    hu = disks((60, MUSCLE), count=4)
    hu[0] = -1000
    result = colorize(placed(hu), replace(PALETTE, slices="0:1"))
    assert not result.images["colors"].array.any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_slice(axis: int) -> None:
    order = [(0, 1, 2), (1, 0, 2), (1, 2, 0)][axis]
    image = stored(thigh(1), order, (False, True, False))
    assert image.array.shape[axis] == 1
    result = colorize(image, replace(PALETTE, rgba=True)).images["colors"]
    assert result.array.shape == (*image.array.shape, 4)
    assert result.array.any()


def test_metal_is_told() -> None:
    hu = disks((60, FAT), (50, MUSCLE), (6, 12000))
    assert "metal in 'hip'" in warned(placed(hu, name="hip"))
    assert "metal" not in warned(placed(disks((60, FAT), (20, 1700))))


@pytest.mark.parametrize("contrast", [200, 350, 600])
def test_contrast_is_colored(contrast: int) -> None:
    assert warned(placed(disks((60, FAT), (50, MUSCLE), (12, contrast)))) == ""


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float32, ">i2"])
def test_any_type_of_numbers(dtype: object) -> None:
    image = thigh()
    expected = colorize(image, PALETTE).images["colors"].array
    other = image.with_array(image.array.astype(dtype))
    np.testing.assert_array_equal(colorize(other, PALETTE).images["colors"].array, expected)


def test_what_the_scanner_did_not_see_is_air() -> None:
    image = thigh()
    padded = image.array.copy()
    padded[:, :3] = -32768
    expected = colorize(image, PALETTE).images["colors"].array
    np.testing.assert_array_equal(colorize(image.with_array(padded), PALETTE).images["colors"].array, expected)


# Options, masks, weights, memory


def test_a_mask_on_another_grid() -> None:
    image = thigh()
    mask = image.with_array(np.ones((3, 96, 95), np.uint8), name="liver")
    assert "'liver' lies on another grid" in refused(image, mask=mask)
    moved = image.with_array(image.array, ijk_to_ras=image.ijk_to_ras + np.eye(4), name="liver")
    assert "another grid" in refused(image, mask=moved)


def test_tints_that_are_none() -> None:
    image = thigh()
    for tints in (np.zeros((*image.array.shape, 3), np.uint8), np.zeros((*image.array.shape, 4), np.float32)):
        assert "opacity" in refused(image, tints=image.with_array(tints, name="segments"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slices": "2:9"}, "outside the image"),
        ({"slices": "two"}, "form A:B"),
        ({"strength": 1.5}, "'strength'"),
        ({"fat_low": -20.0}, "range of fat"),
        ({"bone_high": 150.0}, "range of bone"),
        ({"tier": "palette"}, "'tier'"),
    ],
)
def test_options_that_cannot_be(changes: dict, words: str) -> None:
    assert words in refused(thigh(), replace(PALETTE, **changes))


def test_weights_that_are_none(tmp_path: Path) -> None:
    def with_weights(name: str) -> str:
        return refused(thigh(), ColorizeOptions(weights=str(tmp_path / name), device=Device.CPU))

    assert "no .safetensors file" in with_weights("colors.pth")
    assert "colors.safetensors" in with_weights("colors.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"not weights at all")
    assert "damaged.safetensors" in with_weights("damaged.safetensors")
    save_file(network().state_dict(), tmp_path / "other.safetensors")
    assert "another architecture" in with_weights("other.safetensors")


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("CT2RGBLib.palette.paint", full)
    with pytest.raises(MemoryError) as caught:
        colorize(thigh(), PALETTE)
    assert "choose fewer slices" in sentence(caught.value, "")
