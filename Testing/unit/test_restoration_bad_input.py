from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from restoration_samples import volume

from CTRestorationLib.options import Direction, Preset, RestorationOptions, Task, Tier
from CTRestorationLib.restore import restore
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

INSTANT = RestorationOptions(tier=Tier.INSTANT)
INPAINT = replace(INSTANT, task=Task.INPAINT)
FINER = replace(INSTANT, task=Task.SUPER_RESOLUTION)


def image(array: Any, meaning: Meaning = Meaning.HU) -> Image:
    return Image(np.asarray(array), meaning=meaning, name="bad")


def mask_like(of: Image, value: int = 0, **changes: Any) -> Image:
    return of.with_array(np.full(of.array.shape, value, np.uint8), meaning=Meaning.LABEL, name="mask", **changes)


@pytest.mark.parametrize(
    ("bad", "options", "words"),
    [
        (image(np.zeros((1, 16, 16, 3)), Meaning.RGB), INSTANT, "3 colors"),
        (image(np.zeros((1, 16, 16)), Meaning.LABEL), INSTANT, "label values"),
        (image(np.full((2, 16, 16), 40.0)), INSTANT, "same value everywhere"),
        (image(np.where(np.eye(16) > 0, np.nan, 1.0)[None]), INSTANT, "NaN"),
        (image(np.where(np.eye(16) > 0, np.inf, 1.0)[None]), INSTANT, "infinite"),
        (image(np.arange(5.0).reshape(5, 1, 1)), INSTANT, "1 x 1 pixels"),
        (image(np.arange(96.0).reshape(1, 4, 24)), INSTANT, "at least 8 x 8"),
        (volume(), replace(INSTANT, slices="1:9"), "outside the image, which has 3"),
        (volume(), replace(INSTANT, slices="2:1"), "contain no slice"),
        (volume(), replace(INSTANT, slices="middle"), "form A:B"),
        (volume(), replace(INSTANT, window_low=300.0), "window must be below"),
        (volume(), replace(INSTANT, seed=-1), "'seed' must be at least 0"),
        (volume(), replace(INSTANT, device="abacus"), "not 'abacus'"),
        (volume(), replace(FINER, factor=3), "must be 2, 4 or 8"),
        (volume(), replace(FINER, direction=Direction.THROUGH_PLANE, slices="1:2"), "at least 2 slices"),
        (volume(), INPAINT, "needs a mask"),
        (volume(), replace(INPAINT, mask_above=9000.0), "marks nothing"),
    ],
)
def test_one_clear_sentence(bad: Image, options: RestorationOptions, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        restore(bad, options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_bad_masks() -> None:
    good = volume()
    with pytest.raises(InputError, match="marks nothing"):
        restore(good, INPAINT, mask=mask_like(good))
    with pytest.raises(InputError, match="covers all of slice 0"):
        restore(good, INPAINT, mask=mask_like(good, 1))
    with pytest.raises(InputError, match="another grid"):
        restore(good, INPAINT, mask=mask_like(good, 1, ijk_to_ras=np.eye(4)))
    with pytest.raises(InputError, match="another grid"):
        restore(good, INPAINT, mask=good.with_array(np.ones((3, 24, 31), np.uint8)))


def test_bad_values_under_the_mask_do_not_matter() -> None:
    good = volume((1, 24, 24))
    array, holes = good.array.copy(), np.zeros(good.array.shape, np.uint8)
    array[0, 5:8, 5:8], holes[0, 5:8, 5:8] = np.nan, 1
    result = restore(good.with_array(array), INPAINT, mask=good.with_array(holes)).images
    assert np.isfinite(result["result"].array).all()
    assert np.isfinite(result["residual"].array).all()


def test_paper_preset_is_refused_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from InverseImagingLib import device

    monkeypatch.setattr(device, "free_memory", lambda device: 2**20)
    with pytest.raises(InputError, match="GiB"):
        restore(volume((1, 64, 64)), RestorationOptions(preset=Preset.PAPER, device=Device.CPU))


def test_enormous_super_resolution_is_refused_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from InverseImagingLib import device

    monkeypatch.setattr(device, "free_memory", lambda device: 2**20)
    with pytest.raises(InputError, match="GiB"):
        restore(volume((4, 64, 64)), replace(FINER, factor=8, device=Device.CPU))


def test_unused_mask_is_said() -> None:
    good = volume((1, 24, 24))
    report = restore(good, INSTANT, mask=mask_like(good, 1)).report
    assert any("mask was not used" in sentence for sentence in report["warnings"])
