"""The demonstration writes a picture, volumes, reports, and a scene that opens with everything in place."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from InverseImagingLib import image as images
from InverseImagingLib.compute import library_folders

DEMO = Path(__file__).parents[1] / "demo.py"


def test_demo(scene: Any, tmp_path: Path) -> None:
    import slicer

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(library_folders())}
    command = [sys.executable, str(DEMO), "--instant", "--out", "demo"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "demo"
    tasks = ("denoise", "super-resolution", "inpaint", "restore")
    for task in tasks:
        assert images.read(out / f"{task}-instant-result.nrrd").array.shape == (1, 128, 128)
        assert (out / f"{task}-instant-report.json").is_file()
    assert (out / "contact-sheet.png").stat().st_size > 50_000

    with zipfile.ZipFile(out / "restoration.mrb") as bundle:
        bundle.extractall(tmp_path)
    scene.SetURL(str(tmp_path / "restoration" / "restoration.mrml"))
    scene.Connect()
    for task in tasks:
        source, result = (slicer.util.getNode(f"{task} {name}") for name in ("input", "instant result (derived)"))
        assert result.GetNodeReference("InverseImaging.SourceVolume") is source
        assert (result.GetDisplayNode().GetWindowLevelMin(), result.GetDisplayNode().GetWindowLevelMax()) == (-160, 240)
    shown = {
        view.GetLayoutName(): scene.GetNodeByID(view.GetBackgroundVolumeID()).GetName()
        for view in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if view.GetBackgroundVolumeID()
    }
    assert shown == {"Red": "restore input", "Yellow": "restore instant result (derived)"}
