"""The commands radiograph and phantom: the pixels of the function, in the format asked for, whole or not at all."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_samples import write_series
from radiograph_samples import person

from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.geometry import Geometry, Preset
from InverseImagingLib.xray.options import Beam, Look, RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom_with_bone
from InverseImagingLib.xray.radiograph import radiograph

SIZE = ["--size", "20", "16"]
SMALL = {"width": 20, "height": 16}


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    images.write(person(), tmp_path / "ct.nrrd")
    return tmp_path / "ct.nrrd"


def run(*arguments: Any) -> int:
    return cli.main([str(argument) for argument in arguments])


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def expected(name: str = "radiograph", **options: Any) -> Image:
    return radiograph(person(), RadiographOptions(**SMALL | options)).images[name]


@pytest.mark.parametrize("name", ["out.nrrd", "out.nii.gz", "out.mha"])
def test_a_volume_lies_at_the_detector(ct: Path, tmp_path: Path, name: str) -> None:
    options = {"azimuth": -30.0, "elevation": 10.0, "roll": 5.0, "sdd": 1300.0, "sid": 900.0, "pixel": 12.0}
    flags = [word for option, value in options.items() for word in (f"--{option}", value)]
    assert run("radiograph", ct, tmp_path / name, *SIZE, "--preset", "skull", *flags) == 0
    truth, written = expected(preset=Preset.SKULL, **options), images.read(tmp_path / name)
    np.testing.assert_array_equal(written.array, truth.array)
    np.testing.assert_allclose(written.ijk_to_ras, truth.ijk_to_ras, atol=1e-3)


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_a_picture_spreads_all_values_over_16_bits(ct: Path, tmp_path: Path, name: str) -> None:
    assert run("radiograph", ct, tmp_path / name, *SIZE) == 0
    written, truth = images.read(tmp_path / name), expected()
    assert written.array.dtype == np.uint16
    np.testing.assert_array_equal(np.round(written.array * (4095 / 65535)), truth.array)
    assert written.array.max() > 40000
    assert written.spacing[0] == pytest.approx(truth.spacing[0], rel=1e-3)


def test_dicom_names_patient_view_and_simulation(tmp_path: Path) -> None:
    body = person()
    write_series(tmp_path / "scan", body.array.astype(np.int16) + 1024, np.diag([-1.0, -1, 1, 1]) @ body.ijk_to_ras)
    assert run("radiograph", tmp_path / "scan", tmp_path / "out.dcm", *SIZE, "--kvp", "90") == 0
    header = pydicom.dcmread(tmp_path / "out.dcm")
    assert (header.Modality, header.PatientID, header.ViewPosition, header.KVP) == ("DX", "P-1", "PA", 90)
    assert header.SeriesDescription.startswith("Simulated radiograph, X-ray Synthesis")
    np.testing.assert_array_equal(header.pixel_array, expected(kvp=90.0).array[0])
    assert run("radiograph", tmp_path / "scan", tmp_path / "p.dcm", *SIZE, "--spectrum", "paper") == 0
    assert pydicom.dcmread(tmp_path / "p.dcm").KVP is None


def test_bone_map_report_and_segmentation(ct: Path, tmp_path: Path) -> None:
    label = person().with_array((person().array > 800).astype(np.uint8), meaning=Meaning.LABEL)
    images.write(label, tmp_path / "bones.nrrd")
    flags = ["--bone-map", tmp_path / "bone.nrrd", "--report", tmp_path / "report.json", *SIZE]
    assert run("radiograph", ct, tmp_path / "out.png", "--segmentation", tmp_path / "bones.nrrd", *flags) == 0
    truth = radiograph(person(), RadiographOptions(**SMALL), segmentation=label)
    np.testing.assert_allclose(images.read(tmp_path / "bone.nrrd").array, truth.images["bone map"].array, rtol=1e-6)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["settings"] == truth.report["settings"]
    assert report["views"] == truth.report["views"]


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (["--scatter"], {"scatter": 0.3}),
        (["--scatter", "1.5"], {"scatter": 1.5}),
        (["--photons", "1e4", "--seed", "3"], {"photons": 1e4, "seed": 3}),
        (["--parallel"], {"parallel": True}),
        (["--spectrum", "paper"], {"spectrum": Beam.PAPER}),
        (["--look", "attenuation"], {"look": Look.ATTENUATION}),
        (["--no-remove-table", "--blur", "2"], {"remove_table": False, "blur": 2.0}),
        (["--draft"], {"draft": True}),
        (["--offset-right", "-20", "--filtration", "9"], {"offset_right": -20.0, "filtration": 9.0}),
    ],
)
def test_every_flag_is_its_option(ct: Path, tmp_path: Path, flags: list[str], options: dict[str, Any]) -> None:
    assert run("radiograph", ct, tmp_path / "out.nrrd", *SIZE, *flags) == 0
    np.testing.assert_array_equal(images.read(tmp_path / "out.nrrd").array, expected(**options).array)


@pytest.mark.parametrize(("chosen", "ending"), [("png", "png"), ("nrrd", "nrrd"), ("dicom", "dcm")])
def test_a_sweep_fills_a_folder(ct: Path, tmp_path: Path, chosen: str, ending: str) -> None:
    out = tmp_path / "views"
    assert run("radiograph", ct, out, *SIZE, "--sweep", "-18:18:3", "--format", chosen) == 0
    names = [f"view-{number:02}.{ending}" for number in (1, 2, 3)]
    assert sorted(path.name for path in out.iterdir()) == ["report.json", *names]
    truth = radiograph(person(), RadiographOptions(sweep="-18:18:3", **SMALL))
    for name, image in zip(names, truth.images.values(), strict=True):
        scale = 65535 / 4095 if ending == "png" else 1
        np.testing.assert_array_equal(images.read(out / name).array, np.round(image.array * scale))
    report = json.loads((out / "report.json").read_text())
    for view, image in zip(report["views"], truth.images.values(), strict=True):
        np.testing.assert_array_equal(Geometry(**view).pixel_to_ras, image.ijk_to_ras)
    if ending == "dcm":
        headers = [pydicom.dcmread(out / name) for name in names]
        assert len({header.SeriesInstanceUID for header in headers}) == 1
        assert len({header.SOPInstanceUID for header in headers}) == 3
        assert [int(header.InstanceNumber) for header in headers] == [1, 2, 3]
        assert [header.PositionerPrimaryAngle for header in headers] == [-18, 0, 18]


def test_a_name_without_ending_gets_that_of_the_format(ct: Path, tmp_path: Path) -> None:
    assert run("radiograph", ct, tmp_path / "view.1", *SIZE, "--format", "nrrd") == 0
    assert images.read(tmp_path / "view.1.nrrd").array.shape == (1, 16, 20)


@pytest.mark.parametrize(
    ("output", "flags", "words"),
    [
        ("out.png", ["--preset", "foot"], "invalid choice: 'foot'"),
        ("out.png", ["--size", "0", "10"], "has 0 x 10 pixels; it needs at least 1 x 1"),
        ("out.png", ["--size", "99999", "10"], "'width' must be at most 16384"),
        ("out.png", ["--sweep", "0:10:3"], "'out.png' is a file; name a new folder"),
        ("ct.nrrd", ["--sweep", "0:10:3"], "'ct.nrrd' is a file; name a new folder"),
        ("out", ["--sweep", "-10:x:3"], "'sweep' needs A0:A1:N"),
        ("out", ["--sweep", "0:10:3", "--bone-map", "bone.nrrd"], "makes no bone map"),
        ("out.png", ["--sdd", "1000"], "must lie between source and detector"),
        ("out.png", ["--sid", "20"], "lies inside the CT"),
        ("out.png", ["--offset-right", "3000"], "misses the body"),
        ("out.png", ["--scatter", "much"], "invalid float value: 'much'"),
        ("out.png", ["--look", "attenuation"], ".png cannot hold the look 'attenuation'"),
        ("out.dcm", ["--look", "intensity"], ".dcm cannot hold the look 'intensity'"),
        ("out.png", ["--format", "dicom"], "but --format says dicom"),
        ("out.jpg", [], "JPEG holds 8 bits"),
        ("out.xyz", [], "names no format"),
        ("out", [], "names no format"),
        (".", [], "is a folder; name a file in it"),
        ("no/folder/out.png", [], "there is no folder"),
        ("out.png", ["--bone-map", "bone.png"], "names no format that holds g/cm2"),
        ("out.png", ["--bone-map", "no/folder/bone.nrrd"], "there is no folder"),
        ("out.png", ["--report", "no/folder/report.json"], "there is no folder"),
        ("out.png", ["--segmentation", "missing.nrrd"], "missing.nrrd"),
        ("ct.nrrd", [], "is an input of this run"),
        ("out.png", ["--report", "ct.nrrd"], "is an input of this run"),
    ],
)
def test_wrong_options(
    ct: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    flags: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("radiograph", ct, output, *flags) == 2
    assert words in errors(capsys)
    assert list(tmp_path.iterdir()) == [ct]


def test_a_full_folder_stays_as_it_is(ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "mine.txt").write_text("mine")
    assert run("radiograph", ct, tmp_path / "views", "--sweep", "0:10:3") == 2
    assert "is not empty" in errors(capsys)
    assert [path.name for path in (tmp_path / "views").iterdir()] == ["mine.txt"]


def test_wrong_inputs(ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    images.write(Image(noise), tmp_path / "eight-bit.nrrd")
    images.write(Image(noise[:1]), tmp_path / "picture.png")
    images.write(Image(np.stack([noise] * 3, axis=-1), meaning=Meaning.RGB), tmp_path / "colors.nrrd")
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(noise)] * 2), str(tmp_path / "series.nrrd"))
    (tmp_path / "cut.nrrd").write_bytes(ct.read_bytes()[:-100])
    for name, words in (
        ("eight-bit.nrrd", "as an 8-bit picture does"),
        ("picture.png", "is a display image; a CT in HU is needed"),
        ("colors.nrrd", "is a color image; a CT in HU is needed"),
        ("series.nrrd", "is a series of 2 volumes (4D)"),
        ("cut.nrrd", "is damaged, incomplete or no image file"),
        ("missing.nrrd", "There is no file or folder"),
    ):
        assert run("radiograph", tmp_path / name, tmp_path / "out.png") == 2
        sentence = errors(capsys)
        assert words in sentence
        assert Path(name).stem in sentence
        assert not (tmp_path / "out.png").exists()


def test_warnings_are_told_unless_quiet(ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    close = ["radiograph", ct, tmp_path / "out.png", *SIZE, "--sid", "400", "--sdd", "430"]
    assert run(*close) == 0
    told = capsys.readouterr()
    assert "behind the detector" in told.err
    assert "written after" in told.out
    assert run(*close, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("place", ["InverseImagingLib.xray.radiograph._signal", "InverseImagingLib.image.write"])
def test_an_interrupt_while_computing_or_writing_leaves_nothing(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    module, name = place.rsplit(".", 1)
    original, calls = getattr(importlib.import_module(module), name), []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(place, interrupted)
    assert run("radiograph", ct, tmp_path / "views", *SIZE, "--sweep", "0:40:5") == 130
    assert errors(capsys) == "inverse-imaging: Cancelled; nothing was written."
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == [ct]


@pytest.mark.parametrize("anatomy", list(Anatomy))
def test_phantom(tmp_path: Path, anatomy: Anatomy, capsys: pytest.CaptureFixture) -> None:
    out, bone = tmp_path / "body.nrrd", tmp_path / "bone.nrrd"
    assert run("phantom", anatomy.value, out, "--size", "32", "--seed", "5", "--bone", bone) == 0
    assert "body.nrrd" in capsys.readouterr().out
    truth = phantom_with_bone(anatomy, 32, 5)
    for path, image in zip((out, bone), truth, strict=True):
        written = images.read(path)
        np.testing.assert_array_equal(written.array, image.array)
        np.testing.assert_allclose(written.ijk_to_ras, image.ijk_to_ras, atol=1e-6)
        assert written.meaning is image.meaning


def test_phantom_as_dicom_says_what_it_is(tmp_path: Path) -> None:
    assert run("phantom", "limb", tmp_path / "series", "--size", "24", "--quiet") == 0
    header = pydicom.dcmread(next((tmp_path / "series").iterdir()))
    assert header.DerivationDescription.startswith("Phantom: anatomy=limb, size=24, seed=0")
    assert images.read(tmp_path / "series").meaning is Meaning.HU


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["foot", "out.nrrd"], "invalid choice: 'foot'"),
        (["limb", "out.png"], "names no format that holds HU"),
        (["limb", "out.nrrd", "--size", "3"], "at least 16 voxels"),
        (["limb", "out.nrrd", "--size", "99999"], "GiB"),
        (["limb", "out.nrrd", "--seed", "-1"], "seed of a phantom must be"),
        (["limb", "out.nrrd", "--bone", "bone.jpg"], "names no format that holds a label map"),
        (["limb", "no/folder/out.nrrd"], "there is no folder"),
    ],
)
def test_wrong_phantoms(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("phantom", *arguments) == 2
    assert words in errors(capsys)
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_option(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as end:
        run("radiograph", "--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    fields = set(RadiographOptions.__dataclass_fields__) - {"width", "height"}
    for flag in {*fields, "size", "bone-map", "format", "segmentation", "series", "report", "quiet", "debug"}:
        assert f"--{flag.replace('_', '-')}" in text
