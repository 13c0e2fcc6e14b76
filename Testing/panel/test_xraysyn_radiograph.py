"""The tab From a radiograph of X-ray Synthesis: what can be chosen, and what goes with a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
from xraysyn_scene import KINDS, add_ct, add_radiograph, red, value_of

from InverseImagingLib.device import Device
from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.nodes import node_from_image, report_of
from InverseImagingLib.xray.intake import Crop, Invert
from XraySynLib.options import Picture, Projection


def test_buttons_are_off_with_a_reason(from_radiograph: Any, scene: Any) -> None:
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    buttons = (ui.applyButton, ui.sweepButton)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    mask = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mask")
    slicer.util.updateVolumeFromArray(mask, np.ones((1, 50, 50), np.uint8))
    for volume, words in (
        (None, "Select a radiograph."),
        (empty, "'nothing' is empty; load an image into it."),
        (mask, "'mask' is a label map; select a radiograph."),
        (add_ct("scan"), "'scan' is a volume of 20 slices; select a radiograph, or simulate one in the tab From a CT."),
    ):
        p.inputVolume = volume
        assert ui.statusLabel.text == words
        assert not any(button.enabled for button in buttons)
        assert all(button.toolTip == words for button in buttons)
        assert not ui.sideBySideButton.enabled
    p.inputVolume = add_radiograph()
    assert all(button.enabled for button in (*buttons, ui.sideBySideButton))
    assert ui.statusLabel.text == ""
    assert not ui.animationButton.enabled
    assert "For research only" in ui.remarkLabel.text


def test_own_weights_and_a_crop_are_chosen(from_radiograph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import qt

    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    chosen = ["", "own.safetensors"]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: chosen.pop(0))
    for wanted in ("", "own.safetensors"):
        ui.weightsButton.click()
        assert p.weights == ui.weightsLineEdit.text == wanted
    assert not ui.cropRowsWidget.enabled
    p.crop = Crop.MANUAL
    assert ui.cropRowsWidget.enabled
    p.inputVolume = add_radiograph()
    ui.cropTopSpinBox.value = 12
    assert from_radiograph.logic.request(p).options.intake().crop_top == 12


def test_the_header_in_slicers_database_decides_the_projection(
    from_radiograph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {("1.2.3", "0018,5101"): "AP"}
    database = SimpleNamespace(instanceValue=lambda uid, tag: known.get((uid, tag), ""))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    logic, p = from_radiograph.logic, from_radiograph.panel.parameters
    source = p.inputVolume = add_radiograph()
    assert p.projection is Projection.AUTO
    for instances, used in (("", Projection.PA), ("1.2.5", Projection.PA), ("1.2.3 1.2.4", Projection.AP)):
        source.SetAttribute("DICOM.instanceUIDs", instances)
        assert logic.request(p).options.projection is used
    p.projection = Projection.PA
    assert logic.request(p).options.projection is Projection.PA


def test_save_and_restore_every_choice(from_radiograph: Any, scene: Any, settled: Callable, tmp_path: Path) -> None:
    choices = {
        "projection": Projection.AP,
        "azimuth": -9.0,
        "elevation": 5.0,
        "strength": 0.5,
        "field": 350.0,
        "gamma": 1.2,
        "crop": Crop.MANUAL,
        "crop_top": 1.0,
        "crop_bottom": 2.0,
        "crop_left": 3.0,
        "crop_right": 4.0,
        "invert": Invert.NO,
        "tries": 2,
        "weights": "own.safetensors",
        "device": Device.CPU,
        "shown": Picture.BONE_MAP,
        "showVolume": False,
        "sweepFrom": -3.0,
        "sweepTo": 3.0,
        "sweepCount": 3,
        "livePreview": True,
    }
    p = from_radiograph.panel.parameters
    p.inputVolume = add_radiograph()
    for name, value in choices.items():
        setattr(p, name, value)
    settled(from_radiograph)
    from_radiograph.ui.applyButton.click()
    settled(from_radiograph)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    from_radiograph.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]
    mask, ct = (slicer.util.getNode(f"double {kind} (synthesized)") for kind in ("bone mask", "CT"))
    assert value_of(mask) == 1
    np.testing.assert_allclose(to_ras(ct), np.diag([60, 70, 80, 1.0]))
    assert report_of(ct)["settings"]["gamma"] == 1.2
    from_radiograph.enter()
    p = from_radiograph.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "double"
    settled(from_radiograph)
    assert red()[0].GetName() == "Bone map (synthesized, preview)"
    p.livePreview = False
    assert red()[0].GetName() == "double bone map (synthesized)"


@pytest.mark.slow
def test_a_simulated_radiograph_with_the_real_worker(
    scene: Any, open_panel: Callable, settled: Callable, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    from InverseImagingLib.image import Image, Meaning
    from InverseImagingLib.xray.options import RadiographOptions
    from InverseImagingLib.xray.phantoms import Anatomy, phantom
    from InverseImagingLib.xray.radiograph import radiograph
    from XraySynLib.networks import DepthNet

    picture = radiograph(phantom(Anatomy.THORAX, 64, 3), RadiographOptions(width=150, height=150)).images["radiograph"]
    colors = np.repeat((picture.array // 16).astype(np.uint8)[..., None], 3, axis=-1)
    source = node_from_image(Image(colors, np.diag([-1, -1, 1, 1.0]), Meaning.RGB, "chest"), "chest")
    section = open_panel("XraySyn").fromRadiograph
    section.enter()
    ui, p = section.ui, section.panel.parameters
    assert p.inputVolume is source, "an RGB picture will do"
    p.tries, p.weights = 2, str(tmp_path / "none.safetensors")

    def applied() -> str:
        ui.applyButton.click()
        settled(section, 120)
        return ui.statusLabel.text

    assert "none.safetensors' cannot be read" in applied()
    p.weights = str(tmp_path / "own.safetensors")
    save_file(DepthNet().state_dict(), p.weights)
    before = slicer.util.arrayFromVolume(source).copy()
    applied()
    results = dict(zip(KINDS, section.panel.results(), strict=True))
    assert report_of(results["view"])["reprojection PSNR"] > 35
    assert results["view"].GetImageData().GetDimensions()[2] == 1
    assert slicer.util.arrayFromVolume(results["CT"]).shape == (128, 64, 128)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
    straight = slicer.util.arrayFromVolume(red()[0]).copy()
    ui.azimuthSlider.value = 9
    settled(section, 60)
    assert np.abs(slicer.util.arrayFromVolume(red()[0]) - straight).max() > 0.02
