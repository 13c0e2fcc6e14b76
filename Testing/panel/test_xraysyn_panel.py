"""The tab From a CT of X-ray Synthesis, driven as a user does: take a radiograph or a sweep, save, use the 3D view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from xraysyn_scene import MATRIX, SHAPE, add_ct, folder_of, put_in_study, red, turn, view_of, window_of

from InverseImagingLib.device import Device
from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.nodes import report_of
from InverseImagingLib.panel import optionsFrom
from InverseImagingLib.xray.geometry import Preset
from InverseImagingLib.xray.options import Beam, Look, RadiographOptions, views

# Apply


def test_buttons_are_off_with_a_reason(xraysyn: Any) -> None:
    for button in (xraysyn.ui.applyButton, xraysyn.ui.sweepButton, xraysyn.ui.cameraButton):
        assert not button.enabled
        assert button.toolTip == "Select a CT volume."
    p = xraysyn.panel.parameters
    p.inputVolume = add_ct()
    assert xraysyn.ui.applyButton.enabled
    assert xraysyn.ui.sweepButton.enabled
    p.sdd, p.sid = 1000.0, 1100.0
    assert not xraysyn.ui.applyButton.enabled
    assert "must not be farther" in xraysyn.ui.statusLabel.text


def test_a_radiograph_lies_at_the_detector(xraysyn: Any, scene: Any, idle: Callable) -> None:
    source = add_ct()
    transform = turn(source)
    study = put_in_study(source)
    before = slicer.util.arrayFromVolume(source).copy()
    p = xraysyn.panel.parameters
    p.inputVolume, p.azimuth, p.elevation, p.roll, p.width = source, 30.0, 10.0, 5.0, 40
    xraysyn.ui.applyButton.click()
    assert xraysyn.ui.applyButton.text == "Cancel"
    assert not xraysyn.ui.inputsButton.enabled
    idle()

    assert xraysyn.ui.statusLabel.text == "Finished: double radiograph (simulated)."
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

    assert folder_of((radiograph, bone, spot, beam))[1] == study
    for node in (radiograph, bone, spot, beam):
        assert node.GetTransformNodeID() == transform.GetID()
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
    assert report_of(radiograph)["settings"]["azimuth"] == 30
    assert radiograph.GetVoxelValueUnits() is None
    assert window_of(radiograph) == (0, 4095)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)

    shown, pose = red()
    assert shown is radiograph
    world = slicer.util.arrayFromVTKMatrix(transform.GetMatrixTransformToParent())
    across, down = (world @ view.pixel_to_ras)[:3, 0], (world @ view.pixel_to_ras)[:3, 1]
    np.testing.assert_allclose(pose[:3, 0], across / view.pixel, atol=1e-6)
    np.testing.assert_allclose(pose[:3, 1], -down / view.pixel, atol=1e-6)
    xraysyn.ui.boneMapButton.click()
    assert red()[0] is bone
    xraysyn.ui.radiographButton.click()
    assert red()[0] is radiograph
    assert "azimuth: 30" in xraysyn.ui.reportText.plainText


def test_a_bone_segment_goes_with_the_run(xraysyn: Any, scene: Any, idle: Callable) -> None:
    source = add_ct()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Bones")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(source)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "Ribs")
    p = xraysyn.panel.parameters
    p.inputVolume = source
    xraysyn.ui.boneSegmentSelector.setCurrentNode(segmentation)
    xraysyn.ui.boneSegmentSelector.setCurrentSegmentID(segment)
    assert p.boneSegmentation is segmentation
    xraysyn.ui.applyButton.click()
    assert "Segment 'Ribs' is empty" in xraysyn.ui.statusLabel.text
    for voxels in (8, 27):
        painted = np.zeros(SHAPE, np.uint8)
        side = round(voxels ** (1 / 3))
        painted[5 : 5 + side, 5 : 5 + side, 5 : 5 + side] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(painted, segmentation, segment, source)
        xraysyn.ui.applyButton.click()
        idle()
        assert report_of(xraysyn.panel.results()[0])["segmentation"] == voxels


def test_a_sweep_becomes_a_sequence(xraysyn: Any, scene: Any, idle: Callable) -> None:
    p = xraysyn.panel.parameters
    p.inputVolume, p.sweepFrom, p.sweepTo, p.sweepCount, p.width = add_ct(), -20.0, 40.0, 4, 32
    xraysyn.ui.sweepButton.click()
    idle()
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    sequences = slicer.util.getNodesByClass("vtkMRMLSequenceNode")
    assert len(sequences) == 3
    nodes = [n.GetName() for n in slicer.util.getNodesByClass("vtkMRMLDisplayableNode") if n.GetName()[:6] == "double"]
    assert len(nodes) == 4, "the CT, and one radiograph, source and beam that turn"
    assert slicer.modules.sequences.activeBrowserNode is browser
    radiograph = xraysyn.panel.results()[0]
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
    assert not xraysyn.ui.boneMapButton.enabled


def test_what_the_simulation_cannot_use_is_said(scene: Any, open_panel: Callable, wait_until: Callable) -> None:
    """With the real worker."""
    widget = open_panel("XraySyn")
    widget.sections.show(widget.fromCT)
    xraysyn = widget.fromCT
    p = xraysyn.panel.parameters
    body = np.full(SHAPE, -1000, np.int16)
    body[4:-4, 4:-4, 4:-4] = 40
    ct = add_ct("CT")
    slicer.util.updateVolumeFromArray(ct, body)
    picture = slicer.util.addVolumeFromArray(np.full(SHAPE, 100, np.uint8), name="picture")

    def said(volume: Any, **settings: Any) -> str:
        xraysyn.ui.resetButton.click()
        p.inputVolume, p.width = volume, 16
        for name, value in settings.items():
            setattr(p, name, value)
        xraysyn.ui.applyButton.click()
        wait_until(lambda: not xraysyn.panel.isRunning, 60)
        return xraysyn.ui.statusLabel.text

    assert "as an 8-bit picture does" in said(picture)
    assert "misses the body" in said(ct, offset_right=3000.0)
    assert "lies inside the CT" in said(ct, sid=10.0)
    assert said(ct).startswith("Finished")


# Save and restore


def test_save_and_restore_every_choice(xraysyn: Any, scene: Any, idle: Callable, tmp_path: Path) -> None:
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
    p = xraysyn.panel.parameters
    p.inputVolume = add_ct()
    for name, value in choices.items():
        setattr(p, name, value)
    idle()
    xraysyn.ui.sweepButton.click()
    idle()
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    assert red()[0].GetName() == "Radiograph preview"

    xraysyn.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    assert scene.GetFirstNodeByName("Radiograph preview") is None
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    radiograph = browser.GetProxyNode(browser.GetMasterSequenceNode())
    settings = report_of(radiograph)["settings"]
    assert settings["sweep"] == "-90.000:90.000:3"
    poses = []
    for number in range(3):
        browser.SetSelectedItemNumber(number)
        poses.append(to_ras(radiograph))
    assert not np.allclose(poses[0], poses[1])
    assert not np.allclose(poses[1], poses[2])
    xraysyn.enter()
    p = xraysyn.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert p.inputVolume.GetName() == "double"
    assert xraysyn.ui.azimuthSlider.value == -33
    assert xraysyn.ui.pixelSpinBox.value == 1.5
    idle()
    assert red()[0].GetName() == "Radiograph preview"
    p.livePreview = False
    volume, pose = red()
    assert volume is p.inputVolume, "the view of before the preview, which was saved while it was on"
    np.testing.assert_allclose(np.abs(pose[:3, :3]), np.eye(3), atol=1e-6)


# The 3D view


def test_the_radiograph_is_seen_as_the_3d_view_sees(xraysyn: Any, scene: Any) -> None:
    source = add_ct()
    transform = turn(source)
    p = xraysyn.panel.parameters
    p.inputVolume = source
    camera = xraysyn.logic.activeCamera()
    camera.SetPosition(500, 1400, 300)
    camera.SetFocalPoint(20, 30, -10)
    camera.SetViewUp(0.1, 0, 1)
    xraysyn.ui.cameraButton.click()
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
    xraysyn.ui.cameraButton.click()
    assert "does not look towards 'double'" in xraysyn.ui.statusLabel.text
    xraysyn.ui.resetButton.click()
    assert (p.azimuth, p.sid, p.width, p.pixel) == (0, 0, 0, 0)


def test_without_a_3d_view_there_is_no_camera(xraysyn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    xraysyn.panel.parameters.inputVolume = add_ct()
    assert xraysyn.ui.cameraButton.enabled
    manager = slicer.app.layoutManager()
    monkeypatch.setattr(type(manager), "threeDViewCount", 0)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert not xraysyn.ui.cameraButton.enabled
    assert "There is no 3D view" in xraysyn.ui.cameraButton.toolTip
