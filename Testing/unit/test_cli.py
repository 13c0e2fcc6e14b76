"""The command inverse-imaging: exit statuses, one sentence on standard error, no half output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from CTRestorationLib.sample import low_dose_slice
from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.compute import library_folders
from InverseImagingLib.image import Image


@pytest.fixture
def low_dose(tmp_path: Path) -> Path:
    images.write(low_dose_slice(64), str(tmp_path / "in.nrrd"))
    return tmp_path / "in.nrrd"


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_restores_a_file_with_report_and_residual(
    low_dose: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out, residual, report = tmp_path / "out.nii.gz", tmp_path / "residual.nrrd", tmp_path / "report.json"
    arguments = ["restore", str(low_dose), str(out), "--tier", "instant", "--window", "-200", "300"]
    assert cli.main([*arguments, "--residual", str(residual), "--report", str(report)]) == 0
    source, result = images.read(str(low_dose)), images.read(str(out))
    assert result.array.shape == source.array.shape
    np.testing.assert_allclose(result.ijk_to_ras, source.ijk_to_ras, atol=1e-4)
    np.testing.assert_allclose(images.read(str(residual)).array, source.array - result.array, atol=1e-3)
    settings = json.loads(report.read_text())["settings"]
    assert (settings["tier"], settings["window_low"], settings["window_high"]) == ("instant", -200, 300)
    assert "written after" in capsys.readouterr().out


def test_quiet_prints_nothing(low_dose: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["restore", str(low_dose), str(tmp_path / "o.nrrd"), "--tier", "instant", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("output", ["derived", "derived.dcm"])
def test_writes_dicom(low_dose: Path, tmp_path: Path, output: str) -> None:
    out = tmp_path / output
    assert cli.main(["restore", str(low_dose), str(out), "--tier", "instant"]) == 0
    image = images.read(str(out))
    assert image.dicom.ImageType[0] == "DERIVED"
    assert image.array.shape == (1, 64, 64)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tier", "magic"], "invalid choice: 'magic'"),
        (["--drop", "much"], "invalid float value: 'much'"),
        (["--drop", "1.5"], "Option 'drop' must be at most"),
        (["--colour", "red"], "Unrecognized arguments: --colour red"),
        (["--window", "300", "-200"], "window"),
        (["--slices", "7:9"], "Slices '7:9' lie outside"),
        (["--mask", "/no/such/file.nrrd"], "/no/such/file.nrrd"),
        (["--report", "/no/such/folder/report.json"], "there is no folder"),
        (["--device", "cuda"], "Device 'cuda' is not available"),
    ],
)
def test_wrong_options(
    low_dose: Path, tmp_path: Path, capsys: pytest.CaptureFixture, arguments: list[str], words: str
) -> None:
    before = sorted(tmp_path.iterdir())
    out = str(tmp_path / "out.nrrd")
    assert cli.main(["restore", str(low_dose), out, "--tier", "instant", *arguments]) == 2
    assert words in errors(capsys)
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_inputs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "text.nrrd").write_text("this is no image")
    (tmp_path / "empty").mkdir()
    images.write(Image(np.zeros((1, 8, 8), np.float32)), str(tmp_path / "constant.nrrd"))
    for name in ("text.nrrd", "empty", "missing.nrrd", "constant.nrrd"):
        assert cli.main(["restore", str(tmp_path / name), str(tmp_path / "out.nrrd"), "--tier", "instant"]) == 2
        assert Path(name).stem in errors(capsys)
        assert not (tmp_path / "out.nrrd").exists()


def test_unwritable_output(low_dose: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["restore", str(low_dose), "/no/such/folder/out.nrrd", "--tier", "instant"]) == 2
    assert "there is no folder" in errors(capsys)
    for name in ("out.xyz", "out.png"):
        assert cli.main(["restore", str(low_dose), str(tmp_path / name), "--tier", "instant"]) == 2
        assert "names no format that holds HU" in errors(capsys)
    assert cli.main(["restore", str(low_dose), str(tmp_path), "--tier", "instant"]) == 2
    assert "is not empty" in errors(capsys)


def test_a_fault_of_the_program(low_dose: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("CTRestorationLib.restore.restore", fail)
    arguments = ["restore", str(low_dose), str(tmp_path / "out.nrrd")]
    assert cli.main(arguments) == 1
    assert "RuntimeError: broken" in errors(capsys)

    def lack(*_: object, **__: object) -> None:
        import a_package_that_is_missing  # noqa: F401

    monkeypatch.setattr("CTRestorationLib.restore.restore", lack)
    assert cli.main(arguments) == 1
    assert "package 'a_package_that_is_missing' is missing in" in errors(capsys)
    assert cli.main([*arguments, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_interrupt_writes_nothing(low_dose: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nrrd"
    begun = "import sys; from InverseImagingLib import cli; print('begun', flush=True); sys.exit(cli.main())"
    command = [sys.executable, "-c", begun, "restore", str(low_dose), str(out), "--preset", "paper"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(library_folders())}

    def heed_interrupts() -> None:  # which a shell lets its background jobs ignore
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(6)  # until it is at work, on most computers
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip() == "inverse-imaging: Cancelled; nothing was written."
    assert not out.exists()


def test_help_names_every_flag(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["restore", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for flag in [
        "task",
        "tier",
        "preset",
        "factor",
        "mask",
        "drop",
        "slices",
        "plane",
        "window",
        "seed",
        "device",
        "report",
        "quiet",
        "debug",
        "learning-rate",
        "scales",
        "channels",
        "skip-channels",
        "reg-noise-std",
        "iterations",
        "averaging",
        "tv-weight",
        "residual",
        "uncertainty",
        "series",
        "direction",
    ]:
        assert f"--{flag}" in text
