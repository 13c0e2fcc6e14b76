"""The three places to compute: their commands and environments."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from InverseImagingLib.compute import Place, Where, library_folders
from InverseImagingLib.errors import InputError


def test_slicer_place_runs_python_slicer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Place().command() == [sys.executable, "-m", "InverseImagingLib.worker"]
    launcher = tmp_path / "PythonSlicer"
    launcher.write_text("#!/bin/sh\n")
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Place().command()[0] == str(launcher)


def test_other_python_loses_slicers_variables() -> None:
    place = Place(Where.PYTHON, sys.executable)
    environment = place.environment({"PYTHONHOME": "/slicer", "PYTHONPATH": "/slicer/lib", "HOME": "/home/x"})
    assert "PYTHONHOME" not in environment
    assert environment["PYTHONPATH"].split(os.pathsep) == library_folders()
    assert environment["HOME"] == "/home/x"


def test_libraries_are_found() -> None:
    assert any((Path(folder) / "CTRestorationLib" / "__init__.py").is_file() for folder in library_folders())
    assert any((Path(folder) / "InverseImagingLib" / "worker.py").is_file() for folder in library_folders())


@pytest.mark.parametrize("target", ["", "/no/such/python", str(Path(__file__).parent)])
def test_missing_interpreter(target: str) -> None:
    with pytest.raises(InputError, match="There is no Python interpreter"):
        Place(Where.PYTHON, target).command()


@pytest.mark.parametrize("host", ["", "-oProxyCommand=evil", "a b"])
def test_bad_host(host: str) -> None:
    with pytest.raises(InputError, match="is not the name of a computer"):
        Place(Where.SSH, host).command()


def test_no_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="ssh was not found"):
        Place(Where.SSH, "host").command()
