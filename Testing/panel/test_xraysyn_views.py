"""What X-ray Synthesis makes of a radiograph: where it lies, what the views show of it, sweeps and animations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from PIL import Image as Pillow
from xraysyn_scene import (
    KINDS,
    PLANE,
    add_radiograph,
    folder_of,
    put_in_study,
    red,
    rendering_of,
    reports_of_previews,
    turn,
    value_of,
    window_of,
)

from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.nodes import report_of
from XraySynLib.options import Projection


@pytest.fixture
def applied(from_radiograph: Any, settled: Callable) -> Any:
    """The tab From a radiograph after Apply."""
    from_radiograph.panel.parameters.inputVolume = add_radiograph()
    from_radiograph.ui.applyButton.click()
    settled(from_radiograph)
    return from_radiograph


def test_everything_lies_beside_the_radiograph(from_radiograph: Any, settled: Callable) -> None:
    source = add_radiograph()
    transform = turn(source)
    study = put_in_study(source)
    before = slicer.util.arrayFromVolume(source).copy()
    ui, p = from_radiograph.ui, from_radiograph.panel.parameters
    p.inputVolume, p.azimuth, p.elevation, p.projection = source, 9.0, -4.0, Projection.AP
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    assert not any(button.enabled for button in (ui.inputsButton, ui.advancedButton, ui.viewsButton))
    settled(from_radiograph)

    nodes = {kind: slicer.util.getNode(f"double {kind} (synthesized)") for kind in KINDS}
    assert list(nodes.values()) == from_radiograph.panel.results()
    assert folder_of(nodes.values()) == ("double synthesis", study)
    for kind, node in nodes.items():
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
        assert node.GetAttribute("InverseImaging.Picture") == kind
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
        assert node.GetTransformNodeID() == transform.GetID()
        settings = report_of(node)["settings"]
        assert (settings["azimuth"], settings["elevation"], settings["projection"]) == (9, -4, "ap")
        assert (settings["only"], settings["draft"]) == ("", False)
    np.testing.assert_allclose(to_ras(nodes["suppressed"]), PLANE)
    np.testing.assert_allclose(to_ras(nodes["CT"]), np.diag([60, 70, 80, 1.0]))
    assert nodes["CT"].GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"
    assert nodes["bone mask"].GetClassName() == "vtkMRMLLabelMapVolumeNode"
    assert value_of(nodes["view"]) == pytest.approx(0.09)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)

    most, high = value_of(nodes["bone map"]), value_of(nodes["residual"])
    for kind, window in (
        ("view", (0, 1)),
        ("suppressed", (0, 1)),
        ("bone map", (0, most)),
        ("residual", (-high, high)),
    ):
        assert window_of(nodes[kind]) == pytest.approx(window, abs=1e-5)
    for kind, colors in (("view", "Grey"), ("uncertainty", "PET-Heat")):
        assert nodes[kind].GetDisplayNode().GetColorNode().GetName() == colors

    assert "gives the radiograph back at 36.5 dB" in ui.qualityLabel.text
    assert "This is a test." in ui.qualityLabel.text
    assert "azimuth: 9" in ui.reportText.plainText
    rendering = rendering_of(nodes["CT"])
    assert rendering.GetVisibility()
    ui.volumeCheckBox.click()
    assert not rendering.GetVisibility()
    ui.volumeCheckBox.click()
    assert rendering.GetVisibility()


def test_after_apply_the_view_follows_the_sliders(applied: Any, settled: Callable) -> None:
    ui, p = applied.ui, applied.panel.parameters
    assert p.livePreview
    results = applied.panel.results()
    reports = reports_of_previews(applied)
    ui.azimuthSlider.value = 12
    settled(applied)
    preview, pose = red()
    assert preview.GetName() == "View from this angle (synthesized, preview)"
    assert preview.GetHideFromEditors()
    assert not preview.GetSaveWithScene()
    assert value_of(preview) == pytest.approx(0.12)
    assert [report["settings"]["draft"] for report in reports] == [True, False]
    assert all(report["same"] and report["settings"]["only"] == "view" for report in reports)
    np.testing.assert_allclose(to_ras(preview), PLANE)
    np.testing.assert_allclose(pose[:3, 0], [-1, 0, 0], atol=1e-9)
    ui.shownComboBox.currentIndex = 4
    ui.strengthSlider.value = 0.5
    settled(applied)
    assert red()[0].GetName() == "Uncertainty (synthesized, preview)"
    assert red()[0].GetDisplayNode().GetColorNode().GetName() == "PET-Heat"
    assert reports[-1]["settings"]["strength"] == 0.5
    assert applied.panel.results() == results, "only Apply makes results"
    assert value_of(results[0]) == 0

    ui.resetButton.click()
    assert (p.azimuth, p.elevation) == (0, 0)
    applied.exit()
    assert red()[0] is results[0], "without the preview, the view of Apply"
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]


def test_side_by_side_with_and_without_live_view(applied: Any, settled: Callable) -> None:
    ui, source, results = applied.ui, applied.panel.parameters.inputVolume, applied.panel.results()
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
    settled(applied)
    assert value_of(red()[0]) == pytest.approx(-0.07), "the red view still follows"
    ui.livePreviewCheckBox.click()
    ui.sideBySideButton.click()
    for number in (0, 1, 3, 0):
        ui.shownComboBox.currentIndex = number
        assert red()[0] is results[number]
    slicer.mrmlScene.RemoveNode(results[1])
    ui.shownComboBox.currentIndex = 1
    assert red()[0] is results[0], "what is gone is not shown"


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
