"""The demonstration writes pictures, volumes, reports, and scenes that open with everything in place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from InverseImagingLib import image as images
from InverseImagingLib.compute import library_folders
from InverseImagingLib.errors import InputError
from InverseImagingLib.models import find_weights

DEMO = Path(__file__).parents[1] / "demo.py"


def has_weights() -> bool:
    try:
        find_weights("CT2RGB", "body")
    except InputError:
        return False
    return True


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

    open_scene(scene, out / "restoration.mrb", tmp_path)
    for task in tasks:
        source, result = (slicer.util.getNode(f"{task} {name}") for name in ("input", "instant result (derived)"))
        assert result.GetNodeReference("InverseImaging.SourceVolume") is source
        assert (result.GetDisplayNode().GetWindowLevelMin(), result.GetDisplayNode().GetWindowLevelMax()) == (-160, 240)
    assert shown(scene) == {"Red": "restore input", "Yellow": "restore instant result (derived)"}

    assert (out / "radiographs.png").stat().st_size > 50_000
    for body in ("chest", "head"):
        for view in ("pa", "oblique", "lateral"):
            picture = images.read(out / f"{body}-{view}.png").array
            bone = images.read(out / f"{body}-{view}-bone-map.nrrd").array
            assert picture.shape == bone.shape == (1, 512, 512)
            assert picture[bone > 1].mean() > 2 * picture[bone == 0].mean()
    open_scene(scene, out / "radiographs.mrb", tmp_path)
    picture = slicer.util.getNode("head lateral radiograph (derived)")
    assert picture.GetNodeReference("InverseImaging.SourceVolume") is slicer.util.getNode("head")
    assert shown(scene) == {"Red": "chest", "Yellow": "chest PA radiograph (derived)"}

    assert (out / "synthesis.png").stat().st_size > 50_000
    given = images.read(out / "synthesis-view-5.nrrd").array  # the middle one is the radiograph itself
    for name in ("synthesis-suppressed", "synthesis-view-1"):
        picture = images.read(out / f"{name}.nrrd").array
        assert picture.shape == given.shape
        assert not np.allclose(picture, given, atol=0.02)
    assert json.loads((out / "synthesis-report.json").read_text())["reprojection PSNR"] > 35
    with Picture.open(out / "synthesis.gif") as animation:
        assert animation.n_frames == 16  # 9 views to and fro
    open_scene(scene, out / "synthesis.mrb", tmp_path)
    assert shown(scene) == {"Red": "radiograph", "Yellow": "view 9 (synthesized)"}
    assert (
        slicer.util.getNode("CT (synthesized)").GetNodeReference("InverseImaging.SourceVolume").GetName()
        == "radiograph"
    )

    assert (out / "tomography.png").stat().st_size > 50_000
    volume, uncertainty = (images.read(out / f"tomography-{name}.nrrd").array for name in ("volume", "uncertainty"))
    assert volume.shape == (256, 128, 256)
    assert uncertainty.min() >= 0
    assert json.loads((out / "tomography-report.json").read_text())["reprojection PSNR"] > 60
    with Picture.open(out / "tomography.gif") as animation:
        assert animation.n_frames == 36
    open_scene(scene, out / "tomography.mrb", tmp_path)
    assert shown(scene) == {"Red": "radiograph", "Yellow": "volume (estimate)"}

    assert (out / "colors.png").stat().st_size > 50_000
    palette, model = (images.read(out / f"colors-{tier}.nrrd").array for tier in ("palette", "model"))
    assert palette.shape == model.shape == (90, 66, 96, 3)
    tier = json.loads((out / "colors-model-report.json").read_text())["tier"]
    assert tier == ("model" if has_weights() else "palette")
    assert (np.abs(palette.astype(int) - model).mean() > 1) == (tier == "model")
    assert (out / "colors.glb").read_bytes().startswith(b"glTF")
    open_scene(scene, out / "colors.mrb", tmp_path)
    assert shown(scene) == {"Red": "chest", "Yellow": "chest colors (illustrative)"}
    assert slicer.util.getNode("chest colors in 3D (illustrative)").GetImageData().GetNumberOfScalarComponents() == 4

    assert (out / "films.png").stat().st_size > 50_000
    volume, valid = (images.read(out / f"film-{name}.nrrd").array for name in ("volume", "valid"))
    assert len(volume) == 12
    assert volume[valid > 0].min() >= -160
    assert volume[valid > 0].max() <= 240
    assert np.quantile(volume[valid > 0], 0.75) == pytest.approx(
        50, abs=45
    )  # soft tissue, by a light that has to be guessed
    assert json.loads((out / "film-report.json").read_text())["slices"]["layout"] == "4x3"
    open_scene(scene, out / "films.mrb", tmp_path)
    assert shown(scene) == {"Red": "film photo film (derived)", "Yellow": "film photo volume (derived)"}


def open_scene(scene: Any, path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as bundle:
        bundle.extractall(folder)
    scene.SetURL(str(folder / path.stem / f"{path.stem}.mrml"))
    scene.Connect()


def shown(scene: Any) -> dict[str, str]:
    """The background volume of each slice view."""
    import slicer

    return {
        view.GetLayoutName(): scene.GetNodeByID(view.GetBackgroundVolumeID()).GetName()
        for view in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if view.GetBackgroundVolumeID()
    }
