"""The panel CT Restoration, driven as a user does: select, Apply, watch, compare, cancel, save, close."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_job import ScriptedPlace, isAlive

MATRIX = np.array([[-1.5, 0.2, 0, 40], [-0.2, -1.5, 0.1, 30], [0, 0.1, 3, -20], [0, 0, 0, 1.0]])


def add_volume(name: str, shape: tuple[int, ...] = (5, 16, 20)) -> Any:
    import slicer

    values = np.random.default_rng(0).normal(40, 20, shape).astype(np.float32)
    node = slicer.util.addVolumeFromArray(values, name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(MATRIX))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevel(400, 40)
    return node


@pytest.fixture
def panel(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("CTRestoration")


def contents(scene: Any) -> dict[str, Any]:
    """All that a user would notice of a scene: nodes, their data's times and what the slice views show."""
    import slicer

    nodes = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
    views = [n for n in nodes if n.IsA("vtkMRMLSliceCompositeNode")]
    return {
        "nodes": [(n.GetID(), n.GetName()) for n in nodes if not n.IsA("vtkMRMLScriptedModuleNode")],
        "data": [n.GetImageData().GetMTime() for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode")],
        "views": [(v.GetBackgroundVolumeID(), v.GetForegroundVolumeID(), v.GetForegroundOpacity()) for v in views],
    }


def run_to_end(panel: Any, wait_until: Callable, seconds: float = 30) -> None:
    panel.ui.applyButton.click()
    wait_until(lambda: panel.ui.applyButton.text == "Apply", seconds)


def test_apply_is_off_with_a_reason(panel: Any) -> None:
    assert not panel.ui.applyButton.enabled
    assert panel.ui.applyButton.toolTip == panel.ui.statusLabel.text == "Select an input volume."
    panel.panel.parameters.inputVolume = add_volume("CT")
    assert panel.ui.applyButton.enabled
    assert panel.ui.statusLabel.text == ""
    panel.panel.parameters.window_low = 300.0
    assert not panel.ui.applyButton.enabled
    assert "low end of the HU window" in panel.ui.applyButton.toolTip


def test_the_first_ct_is_chosen_when_the_panel_opens(panel: Any) -> None:
    import slicer

    slicer.util.addVolumeFromArray(np.ones((2, 3, 4), np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode")
    panel.enter()
    assert panel.panel.parameters.inputVolume is None
    volume = add_volume("CT")
    panel.enter()
    assert panel.panel.parameters.inputVolume is volume


def test_reasons_of_masks_and_ranges(panel: Any) -> None:
    from CTRestoration import MaskSource, SliceChoice
    from CTRestorationLib.options import Task

    p = panel.panel.parameters
    p.inputVolume = add_volume("CT")
    p.task = Task.INPAINT
    assert "what is missing or damaged" in panel.ui.applyButton.toolTip
    p.maskSource = MaskSource.LABELMAP
    assert "Select the label map" in panel.ui.applyButton.toolTip
    p.maskSource = MaskSource.SEGMENT
    assert "Select the segment" in panel.ui.applyButton.toolTip
    p.maskSource = MaskSource.THRESHOLD
    p.mask_above = 2500.0
    assert panel.ui.applyButton.enabled
    p.sliceChoice = SliceChoice.RANGE
    p.firstSlice, p.lastSlice = 3, 1
    assert "must not come after" in panel.ui.applyButton.toolTip


def test_a_run_from_apply_to_results(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    source = add_volume("double")
    before = slicer.util.arrayFromVolume(source).copy()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient"), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(source), study)
    panel.panel.parameters.inputVolume = source
    run_to_end(panel, wait_until)

    result = slicer.util.getNode("double denoised (derived)")
    residual = slicer.util.getNode("double residual")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(result), 2 * before)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
    matrix = slicer.util.arrayFromVTKMatrix(_matrix(result))
    np.testing.assert_allclose(matrix, MATRIX, atol=1e-12)
    for node in (result, residual):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
    assert json.loads(result.GetAttribute("InverseImaging.Report"))["settings"]["task"] == "denoise"
    display = result.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (400, 40)
    assert panel.ui.statusLabel.text == "Finished: double denoised (derived). This is a test."
    assert not panel.ui.resultsButton.collapsed
    assert "task: denoise" in panel.ui.reportText.plainText
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    assert composite.GetBackgroundVolumeID() == source.GetID()
    assert composite.GetForegroundVolumeID() == result.GetID()
    panel.ui.fadeSlider.value = 0.25
    assert composite.GetForegroundOpacity() == 0.25


def _matrix(node: Any) -> Any:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def test_progress_preview_and_curve_while_running(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    source = add_volume("slow")
    panel.panel.parameters.inputVolume = source
    panel.ui.applyButton.click()
    assert panel.ui.applyButton.text == "Cancel"
    assert panel.ui.progressBar.visible
    assert not panel.ui.inputsButton.enabled
    wait_until(lambda: "step 15" in panel.ui.statusLabel.text, 30)
    assert panel.ui.progressBar.value > 3
    assert "left" in panel.ui.statusLabel.text
    preview = slicer.util.getNode("Inverse Imaging preview")
    assert slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0].GetForegroundVolumeID() == preview.GetID()
    assert not preview.GetSaveWithScene()
    table = slicer.util.getNodesByClass("vtkMRMLTableNode")[0].GetTable()
    assert table.GetNumberOfRows() > 5
    assert [table.GetColumnName(i) for i in range(2)] == ["iteration", "PSNR to input"]
    panel.ui.finishButton.click()
    wait_until(lambda: panel.ui.applyButton.text == "Apply", 5)
    assert slicer.util.getNode("slow denoised (derived)") is not None
    panel.ui.curveButton.click()
    chart = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")[0]
    assert chart.GetNumberOfPlotSeriesNodes() == 1


def test_cancel_leaves_the_scene_as_it_was(panel: Any, scene: Any, wait_until: Callable) -> None:
    panel.panel.parameters.inputVolume = add_volume("slow")
    before = contents(scene)
    panel.ui.applyButton.click()
    wait_until(lambda: "step 8" in panel.ui.statusLabel.text, 30)
    assert contents(scene) != before
    panel.ui.applyButton.click()
    wait_until(lambda: panel.ui.applyButton.text == "Apply", 2.5)
    assert contents(scene) == before
    assert panel.ui.statusLabel.text == "Cancelled; the scene is as it was."
    assert panel.ui.applyButton.enabled


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refuse", "Image 'refuse' is refused; give another one."),
        ("fail", "An unexpected error stopped the run"),
        ("crash", "The worker ended unexpectedly"),
    ],
)
def test_a_failed_run_says_so_and_leaves_the_scene(
    panel: Any, scene: Any, wait_until: Callable, name: str, words: str
) -> None:
    panel.panel.parameters.inputVolume = add_volume(name)
    before = contents(scene)
    run_to_end(panel, wait_until)
    assert words in panel.ui.statusLabel.text
    assert contents(scene) == before
    assert panel.ui.applyButton.enabled


def test_a_result_that_the_scene_does_not_take(
    panel: Any, scene: Any, wait_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(panel.logic, "addResult", fail)
    panel.panel.parameters.inputVolume = add_volume("CT")
    before = contents(scene)
    run_to_end(panel, wait_until)
    assert "out of memory" in panel.ui.statusLabel.text
    assert contents(scene)["views"] == before["views"]
    assert panel.ui.applyButton.enabled


def test_killed_worker(panel: Any, scene: Any, wait_until: Callable) -> None:
    panel.panel.parameters.inputVolume = add_volume("slow")
    before = contents(scene)
    panel.ui.applyButton.click()
    wait_until(lambda: "step 3" in panel.ui.statusLabel.text, 30)
    os.kill(panel.panel._runner._process.processId(), signal.SIGKILL)
    wait_until(lambda: panel.ui.applyButton.text == "Apply", 10)
    assert "ended unexpectedly" in panel.ui.statusLabel.text
    assert contents(scene) == before


def test_closing_the_scene_cancels(panel: Any, scene: Any, wait_until: Callable) -> None:
    panel.panel.parameters.inputVolume = add_volume("slow")
    panel.ui.applyButton.click()
    wait_until(lambda: "step 3" in panel.ui.statusLabel.text, 30)
    pid = panel.panel._runner._process.processId()
    scene.Clear(0)
    assert not isAlive(pid)
    assert panel.ui.applyButton.text == "Apply"
    assert not panel.ui.applyButton.enabled
    panel.panel.parameters.inputVolume = add_volume("double")
    run_to_end(panel, wait_until)
    assert panel.ui.statusLabel.text.startswith("Finished")


def test_closing_the_panel_leaves_no_process(panel: Any, scene: Any, wait_until: Callable) -> None:
    panel.panel.parameters.inputVolume = add_volume("slow")
    before = contents(scene)
    panel.ui.applyButton.click()
    wait_until(lambda: "step 3" in panel.ui.statusLabel.text, 30)
    pid = panel.panel._runner._process.processId()
    panel.cleanup()
    assert not isAlive(pid)
    assert contents(scene) == before


def test_the_input_may_be_deleted_while_running(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    source = add_volume("slow")
    panel.panel.parameters.inputVolume = source
    panel.ui.applyButton.click()
    wait_until(lambda: "step 3" in panel.ui.statusLabel.text, 30)
    scene.RemoveNode(source)
    panel.ui.finishButton.click()
    wait_until(lambda: panel.ui.applyButton.text == "Apply", 10)
    assert slicer.util.getNode("slow denoised (derived)") is not None


def test_save_and_restore_every_choice(panel: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    from CTRestoration import MaskSource, SliceChoice
    from CTRestorationLib.options import Direction, Plane, Preset, Task, Tier
    from InverseImagingLib.device import Device

    p = panel.panel.parameters
    choices = {
        "task": Task.SUPER_RESOLUTION,
        "tier": Tier.FAST,
        "preset": Preset.PAPER,
        "plane": Plane.SAGITTAL,
        "direction": Direction.THROUGH_PLANE,
        "device": Device.CPU,
        "factor": 4,
        "drop": 0.3,
        "seed": 12,
        "window_low": -1000.0,
        "window_high": 500.0,
        "uncertainty": True,
        "learning_rate": 0.02,
        "scales": 4,
        "reg_noise_std": 0.0,
        "iterations": 1234,
        "mask_above": 2500.0,
        "sliceChoice": SliceChoice.RANGE,
        "firstSlice": 1,
        "lastSlice": 3,
        "maskSource": MaskSource.THRESHOLD,
    }
    p.inputVolume = add_volume("CT")
    for name, value in choices.items():
        setattr(p, name, value)
    scene.SetURL(str(tmp_path / "scene.mrml"))
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(str(tmp_path / f"{node.GetName()}.nrrd"))
        node.GetStorageNode().WriteData(node)
    assert scene.Commit()
    scene.Clear(0)
    assert panel.panel.parameters.task is Task.DENOISE
    scene.SetURL(str(tmp_path / "scene.mrml"))
    scene.Connect()
    panel.enter()
    p = panel.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "CT"
    assert panel.ui.factorComboBox.currentText == "4"
    assert panel.ui.iterationsSpinBox.value == 1234
    assert panel.ui.factorWidget.isVisibleTo(panel.ui.factorWidget.parent())
    assert not panel.ui.dropSlider.isVisibleTo(panel.ui.dropSlider.parent())


def test_masks_go_with_the_run(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    from CTRestoration import MaskSource
    from CTRestorationLib.options import Task
    from InverseImagingLib.nodes import report_of

    source = add_volume("double")
    labels = slicer.util.addVolumeFromArray(
        np.ones((5, 16, 20), np.uint8), name="mask", nodeClassName="vtkMRMLLabelMapVolumeNode"
    )
    p = panel.panel.parameters
    p.inputVolume, p.task, p.maskSource, p.maskVolume = source, Task.INPAINT, MaskSource.LABELMAP, labels
    run_to_end(panel, wait_until)
    report = report_of(slicer.util.getNode("double inpainted (derived)"))
    assert report["mask"] is True
    assert report["settings"]["mask_above"] == 0


def test_painting_a_mask(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    from CTRestoration import MaskSource
    from CTRestorationLib.options import Task

    source = add_volume("double")
    p = panel.panel.parameters
    p.inputVolume, p.task, p.maskSource = source, Task.INPAINT, MaskSource.SEGMENT
    panel.ui.paintButton.click()
    assert p.maskSegmentation is not None
    assert panel.ui.applyButton.enabled
    run_to_end(panel, wait_until)
    assert "is empty; paint into it" in panel.ui.statusLabel.text
    painted = np.zeros((5, 16, 20), np.uint8)
    painted[2, 4:8, 4:8] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted, p.maskSegmentation, p.maskSegmentID, source)
    run_to_end(panel, wait_until)
    assert panel.ui.statusLabel.text.startswith("Finished")


def test_current_slice_follows_the_view(panel: Any, scene: Any) -> None:
    import slicer

    from CTRestorationLib.options import Plane

    source = add_volume("CT")
    p = panel.panel.parameters
    p.inputVolume = source
    center = MATRIX @ [10, 8, 3, 1]
    slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().JumpSliceByCentering(*center[:3])
    assert panel.logic.request(p).options.slices == "3:4"
    p.plane = Plane.SAGITTAL
    center = MATRIX @ [7, 8, 2, 1]
    slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode().JumpSliceByCentering(*center[:3])
    assert panel.logic.request(p).options.slices == "7:8"


def test_side_by_side(panel: Any, scene: Any, wait_until: Callable) -> None:
    import slicer

    panel.panel.parameters.inputVolume = add_volume("double")
    run_to_end(panel, wait_until)
    panel.ui.sideBySideButton.click()
    views = [slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode() for name in ("Red", "Yellow")]
    names = [scene.GetNodeByID(view.GetBackgroundVolumeID()).GetName() for view in views]
    assert names == ["double", "double denoised (derived)"]
    assert slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode().GetOrientation() == "Axial"


def test_nothing_is_installed_without_asking(panel: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from InverseImagingLib.errors import InputError

    def decline(requirements: Path, requester: str) -> None:
        assert requirements.is_file()
        raise InputError("CT Restoration needs Python packages that were not installed.")

    monkeypatch.setattr("InverseImagingLib.panel.ensurePackages", decline)
    panel.panel.parameters.inputVolume = add_volume("double")
    before = contents(scene)
    panel.ui.applyButton.click()
    assert panel.ui.statusLabel.text == "CT Restoration needs Python packages that were not installed."
    assert contents(scene) == before
