"""What is synthesized from a radiograph, as nodes: one picture at a time, windows, frames of a sweep, previews."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import ijk_to_ras_of, node_from_image
from InverseImagingLib.xray.scene import frames_of, is_picture
from XraySynLib import nodes
from XraySynLib.options import Picture, SynthesisOptions

MATRIX = np.diag([-0.5, -0.5, 1.0, 1.0])


def picture(value: float, meaning: Meaning = Meaning.DISPLAY) -> Image:
    array = np.full((1, 20, 30), value, np.float32)
    array[0, 0, 0] = 0
    return Image(array, MATRIX, meaning)


def result_of(images: dict[str, Image]) -> Result:
    return Result(images, {"angles": [[3.0 * number, 0.0] for number in range(len(images))]})


@pytest.fixture
def source(scene: Any) -> Any:
    return node_from_image(Image(np.ones((1, 20, 30), np.uint8), MATRIX, Meaning.DISPLAY, "chest"), "chest")


@pytest.mark.parametrize(
    ("kind", "value", "window"),
    [
        (Picture.VIEW, 1.3, (0, 1)),
        (Picture.SUPPRESSED, 0.3, (0, 1)),
        (Picture.BONE_MAP, 2.5, (0, 2.5)),
        (Picture.TISSUE_MAP, 30.0, (0, 30)),
        (Picture.UNCERTAINTY, 0.001, (0, 0.02)),
        (Picture.RESIDUAL, -0.5, (-0.5, 0.5)),
    ],
)
def test_each_picture_has_a_window_of_its_own(source: Any, kind: Picture, value: float, window: tuple) -> None:
    name = "view 1" if kind is Picture.VIEW else kind.value
    (node,) = nodes.add_synthesis(result_of({name: picture(value)}), SynthesisOptions(), source)
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(window, abs=1e-5)
    assert node.GetName() == f"chest {kind.value} (synthesized)"
    assert node.GetAttribute(nodes.KIND) == kind.value


def test_the_views_of_a_sweep_are_its_frames(source: Any) -> None:
    views = {f"view {number}": picture(number / 10) for number in range(1, 4)}
    made = nodes.add_synthesis(result_of(views), SynthesisOptions(sweep="0:6:3"), source)
    frames = frames_of(made)
    assert [float(frame[5, 5]) for frame in frames] == pytest.approx([0.1, 0.2, 0.3])
    assert frames[0].shape == (20, 30)
    assert frames_of(made[:1]) == []
    assert frames_of([None]) == []


def test_a_volume_is_a_picture_when_it_is_one_plane(scene: Any, source: Any) -> None:
    assert is_picture(source)
    assert not is_picture(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert not is_picture(node_from_image(Image(np.ones((2, 20, 30), np.uint8), MATRIX), "scan"))


def test_a_coarse_ct_is_shown_and_hidden_in_3d(scene: Any) -> None:
    import slicer

    ct = node_from_image(Image(np.zeros((4, 5, 6), np.int16), meaning=Meaning.HU), "CT")
    logic = slicer.modules.volumerendering.logic()
    nodes.show_volume(ct, False)
    assert logic.GetFirstVolumeRenderingDisplayNode(ct) is None
    nodes.show_volume(ct, True)
    display = logic.GetFirstVolumeRenderingDisplayNode(ct)
    assert display.GetVisibility()
    opacity = display.GetVolumePropertyNode().GetVolumeProperty().GetScalarOpacity()
    assert opacity.GetValue(-500) == 0
    assert opacity.GetValue(1500) > opacity.GetValue(100) > 0
    nodes.show_volume(ct, False)
    assert not display.GetVisibility()
    assert logic.GetFirstVolumeRenderingDisplayNode(ct) is display


def test_a_new_coarse_ct_takes_the_place_of_the_last_one_in_3d(scene: Any, source: Any) -> None:
    import slicer

    logic = slicer.modules.volumerendering.logic()
    ct = Image(np.zeros((4, 5, 6), np.int16), meaning=Meaning.HU)
    patient = node_from_image(ct, "patient")
    logic.CreateDefaultVolumeRenderingNodes(patient).SetVisibility(True)
    estimates = [nodes.add_synthesis(Result({"CT": ct}, {}), SynthesisOptions(), source)[0] for _ in range(2)]
    for estimate in estimates:
        nodes.show_volume(estimate, True)
    shown = [logic.GetFirstVolumeRenderingDisplayNode(each).GetVisibility() for each in (patient, *estimates)]
    assert shown == [1, 0, 1]


def test_a_preview_comes_and_goes(scene: Any, source: Any) -> None:
    import slicer

    slicer.util.setSliceViewerLayers(background=source, fit=True)
    widget = slicer.app.layoutManager().sliceWidget("Red")
    composite, view = widget.mrmlSliceCompositeNode(), widget.mrmlSliceNode()
    pose, count = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()).copy(), scene.GetNumberOfNodes()
    preview = nodes.SynthesisPreview()
    for kind, shift in ((Picture.VIEW, 0.0), (Picture.UNCERTAINTY, 5.0)):
        matrix = MATRIX.copy()
        matrix[0, 3] = shift
        image = Image(picture(0.5).array, matrix)
        name = "view 1" if kind is Picture.VIEW else kind.value
        preview.show(result_of({name: image}), SynthesisOptions(only=kind.value), source)
        shown = scene.GetNodeByID(composite.GetBackgroundVolumeID())
        assert shown.GetName() == f"{kind.label()} (synthesized, preview)"
        assert ijk_to_ras_of(shown)[0, 3] == shift
        assert not view.GetSliceVisible(), "a radiograph has no place in the body"
    preview.remove()
    assert scene.GetNumberOfNodes() == count
    assert composite.GetBackgroundVolumeID() == source.GetID()
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()), pose)
