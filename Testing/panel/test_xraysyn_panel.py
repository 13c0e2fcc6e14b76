"""The panel X-ray Synthesis, driven as a user does: turn, watch live, take a radiograph or a sweep, cancel, save."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_ctrestoration_panel import contents
from test_job import ScriptedPlace, isAlive

from InverseImagingLib.xray.geometry import Geometry, Preset, preset_geometry

SHAPE = (20, 16, 24)
MATRIX = np.array([[-7, 0.9, 0, 80], [-0.9, -7, 0.5, 60], [0, 0.5, 12, -90], [0, 0, 0, 1.0]])


def add_ct(name: str = "double") -> Any:
    """An oblique CT; the scripted worker does what its name says."""
    import slicer

    values = np.random.default_rng(0).normal(40, 20, SHAPE).astype(np.int16)
    node = slicer.util.addVolumeFromArray(values, name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(MATRIX))
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def view_of(**settings: Any) -> Geometry:
    return preset_geometry(Preset.CHEST_PA, SHAPE, MATRIX, **settings)


def turn(node: Any) -> Any:
    """Puts a node under a transform of a quarter turn and a shift, and returns that."""
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.array([[0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 1, 10], [0, 0, 0, 1.0]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def to_ras(node: Any) -> np.ndarray:
    from InverseImagingLib.nodes import ijk_to_ras_of

    return ijk_to_ras_of(node)


def red() -> tuple[Any, np.ndarray]:
    """What the red slice view shows, and from where."""
    import slicer

    widget = slicer.app.layoutManager().sliceWidget("Red")
    volume = slicer.mrmlScene.GetNodeByID(widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() or "")
    return volume, slicer.util.arrayFromVTKMatrix(widget.mrmlSliceNode().GetSliceToRAS())


def everything(scene: Any) -> dict[str, Any]:
    """All that a user would notice of a scene, with the pose, the zoom and the visibility of the slice views."""
    import slicer

    poses = [
        (
            *slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).ravel().round(6),
            *np.round(node.GetFieldOfView(), 6),
            node.GetSliceVisible(),
        )
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")
    ]
    return {**contents(scene), "poses": poses}


@pytest.fixture
def panel(scene: Any, open_panel: Callable, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("InverseImagingLib.panel.computePlace", ScriptedPlace)
    return open_panel("XraySyn")


@pytest.fixture
def idle(panel: Any, wait_until: Callable) -> Callable:
    """Waits until neither a run nor a preview goes on or is about to."""

    def wait(seconds: float = 30) -> None:
        runner, settling = panel.panel._runner, panel.panel._settling
        wait_until(lambda: not (runner.isRunning or settling.isActive() or panel.panel.isRunning), seconds)

    return wait


@pytest.fixture
def previews(panel: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The reports of the previews that were shown."""
    reports: list[Any] = []
    show = panel.panel._preview.show

    def keep(result: Any, options: Any, source: Any) -> None:
        reports.append(result.report)
        show(result, options, source)

    monkeypatch.setattr(panel.panel._preview, "show", keep)
    return reports


# Apply


def test_buttons_are_off_with_a_reason(panel: Any) -> None:
    for button in (panel.ui.applyButton, panel.ui.sweepButton, panel.ui.cameraButton):
        assert not button.enabled
        assert button.toolTip == "Select a CT volume."
    p = panel.panel.parameters
    p.inputVolume = add_ct()
    assert panel.ui.applyButton.enabled
    assert panel.ui.sweepButton.enabled
    p.sdd, p.sid = 1000.0, 1100.0
    assert not panel.ui.applyButton.enabled
    assert "must not be farther" in panel.ui.statusLabel.text


def test_a_radiograph_lies_at_the_detector(panel: Any, scene: Any, idle: Callable) -> None:
    import slicer

    source = add_ct()
    transform = turn(source)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient"), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(source), study)
    before = slicer.util.arrayFromVolume(source).copy()
    p = panel.panel.parameters
    p.inputVolume, p.azimuth, p.elevation, p.roll, p.width = source, 30.0, 10.0, 5.0, 40
    panel.ui.applyButton.click()
    assert panel.ui.applyButton.text == "Cancel"
    assert not panel.ui.inputsButton.enabled
    idle()

    assert panel.ui.statusLabel.text == "Finished: double radiograph (simulated)."
    radiograph, bone = (slicer.util.getNode(f"double {word} (simulated)") for word in ("radiograph", "bone map"))
    spot, beam = slicer.util.getNode("double X-ray source"), slicer.util.getNode("double X-ray beam")
    view = view_of(azimuth=30, elevation=10, roll=5, width=40)
    np.testing.assert_allclose(to_ras(radiograph), view.pixel_to_ras, atol=1e-9)
    np.testing.assert_allclose(to_ras(bone), view.pixel_to_ras, atol=1e-9)
    assert radiograph.GetImageData().GetDimensions() == (40, 40, 1)
    np.testing.assert_allclose(spot.GetPolyData().GetCenter(), view.source, atol=1e-3)
    points = slicer.util.arrayFromModelPoints(beam)
    corners = view.pixel_to_ras @ np.array([[-0.5, 39.5, 39.5, -0.5], [-0.5, -0.5, 39.5, 39.5], [0] * 4, [1] * 4])
    np.testing.assert_allclose(points[:4], corners[:3].T, atol=1e-3)
    np.testing.assert_allclose(points[4:], np.tile(view.source, (4, 1)), atol=1e-3)
    assert beam.GetPolyData().GetNumberOfLines() == 8

    items = [hierarchy.GetItemByDataNode(node) for node in (radiograph, bone, spot, beam)]
    folder = {hierarchy.GetItemParent(item) for item in items}
    assert [hierarchy.GetItemParent(item) for item in folder] == [study]
    for node in (radiograph, bone, spot, beam):
        assert node.GetTransformNodeID() == transform.GetID()
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
    assert json.loads(radiograph.GetAttribute("InverseImaging.Report"))["settings"]["azimuth"] == 30
    assert radiograph.GetVoxelValueUnits() is None
    display = radiograph.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0, 4095)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)

    shown, pose = red()
    assert shown is radiograph
    world = slicer.util.arrayFromVTKMatrix(transform.GetMatrixTransformToParent())
    across, down = (world @ view.pixel_to_ras)[:3, 0], (world @ view.pixel_to_ras)[:3, 1]
    np.testing.assert_allclose(pose[:3, 0], across / view.pixel, atol=1e-6)
    np.testing.assert_allclose(pose[:3, 1], -down / view.pixel, atol=1e-6)
    panel.ui.boneMapButton.click()
    assert red()[0] is bone
    panel.ui.radiographButton.click()
    assert red()[0] is radiograph
    assert "azimuth: 30" in panel.ui.reportText.plainText


def test_a_bone_segment_goes_with_the_run(panel: Any, scene: Any, idle: Callable) -> None:
    import slicer

    from InverseImagingLib.nodes import report_of

    source = add_ct()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Bones")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(source)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "Ribs")
    p = panel.panel.parameters
    p.inputVolume = source
    panel.ui.boneSegmentSelector.setCurrentNode(segmentation)
    panel.ui.boneSegmentSelector.setCurrentSegmentID(segment)
    assert p.boneSegmentation is segmentation
    panel.ui.applyButton.click()
    assert "Segment 'Ribs' is empty" in panel.ui.statusLabel.text
    for voxels in (8, 27):
        painted = np.zeros(SHAPE, np.uint8)
        side = round(voxels ** (1 / 3))
        painted[5 : 5 + side, 5 : 5 + side, 5 : 5 + side] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(painted, segmentation, segment, source)
        panel.ui.applyButton.click()
        idle()
        assert report_of(panel.panel.results()[0])["segmentation"] == voxels


def test_a_sweep_becomes_a_sequence(panel: Any, scene: Any, idle: Callable) -> None:
    import slicer

    p = panel.panel.parameters
    p.inputVolume, p.sweepFrom, p.sweepTo, p.sweepCount, p.width = add_ct(), -20.0, 40.0, 4, 32
    panel.ui.sweepButton.click()
    idle()
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    sequences = slicer.util.getNodesByClass("vtkMRMLSequenceNode")
    assert len(sequences) == 3
    nodes = [n.GetName() for n in slicer.util.getNodesByClass("vtkMRMLDisplayableNode") if n.GetName()[:6] == "double"]
    assert len(nodes) == 4, "the CT, and one radiograph, source and beam that turn"
    assert slicer.modules.sequences.activeBrowserNode is browser
    radiograph = panel.panel.results()[0]
    sequence = browser.GetSequenceNode(radiograph)
    beams = next(s for s in sequences if s.GetName().endswith("X-ray beam"))
    assert [sequence.GetNthIndexValue(n) for n in range(4)] == ["-20", "0", "20", "40"]
    for number, azimuth in enumerate((-20, 0, 20, 40)):
        view = view_of(azimuth=azimuth, width=32)
        np.testing.assert_allclose(to_ras(sequence.GetNthDataNode(number)), view.pixel_to_ras, atol=1e-9)
        points = slicer.util.arrayFromModelPoints(beams.GetNthDataNode(number))
        np.testing.assert_allclose(points[4], view.source, atol=1e-3)
        browser.SetSelectedItemNumber(number)
        np.testing.assert_allclose(to_ras(radiograph), view.pixel_to_ras, atol=1e-9)
        shown, pose = red()
        assert shown is radiograph
        np.testing.assert_allclose(pose[:3, 0], view.frame[:3, 0], atol=1e-6)
    assert not panel.ui.boneMapButton.enabled


def test_cancel_leaves_the_scene_as_it_was(panel: Any, scene: Any, wait_until: Callable, idle: Callable) -> None:
    panel.panel.parameters.inputVolume = add_ct("slow")
    before = everything(scene)
    panel.ui.sweepButton.click()
    wait_until(lambda: "step 4" in panel.ui.statusLabel.text, 30)
    panel.ui.applyButton.click()
    idle(2.5)
    assert everything(scene) == before
    assert panel.ui.statusLabel.text == "Cancelled; the scene is as it was."


@pytest.mark.parametrize(("name", "words"), [("refuse", "'refuse' is refused"), ("crash", "ended unexpectedly")])
def test_a_failed_run_says_so(panel: Any, scene: Any, idle: Callable, name: str, words: str) -> None:
    panel.panel.parameters.inputVolume = add_ct(name)
    before = everything(scene)
    panel.ui.applyButton.click()
    idle()
    assert words in panel.ui.statusLabel.text
    assert everything(scene) == before


def test_what_the_simulation_cannot_use_is_said(scene: Any, open_panel: Callable, wait_until: Callable) -> None:
    """With the real worker."""
    import slicer

    panel = open_panel("XraySyn")
    p = panel.panel.parameters
    body = np.full(SHAPE, -1000, np.int16)
    body[4:-4, 4:-4, 4:-4] = 40
    ct = add_ct("CT")
    slicer.util.updateVolumeFromArray(ct, body)
    picture = slicer.util.addVolumeFromArray(np.full(SHAPE, 100, np.uint8), name="picture")

    def said(volume: Any, **settings: Any) -> str:
        panel.ui.resetButton.click()
        p.inputVolume, p.width = volume, 16
        for name, value in settings.items():
            setattr(p, name, value)
        panel.ui.applyButton.click()
        wait_until(lambda: not panel.panel.isRunning, 60)
        return panel.ui.statusLabel.text

    assert "as an 8-bit picture does" in said(picture)
    assert "misses the body" in said(ct, offset_right=3000.0)
    assert "lies inside the CT" in said(ct, sid=10.0)
    assert said(ct).startswith("Finished")


# Live preview


def test_live_preview_shows_and_leaves_no_trace(panel: Any, scene: Any, previews: list, idle: Callable) -> None:
    import slicer

    source = add_ct()
    turn(source)
    panel.panel.parameters.inputVolume = source
    before = everything(scene)
    panel.ui.livePreviewCheckBox.click()
    idle()
    preview, pose = red()
    assert [(report["settings"]["draft"], report["views"][0]["width"]) for report in previews] == [
        (True, 256),
        (False, 512),
    ]
    assert preview.GetName() == "Radiograph preview"
    assert preview.GetHideFromEditors()
    np.testing.assert_allclose(to_ras(preview), view_of().pixel_to_ras, atol=1e-9)
    view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    view.SetFieldOfView(*(side / 2 for side in view.GetFieldOfView()))
    zoom = view.GetFieldOfView()
    panel.ui.azimuthSlider.value = 45
    idle()
    np.testing.assert_allclose(to_ras(preview), view_of(azimuth=45).pixel_to_ras, atol=1e-9)
    assert not np.allclose(red()[1], pose)
    assert view.GetFieldOfView() == zoom, "the user's zoom stays"
    spot = slicer.util.getNode("X-ray source preview")
    np.testing.assert_allclose(spot.GetPolyData().GetCenter(), view_of(azimuth=45).source, atol=1e-3)
    panel.ui.livePreviewCheckBox.click()
    assert everything(scene) == before


def test_of_many_states_the_last_one_is_shown(panel: Any, previews: list, wait_until: Callable, idle: Callable) -> None:
    p = panel.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    idle()
    del previews[:]
    for azimuth in range(1, 31):
        p.azimuth = float(azimuth)
    wait_until(lambda: len(previews) == 2, 30)
    assert [report["settings"]["azimuth"] for report in previews] == [1, 30], "all between were passed over"
    idle()
    assert [report["settings"]["draft"] for report in previews] == [True, True, False]


def test_images_are_sent_once_until_a_voxel_changes(panel: Any, previews: list, idle: Callable) -> None:
    import slicer

    from InverseImagingLib.nodes import report_of

    source = add_ct()
    p = panel.panel.parameters
    p.inputVolume, p.livePreview = source, True
    idle()
    p.kvp = 80.0
    idle()
    assert [report["same"] for report in previews] == [False, True, True, True]
    panel.ui.applyButton.click()
    idle()
    assert report_of(panel.panel.results()[0])["same"]
    del previews[:]
    slicer.util.arrayFromVolume(source)[:] = 7
    slicer.util.arrayFromVolumeModified(source)
    idle()
    assert [report["same"] for report in previews] == [False, True]
    assert (slicer.util.arrayFromVolume(red()[0]) == 7).all()
    os.kill(panel.panel._runner._process.processId(), signal.SIGKILL)
    p.kvp = 90.0
    idle()
    p.kvp = 100.0
    idle()
    assert red()[0].GetName() == "Radiograph preview"


def test_apply_while_a_preview_is_computed(panel: Any, scene: Any, idle: Callable) -> None:
    import slicer

    p = panel.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    p.azimuth = 20.0  # waits for the first preview, and Apply takes its place
    panel.ui.applyButton.click()
    assert panel.ui.applyButton.text == "Cancel"
    idle()
    radiograph = slicer.util.getNode("steady radiograph (simulated)")
    np.testing.assert_allclose(to_ras(radiograph), view_of(azimuth=20).pixel_to_ras, atol=1e-9)
    preview = red()[0]
    assert preview.GetName() == "Radiograph preview", "the live view goes on"
    np.testing.assert_allclose(to_ras(preview), view_of(azimuth=20).pixel_to_ras, atol=1e-9)
    panel.ui.radiographButton.click()
    assert red()[0] is radiograph
    assert not p.livePreview
    assert scene.GetFirstNodeByName("Radiograph preview") is None


def test_cancel_while_apply_waits_for_a_preview(panel: Any, scene: Any, idle: Callable) -> None:
    import slicer

    p = panel.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    panel.ui.applyButton.click()
    panel.ui.applyButton.click()
    assert panel.ui.statusLabel.text == "Cancelled; the scene is as it was."
    idle()
    assert not slicer.util.getNodes("*simulated*")
    assert red()[0].GetName() == "Radiograph preview"


def test_a_preview_that_fails_says_so(panel: Any, scene: Any, idle: Callable) -> None:
    refused = add_ct("refuse")
    p = panel.panel.parameters
    p.inputVolume = refused
    before = everything(scene)
    p.livePreview = True
    idle()
    assert "'refuse' is refused" in panel.ui.statusLabel.text
    assert everything(scene) == before
    p.inputVolume = good = add_ct()
    idle()
    assert panel.ui.statusLabel.text == ""
    assert red()[0].GetName() == "Radiograph preview"
    p.inputVolume = refused
    p.inputVolume = good  # while the other one is still computed
    idle()
    assert red()[0].GetName() == "Radiograph preview"


def test_a_preview_without_bone_says_so(panel: Any, scene: Any, idle: Callable) -> None:
    source = add_ct()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Bones")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(source)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "Ribs")
    p = panel.panel.parameters
    p.inputVolume, p.livePreview = source, True
    idle()
    p.boneSegmentation, p.boneSegmentID = segmentation, segment
    idle()
    assert "Segment 'Ribs' is empty" in panel.ui.statusLabel.text
    assert red()[0] is source
    p.boneSegmentID = ""
    idle()
    assert panel.ui.statusLabel.text == ""
    assert red()[0].GetName() == "Radiograph preview"


def test_leaving_the_module_takes_the_preview_along(panel: Any, scene: Any, idle: Callable) -> None:
    p = panel.panel.parameters
    p.inputVolume = add_ct()
    before = everything(scene)
    p.livePreview = True
    idle()
    panel.exit()
    assert everything(scene) == before
    panel.enter()
    idle()
    assert red()[0].GetName() == "Radiograph preview"
    pid = panel.panel._runner._process.processId()
    panel.cleanup()
    assert everything(scene) == before
    assert not isAlive(pid)


def test_closing_the_scene_ends_the_preview(panel: Any, scene: Any, idle: Callable) -> None:
    p = panel.panel.parameters
    p.inputVolume, p.livePreview = add_ct(), True
    idle()
    scene.Clear(0)
    assert not panel.panel.isPreviewing
    assert not panel.ui.applyButton.enabled
    panel.panel.parameters.inputVolume = add_ct()
    panel.ui.applyButton.click()
    idle()
    assert panel.ui.statusLabel.text.startswith("Finished")


# Save and restore


def test_save_and_restore_every_choice(panel: Any, scene: Any, idle: Callable, tmp_path: Path) -> None:
    import slicer

    from InverseImagingLib.device import Device
    from InverseImagingLib.xray.options import Beam, Look

    choices = {
        "preset": Preset.SKULL,
        "azimuth": -33.0,
        "elevation": 12.0,
        "roll": 4.0,
        "offset_right": 10.0,
        "offset_anterior": -20.0,
        "offset_superior": 30.0,
        "width": 64,
        "height": 48,
        "pixel": 1.5,
        "sdd": 1500.0,
        "sid": 1200.0,
        "parallel": True,
        "spectrum": Beam.PAPER,
        "kvp": 70.0,
        "filtration": 2.5,
        "photons": 5000.0,
        "scatter": 0.3,
        "blur": 0.2,
        "bone_threshold": 300.0,
        "remove_table": False,
        "look": Look.ATTENUATION,
        "seed": 7,
        "device": Device.CPU,
        "sweepFrom": -90.0,
        "sweepTo": 90.0,
        "sweepCount": 3,
        "livePreview": True,
    }
    p = panel.panel.parameters
    p.inputVolume = add_ct()
    for name, value in choices.items():
        setattr(p, name, value)
    idle()
    panel.ui.sweepButton.click()
    idle()
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    assert red()[0].GetName() == "Radiograph preview"

    panel.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    assert scene.GetFirstNodeByName("Radiograph preview") is None
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    radiograph = browser.GetProxyNode(browser.GetMasterSequenceNode())
    settings = json.loads(radiograph.GetAttribute("InverseImaging.Report"))["settings"]
    assert settings["sweep"] == "-90.000:90.000:3"
    poses = []
    for number in range(3):
        browser.SetSelectedItemNumber(number)
        poses.append(to_ras(radiograph))
    assert not np.allclose(poses[0], poses[1])
    assert not np.allclose(poses[1], poses[2])
    panel.enter()
    p = panel.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "double"
    assert panel.ui.azimuthSlider.value == -33
    assert panel.ui.pixelSpinBox.value == 1.5
    idle()
    assert red()[0].GetName() == "Radiograph preview"
    p.livePreview = False
    volume, pose = red()
    assert volume is p.inputVolume, "the view of before the preview, which was saved while it was on"
    np.testing.assert_allclose(np.abs(pose[:3, :3]), np.eye(3), atol=1e-6)


# The 3D view


def test_the_radiograph_is_seen_as_the_3d_view_sees(panel: Any, scene: Any) -> None:
    import slicer
    import vtk

    from InverseImagingLib.panel import optionsFrom
    from InverseImagingLib.xray.options import RadiographOptions, views

    source = add_ct()
    transform = turn(source)
    p = panel.panel.parameters
    p.inputVolume = source
    camera = panel.logic.activeCamera()
    camera.SetPosition(500, 1400, 300)
    camera.SetFocalPoint(20, 30, -10)
    camera.SetViewUp(0.1, 0, 1)
    panel.ui.cameraButton.click()
    (view,) = views(optionsFrom(p, RadiographOptions), SHAPE, MATRIX)
    world = slicer.util.arrayFromVTKMatrix(transform.GetMatrixTransformToParent())
    np.testing.assert_allclose((world @ [*view.source, 1])[:3], (500, 1400, 300), atol=5)

    vtk_camera = vtk.vtkCamera()
    vtk_camera.DeepCopy(camera.GetCamera())
    to_screen = slicer.util.arrayFromVTKMatrix(vtk_camera.GetCompositeProjectionTransformMatrix(1, 1, 3000))
    for point in ([20, 30, -10, 1], [90, 0, 60, 1], [0, 70, -80, 1]):  # in the world
        seen = to_screen @ point
        pixel = np.linalg.solve(view.matrix, np.linalg.inv(world) @ point)  # of the detector's plane and the source
        column, row = pixel[:2] / pixel[2]
        at = (2 * (column + 0.5) / view.width - 1, 1 - 2 * (row + 0.5) / view.height)
        np.testing.assert_allclose(at, seen[:2] / seen[3], atol=0.01)

    camera.SetFocalPoint(1000, 2800, 600)
    panel.ui.cameraButton.click()
    assert "does not look towards 'double'" in panel.ui.statusLabel.text
    panel.ui.resetButton.click()
    assert (p.azimuth, p.sid, p.width, p.pixel) == (0, 0, 0, 0)


def test_without_a_3d_view_there_is_no_camera(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    panel.panel.parameters.inputVolume = add_ct()
    assert panel.ui.cameraButton.enabled
    manager = slicer.app.layoutManager()
    monkeypatch.setattr(type(manager), "threeDViewCount", 0)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert not panel.ui.cameraButton.enabled
    assert "There is no 3D view" in panel.ui.cameraButton.toolTip
