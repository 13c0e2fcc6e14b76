"""The tab From a radiograph of X-ray Synthesis, driven as a user does: Apply, sliders, sweep, cancel, save."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer
from PIL import Image as Pillow
from xraysyn_scene import add_ct, everything, red, to_ras, turn

from InverseImagingLib.nodes import node_from_image, report_of
from XraySynLib.options import Picture, Projection

MATRIX = np.array([[-0.8, 0, 0, 50], [0, -0.9, 0, 40], [0, 0, 1, 5], [0, 0, 0, 1.0]])
KINDS = [*(picture.value for picture in Picture), "CT", "bone mask"]


def add_radiograph(name: str = "double", shape: tuple[int, ...] = (1, 60, 50)) -> Any:
    """A picture of noise; the scripted worker does what its name says."""
    values = np.random.default_rng(0).integers(0, 4095, shape).astype(np.uint16)
    node = slicer.util.addVolumeFromArray(values, name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(MATRIX))
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def value_of(node: Any) -> float:
    """What all pixels of a node are."""
    values = slicer.util.arrayFromVolume(node)
    assert values.min() == values.max()
    return float(values.max())


def rendering_of(node: Any) -> Any:
    return slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(node)


# Apply


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


def test_everything_lies_beside_the_radiograph(from_radiograph: Any, scene: Any, settled: Callable) -> None:
    source = add_radiograph()
    transform = turn(source)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient"), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(source), study)
    before = slicer.util.arrayFromVolume(source).copy()
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    p.inputVolume, p.azimuth, p.elevation, p.projection = source, 9.0, -4.0, Projection.AP
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    assert not any(button.enabled for button in (ui.inputsButton, ui.advancedButton, ui.viewsButton))
    settled(from_radiograph)

    nodes = {kind: slicer.util.getNode(f"double {kind} (synthesized)") for kind in KINDS}
    assert list(nodes.values()) == from_radiograph.panel.results()
    items = [hierarchy.GetItemByDataNode(node) for node in nodes.values()]
    folder = {hierarchy.GetItemParent(item) for item in items}
    assert [hierarchy.GetItemName(item) for item in folder] == ["double synthesis"]
    assert [hierarchy.GetItemParent(item) for item in folder] == [study]
    for kind, node in nodes.items():
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
        assert node.GetAttribute("InverseImaging.Picture") == kind
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
        assert node.GetTransformNodeID() == transform.GetID()
        settings = report_of(node)["settings"]
        assert (settings["azimuth"], settings["elevation"], settings["projection"]) == (9, -4, "ap")
        assert (settings["only"], settings["draft"]) == ("", False)
    np.testing.assert_allclose(to_ras(nodes["suppressed"]), MATRIX)
    np.testing.assert_allclose(to_ras(nodes["CT"]), np.diag([60, 70, 80, 1.0]))
    assert nodes["CT"].GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"
    assert nodes["bone mask"].GetClassName() == "vtkMRMLLabelMapVolumeNode"
    assert value_of(nodes["view"]) == pytest.approx(0.09)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)

    displays = {kind: nodes[kind].GetDisplayNode() for kind in KINDS}
    windows = {
        kind: (d.GetWindowLevelMin(), d.GetWindowLevelMax()) for kind, d in displays.items() if kind in KINDS[:7]
    }
    value = value_of(nodes["bone map"])
    assert windows["view"] == windows["suppressed"] == (0, 1)
    assert windows["bone map"] == pytest.approx((0, value), abs=1e-5)
    high = value_of(nodes["residual"])
    assert windows["residual"] == pytest.approx((-high, high), abs=1e-5)
    assert displays["uncertainty"].GetColorNode().GetName() == "PET-Heat"
    assert displays["view"].GetColorNode().GetName() == "Grey"

    assert "gives the radiograph back at 36.5 dB" in ui.qualityLabel.text
    assert "This is a test." in ui.qualityLabel.text
    assert "azimuth: 9" in ui.reportText.plainText
    rendering = rendering_of(nodes["CT"])
    assert rendering.GetVisibility()
    ui.volumeCheckBox.click()
    assert not rendering.GetVisibility()
    ui.volumeCheckBox.click()
    assert rendering.GetVisibility()


def test_after_apply_the_view_follows_the_sliders(from_radiograph: Any, scene: Any, settled: Callable) -> None:
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    p.inputVolume = add_radiograph()
    ui.applyButton.click()
    settled(from_radiograph)
    assert p.livePreview
    results = from_radiograph.panel.results()
    reports = []
    show = from_radiograph.panel._preview.show

    def keep(result: Any, options: Any, source: Any) -> None:
        reports.append(result.report)
        show(result, options, source)

    from_radiograph.panel._preview.show = keep
    ui.azimuthSlider.value = 12
    settled(from_radiograph)
    preview, pose = red()
    assert preview.GetName() == "View from this angle (synthesized, preview)"
    assert preview.GetHideFromEditors()
    assert not preview.GetSaveWithScene()
    assert value_of(preview) == pytest.approx(0.12)
    assert [report["settings"]["draft"] for report in reports] == [True, False]
    assert all(report["same"] and report["settings"]["only"] == "view" for report in reports)
    np.testing.assert_allclose(to_ras(preview), MATRIX)
    np.testing.assert_allclose(pose[:3, 0], [-1, 0, 0], atol=1e-9)
    ui.shownComboBox.currentIndex = 4
    ui.strengthSlider.value = 0.5
    settled(from_radiograph)
    assert red()[0].GetName() == "Uncertainty (synthesized, preview)"
    assert red()[0].GetDisplayNode().GetColorNode().GetName() == "PET-Heat"
    assert reports[-1]["settings"]["strength"] == 0.5
    assert from_radiograph.panel.results() == results, "only Apply makes results"
    assert value_of(results[0]) == 0

    ui.resetButton.click()
    assert (p.azimuth, p.elevation) == (0, 0)
    from_radiograph.exit()
    assert red()[0] is results[0], "without the preview, the view of Apply"
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]


def test_without_live_view_the_results_are_shown(from_radiograph: Any, settled: Callable) -> None:
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    p.inputVolume = add_radiograph()
    ui.applyButton.click()
    settled(from_radiograph)
    ui.livePreviewCheckBox.click()
    results = from_radiograph.panel.results()
    for number in (1, 3, 0):
        ui.shownComboBox.currentIndex = number
        assert red()[0] is results[number]
    slicer.mrmlScene.RemoveNode(results[1])
    ui.shownComboBox.currentIndex = 1
    assert red()[0] is results[0]


def test_side_by_side(from_radiograph: Any, settled: Callable) -> None:
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    source = p.inputVolume = add_radiograph()
    ui.applyButton.click()
    settled(from_radiograph)
    ui.sideBySideButton.click()
    manager = slicer.app.layoutManager()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    yellow = manager.sliceWidget("Yellow")
    assert yellow.mrmlSliceCompositeNode().GetBackgroundVolumeID() == source.GetID()
    poses = [
        slicer.util.arrayFromVTKMatrix(manager.sliceWidget(name).mrmlSliceNode().GetSliceToRAS())[:3, :3]
        for name in ("Red", "Yellow")
    ]
    np.testing.assert_allclose(*poses, atol=1e-9)
    ui.azimuthSlider.value = -7
    settled(from_radiograph)
    assert value_of(red()[0]) == pytest.approx(-0.07), "the red view still follows"
    ui.livePreviewCheckBox.click()
    ui.sideBySideButton.click()
    assert red()[0] is from_radiograph.panel.results()[0]


# Sweep


def test_a_sweep_becomes_a_sequence_and_an_animation(
    from_radiograph: Any, settled: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    p.inputVolume, p.sweepFrom, p.sweepTo, p.sweepCount = add_radiograph(shape=(1, 80, 90)), 3.0, 12.0, 4
    ui.sweepButton.click()
    settled(from_radiograph)
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    assert slicer.modules.sequences.activeBrowserNode is browser
    view = from_radiograph.panel.results()[0]
    sequence = browser.GetSequenceNode(view)
    assert [sequence.GetNthIndexValue(number) for number in range(4)] == ["3", "6", "9", "12"]
    assert red()[0] is view
    for number, value in enumerate((0.03, 0.06, 0.09, 0.12)):
        browser.SetSelectedItemNumber(number)
        assert value_of(view) == pytest.approx(value)
    assert not p.livePreview, "the browser turns the view"

    path = tmp_path / "turn.gif"
    chosen = ["", str(tmp_path / "none" / "turn.gif"), str(path)]
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: chosen.pop(0))
    said = ui.statusLabel.text
    ui.animationButton.click()
    assert ui.statusLabel.text == said, "nothing was chosen"
    ui.animationButton.click()
    assert "There is no folder" in ui.statusLabel.text
    ui.animationButton.click()
    assert ui.statusLabel.text == f"Animation written to {path}."
    with Pillow.open(path) as gif:
        assert gif.n_frames == 6
        assert gif.size == (90, 80)
    ui.applyButton.click()
    settled(from_radiograph)
    assert not ui.animationButton.enabled
    assert p.livePreview


# Cancel and failures


def test_cancel_leaves_the_scene_as_it_was(
    from_radiograph: Any, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    ui = from_radiograph.ui
    from_radiograph.panel.parameters.inputVolume = add_radiograph("slow")
    before = everything(scene)
    for button in (ui.applyButton, ui.sweepButton):
        button.click()
        wait_until(lambda: "step 4" in ui.statusLabel.text, 30)
        ui.applyButton.click()
        settled(from_radiograph, 5)
        assert everything(scene) == before
        assert ui.statusLabel.text == "Cancelled; the scene is as it was."


@pytest.mark.parametrize(("name", "words"), [("refuse", "'refuse' is refused"), ("crash", "ended unexpectedly")])
def test_a_failed_run_says_so(from_radiograph: Any, scene: Any, settled: Callable, name: str, words: str) -> None:
    from_radiograph.panel.parameters.inputVolume = add_radiograph(name)
    before = everything(scene)
    from_radiograph.ui.applyButton.click()
    settled(from_radiograph)
    assert words in from_radiograph.ui.statusLabel.text
    assert everything(scene) == before
    assert not from_radiograph.panel.parameters.livePreview


def test_closing_the_scene_while_it_runs(
    from_radiograph: Any, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    ui = from_radiograph.ui
    from_radiograph.panel.parameters.inputVolume = add_radiograph("slow")
    ui.applyButton.click()
    wait_until(lambda: "step 2" in ui.statusLabel.text, 30)
    scene.Clear(0)
    assert ui.statusLabel.text == "Select a radiograph."
    assert not from_radiograph.panel._runner.isRunning
    from_radiograph.panel.parameters.inputVolume = add_radiograph()
    ui.applyButton.click()
    settled(from_radiograph)
    assert len(from_radiograph.panel.results()) == len(KINDS)
    scene.Clear(0)
    assert not from_radiograph.panel.isPreviewing
    assert from_radiograph.panel.results() == []
    assert ui.resultsButton.collapsed


def test_a_module_that_was_left_shows_nothing_when_it_finishes(
    from_radiograph: Any, scene: Any, wait_until: Callable
) -> None:
    source = from_radiograph.panel.parameters.inputVolume = add_radiograph("steady")
    from_radiograph.ui.applyButton.click()
    from_radiograph.exit()
    wait_until(lambda: from_radiograph.panel.results(), 30)
    assert red()[0] is source
    assert rendering_of(from_radiograph.panel.results()[6]) is None
    from_radiograph.enter()
    assert rendering_of(from_radiograph.panel.results()[6]).GetVisibility()


# Choices


def test_own_weights_and_a_crop_are_chosen(from_radiograph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import qt

    from InverseImagingLib.xray.intake import Crop

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
    used = []
    for instances in ("", "1.2.3 1.2.4", "1.2.5"):
        source.SetAttribute("DICOM.instanceUIDs", instances)
        used.append(logic.request(p).options.projection)
    assert used == [Projection.PA, Projection.AP, Projection.PA]
    source.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    p.projection = Projection.PA
    assert logic.request(p).options.projection is Projection.PA


def test_save_and_restore_every_choice(from_radiograph: Any, scene: Any, settled: Callable, tmp_path: Path) -> None:
    from InverseImagingLib.device import Device
    from InverseImagingLib.xray.intake import Crop, Invert

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
    assert json.loads(ct.GetAttribute("InverseImaging.Report"))["settings"]["gamma"] == 1.2
    from_radiograph.enter()
    p = from_radiograph.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "double"
    settled(from_radiograph)
    assert red()[0].GetName() == "Bone map (synthesized, preview)"
    p.livePreview = False
    assert red()[0].GetName() == "double bone map (synthesized)"


def test_only_the_tab_that_is_open_does_something(from_radiograph: Any, scene: Any, open_panel: Callable) -> None:
    widget = open_panel("XraySyn")
    ct, picture = add_ct("scan"), add_radiograph("picture")
    widget.exit()
    widget.enter()
    assert widget.fromRadiograph.panel.parameters.inputVolume is picture
    assert widget.fromCT.panel.parameters is None
    widget.sections.show(widget.fromCT)
    assert widget.fromRadiograph.panel.parameters is None
    assert widget.fromCT.panel.parameters.inputVolume is ct
    scene.Clear(0)
    assert widget.fromRadiograph.panel.parameters is None
    assert widget.fromCT.panel.parameters.inputVolume is None
    widget.exit()
    widget.sections.show(widget.fromRadiograph)
    assert widget.fromRadiograph.panel.parameters is None
    scene.Clear(0)
    widget.enter()
    assert widget.fromRadiograph.panel.parameters.inputVolume is None
    assert widget.fromCT.panel.parameters is None


# The real worker


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
