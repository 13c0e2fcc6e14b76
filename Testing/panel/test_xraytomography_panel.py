"""The panel of X-ray Tomography: what can be chosen, runs that are cancelled or fail, and what goes with a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
from xraysyn_scene import add_ct, add_radiograph, everything, red, rendering_of

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.nodes import report_of
from InverseImagingLib.xray.intake import Crop, Invert
from XrayTomographyLib.intake import Background, Tone
from XrayTomographyLib.options import Facing, Picture
from XrayTomographyLib.transfer import Colors


def test_buttons_are_off_with_a_reason(tomography: Any, scene: Any) -> None:
    ui, p = tomography.ui, tomography.panel.parameters
    buttons = (ui.applyButton, ui.sideBySideButton, ui.keepButton, ui.turntableButton, ui.wiggleButton)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    mask = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mask")
    slicer.util.updateVolumeFromArray(mask, np.ones((1, 50, 50), np.uint8))
    for volume, words in (
        (None, "Select a radiograph."),
        (empty, "'nothing' is empty; load an image into it."),
        (mask, "'mask' is a label map; select a radiograph."),
        (add_ct("scan"), "'scan' has 20 slices; select a radiograph, which has one."),
    ):
        p.inputVolume = volume
        assert ui.statusLabel.text == ui.applyButton.toolTip == words
        assert not any(button.enabled for button in buttons)
    p.inputVolume = add_radiograph()
    assert all(button.enabled for button in buttons)
    assert ui.statusLabel.text == ""
    assert not ui.animationButton.enabled
    assert not ui.surfaceButton.enabled
    assert not ui.dicomButton.enabled
    assert "guess" in ui.remarkLabel.text
    assert "For research only" in ui.remarkLabel.text


def test_a_radiograph_is_found_and_nothing_else(tomography: Any, scene: Any) -> None:
    tomography.exit()
    add_ct("scan")
    source = add_radiograph()
    tomography.enter()
    assert tomography.panel.parameters.inputVolume is source


def test_how_the_radiograph_is_made_ready_is_chosen(tomography: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import qt

    ui, p = tomography.ui, tomography.panel.parameters
    p.inputVolume = add_radiograph()
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: "own.safetensors")
    ui.weightsButton.click()
    assert p.weights == "own.safetensors"
    assert not any(widget.enabled for widget in (ui.cropRowsWidget, ui.cropColumnsWidget, ui.airSpinBox))
    p.crop, p.background = Crop.MANUAL, Background.MANUAL
    assert all(widget.enabled for widget in (ui.cropRowsWidget, ui.cropColumnsWidget, ui.airSpinBox))
    ui.cropTopSpinBox.value, ui.airSpinBox.value, ui.densestSpinBox.value = 12, 7.5, 0.99
    intake = tomography.logic.request(p).options.intake()
    assert (intake.crop_top, intake.air, intake.densest) == (12, 7.5, 0.99)


def test_the_header_in_slicers_database_decides_the_side(tomography: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {("1.2.3", "0018,5101"): "LL"}
    database = SimpleNamespace(instanceValue=lambda uid, tag: known.get((uid, tag), ""))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    logic, p = tomography.logic, tomography.panel.parameters
    source = p.inputVolume = add_radiograph()
    for instances, used in (("", Facing.FRONT), ("1.2.5", Facing.FRONT), ("1.2.3 1.2.4", Facing.LEFT)):
        source.SetAttribute("DICOM.instanceUIDs", instances)
        assert logic.request(p).options.facing is used
    p.facing = Facing.BACK
    assert logic.request(p).options.facing is Facing.BACK


def test_cancel_leaves_the_scene_as_it_was(
    tomography: Any, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    ui = tomography.ui
    tomography.panel.parameters.inputVolume = add_radiograph("slow")
    before = everything(scene)
    for button in (ui.applyButton, ui.keepButton, ui.turntableButton, ui.wiggleButton):
        button.click()
        assert ui.applyButton.text == "Cancel"
        locked = (ui.inputsButton, ui.advancedButton, ui.volumeButton, ui.viewsButton)
        assert not any(part.enabled for part in locked)
        wait_until(lambda: "step 4" in ui.statusLabel.text, 30)
        ui.applyButton.click()
        settled(tomography, 5)
        assert everything(scene) == before
        assert ui.statusLabel.text == "Cancelled; the scene is as it was."


def test_a_failed_run_says_so(tomography: Any, scene: Any, settled: Callable) -> None:
    for name, words in (("refuse", "'refuse' is refused"), ("crash", "ended unexpectedly")):
        tomography.panel.parameters.inputVolume = add_radiograph(name)
        before = everything(scene)
        tomography.ui.applyButton.click()
        settled(tomography)
        assert words in tomography.ui.statusLabel.text
        assert everything(scene) == before
        assert not tomography.panel.parameters.livePreview


def test_without_weights_it_says_how_to_get_them(
    tomography: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("InverseImagingLib.models.shipped_folder", lambda method: tmp_path / method)
    monkeypatch.setenv("INVERSE_IMAGING_MODELS", str(tmp_path / "users"))
    with pytest.raises(InputError, match="no weights 'volume' for X-ray Tomography; import a bundle that has them"):
        tomography.logic.process(add_radiograph())


def test_closing_the_scene_ends_runs_and_previews(
    tomography: Any, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    tomography.panel.parameters.inputVolume = add_radiograph("slow")
    tomography.ui.applyButton.click()
    wait_until(lambda: "step 2" in tomography.ui.statusLabel.text, 30)
    scene.Clear(0)
    assert tomography.ui.statusLabel.text == "Select a radiograph."
    assert not tomography.panel._runner.isRunning
    tomography.panel.parameters.inputVolume = add_radiograph()
    tomography.ui.applyButton.click()
    settled(tomography)
    assert tomography.panel.isPreviewing
    scene.Clear(0)
    assert not tomography.panel.isPreviewing
    assert tomography.panel.results() == []
    assert not tomography.ui.surfaceButton.enabled


def test_save_and_restore_every_choice(tomography: Any, scene: Any, settled: Callable, tmp_path: Path) -> None:
    choices = {
        "facing": Facing.LEFT,
        "field": 250.0,
        "crop": Crop.MANUAL,
        "crop_top": 1.0,
        "crop_bottom": 2.0,
        "crop_left": 3.0,
        "crop_right": 4.0,
        "invert": Invert.NO,
        "low": 1.0,
        "high": 99.0,
        "gamma": 1.2,
        "background": Background.MANUAL,
        "air": 6.0,
        "tone": Tone.LINEAR,
        "densest": 0.95,
        "size": 256,
        "beta": 3.0,
        "weights": "own.safetensors",
        "device": Device.CPU,
        "colors": Colors.ICE,
        "level": 0.2,
        "azimuth": 30.0,
        "elevation": -10.0,
        "parallax": 6.0,
        "shown": Picture.OPACITY,
        "showVolume": True,
        "cutAway": True,
        "livePreview": True,
    }
    p = tomography.panel.parameters
    p.inputVolume = add_radiograph()
    for name, value in choices.items():
        setattr(p, name, value)
    settled(tomography)
    tomography.ui.applyButton.click()
    settled(tomography)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    tomography.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]
    volume = slicer.util.getNode("double volume (estimate)")
    assert report_of(volume)["settings"]["gamma"] == 1.2
    tomography.enter()
    p = tomography.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "double"
    settled(tomography)
    assert red()[0].GetName() == "Opacity (estimate, preview)"
    p.livePreview = False
    rendering = rendering_of(volume)
    assert rendering.GetVisibility()
    assert rendering.GetCroppingEnabled()
    tomography.ui.cutAwayCheckBox.click()
    assert not rendering.GetCroppingEnabled(), "what was restored is still in hand"
    tomography.ui.surfaceButton.click()
    assert slicer.util.getNode("double volume (estimate) surface at 0.2")


@pytest.mark.slow
def test_the_sample_with_the_real_worker(scene: Any, open_panel: Callable, settled: Callable, tmp_path: Path) -> None:
    import SampleData
    from safetensors.torch import save_file

    from XrayTomographyLib.networks import VolumeNet

    section = open_panel("XrayTomography").section
    ui, p = section.ui, section.panel.parameters
    source = p.inputVolume = SampleData.downloadSample("X-ray Tomography skull radiograph")
    p.size, p.weights = 96, str(tmp_path / "none.safetensors")

    def applied() -> str:
        ui.applyButton.click()
        settled(section, 120)
        return ui.statusLabel.text

    assert "none.safetensors' cannot be read" in applied()
    p.weights = str(tmp_path / "own.safetensors")
    save_file(VolumeNet().state_dict(), p.weights)
    before = slicer.util.arrayFromVolume(source).copy()
    applied()
    volume, uncertainty, residual, opacity = section.panel.results()
    assert report_of(volume)["reprojection PSNR"] > 60
    assert slicer.util.arrayFromVolume(volume).shape[1:] == (128, 96)
    assert slicer.util.arrayFromVolume(uncertainty).min() >= 0
    assert np.abs(slicer.util.arrayFromVolume(residual)).max() < 1e-3
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
    straight = slicer.util.arrayFromVolume(red()[0]).copy()
    shown = slicer.util.arrayFromVolume(opacity)
    assert straight[0].sum() == pytest.approx(float(shown.sum()), rel=0.02), "from the front it is the radiograph"
    ui.azimuthSlider.value = 60
    settled(section, 60)
    assert np.abs(slicer.util.arrayFromVolume(red()[0]) - straight).max() > 0.1
    ui.wiggleButton.click()
    settled(section, 120)
    sequence = section.panel.results()[2]
    assert sequence.GetNumberOfDataNodes() == 5
    assert ui.animationButton.enabled
