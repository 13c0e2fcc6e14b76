"""Radiographs as users bring them: with borders, inverted, as DICOM of many kinds and as pictures of many kinds."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import ComputedRadiographyImageStorage
from scipy import ndimage

from InverseImagingLib import device as devices
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.xray.border import content_box
from InverseImagingLib.xray.dx import write_radiograph
from InverseImagingLib.xray.geometry import Geometry, Preset, pose
from InverseImagingLib.xray.intake import Crop, IntakeOptions, Invert, Radiograph, take_in
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.polarity import bone_is_bright
from InverseImagingLib.xray.radiograph import radiograph
from InverseImagingLib.xray.voi import displayed

SIDE = 200
AS_IT_IS = IntakeOptions(crop=Crop.NONE, invert=Invert.NO, low=0, high=100)
BODIES = [(Anatomy.THORAX, 0), (Anatomy.THORAX, 3), (Anatomy.SKULL, 1), (Anatomy.LIMB, 0), (Anatomy.LIMB, 2)]


@functools.cache
def simulated(anatomy: Anatomy = Anatomy.THORAX, seed: int = 0) -> np.ndarray:
    """Bone bright, (200, 200) within 0 to 4095, with a little noise and scatter, and no end of the phantom in sight."""
    preset = {Anatomy.THORAX: Preset.CHEST_PA}.get(anatomy, Preset.SKULL)
    options = RadiographOptions(preset=preset, width=SIDE + 16, photons=2e4, scatter=0.3)
    picture = radiograph(phantom(anatomy, 72, seed), options).images["radiograph"].array[0, 8:-8, 8:-8].copy()
    picture.setflags(write=False)
    return picture


def image(picture: np.ndarray, meaning: Meaning = Meaning.DISPLAY, **changes: Any) -> Image:
    return Image(picture[None], meaning=meaning, name="chest", **changes)


def framed(picture: np.ndarray, gray: int, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    return np.pad(picture, ((top, bottom), (left, right)), constant_values=gray)


def same(taken: Radiograph, other: Radiograph, atol: float = 0.0) -> None:
    np.testing.assert_allclose(taken.array, other.array, atol=atol)
    assert taken.inverted == other.inverted


# Bone bright or dark


@pytest.mark.parametrize(("anatomy", "seed"), BODIES)
def test_bone_becomes_bright(anatomy, seed):
    picture = simulated(anatomy, seed)
    taken, negative = take_in(image(picture)), take_in(image(4095 - picture))
    assert (taken.inverted, negative.inverted) == (False, True)
    assert taken.confidence == pytest.approx(negative.confidence, abs=1e-3)
    assert taken.confidence > 0.7
    np.testing.assert_allclose(taken.array, negative.array, atol=1e-5)
    assert np.corrcoef(taken.array.ravel(), picture.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("gamma", [0.4, 2.5])
def test_polarity_does_not_hang_on_gamma_and_range(gamma):
    picture = 100 + 7 * (simulated() / 4095.0) ** gamma
    assert bone_is_bright(picture)[0]
    assert not bone_is_bright(-picture)[0]


def test_what_has_no_axis_is_a_guess_that_says_so():
    noise = np.random.default_rng(0).integers(0, 4096, (150, 130))
    taken = take_in(image(noise))
    assert 0.5 <= taken.confidence < 0.8
    assert any(
        "not clear whether bone is bright or dark in 'chest'" in sentence and sentence.endswith(".")
        for sentence in taken.warnings
    )
    assert take_in(image(noise), IntakeOptions(invert=Invert.NO)).warnings == ()


def test_inversion_can_be_set():
    picture = image(simulated())
    kept, turned = (take_in(picture, replace(AS_IT_IS, invert=invert)) for invert in (Invert.NO, Invert.YES))
    assert (kept.inverted, turned.inverted) == (False, True)
    assert kept.confidence == turned.confidence == 1
    np.testing.assert_allclose(turned.array, 1 - kept.array, atol=1e-6)


# Borders


@pytest.mark.parametrize(("anatomy", "seed"), BODIES)
def test_air_around_a_body_is_no_border(anatomy, seed):
    picture = simulated(anatomy, seed)
    assert content_box(picture) == (0, SIDE, 0, SIDE)
    assert content_box(4095 - picture) == (0, SIDE, 0, SIDE)


@pytest.mark.parametrize("gray", [0, 2000, 4095])
@pytest.mark.parametrize("widths", [(20, 30, 0, 0), (0, 0, 40, 40), (12, 0, 25, 60), (1, 1, 1, 1)])
def test_letterbox_is_cut_to_the_pixel(gray, widths):
    lit = np.maximum(simulated() + 300, 900).clip(900, 3800)  # neither black nor white
    top, _, left, _ = widths
    taken = take_in(image(framed(lit, gray, *widths)))
    assert taken.box == pytest.approx((top, top + SIDE, left, left + SIDE), abs=3 * (gray == 2000))
    if gray != 2000:  # which is the gray of some tissue at the edge, too
        same(taken, take_in(image(lit)), atol=1e-6)


def test_frames_lie_within_frames():
    lit = np.maximum(simulated() + 300, 900).clip(900, 3800)
    picture = framed(framed(lit, 4095, 3, 3, 3, 3), 0, 30, 20, 10, 15)
    assert content_box(picture) == (33, 33 + SIDE, 13, 13 + SIDE)


def test_letters_in_a_border_do_not_keep_it():
    lit = np.maximum(simulated() + 300, 900)
    picture = framed(lit, 0, 24, 0, 0, 0)
    picture[6:16, 100:112] = 4095
    assert content_box(picture) == (24, 24 + SIDE, 0, SIDE)


@pytest.mark.parametrize("angle", [-6, 3, 10])
@pytest.mark.parametrize("negative", [False, True])
def test_turned_collimator_is_cut_upright_within(angle, negative):
    picture = np.asarray(ndimage.zoom(np.maximum(simulated() + 300.0, 900), 2, order=1))
    y, x = np.mgrid[:400, :400] - 199.5
    a = np.deg2rad(angle)
    outside = np.maximum(np.abs(x * np.cos(a) + y * np.sin(a)) / 165, np.abs(y * np.cos(a) - x * np.sin(a)) / 150) > 1
    picture[outside] = 0
    top, bottom, left, right = content_box(4395 - picture if negative else picture)
    assert outside[top:bottom, left:right].mean() < 0.01
    assert (bottom - top) * (right - left) > (0.9 - 0.03 * abs(angle)) * (~outside).sum()


def test_shadow_of_a_collimator_that_is_not_even_is_found():
    picture = np.asarray(ndimage.zoom(np.maximum(simulated() + 300.0, 900), 2, order=1))
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:400, :400]
    light = 1 / (1 + np.exp(-(x - 60 + 0.05 * y) / 0.8))  # a line that leans, and is not quite sharp
    picture = light * picture + (1 - light) * (350 + 0.4 * y + 30 * rng.standard_normal((400, 400)))
    top, bottom, left, right = content_box(picture)
    assert 58 <= left <= 70
    assert (top, bottom, right) == (0, 400, 400)


def test_cutting_again_cuts_nothing():
    lit = np.maximum(simulated() + 300, 900)
    box = content_box(framed(lit, 0, 20, 10, 40, 5))
    assert content_box(framed(lit, 0, 20, 10, 40, 5)[box[0] : box[1], box[2] : box[3]]) == (0, SIDE, 0, SIDE)


def test_crop_can_be_set():
    picture = framed(simulated(), 0, 0, 0, 50, 0)  # 250 wide
    assert take_in(image(picture), IntakeOptions(crop=Crop.NONE)).box == (0, 200, 0, 250)
    options = IntakeOptions(crop=Crop.MANUAL, crop_top=10, crop_bottom=5, crop_left=20, crop_right=2)
    taken = take_in(image(picture), options)
    assert taken.box == (20, 190, 50, 245)
    assert taken.array.shape == (170, 195)


def test_result_lies_where_its_pixels_were():
    matrix = np.array([[0.0, -0.2, 0, 10], [0.3, 0, 0, -20], [0, 0, 1.0, 30], [0, 0, 0, 1]])
    source = image(framed(np.maximum(simulated() + 300, 900), 0, 30, 0, 12, 0), ijk_to_ras=matrix)
    placed = take_in(source).placed_in(source)
    assert placed.array.shape == (1, SIDE, SIDE)
    assert placed.meaning is Meaning.DISPLAY
    np.testing.assert_allclose(placed.ijk_to_ras @ [0, 0, 0, 1], matrix @ [12, 30, 0, 1])
    np.testing.assert_allclose(placed.ijk_to_ras @ [5, 7, 0, 1], matrix @ [17, 37, 0, 1])
    np.testing.assert_array_equal(source.ijk_to_ras, matrix)


# Gray values


def test_window_and_gamma():
    ramp = image(np.add.outer(np.arange(50), 50 * np.arange(40)).astype(np.uint16))  # 0 to 1999
    plain = take_in(ramp, AS_IT_IS).array
    assert plain.dtype == np.float32
    np.testing.assert_allclose(plain, ramp.array[0] / 1999, atol=1e-6)
    assert (take_in(ramp, replace(AS_IT_IS, low=10, high=80)).array[0, :2] == 0).all()
    narrow = take_in(ramp, replace(AS_IT_IS, low=10, high=80)).array
    assert ((narrow == 0).mean(), (narrow == 1).mean()) == pytest.approx((0.1, 0.2), abs=0.002)
    np.testing.assert_allclose(take_in(ramp, replace(AS_IT_IS, gamma=2.0)).array, np.sqrt(plain), atol=1e-6)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
def test_value_types_make_no_difference(kind):
    picture = simulated() // 16
    same(take_in(image(picture.astype(kind))), take_in(image(picture)))


@pytest.mark.parametrize(
    ("ending", "channels"), [(".png", 1), (".png", 3), (".png", 4), (".tif", 1), (".tif", 3), (".jpg", 1), (".jpg", 3)]
)
def test_pictures_of_many_kinds(tmp_path, ending, channels):
    picture = (simulated() // 16).astype(np.uint8)
    colors = np.repeat(picture[..., None], channels, axis=-1) if channels > 1 else picture
    if channels == 4:
        colors[..., 3] = 255
    write(image(colors, Meaning.RGB if channels > 1 else Meaning.DISPLAY), tmp_path / f"chest{ending}")
    taken = take_in(read(tmp_path / f"chest{ending}"))
    same(taken, take_in(image(picture)), atol=0.1 if ending == ".jpg" else 1e-6)
    assert taken.pixel is None
    assert taken.warnings == ()


def test_colored_marks_are_no_color_picture():
    colors = np.repeat((simulated() // 16).astype(np.uint8)[..., None], 3, axis=-1)
    colors[20:30, 20:30] = [255, 0, 0]
    assert take_in(image(colors, Meaning.RGB)).warnings == ("'chest' has colored marks, which are taken as gray.",)


def test_white_edge_is_named():
    picture = simulated().copy()
    picture[10:14, 10:150] = picture[180:195, 3:60] = 4095
    assert any("edge is pure white" in sentence for sentence in take_in(image(picture)).warnings)
    assert take_in(image(simulated())).warnings == ()


@pytest.mark.parametrize(
    ("spacing", "pixel"), [((0.15, 0.15), 0.15), ((1.0, 1.0), None), ((25.4 / 72, 25.4 / 72), None), ((0.2, 0.1), None)]
)
def test_size_of_a_pixel(spacing, pixel):
    taken = take_in(image(simulated(), ijk_to_ras=np.diag([*spacing, 1, 1])))
    assert taken.pixel == (None if pixel is None else pytest.approx(pixel))
    assert any("not square (0.2 x 0.1 mm)" in sentence for sentence in taken.warnings) == (spacing[0] != spacing[1])


# DICOM


def dicom(folder: Path, stored: np.ndarray | None = None, **attributes: Any) -> Image:
    """A DX image of these stored values, uint16 or int16, with such attributes (None takes one away), read again."""
    stored = simulated() if stored is None else stored
    path = folder / "dx.dcm"
    if not path.exists():
        geometry = Geometry(SIDE, SIDE, 0.2, 1800.0, 1600.0, pose())
        source = Image(simulated()[None], geometry.pixel_to_ras, Meaning.DISPLAY, "chest", Dataset())
        write_radiograph(source, path, {"method": "test", "settings": {}}, geometry=geometry)
    header = pydicom.dcmread(path)
    header.BitsStored, header.HighBit = 12, 11
    header.PixelRepresentation = int(stored.dtype.kind == "i")
    header.PixelData = stored.tobytes()
    if "PhotometricInterpretation" not in attributes:
        del header.WindowCenter, header.WindowWidth
    for name, value in attributes.items():
        if value is None:
            header.pop(name, None)
        else:
            setattr(header, name, value)
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.save_as(folder / "changed.dcm")
    return read(folder / "changed.dcm")


def test_dicom_as_it_is(tmp_path):
    found = dicom(tmp_path)
    taken = take_in(found, frontal_only=True)
    same(taken, take_in(image(simulated())))
    assert taken.pixel == pytest.approx(0.2)
    assert taken.warnings == ()


@pytest.mark.parametrize("shape", ["INVERSE", "IDENTITY"])
def test_monochrome1_is_turned_around_once(tmp_path, shape):
    low_is_bright = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": shape}
    windowed = {"WindowCenter": 2048, "WindowWidth": 4096}
    for changes in (low_is_bright | windowed, low_is_bright | dict.fromkeys(windowed)):
        taken = take_in(dicom(tmp_path, 4095 - simulated(), **changes))
        assert not taken.inverted
        np.testing.assert_allclose(taken.array, take_in(image(simulated())).array, atol=1e-3)
        assert take_in(dicom(tmp_path, simulated(), **changes)).inverted


def voi_lut(first: int, values: np.ndarray, bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", values.astype(int).tolist())
    return item


CURVE = 4095 * np.sqrt(np.linspace(0, 1, 2000))
WINDOWS = {
    "linear": {"WindowCenter": 1500, "WindowWidth": 1200},
    "exact": {"WindowCenter": [1500, 9], "WindowWidth": [1200, 9], "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": 1500, "WindowWidth": 1200, "VOILUTFunction": "SIGMOID"},
    "rescaled": {"WindowCenter": 5000, "WindowWidth": 3000, "RescaleSlope": 2.5, "RescaleIntercept": 1000},
    "table": {"VOILUTSequence": [voi_lut(700, CURVE, 12)], "WindowCenter": 9, "WindowWidth": 9},
}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("name", WINDOWS)
def test_window_and_voi_lut_as_another_implementation_has_them(tmp_path, name, photometric):
    changes = {"PhotometricInterpretation": photometric, "WindowCenter": None, "WindowWidth": None} | WINDOWS[name]
    stored = simulated()
    found = dicom(tmp_path, stored, **changes)
    rescaled = stored * float(changes.get("RescaleSlope", 1)) + float(changes.get("RescaleIntercept", 0))
    expected = apply_voi_lut(np.rint(rescaled).astype(int) if name == "table" else rescaled, found.dicom)
    expected = expected * (-1.0 if photometric == "MONOCHROME1" else 1.0)
    shown = displayed(found)[0].astype(float)
    assert np.ptp(shown) > 0
    np.testing.assert_allclose(
        (shown - shown.min()) / np.ptp(shown), (expected - expected.min()) / np.ptp(expected), atol=2e-4
    )


def test_table_of_bytes_and_signed_values(tmp_path):
    signed = (simulated().astype(np.int16) // 2) - 1000
    item = voi_lut(0, np.arange(2000) // 8, 8)
    item.add_new("LUTDescriptor", "SS", [2000, -900, 8])
    item.add_new("LUTData", "OW", (np.arange(2000) // 8).astype("<u2").tobytes())
    found = dicom(tmp_path, signed, VOILUTSequence=[item])
    np.testing.assert_array_equal(displayed(found)[0], np.clip(signed.astype(int) + 900, 0, 1999) // 8)


@pytest.mark.parametrize(
    "useless",
    [
        {"WindowCenter": 90000, "WindowWidth": 2},
        {"WindowCenter": 9, "WindowWidth": 0, "VOILUTFunction": "LINEAR_EXACT"},
        {"VOILUTSequence": [Dataset()]},
    ],
)
def test_window_that_shows_nothing_is_not_used(tmp_path, useless):
    taken = take_in(dicom(tmp_path, **useless))
    assert len(taken.warnings) == 1
    assert "shows nothing; all values are used." in taken.warnings[0]
    np.testing.assert_allclose(taken.array, take_in(image(simulated())).array)


@pytest.mark.parametrize("spacing", [None, [0.3, 0.3]])
def test_spacing_of_dicom(tmp_path, spacing):
    taken = take_in(dicom(tmp_path, ImagerPixelSpacing=None, PixelSpacing=spacing))
    assert taken.pixel == (None if spacing is None else pytest.approx(0.3))


def test_computed_radiography_is_read_too(tmp_path):
    found = dicom(tmp_path, SOPClassUID=ComputedRadiographyImageStorage, Modality="CR")
    assert take_in(found).pixel == pytest.approx(0.2)


@pytest.mark.parametrize(("sign", "inverted"), [(-1, False), (1, True)])
def test_where_the_picture_does_not_tell_the_header_does(tmp_path, sign, inverted):
    noise = np.random.default_rng(0).integers(0, 4096, (SIDE, SIDE), dtype=np.uint16)
    taken = take_in(dicom(tmp_path, noise, PixelIntensityRelationshipSign=sign))
    assert taken.inverted == inverted
    assert "not clear whether bone" in taken.warnings[0]


def test_raw_data_and_scouts_are_named(tmp_path):
    assert "raw data" in take_in(dicom(tmp_path, PresentationIntentType="FOR PROCESSING")).warnings[0]
    scout = dicom(tmp_path, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert "scout view of a CT" in take_in(scout).warnings[0]


@pytest.mark.parametrize("position", ["LL", "RL", "LLD"])
def test_lateral_views_are_refused_where_a_frontal_one_is_needed(tmp_path, position):
    found = dicom(tmp_path, ViewPosition=position)
    with pytest.raises(InputError, match=rf"is a lateral view \({position}\), but this needs a frontal one"):
        take_in(found, frontal_only=True)
    assert take_in(found).array.shape == (SIDE, SIDE)


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "US", "SEG"])
def test_other_modalities_are_refused(tmp_path, modality):
    with pytest.raises(InputError, match=f"is a {modality} image, not a radiograph|is a label image"):
        take_in(dicom(tmp_path, Modality=modality))


# What is no radiograph


def spoiled(value: float) -> Image:
    picture = simulated().astype(np.float32)
    picture[3, 4] = value
    return image(picture)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (image(noise(60, 50, 3), Meaning.RGB), "'chest' is a color picture .*% of its pixels are colored"),
        (Image(noise(5, 60, 50), name="chest"), "'chest' is a volume of 5 slices"),
        (image(simulated().astype(np.int16) - 1000, Meaning.HU), "'chest' holds HU, as a slice of a CT does"),
        (image(noise(60, 50), Meaning.LABEL), "'chest' is a label image"),
        (image(np.full((60, 50), 7)), "'chest' has the same value everywhere"),
        (image(np.full((60, 50, 4), [7, 7, 7, 255]), Meaning.RGB), "'chest' has the same value everywhere"),
        (spoiled(np.nan), "'chest' holds NaN or infinite values"),
        (spoiled(np.inf), "'chest' holds NaN or infinite values"),
        (image(noise(31, 200)), "'chest' has 200 x 31 pixels, but a radiograph needs 32 a side"),
        (image(noise(60, 50).astype(complex)), "'chest' holds complex128 values"),
    ],
)
def test_one_clear_sentence(bad, words):
    with pytest.raises(InputError, match=words) as caught:
        take_in(bad)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            IntakeOptions(crop=Crop.MANUAL, crop_left=50, crop_right=40),
            "crop leaves less than 32 x 32 pixels of 'chest'",
        ),
        (IntakeOptions(crop_left=99), "'crop left' must be at most 95"),
        (IntakeOptions(gamma=0.0), "'gamma' must be at least 0.2"),
        (IntakeOptions(low=60.0), "'low' must be at most 49"),
        (IntakeOptions(invert="maybe"), "'invert' needs one of auto, yes, no, not 'maybe'"),
    ],
)
def test_options_that_leave_nothing(options, words):
    with pytest.raises(InputError, match=words):
        take_in(image(simulated()), options)


def test_crop_to_one_gray_value():
    picture = framed(simulated(), 0, 0, 0, 200, 0)
    with pytest.raises(InputError, match="'chest' has one gray value in the part that the crop leaves"):
        take_in(image(picture), IntakeOptions(crop=Crop.MANUAL, crop_right=50))


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(devices, "free_memory", lambda device: 2**20)
    take_in(image(simulated()))  # is not worth asking
    huge = np.broadcast_to(np.uint8(0), (1, 6000, 6000))
    with pytest.raises(InputError, match=r"'huge' needs about 1.3 GiB, but 0.0 GiB are free"):
        take_in(Image(huge, name="huge"))


def test_a_slicer_node_of_a_radiograph_is_one():
    """A scalar volume node comes as HU; only values that no radiograph has make it a CT."""
    same(take_in(image(simulated().astype(np.int16), Meaning.HU)), take_in(image(simulated())))
