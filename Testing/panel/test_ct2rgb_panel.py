"""The panel of CT2RGB: what can be chosen and is colored, runs that are cancelled or fail, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from xraysyn_scene import SHAPE, add_ct, everything, red, rendering_of, turn

from CT2RGBLib import scope
from CT2RGBLib.opacity import Opacity
from CT2RGBLib.options import Part, Tier
from CT2RGBLib.scope import Region, SegmentUse
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.nodes import report_of


def colors_of(section: Any) -> np.ndarray:
    return slicer.util.arrayFromVolume(section.panel.results()[0])


@pytest.fixture
def apply(ct2rgb: Any, settled: Callable) -> Callable:
    """Presses Apply and returns the colors (K, J, I, 3)."""

    def press() -> np.ndarray:
        ct2rgb.ui.applyButton.click()
        settled(ct2rgb)
        assert ct2rgb.ui.statusLabel.text.startswith("Finished"), ct2rgb.ui.statusLabel.text
        return colors_of(ct2rgb)

    return press


def add_segmentation(volume: Any, *boxes: tuple[slice, slice, slice]) -> Any:
    """A segmentation of a volume with a red segment for each box of its voxels."""
    labels = np.zeros(SHAPE, np.uint8)
    for number, box in enumerate(boxes, 1):
        labels[box] = number
    node = slicer.util.addVolumeFromArray(labels, nodeClassName="vtkMRMLLabelMapVolumeNode")
    node.CopyOrientation(volume)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(node, segmentation)
    slicer.mrmlScene.RemoveNode(node)
    return segmentation


def test_buttons_are_off_with_a_reason(ct2rgb: Any, scene: Any) -> None:
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    mask = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mask")
    slicer.util.updateVolumeFromArray(mask, np.ones((2, 5, 5), np.uint8))
    photo = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    slicer.util.updateVolumeFromArray(photo, np.ones((1, 5, 5, 3), np.uint8))
    for volume, words in (
        (None, "Select a CT."),
        (empty, "'nothing' is empty; load an image into it."),
        (mask, "'mask' is a label map; select a CT."),
        (photo, "'photo' is in color already; select a CT."),
    ):
        p.inputVolume = volume
        assert ui.statusLabel.text == ui.applyButton.toolTip == words
        assert not ui.applyButton.enabled
    p.inputVolume = add_ct()
    assert ui.applyButton.enabled
    assert ui.statusLabel.text == ""
    p.region = Region.BOX
    assert ui.statusLabel.text == "Select the box, or make one with New."
    p.region = Region.RANGE
    for first, last in ((3, 2), (0, 20)):
        p.firstSlice, p.lastSlice = first, last
        assert ui.statusLabel.text == "The range must run upwards, from 0 to at most 19."
    p.firstSlice, p.lastSlice = 3, 3
    assert ui.applyButton.enabled
    after = (ui.volumeCheckBox, ui.cutAwayCheckBox, ui.opacityComboBox, ui.sideBySideButton)
    assert not any(widget.enabled for widget in after)
    assert ui.remarkLabel.text == (
        "Colors are illustrative: learned from one body, never evidence of tissue. For research only."
    )


def test_a_ct_is_found_and_nothing_that_was_made(ct2rgb: Any, scene: Any) -> None:
    ct2rgb.exit()
    made = add_ct("estimate")
    made.SetAttribute("InverseImaging.Derived", "yes")
    source = add_ct("scan")
    ct2rgb.enter()
    assert ct2rgb.panel.parameters.inputVolume is source


def test_rows_come_with_the_region_and_go(ct2rgb: Any) -> None:
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    for region in Region:
        p.region = region
        assert ui.rangeWidget.visible is ui.rangeWidgetLabel.visible is (region is Region.RANGE)
        assert ui.boxWidget.visible is ui.boxWidgetLabel.visible is (region is Region.BOX)
    p.tier = Tier.PALETTE
    assert not ui.partComboBox.enabled
    assert not ui.weightsWidget.enabled
    p.tier = Tier.MODEL
    assert ui.partComboBox.enabled
    assert not ui.segmentUseComboBox.enabled


def test_slices_are_chosen(ct2rgb: Any, apply: Callable) -> None:
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    ui.strengthSlider.value = 0.5
    assert apply().shape == (*SHAPE, 3)
    assert colors_of(ct2rgb).reshape(-1, 3).max(axis=0).tolist() == [100, 100, 0]
    p.region, p.firstSlice, p.lastSlice = Region.RANGE, 4, 6
    assert len(apply()) == 3
    p.region = Region.CURRENT
    middle = np.array([12, 8, 7, 1.0])
    slice_node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    transform = turn(source)
    to_world = slicer.util.arrayFromTransformMatrix(transform)
    to_ras = np.eye(4)
    to_ras[:3, 3] = (to_world @ ijk_to_ras(source) @ middle)[:3]
    slice_node.GetSliceToRAS().DeepCopy(to_ras.ravel())
    slice_node.UpdateMatrices()
    assert len(apply()) == 1
    (node,) = ct2rgb.panel.results()
    place = ijk_to_ras(node) @ [12, 8, 0, 1]
    np.testing.assert_allclose(place, ijk_to_ras(source) @ middle, atol=1e-9)
    assert node.GetTransformNodeID() == transform.GetID()


def ijk_to_ras(node: Any) -> np.ndarray:
    from InverseImagingLib.nodes import ijk_to_ras_of

    return ijk_to_ras_of(node)


def test_a_box_is_colored_however_it_is_turned(ct2rgb: Any, apply: Callable) -> None:
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    turn(source)
    p.region = Region.BOX
    ui.boxButton.click()
    box = p.box
    assert box.GetName() == "double box"
    assert apply().shape == (*SHAPE, 3)
    assert (colors_of(ct2rgb)[..., 1] == 100).all(), "it holds all at first"
    world = slicer.util.arrayFromTransformMatrix(source.GetParentTransformNode()) @ ijk_to_ras(source)
    axes = world[:3, :3] / np.linalg.norm(world[:3, :3], axis=0)
    pose = np.eye(4)
    pose[:3] = np.column_stack([*axes.T, (world @ [10, 6, 8, 1])[:3]])
    box.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(pose))
    spacing = np.linalg.norm(world[:3, :3], axis=0)
    box.SetSize(*(spacing * [4.9, 2.9, 6.9]))  # five, three and seven voxels
    colors = apply()
    np.testing.assert_array_equal(np.argwhere(colors[..., 1] == 100).min(axis=0), [0, 5, 8])
    np.testing.assert_array_equal(np.argwhere(colors[..., 1] == 100).max(axis=0), [6, 7, 12])
    assert len(colors) == 7, "slices beside the box are left out"
    box.SetCenterWorld(5000, 0, 0)
    ui.applyButton.click()
    assert ui.statusLabel.text == "Box 'double box' holds nothing of 'double'; move it there."


def test_only_segments_that_are_shown_are_colored(ct2rgb: Any, apply: Callable) -> None:
    p = ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    first, second = (slice(2, 6), slice(3, 9), slice(4, 12)), (slice(8, 12), slice(3, 9), slice(4, 12))
    segmentation = p.segmentation = add_segmentation(source, first, second)
    assert ct2rgb.ui.segmentUseComboBox.enabled
    expected = np.zeros(SHAPE, bool)
    expected[first] = expected[second] = True
    np.testing.assert_array_equal(apply()[..., 1] == 100, expected)
    display, ids = segmentation.GetDisplayNode(), segmentation.GetSegmentation().GetSegmentIDs()
    display.SetSegmentVisibility(ids[1], False)
    expected[second] = False
    np.testing.assert_array_equal(apply()[..., 1] == 100, expected)
    p.region = Region.BOX
    ct2rgb.ui.boxButton.click()
    np.testing.assert_array_equal(apply()[..., 1] == 100, expected[2:6])
    p.box.SetSize(300, 300, 30)
    ct2rgb.ui.applyButton.click()
    assert ct2rgb.ui.statusLabel.text == "No segment that is shown of 'organs' lies in the box; move the box."
    display.SetAllSegmentsVisibility(False)
    ct2rgb.ui.applyButton.click()
    assert "No segment that is shown of 'organs' lies in 'double'" in ct2rgb.ui.statusLabel.text


def test_colors_of_segments_are_blended_in(ct2rgb: Any, apply: Callable) -> None:
    p = ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    part = (slice(2, 6), slice(3, 9), slice(4, 12))
    segmentation = p.segmentation = add_segmentation(source, part)
    p.segmentUse = SegmentUse.BLEND
    segmentation.GetDisplayNode().SetOpacity2DFill(0.6)
    expected = np.zeros(SHAPE, np.uint8)
    expected[part] = 153
    np.testing.assert_array_equal(apply()[..., 2], expected)
    assert (colors_of(ct2rgb)[..., 1] == 100).all(), "all is colored"
    segmentation.GetSegmentation().GetSegment(segmentation.GetSegmentation().GetNthSegmentID(0)).SetColor(1, 0.2, 0)
    tints = scope.tints_of_segments(segmentation, source).array
    np.testing.assert_array_equal(tints[3, 4, 5], [255, 51, 0, 153])
    assert not tints[0].any()


def test_what_did_not_change_is_not_sent_again(ct2rgb: Any) -> None:
    p = ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    p.segmentation = add_segmentation(source, (slice(2, 12), slice(3, 9), slice(4, 12)))
    p.region = Region.BOX
    ct2rgb.ui.boxButton.click()
    first, again = ct2rgb.logic.request(p), ct2rgb.logic.request(p)
    assert first.images.keys() == {"image", "mask"}
    assert all(image is again.images[name] for name, image in first.images.items())
    p.box.SetSize(300, 300, 150)
    moved = ct2rgb.logic.request(p)
    assert moved.images["image"] is first.images["image"]
    assert moved.images["mask"].array.sum() < first.images["mask"].array.sum()


def test_cancel_leaves_the_scene_as_it_was(ct2rgb: Any, scene: Any, wait_until: Callable, settled: Callable) -> None:
    ui = ct2rgb.ui
    ct2rgb.panel.parameters.inputVolume = add_ct("slow")
    before = everything(scene)
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    assert not any(part.enabled for part in (ui.inputsButton, ui.advancedButton, ui.viewsButton, ui.saveButton))
    wait_until(lambda: "step 4" in ui.statusLabel.text, 30)
    ui.applyButton.click()
    settled(ct2rgb, 5)
    assert everything(scene) == before
    assert ui.statusLabel.text == "Cancelled; the scene is as it was."


def test_a_failed_run_says_so(ct2rgb: Any, scene: Any, settled: Callable) -> None:
    for name, words in (("refuse", "'refuse' is refused"), ("crash", "ended unexpectedly")):
        ct2rgb.panel.parameters.inputVolume = add_ct(name)
        before = everything(scene)
        ct2rgb.ui.applyButton.click()
        settled(ct2rgb)
        assert words in ct2rgb.ui.statusLabel.text
        assert everything(scene) == before


def test_closing_the_scene_ends_runs_and_previews(
    ct2rgb: Any, scene: Any, wait_until: Callable, settled: Callable
) -> None:
    ct2rgb.panel.parameters.inputVolume = add_ct("slow")
    ct2rgb.ui.applyButton.click()
    wait_until(lambda: "step 2" in ct2rgb.ui.statusLabel.text, 30)
    scene.Clear(0)
    assert ct2rgb.ui.statusLabel.text == "Select a CT."
    assert not ct2rgb.panel._runner.isRunning
    p = ct2rgb.panel.parameters
    p.inputVolume = add_ct()
    p.livePreview = True
    settled(ct2rgb)
    assert ct2rgb.panel.isPreviewing
    scene.Clear(0)
    assert not ct2rgb.panel.isPreviewing


def test_save_and_restore_every_choice(ct2rgb: Any, scene: Any, settled: Callable, tmp_path: Path) -> None:
    choices = {
        "tier": Tier.PALETTE,
        "part": Part.HEAD,
        "strength": 0.75,
        "masked": False,
        "threshold": -300.0,
        "fat_low": -180.0,
        "fat_high": -40.0,
        "bone_low": 200.0,
        "bone_high": 1400.0,
        "as_hu": True,
        "weights": "own.safetensors",
        "device": Device.CPU,
        "region": Region.BOX,
        "firstSlice": 2,
        "lastSlice": 5,
        "segmentUse": SegmentUse.BLEND,
        "showVolume": True,
        "cutAway": True,
        "opacity": Opacity.BONE,
        "fade": 0.5,
        "livePreview": True,
    }
    p = ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    p.segmentation = add_segmentation(source, (slice(2, 6), slice(3, 9), slice(4, 12)))
    ct2rgb.ui.boxButton.click()
    p.region = Region.BOX
    ct2rgb.ui.applyButton.click()
    settled(ct2rgb)
    for name, value in choices.items():
        setattr(p, name, value)
    settled(ct2rgb)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    ct2rgb.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]
    ct2rgb.enter()
    p = ct2rgb.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert (p.inputVolume.GetName(), p.box.GetName()) == ("double", "double box")
    assert p.segmentation.GetName() == "organs"
    settled(ct2rgb)
    solid = slicer.util.getNode("double colors in 3D (illustrative)")
    assert report_of(solid)["settings"]["solid"]
    rendering = rendering_of(solid)
    assert rendering.GetVisibility()
    assert not rendering.GetVolumePropertyNode().GetVolumeProperty().GetIndependentComponents()
    ct2rgb.ui.cutAwayCheckBox.click()
    assert not rendering.GetCroppingEnabled(), "what was restored is still in hand"
    p.livePreview = False
    assert red()[0] is p.inputVolume


def test_console_use(ct2rgb: Any, scene: Any) -> None:
    from CT2RGBLib.options import ColorizeOptions

    source = add_ct("scan")
    with pytest.raises(InputError, match="lie outside the image"):
        ct2rgb.logic.process(source, ColorizeOptions(tier=Tier.PALETTE, slices="30:40", as_hu=True))
    (node,) = ct2rgb.logic.process(source, ColorizeOptions(tier=Tier.PALETTE, slices="3:5", as_hu=True))
    assert slicer.util.arrayFromVolume(node).shape == (2, *SHAPE[1:], 3)
