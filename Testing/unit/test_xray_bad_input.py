"""What cannot become a radiograph ends in one sentence, before anything large is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from radiograph_samples import AIR, block, person

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray import radiograph as module
from InverseImagingLib.xray.geometry import Geometry
from InverseImagingLib.xray.options import Beam, Look, RadiographOptions, azimuths
from InverseImagingLib.xray.radiograph import radiograph

OPTIONS = RadiographOptions(width=16)


def image(array: Any, meaning: Meaning = Meaning.SCALAR) -> Image:
    return Image(np.asarray(array), meaning=meaning, name="bad")


def picture(meaning: Meaning, *colors: int) -> Image:
    return image(np.random.default_rng(0).integers(0, 256, (6, 9, 8, *colors), dtype=np.uint8), meaning)


def spoiled(value: float) -> Image:
    body = person()
    array = body.array.copy()
    array[3, 4, 5] = value
    return body.with_array(array)


@pytest.mark.parametrize(
    ("bad", "options", "words"),
    [
        (picture(Meaning.SCALAR), OPTIONS, "as an 8-bit picture does; a CT in HU is needed"),
        (picture(Meaning.DISPLAY), OPTIONS, "'bad' is a display image"),
        (picture(Meaning.LABEL), OPTIONS, "'bad' is a label image"),
        (picture(Meaning.RGB, 3), OPTIONS, "'bad' is a color image"),
        (image(np.arange(4096.0).reshape(16, 16, 16)), OPTIONS, "no air at about -1000 HU; convert it to HU"),
        (image(np.full((4, 5, 6), AIR), Meaning.HU), OPTIONS, "'bad' holds nothing but air"),
        (spoiled(np.nan), OPTIONS, "'person' holds NaN or infinite values"),
        (spoiled(np.inf), OPTIONS, "'person' holds NaN or infinite values"),
        (person(), replace(OPTIONS, sid=20.0), "source of view 1 lies inside the CT"),
        (person(), replace(OPTIONS, sweep="0:90:2", sid=20.0, sdd=40.0), "source of view 1 lies inside the CT"),
        (person(), replace(OPTIONS, offset_superior=2000.0), "beam of view 1 misses the body"),
        (person(), replace(OPTIONS, offset_right=2000.0, parallel=True), "beam of view 1 misses the body"),
        (person(), replace(OPTIONS, offset_anterior=4000.0), "beam of view 1 misses the body"),
        (person(), replace(OPTIONS, sdd=900.0), "between source and detector, but is 1550 mm"),
        (person(), replace(OPTIONS, sid=1900.0), "between source and detector, but is 1900 mm"),
        (person(), replace(OPTIONS, width=-1), "'width' must be at least 0"),
        (person(), replace(OPTIONS, height=20000), "'height' must be at most 16384"),
        (person(), replace(OPTIONS, pixel=-0.5), "'pixel' must be at least 0"),
        (person(), replace(OPTIONS, pixel=float("nan")), "'pixel' needs a finite number"),
        (person(), replace(OPTIONS, kvp=200.0), "'kvp' must be at most 150"),
        (person(), replace(OPTIONS, photons=-5.0), "'photons' must be at least 0"),
        (person(), replace(OPTIONS, preset="foot"), "'preset' needs one of chest-pa, .*, not 'foot'"),
        (person(), replace(OPTIONS, device="abacus"), "'device' needs one of .*, not 'abacus'"),
    ],
)
def test_one_clear_sentence(bad: Image, options: RadiographOptions, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        radiograph(bad, options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("sweep", ["18", "0:10", "a:b:3", "0:10:0", "0:10:2.5", "0:10:-3", "0:10:1001", "0:1:5:2"])
def test_an_unreadable_sweep(sweep: str) -> None:
    with pytest.raises(InputError, match=f"A0:A1:N, .* at most 1000 views, not '{sweep}'"):
        radiograph(person(), replace(OPTIONS, sweep=sweep))


def test_readable_sweeps() -> None:
    assert azimuths(replace(OPTIONS, sweep="-18:18:5")) == [-18, -9, 0, 9, 18]
    assert azimuths(replace(OPTIONS, sweep=" 2.5:+7:2 ", azimuth=90.0)) == [2.5, 7]
    assert azimuths(replace(OPTIONS, sweep="30:0:1")) == [30]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0}, "0 x 4 pixels"),
        ({"pixel": 0.0}, "0 mm wide"),
        ({"sid": 0.0}, "between source and detector"),
        ({"frame": np.diag([1.0, 1.0, 0.0, 1.0])}, "perpendicular axes"),
        ({"frame": np.diag([2.0, 2.0, 2.0, 1.0])}, "perpendicular axes of length 1"),
    ],
)
def test_impossible_geometry(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Geometry(**{"width": 5, "height": 4, "pixel": 1.0, "sdd": 1000.0, "sid": 900.0} | changes)


def test_singular_place_of_the_ct() -> None:
    with pytest.raises(InputError, match="'flat' has a singular geometry"):
        Image(person().array, np.diag([1.0, 1.0, 0.0, 1.0]), Meaning.HU, "flat")


def test_segmentation_of_another_grid() -> None:
    body = person()
    label = body.with_array((body.array > 200).astype(np.uint8), meaning=Meaning.LABEL, name="bones")
    moved = label.with_array(label.array, ijk_to_ras=body.ijk_to_ras @ np.diag([1, 1, 2, 1.0]))
    for other in (moved, label.with_array(label.array[:-1])):
        with pytest.raises(InputError, match="'bones' lies on another grid than 'person'"):
            radiograph(body, OPTIONS, segmentation=other)


@pytest.mark.parametrize("changes", [{"width": 16384}, {"width": 512, "sweep": "0:360:1000"}])
def test_memory_is_named_before_it_is_taken(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_start(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module.devices, "free_memory", lambda device: 2**33)
    monkeypatch.setattr(module, "densities", must_not_start)
    with pytest.raises(InputError, match=r"needs about \d+\.\d GiB, but 8\.0 GiB are free; choose fewer views"):
        radiograph(person(), replace(OPTIONS, **changes))


def test_a_large_ct_is_refused_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.devices, "free_memory", lambda device: 2**20)
    with pytest.raises(InputError, match=r"needs about 0\.\d GiB"):
        radiograph(block(0, 8, shape=(80, 100, 100)), OPTIONS)


def test_unusual_but_right() -> None:
    """One slice, one pixel, one voxel of body, whole numbers, straight down, the paper's beam through metal."""
    body = person()
    one_slice = body.with_array(body.array[12:13].astype(np.int16))
    voxel = np.full((3, 3, 3), AIR)
    voxel[1, 1, 1] = 500
    for case, options in (
        (one_slice, replace(OPTIONS, pixel=4.0, width=100)),
        (one_slice, replace(OPTIONS, pixel=4.0, width=100, draft=True)),
        (body, replace(OPTIONS, width=1, height=1)),
        (image(voxel, Meaning.HU), replace(OPTIONS, pixel=0.2)),
        (body, replace(OPTIONS, elevation=90.0)),
        (block(5000, 4), replace(OPTIONS, spectrum=Beam.PAPER)),
    ):
        attenuation = radiograph(case, replace(options, look=Look.ATTENUATION)).images["radiograph"].array
        assert np.isfinite(attenuation).all()
        assert attenuation.max() > 0.01
