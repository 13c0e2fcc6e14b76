"""The command colorize: the colors of the function, in the format asked for, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ct2rgb_samples import PALETTE, thigh
from PIL import Image as Pillow

from CT2RGBLib.colorize import colorize
from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.image import Image, Meaning

PALETTE_FLAGS = ("--tier", "palette")


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    images.write(thigh(), tmp_path / "ct.nrrd")
    return tmp_path / "ct.nrrd"


def run(*arguments: Any) -> int:
    return cli.main(["colorize", *(str(argument) for argument in arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    assert run(*arguments) == 2
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def expected(**changes: Any) -> Image:
    return colorize(thigh(), replace(PALETTE, **changes)).images["colors"]


@pytest.mark.parametrize("name", ["out.nrrd", "out.nii.gz", "out.mha"])
@pytest.mark.parametrize("rgba", [False, True])
def test_a_volume_of_colors(ct: Path, tmp_path: Path, name: str, rgba: bool) -> None:
    assert run(ct, tmp_path / name, *PALETTE_FLAGS, *(["--rgba"] if rgba else [])) == 0
    written, truth = images.read(tmp_path / name), expected(rgba=rgba)
    np.testing.assert_array_equal(written.array, truth.array)
    np.testing.assert_allclose(written.ijk_to_ras, truth.ijk_to_ras, atol=1e-4)
    assert written.meaning is Meaning.RGB


def test_chosen_slices_weaker(ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nrrd"
    assert run(ct, out, *PALETTE_FLAGS, "--slices", "1:3", "--strength", "0.25") == 0
    truth = expected(slices="1:3", strength=0.25)
    np.testing.assert_array_equal(images.read(out).array, truth.array)
    np.testing.assert_allclose(images.read(out).ijk_to_ras, truth.ijk_to_ras)


def test_one_slice_as_a_picture(ct: Path, tmp_path: Path) -> None:
    assert run(ct, tmp_path / "out.png", *PALETTE_FLAGS, "--slices", "1:2") == 0
    assert Pillow.open(tmp_path / "out.png").size == (96, 96)


def test_a_picture_of_each_slice_and_dicom(ct: Path, tmp_path: Path) -> None:
    assert run(ct, tmp_path / "dicom", *PALETTE_FLAGS, "--png", tmp_path / "pictures") == 0
    assert len(list((tmp_path / "pictures").iterdir())) == 3
    series = images.read(tmp_path / "dicom")
    np.testing.assert_array_equal(series.array, expected().array)
    np.testing.assert_allclose(series.ijk_to_ras, thigh().ijk_to_ras, atol=1e-3)


def test_a_mask(ct: Path, tmp_path: Path) -> None:
    inside = np.zeros(thigh().array.shape, np.uint8)
    inside[:, 40:60] = 1
    images.write(thigh().with_array(inside, meaning=Meaning.LABEL), tmp_path / "mask.nrrd")
    assert run(ct, tmp_path / "out.nrrd", *PALETTE_FLAGS, "--mask", tmp_path / "mask.nrrd") == 0
    truth = np.where(inside[..., None], expected().array, expected(strength=0.0).array)
    np.testing.assert_array_equal(images.read(tmp_path / "out.nrrd").array, truth)


def test_a_report_and_a_sentence(ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ct, tmp_path / "out.nrrd", *PALETTE_FLAGS, "--report", tmp_path / "report.json") == 0
    assert "colored by the palette of tissues" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["method"], report["tier"], report["slices"]) == ("CT2RGB", "palette", [0, 3])
    assert run(ct, tmp_path / "other.nrrd", *PALETTE_FLAGS, "--quiet") == 0
    assert capsys.readouterr().out == ""


def test_an_mr_and_one_that_is_insisted_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mr, out = tmp_path / "mr.nrrd", tmp_path / "out.nrrd"
    images.write(thigh().with_array(thigh().array + 1000, meaning=Meaning.SCALAR), mr)
    assert "MR" in refused(capsys, mr, out, *PALETTE_FLAGS)
    assert not out.exists()
    assert run(mr, out, *PALETTE_FLAGS, "--as-hu") == 0
    assert "were taken for HU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "flags", "words"),
    [
        ("out.jpg", (), "out.jpg"),
        ("out.png", (), "one slice"),
        ("ct.nrrd", (), "input of this run"),
        ("none/out.nrrd", (), "there is no folder"),
        ("out.nrrd", ("--slices", "7:9"), "outside the image"),
        ("out.nrrd", ("--strength", "2"), "at most 1"),
        ("out.nrrd", ("--tier", "fast"), "invalid choice"),
        ("out.nrrd", ("--turntable", "around.mp4"), "around.mp4"),
        ("out.nrrd", ("--surface", "skin.nrrd"), "skin.nrrd"),
    ],
)
def test_what_cannot_be_leaves_nothing(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output, flags, words
) -> None:
    monkeypatch.chdir(tmp_path)
    before = ct.read_bytes()
    assert words in refused(capsys, ct, output, *PALETTE_FLAGS, *flags)
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nrrd"]
    assert ct.read_bytes() == before


def test_interrupted_it_leaves_nothing(ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("CT2RGBLib.palette.paint", interrupt)
    assert run(ct, tmp_path / "out.nrrd", *PALETTE_FLAGS) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nrrd"]
