"""What X-ray Tomography makes of a radiograph: where it lies, what the views show of it, surfaces and animations."""

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
from xraysyn_scene import (
    PLANE,
    add_radiograph,
    folder_of,
    put_in_study,
    red,
    rendering_of,
    reports_of_previews,
    turn,
    value_of,
)

from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.nodes import report_of
from XrayTomographyLib.options import Facing, Picture
from XrayTomographyLib.transfer import Colors

KINDS = ("volume", "uncertainty", "residual", "opacity")


@pytest.fixture
def applied(tomography: Any, settled: Callable) -> Any:
    """The panel after Apply."""
    tomography.panel.parameters.inputVolume = add_radiograph()
    tomography.ui.applyButton.click()
    settled(tomography)
    return tomography


def test_everything_lies_beside_the_radiograph(tomography: Any, settled: Callable) -> None:
    source = add_radiograph()
    transform, study = turn(source), put_in_study(source)
    before = slicer.util.arrayFromVolume(source).copy()
    ui, p = tomography.ui, tomography.panel.parameters
    p.inputVolume, p.facing, p.size = source, Facing.LEFT, 100
    ui.applyButton.click()
    settled(tomography)
    nodes = {kind: slicer.util.getNode(f"double {kind} (estimate)") for kind in KINDS}
    assert list(nodes.values()) == tomography.panel.results()
    assert folder_of(nodes.values()) == ("double tomography", study)
    for kind, node in nodes.items():
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
        assert node.GetAttribute("InverseImaging.Product") == kind
        assert node.GetNodeReference("InverseImaging.SourceVolume") is source
        assert node.GetTransformNodeID() == transform.GetID()
        settings = report_of(node)["settings"]
        assert (settings["facing"], settings["size"], settings["only"], settings["draft"]) == ("left", 100, "", False)
    np.testing.assert_allclose(to_ras(nodes["volume"]), np.diag([10, -20, 30, 1.0]))
    np.testing.assert_allclose(to_ras(nodes["opacity"]), PLANE)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
    assert "gives the radiograph back at 96.5 dB" in ui.qualityLabel.text
    assert ui.qualityLabel.text.endswith("\nIn 90 of 100 voxels it is so.\nThis is a test.")
    assert "size: 100" in ui.reportText.plainText


def test_the_volume_is_shown_in_colors_hidden_and_cut_away(applied: Any) -> None:
    ui, volume = applied.ui, applied.panel.results()[0]
    rendering = rendering_of(volume)
    assert rendering.GetVisibility()
    look = rendering.GetVolumePropertyNode().GetVolumeProperty()
    for number, colors in ((3, Colors.FILM), (0, Colors.BONE)):
        ui.colorsComboBox.currentIndex = number
        assert ui.colorsComboBox.currentText == colors.label()
        assert look.GetScalarOpacity().GetValue(0.6) == pytest.approx(
            np.interp(0.6, *zip(*((at, row[3]) for at, row in colors.look.transfer), strict=True))
        )
    assert not rendering.GetCroppingEnabled()
    ui.cutAwayCheckBox.click()
    box = rendering.GetROINode()
    assert rendering.GetCroppingEnabled()
    assert box.GetDisplayVisibility()
    np.testing.assert_allclose(sorted(box.GetSize()), sorted((120, 200, 240)))
    box.SetSize(50, 50, 50)
    ui.volumeCheckBox.click()
    assert not rendering.GetVisibility()
    assert not box.GetDisplayVisibility()
    ui.volumeCheckBox.click()
    assert rendering.GetROINode() is box
    np.testing.assert_allclose(box.GetSize(), 50)
    ui.cutAwayCheckBox.click()
    assert not rendering.GetCroppingEnabled()
    assert not box.GetDisplayVisibility()


def test_after_apply_the_view_follows_the_sliders(applied: Any, settled: Callable) -> None:
    ui, p, results = applied.ui, applied.panel.parameters, applied.panel.results()
    assert p.livePreview
    reports = reports_of_previews(applied)
    ui.azimuthSlider.value = 12
    settled(applied)
    preview = red()[0]
    assert preview.GetName() == "View from this angle (estimate, preview)"
    assert preview.GetHideFromEditors()
    assert value_of(preview) == pytest.approx(0.52)
    assert [report["settings"]["draft"] for report in reports] == [True, False]
    assert all(report["same"] and report["settings"]["only"] == "view" for report in reports)
    for number, name in ((1, "Red-cyan anaglyph"), (2, "Side by side"), (0, "View from this angle")):
        ui.shownComboBox.currentIndex = number
        settled(applied)
        shown = red()[0]
        assert shown.GetName() == f"{name} (estimate, preview)"
        assert shown.IsA("vtkMRMLVectorVolumeNode") == (number == 1)
    assert applied.panel.results() == results, "only Apply makes results"
    ui.resetButton.click()
    assert (p.azimuth, p.elevation) == (0, 0)
    applied.exit()
    assert not [n for n in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if "preview" in n.GetName()]


def test_without_live_view_results_are_shown_beside_the_radiograph(applied: Any) -> None:
    ui, p, (_volume, _spread, residual, opacity) = applied.ui, applied.panel.parameters, applied.panel.results()
    p.livePreview = False
    for picture, node in ((Picture.OPACITY, opacity), (Picture.RESIDUAL, residual)):
        p.shown = picture
        assert red()[0] is node
    p.shown = Picture.VIEW
    assert red()[0] is residual, "there is no view without live view"
    p.shown = Picture.OPACITY
    ui.sideBySideButton.click()
    assert red()[0] is opacity
    yellow = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceCompositeNode()
    assert yellow.GetBackgroundVolumeID() == p.inputVolume.GetID()


def test_a_picture_is_kept(applied: Any, settled: Callable) -> None:
    ui, p = applied.ui, applied.panel.parameters
    p.azimuth, p.shown = 25.0, Picture.ANAGLYPH
    settled(applied)
    ui.keepButton.click()
    settled(applied)
    (kept,) = applied.panel.results()
    assert kept.GetName() == "double anaglyph (estimate)"
    assert value_of(kept) == 25
    assert p.livePreview
    assert ui.surfaceButton.enabled, "the volume is still in hand"


def test_a_surface_becomes_a_model(applied: Any) -> None:
    ui, p, volume = applied.ui, applied.panel.parameters, applied.panel.results()[0]
    p.level = 0.25
    ui.surfaceButton.click()
    model = slicer.util.getNode("double volume (estimate) surface at 0.25")
    assert ui.statusLabel.text == f"Finished: {model.GetName()}."
    bounds = np.array(model.GetPolyData().GetBounds()).reshape(3, 2)
    np.testing.assert_allclose(bounds, [[25, 85], [-150, -30], [45, 165]])
    assert not p.showVolume, "it would hide the surface"
    assert not rendering_of(volume).GetVisibility()
    p.level = 5.0
    ui.surfaceButton.click()
    assert "has no surface at 5; choose a level above 0 and below 0.5" in ui.statusLabel.text
    slicer.mrmlScene.RemoveNode(volume)
    p.azimuth = 1.0
    assert not ui.surfaceButton.enabled
    assert ui.surfaceButton.toolTip == "Press Apply first."


def test_densities_are_saved_as_dicom_of_the_radiographs_study(
    applied: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    ui, source, volume = applied.ui, applied.panel.parameters.inputVolume, applied.panel.results()[0]
    taken = tmp_path / "taken.dcm"
    write(Image(np.zeros((1, 40, 40), np.int16), meaning=Meaning.HU), taken)
    files = {"1.2.3": str(taken)}
    database = SimpleNamespace(fileForInstance=files.get, instanceValue=lambda uid, tag: "")
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    source.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda parent, title, name, kinds: str(tmp_path / name))
    ui.dicomButton.click()
    folder = tmp_path / "double volume (estimate)"
    assert ui.statusLabel.text == f"DICOM series written to {folder}."
    saved = read(folder)
    assert saved.dicom.StudyInstanceUID == pydicom.dcmread(taken).StudyInstanceUID
    assert sorted(saved.array.shape) == sorted(slicer.util.arrayFromVolume(volume).shape)
    assert saved.array.max() == pytest.approx(0.5)
    ui.dicomButton.click()
    assert "is not empty; name a new one" in ui.statusLabel.text
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: "")
    ui.dicomButton.click()
    assert {path.name for path in tmp_path.iterdir()} == {taken.name, folder.name}


def test_animations_become_sequences_and_files(
    applied: Any, settled: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import qt

    ui, p, volume = applied.ui, applied.panel.parameters, applied.panel.results()[0]
    asked: list[str] = []

    def choose(parent: Any, title: str, name: str, kinds: str) -> str:
        asked.append(name)
        return str(tmp_path / name)

    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", choose)
    for button, name, frames in ((ui.turntableButton, "turntable", 3), (ui.wiggleButton, "wiggle", 4)):
        button.click()
        settled(applied)
        view, browser, sequence = applied.panel.results()
        assert view.GetName() == f"double {name} (estimate)"
        assert report_of(view)["settings"]["size"] == 256
        assert browser.GetSequenceNode(view) is sequence
        assert [sequence.GetNthIndexValue(number) for number in range(3)] == ["0", "30", "60"]
        assert red()[0] is view
        first = value_of(view)
        browser.SetSelectedItemNumber(2)
        assert value_of(view) == pytest.approx(first + 0.04)
        assert not p.livePreview, "the browser turns the view"
        ui.animationButton.click()
        path = tmp_path / f"{name}.gif"
        assert ui.statusLabel.text == f"Animation written to {path}."
        with Pillow.open(path) as gif:
            assert gif.n_frames == frames
    assert asked == ["turntable.gif", "wiggle.gif"]
    ui.volumeCheckBox.click()
    assert not rendering_of(volume).GetVisibility(), "the volume is still in hand"
    ui.applyButton.click()
    settled(applied)
    assert not ui.animationButton.enabled
    assert p.livePreview


def test_a_module_that_was_left_shows_nothing_when_it_finishes(
    tomography: Any, scene: Any, wait_until: Callable
) -> None:
    source = tomography.panel.parameters.inputVolume = add_radiograph("steady")
    tomography.ui.applyButton.click()
    tomography.exit()
    wait_until(lambda: tomography.panel.results(), 30)
    volume = tomography.panel.results()[0]
    assert red()[0] is source
    assert rendering_of(volume) is None
    tomography.enter()
    assert rendering_of(volume).GetVisibility()
