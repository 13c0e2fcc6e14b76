"""The live preview of X-ray Synthesis: it follows the user, sends the CT once, and leaves no trace."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from test_job import isAlive
from xraysyn_scene import add_ct, everything, red, reports_of_previews, turn, view_of

from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.nodes import report_of


@pytest.fixture
def previews(xraysyn: Any) -> list[Any]:
    """The reports of the previews that were shown."""
    return reports_of_previews(xraysyn)


def test_live_preview_shows_and_leaves_no_trace(xraysyn: Any, scene: Any, previews: list, idle: Callable) -> None:
    source = add_ct()
    turn(source)
    xraysyn.panel.parameters.inputVolume = source
    before = everything(scene)
    xraysyn.ui.livePreviewCheckBox.click()
    idle()
    preview, pose = red()
    seen = [(report["settings"]["draft"], report["views"][0]["width"]) for report in previews]
    assert (seen[0], seen[-1]) == ((True, 256), (False, 512)), "a draft at once, the whole at rest"
    assert preview.GetName() == "Radiograph preview"
    assert preview.GetHideFromEditors()
    np.testing.assert_allclose(to_ras(preview), view_of().pixel_to_ras, atol=1e-9)
    view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    view.SetFieldOfView(*(side / 2 for side in view.GetFieldOfView()))
    zoom = view.GetFieldOfView()
    xraysyn.ui.azimuthSlider.value = 45
    idle()
    np.testing.assert_allclose(to_ras(preview), view_of(azimuth=45).pixel_to_ras, atol=1e-9)
    assert not np.allclose(red()[1], pose)
    assert view.GetFieldOfView() == zoom, "the user's zoom stays"
    spot = slicer.util.getNode("X-ray source preview")
    np.testing.assert_allclose(spot.GetPolyData().GetCenter(), view_of(azimuth=45).source, atol=1e-3)
    xraysyn.ui.livePreviewCheckBox.click()
    assert everything(scene) == before


def test_of_many_states_the_last_one_is_shown(
    xraysyn: Any, previews: list, wait_until: Callable, idle: Callable
) -> None:
    p = xraysyn.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    idle()
    del previews[:]
    for azimuth in range(1, 31):
        p.azimuth = float(azimuth)
    wait_until(lambda: len(previews) == 2, 30)
    assert [report["settings"]["azimuth"] for report in previews] == [1, 30], "all between were passed over"
    idle()
    assert [report["settings"]["draft"] for report in previews] == [True, True, False]


def test_images_are_sent_once_until_a_voxel_changes(xraysyn: Any, previews: list, idle: Callable) -> None:
    source = add_ct()
    p = xraysyn.panel.parameters
    p.inputVolume, p.livePreview = source, True
    idle()
    p.kvp = 80.0
    idle()
    assert [report["same"] for report in previews] == [False] + [True] * (len(previews) - 1)
    xraysyn.ui.applyButton.click()
    idle()
    assert report_of(xraysyn.panel.results()[0])["same"]
    del previews[:]
    slicer.util.arrayFromVolume(source)[:] = 7
    slicer.util.arrayFromVolumeModified(source)
    idle()
    assert [report["same"] for report in previews] == [False] + [True] * (len(previews) - 1)
    assert (slicer.util.arrayFromVolume(red()[0]) == 7).all()
    os.kill(xraysyn.panel._runner._process.processId(), signal.SIGKILL)
    p.kvp = 90.0
    idle()
    p.kvp = 100.0
    idle()
    assert red()[0].GetName() == "Radiograph preview"


def test_apply_while_a_preview_is_computed(xraysyn: Any, scene: Any, idle: Callable) -> None:
    p = xraysyn.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    p.azimuth = 20.0  # waits for the first preview, and Apply takes its place
    xraysyn.ui.applyButton.click()
    assert xraysyn.ui.applyButton.text == "Cancel"
    idle()
    radiograph = slicer.util.getNode("steady radiograph (simulated)")
    np.testing.assert_allclose(to_ras(radiograph), view_of(azimuth=20).pixel_to_ras, atol=1e-9)
    preview = red()[0]
    assert preview.GetName() == "Radiograph preview", "the live view goes on"
    np.testing.assert_allclose(to_ras(preview), view_of(azimuth=20).pixel_to_ras, atol=1e-9)
    xraysyn.ui.radiographButton.click()
    assert red()[0] is radiograph
    assert not p.livePreview
    assert scene.GetFirstNodeByName("Radiograph preview") is None


def test_cancel_while_apply_waits_for_a_preview(xraysyn: Any, scene: Any, idle: Callable) -> None:
    p = xraysyn.panel.parameters
    p.inputVolume, p.livePreview = add_ct("steady"), True
    xraysyn.ui.applyButton.click()
    xraysyn.ui.applyButton.click()
    assert xraysyn.ui.statusLabel.text == "Cancelled; the scene is as it was."
    idle()
    assert not slicer.util.getNodes("*simulated*")
    assert red()[0].GetName() == "Radiograph preview"


def test_a_preview_that_fails_says_so(xraysyn: Any, scene: Any, idle: Callable) -> None:
    refused = add_ct("refuse")
    p = xraysyn.panel.parameters
    p.inputVolume = refused
    before = everything(scene)
    p.livePreview = True
    idle()
    assert "'refuse' is refused" in xraysyn.ui.statusLabel.text
    assert everything(scene) == before
    p.inputVolume = good = add_ct()
    idle()
    assert xraysyn.ui.statusLabel.text == ""
    assert red()[0].GetName() == "Radiograph preview"
    p.inputVolume = refused
    p.inputVolume = good  # while the other one is still computed
    idle()
    assert red()[0].GetName() == "Radiograph preview"


def test_a_preview_without_bone_says_so(xraysyn: Any, scene: Any, idle: Callable) -> None:
    source = add_ct()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Bones")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(source)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "Ribs")
    p = xraysyn.panel.parameters
    p.inputVolume, p.livePreview = source, True
    idle()
    p.boneSegmentation, p.boneSegmentID = segmentation, segment
    idle()
    assert "Segment 'Ribs' is empty" in xraysyn.ui.statusLabel.text
    assert red()[0] is source
    p.boneSegmentID = ""
    idle()
    assert xraysyn.ui.statusLabel.text == ""
    assert red()[0].GetName() == "Radiograph preview"


def test_declined_packages_switch_the_preview_off(xraysyn: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from InverseImagingLib.errors import InputError

    asked = []

    def decline(requirements: Path, requester: str) -> None:
        asked.append(requester)
        raise InputError("X-ray Synthesis needs Python packages that were not installed.")

    monkeypatch.setattr("InverseImagingLib.panel.ensurePackages", decline)
    p = xraysyn.panel.parameters
    p.inputVolume = add_ct()
    before = everything(scene)
    xraysyn.ui.livePreviewCheckBox.click()
    assert not xraysyn.ui.livePreviewCheckBox.checked
    p.azimuth = 10.0
    assert asked == ["X-ray Synthesis"]
    assert xraysyn.ui.statusLabel.text == "X-ray Synthesis needs Python packages that were not installed."
    assert everything(scene) == before


def test_leaving_the_module_takes_the_preview_along(xraysyn: Any, scene: Any, idle: Callable) -> None:
    p = xraysyn.panel.parameters
    p.inputVolume = add_ct()
    before = everything(scene)
    p.livePreview = True
    idle()
    xraysyn.exit()
    assert everything(scene) == before
    xraysyn.enter()
    idle()
    assert red()[0].GetName() == "Radiograph preview"
    pid = xraysyn.panel._runner._process.processId()
    xraysyn.cleanup()
    assert everything(scene) == before
    assert not isAlive(pid)
