"""What CT Film Recovery shows: handles over photo and film that can be dragged, doubts, slices, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slicer
from film_scene import SHAPE, add_photo, drag, parts_of, source_of
from standin import views
from xraysyn_scene import put_in_study, turn, window_of

from FilmRecoveryLib.grids import Handles, corners_of, stretched
from FilmRecoveryLib.handles import OUTLINE, TILES, handles_of, places_of
from FilmRecoveryLib.nodes import CONFIDENCE, FILM, LOST, SLICES, Shown, newest, outline_of
from FilmRecoveryLib.options import Order
from InverseImagingLib.nodes import report_of

FOUND = [(7.9, 5.9), (71.1, 5.9), (7.9, 53.1), (71.1, 53.1)]  # corners of the outline, as the scripted worker finds it


@pytest.fixture
def applied(film: Any, wait_until: Callable) -> Any:
    """The panel after Apply."""
    p = film.panel.parameters
    p.inputVolume, p.level, p.width = add_photo(), 40.0, 400.0
    film.ui.applyButton.click()
    wait_until(lambda: not film.panel.isRunning, 30)
    return film


def composite(view: str) -> Any:
    return slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()


def backgrounds() -> list[Any]:
    """What lies in the views."""
    layout = slicer.app.layoutManager()
    return [slicer.mrmlScene.GetNodeByID(composite(name).GetBackgroundVolumeID()) for name in layout.sliceViewNames()]


def test_results_lie_beside_the_photo(film: Any, wait_until: Callable) -> None:
    photo = film.panel.parameters.inputVolume = add_photo()
    transform, study = turn(photo), put_in_study(photo)
    film.ui.applyButton.click()
    wait_until(lambda: not film.panel.isRunning, 30)
    flat = newest(photo, FILM)
    volume = newest(flat, SLICES)
    made = [flat, newest(flat, CONFIDENCE), volume, newest(volume, LOST)]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for node in (*made, handles_of(photo, OUTLINE), handles_of(flat, TILES)):
        assert node.GetTransformNodeID() == transform.GetID()
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    for node in made:
        assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
        assert report_of(node)["settings"]
    np.testing.assert_allclose(places_of(handles_of(photo, OUTLINE)), FOUND)


def test_the_slices_are_shown_and_the_film_again(applied: Any) -> None:
    p, layout = applied.panel.parameters, slicer.app.layoutManager()
    volume = newest(p.film, SLICES)
    assert p.shown is Shown.SLICES
    assert backgrounds() == 3 * [volume]
    assert window_of(volume) == (-160, 240), "the window of the film"
    assert layout.sliceWidget("Red").mrmlSliceNode().GetOrientation() == "Axial"
    p.shown = Shown.FILM
    assert layout.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    assert backgrounds() == [p.inputVolume, p.film]
    p.shown = Shown.SLICES
    assert backgrounds() == 3 * [volume]
    layout.sliceWidget("Green").mrmlSliceNode().SetOrientation("Axial")
    p.skip = "1"
    assert layout.sliceWidget("Green").mrmlSliceNode().GetOrientation() == "Axial", "what the user chose stays"


def test_doubt_covers_the_film(applied: Any) -> None:
    p = applied.panel.parameters
    p.shown = Shown.FILM
    confidence = newest(p.film, CONFIDENCE)
    assert composite("Yellow").GetForegroundVolumeID() == confidence.GetID()
    slicer.util.arrayFromVolume(confidence)[:] = 0.1
    slicer.util.arrayFromVolumeModified(confidence)
    for doubt, red, green in ((0.0, 127, 127), (0.5, 180, 95), (1.0, 232, 63)):
        applied.ui.doubtSlider.value = doubt
        pixel = views.slice_image("Yellow").pixelColor(256, 256)
        assert (pixel.red(), pixel.green()) == (pytest.approx(red, abs=3), pytest.approx(green, abs=3))
    slicer.util.arrayFromVolume(confidence)[:] = 0.8
    slicer.util.arrayFromVolumeModified(confidence)
    pixel = views.slice_image("Yellow").pixelColor(256, 256)
    assert (pixel.red(), pixel.green()) == (pytest.approx(127, abs=2), pytest.approx(127, abs=2)), "sure enough"


def test_what_the_film_cannot_tell_is_marked(applied: Any) -> None:
    p = applied.panel.parameters
    lost = newest(newest(p.film, SLICES), LOST)
    assert slicer.util.arrayFromVolume(lost)[:, :2, 0].tolist() == 6 * [[1, 0]]
    assert composite("Red").GetLabelVolumeID() != lost.GetID()
    slicer.util.arrayFromVolume(lost)[:] = 1
    slicer.util.arrayFromVolumeModified(lost)
    applied.ui.lostCheckBox.click()
    assert composite("Red").GetLabelVolumeID() == lost.GetID()
    picture = views.slice_image("Red")
    inside, outside = picture.pixelColor(256, 256), picture.pixelColor(2, 2)
    assert inside.red() > inside.green() + 50
    assert outside.red() == outside.green(), "only slices are marked"
    applied.ui.lostCheckBox.click()
    pixel = views.slice_image("Red").pixelColor(256, 256)
    assert pixel.red() == pixel.green()


def test_handles_are_seen_where_they_belong(applied: Any) -> None:
    p = applied.panel.parameters
    outline, tiles = handles_of(p.inputVolume, OUTLINE), handles_of(p.film, TILES)
    for node in (outline, tiles, *parts_of(outline), *parts_of(tiles)):
        assert not node.GetDisplayVisibility(), "not over slices"
    p.shown = Shown.FILM
    for handles, view in ((outline, "Red"), (tiles, "Yellow")):
        shown = slicer.app.layoutManager().sliceWidget(view).mrmlSliceNode().GetID()
        for node in (handles, *parts_of(handles)):
            assert node.GetDisplayVisibility()
            assert node.GetDisplayNode().GetViewNodeIDs() == (shown,)
        assert all(part.GetHideFromEditors() for part in parts_of(handles))
    picture = views.slice_image("Red", 480, marks=True)  # 6 pixels for each of the photo's
    color = picture.pixelColor(round(6 * (FOUND[0][0] + 0.5)), round(60 + 6 * (FOUND[0][1] + 0.5)))
    assert (color.red(), color.green(), color.blue()) == (pytest.approx(140, abs=9), pytest.approx(204, abs=9), 255)


def test_lines_follow_what_is_dragged(applied: Any) -> None:
    p = applied.panel.parameters
    lines = parts_of(handles_of(p.inputVolume, OUTLINE))[0]
    bounds = np.array(lines.GetPolyData().GetBounds()).reshape(3, 2)
    np.testing.assert_allclose(bounds[0], (-71.1, -7.9), atol=1e-5)
    drag(p.inputVolume, OUTLINE, 1, (78, 2))
    bounds = np.array(lines.GetPolyData().GetBounds()).reshape(3, 2)
    np.testing.assert_allclose(bounds[0], (-78, -7.9), atol=1e-5)
    lines, numbers = parts_of(handles_of(p.film, TILES))
    assert lines.GetPolyData().GetNumberOfLines() == 6
    assert labels(numbers) == ["1", "2", "3", "4", "5", "6"]
    before = slicer.util.arrayFromMarkupsControlPoints(numbers)
    drag(p.film, TILES, 2, (35.5, 25.5))
    assert np.abs(slicer.util.arrayFromMarkupsControlPoints(numbers) - before).max() > 1
    p.order, p.skip = Order.COLUMNS, "1, 6"
    assert labels(numbers) == ["", "3", "5", "2", "4", ""]


def labels(node: Any) -> list[str]:
    return [node.GetNthControlPointLabel(index) for index in range(node.GetNumberOfControlPoints())]


def test_corners_become_a_grid_and_a_grid_corners(applied: Any) -> None:
    p = applied.panel.parameters
    p.handles = Handles.GRID
    points = outline_of(p.inputVolume)
    np.testing.assert_allclose(points, report_of(newest(p.inputVolume, FILM))["points"], atol=1e-9)
    p.handles = Handles.CORNERS
    drag(p.inputVolume, OUTLINE, 0, (1, 2))
    p.handles = Handles.GRID
    moved = outline_of(p.inputVolume)
    np.testing.assert_allclose(moved, stretched(points, corners_of(moved)), atol=1e-9)
    np.testing.assert_allclose(corners_of(moved)[0], [(1, 2), FOUND[1]], atol=1e-9)
    p.handles = Handles.CORNERS
    assert len(places_of(handles_of(p.inputVolume, OUTLINE))) == 4
    for index in range(4):
        drag(p.inputVolume, OUTLINE, index, (5 * index, 5 * index))
    p.handles = Handles.GRID
    assert "no three lie on a line" in applied.ui.statusLabel.text


def test_an_outline_by_hand_where_none_was_found(film: Any) -> None:
    p = film.panel.parameters
    photo = p.inputVolume = add_photo()
    film.ui.outlineButton.click()
    np.testing.assert_allclose(places_of(handles_of(photo, OUTLINE)), FOUND)
    assert composite("Red").GetBackgroundVolumeID() == photo.GetID()
    assert film.logic.filmRequest(p).images.keys() == {"image", "points"}, "it counts where nothing else is known"


def test_tiles_by_hand(film: Any) -> None:
    ui, p = film.ui, film.panel.parameters
    p.film = slicer.util.addVolumeFromArray(np.full((1, *SHAPE), 0.5, np.float32), name="scan")
    assert ui.tilesButton.toolTip == "Choose rows and columns, or extract the slices first."
    p.rows, p.columns = 3, 4
    ui.tilesButton.click()
    handles = handles_of(p.film, TILES)
    np.testing.assert_allclose(places_of(handles), [(-0.5, -0.5), (19.5, 19.5), (79.5, 59.5)])
    assert parts_of(handles)[0].GetPolyData().GetNumberOfLines() == 12
    request = film.logic.slicesRequest(p)
    assert request.options.layout == "3x4"
    assert request.images["tiles"].array[0, -1].tolist() == [60, 40, 80, 60]
    p.rows = 2
    assert handles_of(p.film, TILES) is None, "they mean nothing for other rows"
    assert not [node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if source_of(node) is p.film]


def test_new_results_move_what_was_dragged(applied: Any, wait_until: Callable) -> None:
    p = applied.panel.parameters
    photo = p.inputVolume
    p.handles = Handles.GRID
    drag(photo, OUTLINE, 12, (44, 33))
    expected = outline_of(photo)
    applied.ui.applyButton.click()
    wait_until(lambda: not applied.panel.isRunning, 30)
    np.testing.assert_allclose(outline_of(photo), expected, atol=1e-4)
    assert len(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")) == 6, "those of the photo and of both films"
