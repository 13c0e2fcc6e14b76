"""What CT2RGB makes of a CT: where it lies, what the slice and 3D views show of it, live, faded and cut away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
import slicer
from PIL import Image as Pillow
from standin import views
from test_ctrestoration_panel import contents
from xraysyn_scene import MATRIX, SHAPE, add_ct, put_in_study, red, rendering_of, reports_of_previews, turn

from CT2RGBLib.opacity import Opacity
from CT2RGBLib.scope import Region
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.nodes import ijk_to_ras_of, report_of


@pytest.fixture
def applied(ct2rgb: Any, settled: Callable) -> Any:
    """The panel after Apply."""
    ct2rgb.panel.parameters.inputVolume = add_ct()
    ct2rgb.ui.applyButton.click()
    settled(ct2rgb)
    return ct2rgb


def layers() -> set[tuple[str, str, float]]:
    """What all slice views show: names of the background and the foreground, and the opacity of that."""

    def name(identifier: str) -> str:
        node = slicer.mrmlScene.GetNodeByID(identifier or "")
        return node.GetName() if node is not None else ""

    return {
        (name(each.GetBackgroundVolumeID()), name(each.GetForegroundVolumeID()), each.GetForegroundOpacity())
        for each in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    }


def test_colors_lie_beside_the_ct(ct2rgb: Any, settled: Callable) -> None:
    source = add_ct()
    transform, study = turn(source), put_in_study(source)
    before = slicer.util.arrayFromVolume(source).copy()
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    p.inputVolume, p.strength = source, 0.9
    ui.applyButton.click()
    settled(ct2rgb)
    flat, solid = ct2rgb.panel.results()
    assert flat.GetName() == "double colors (illustrative)"
    assert solid.GetName() == "double colors in 3D (illustrative)"
    assert slicer.util.arrayFromVolume(flat).shape == (*SHAPE, 3)
    assert slicer.util.arrayFromVolume(solid).shape == (*SHAPE, 4)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for node in (flat, solid):
        assert node.IsA("vtkMRMLVectorVolumeNode")
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
        assert node.GetTransformNodeID() == transform.GetID()
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
        np.testing.assert_allclose(ijk_to_ras_of(node), MATRIX, atol=1e-9)
        assert report_of(node)["settings"]["strength"] == 0.9
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
    assert ui.statusLabel.text == "Finished: double colors (illustrative). This is a test."
    assert not ui.resultsButton.collapsed
    assert "strength: 0.9" in ui.reportText.plainText


def test_one_slice_is_nothing_in_3d(ct2rgb: Any, settled: Callable) -> None:
    p = ct2rgb.panel.parameters
    p.inputVolume, p.region, p.showVolume = add_ct(), Region.CURRENT, True
    ct2rgb.ui.applyButton.click()
    settled(ct2rgb)
    (flat,) = ct2rgb.panel.results()
    assert len(slicer.util.arrayFromVolume(flat)) == 1
    assert not ct2rgb.ui.volumeCheckBox.enabled
    assert ct2rgb.ui.sideBySideButton.enabled


def test_the_colors_fade_into_the_ct(applied: Any) -> None:
    ui, p, flat = applied.ui, applied.panel.parameters, applied.panel.results()[0]
    assert layers() == {("double", flat.GetName(), 1.0)}
    ui.fadeSlider.value = 0.25
    assert p.fade == 0.25
    assert layers() == {("double", flat.GetName(), 0.25)}
    p.fade = 1.0
    assert layers() == {("double", flat.GetName(), 1.0)}
    pixel = views.slice_image("Red").pixelColor(256, 256)
    assert pixel.red() == pytest.approx(200, abs=2), "as the colors are, not as their opacity in 3D"
    ui.sideBySideButton.click()
    assert red()[0] is p.inputVolume
    yellow = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceCompositeNode()
    assert yellow.GetBackgroundVolumeID() == flat.GetID()


def test_the_preview_follows_the_red_view_and_the_choices(ct2rgb: Any, scene: Any, settled: Callable) -> None:
    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    source = p.inputVolume = add_ct()
    before = contents(scene)
    reports = reports_of_previews(ct2rgb)
    ui.livePreviewCheckBox.click()
    settled(ct2rgb)
    preview = slicer.util.getNode("Inverse Imaging preview")
    assert preview.GetHideFromEditors()
    assert not preview.GetSaveWithScene()
    assert slicer.util.arrayFromVolume(preview).shape == (1, *SHAPE[1:], 3)
    assert layers() == {("double", preview.GetName(), 1.0)}
    slice_node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    for index in (3, 15):
        slice_node.JumpSlice(*(MATRIX @ [12, 8, index, 1])[:3])
        settled(ct2rgb)
        assert reports[-1]["settings"]["slices"] == f"{index}:{index + 1}"
        np.testing.assert_allclose(ijk_to_ras_of(preview)[:, 3], MATRIX @ [0, 0, index, 1], atol=1e-9)
    count = len(reports)
    slice_node.Modified()
    settled(ct2rgb)
    assert len(reports) == count, "nothing is computed twice"
    ui.strengthSlider.value = 0.5
    settled(ct2rgb)
    assert slicer.util.arrayFromVolume(preview)[..., 0].max() == 100
    assert reports[-1]["same"], "the CT is sent once"
    ui.fadeSlider.value = 0.3
    assert layers() == {("double", preview.GetName(), 0.3)}
    ct2rgb.exit()
    assert contents(scene)["views"] == before["views"]
    assert contents(scene)["nodes"] == before["nodes"]
    ct2rgb.enter()
    settled(ct2rgb)
    assert ct2rgb.panel.isPreviewing
    ui.applyButton.click()
    settled(ct2rgb)
    assert not p.livePreview
    assert layers() == {("double", "double colors (illustrative)", 1.0)}
    assert red()[0] is source


def test_a_preview_that_fails_says_so(ct2rgb: Any, scene: Any, settled: Callable) -> None:
    p = ct2rgb.panel.parameters
    p.inputVolume = add_ct("refuse")
    before = contents(scene)
    p.livePreview = True
    settled(ct2rgb)
    assert "'refuse' is refused" in ct2rgb.ui.statusLabel.text
    assert contents(scene)["views"] == before["views"]


def test_colors_are_shown_in_3d_with_presets_and_cut_away(applied: Any) -> None:
    ui, p, solid = applied.ui, applied.panel.parameters, applied.panel.results()[1]
    assert rendering_of(solid) is None, "only when it is wanted"
    ui.volumeCheckBox.click()
    rendering = rendering_of(solid)
    look = rendering.GetVolumePropertyNode().GetVolumeProperty()
    assert rendering.GetVisibility()
    assert not look.GetIndependentComponents()
    for number, opacity in enumerate(Opacity):
        ui.opacityComboBox.currentIndex = number
        assert p.opacity is opacity
        for alpha, share in opacity.points:
            assert look.GetScalarOpacity().GetValue(alpha) == pytest.approx(share)
    look.GetScalarOpacity().AddPoint(100, 0.9)
    p.strength = 0.5
    assert look.GetScalarOpacity().GetValue(100) == 0.9, "the user's changes stay"
    ui.cutAwayCheckBox.click()
    assert rendering.GetCroppingEnabled()
    box = rendering.GetROINode()
    assert box.GetDisplayVisibility()
    ui.volumeCheckBox.click()
    assert not rendering.GetVisibility()
    assert not box.GetDisplayVisibility()


def test_new_colors_take_the_place_of_old_ones_in_3d(applied: Any, settled: Callable) -> None:
    ui, first = applied.ui, applied.panel.results()[1]
    ui.volumeCheckBox.click()
    assert rendering_of(first).GetVisibility()
    ui.applyButton.click()
    settled(applied)
    second = applied.panel.results()[1]
    assert second is not first
    assert rendering_of(second).GetVisibility()
    assert not rendering_of(first).GetVisibility()
    slicer.mrmlScene.RemoveNode(second)
    ui.volumeCheckBox.click()
    assert not rendering_of(first).GetVisibility()


def test_colors_are_saved_as_files(
    ct2rgb: Any, settled: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    ui, p = ct2rgb.ui, ct2rgb.panel.parameters
    slices, solid = (ui.picturesButton, ui.dicomButton), (ui.surfaceButton, ui.turntableButton)
    source = p.inputVolume = add_ct()
    assert not any(button.enabled for button in (*slices, *solid))
    assert {button.toolTip for button in slices} == {"Press Apply first."}
    p.region = Region.CURRENT
    ui.applyButton.click()
    settled(ct2rgb)
    assert all(button.enabled for button in slices)
    assert not any(button.enabled for button in solid)
    assert ui.turntableButton.toolTip == "Press Apply first, for several slices."
    p.region = Region.ALL
    ui.applyButton.click()
    settled(ct2rgb)
    name = ct2rgb.panel.results()[0].GetName()

    def save(button: Any, ending: str = "") -> Path:
        path = tmp_path / f"{button.name}{ending}"
        asked = []

        def choose(parent: Any, title: str, name: str, kinds: str) -> str:
            asked.append(name)
            return str(path)

        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", choose)
        button.click()
        assert ui.statusLabel.text == f"Written to {path}."
        assert asked == [name + ending]
        return path

    taken = tmp_path / "taken.dcm"
    write(Image(np.zeros((1, 40, 40), np.int16), meaning=Meaning.HU), taken)
    database = SimpleNamespace(fileForInstance={"1.2.3": str(taken)}.get)
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    source.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    saved = read(save(ui.dicomButton))
    assert saved.array.shape == (*SHAPE, 3)
    assert saved.dicom.StudyInstanceUID == pydicom.dcmread(taken).StudyInstanceUID
    assert len(list(save(ui.picturesButton).glob("*.png"))) == SHAPE[0]
    assert save(ui.surfaceButton, ".glb").read_bytes()[:4] == b"glTF"
    with Pillow.open(save(ui.turntableButton, ".gif")) as gif:
        assert gif.n_frames > 20
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / ui.dicomButton.name))
    ui.dicomButton.click()
    assert "is not empty; name a new one" in ui.statusLabel.text


def test_a_module_that_was_left_shows_nothing_when_it_finishes(ct2rgb: Any, wait_until: Callable) -> None:
    ct2rgb.panel.parameters.inputVolume = add_ct("steady")
    ct2rgb.ui.applyButton.click()
    ct2rgb.exit()
    wait_until(lambda: ct2rgb.panel.results(), 30)
    assert all(foreground == "" for _, foreground, _ in layers())
