"""Photos, films and slices as nodes, and handles over them that can be dragged, however the picture lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from FilmRecoveryLib import handles, nodes
from FilmRecoveryLib.grids import Handles
from FilmRecoveryLib.handles import OUTLINE, TILES
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import node_from_image

MATRIX = np.array([[0, -0.2, 0, 12], [0.3, 0, 0, 9], [0, 0, 3, -30], [0, 0, 0, 1.0]])
PLACES = np.array([(0, 0), (30.5, 2), (7, 19.25)])
GRID = [[2, 2, 12, 12], [14, 2, 24, 12], [2, 14, 12, 24], [14, 14, 24, 24]]


@pytest.fixture
def photo(scene: Any) -> Any:
    node = node_from_image(Image(np.zeros((1, 30, 40, 3), np.uint8), MATRIX, Meaning.RGB), "photo")
    turned = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turned.SetMatrixTransformToParent(
        slicer.util.vtkMatrixFromArray(np.array([[0, -2, 0, 5], [2, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1.0]]))
    )
    node.SetAndObserveTransformNodeID(turned.GetID())
    return node


def film_of(photo: Any, **report: Any) -> list[Any]:
    images = {
        "film": Image(np.full((1, 26, 26), 0.5, np.float32), meaning=Meaning.DISPLAY),
        "confidence": Image(np.ones((1, 26, 26), np.float32)),
    }
    return nodes.add_film(Result(images, {"found by": "model", **report}), photo)


def slices_of(film: Any, window: str = "text", before: Any = None) -> list[Any]:
    images = {
        "volume": Image(np.zeros((4, 10, 10), np.int16), meaning=Meaning.HU if window != "none" else Meaning.SCALAR),
        "valid": Image(np.ones((4, 10, 10), np.uint8), meaning=Meaning.LABEL),
    }
    window_told = {"level": 40, "width": 400, "from": window}
    report = {"layout": "2x2", "grid": GRID, "window": window_told, "head last": True}
    return nodes.add_slices(Result(images, report), film, before)


def test_handles_lie_on_their_picture(photo: Any) -> None:
    node = handles.place(photo, OUTLINE, PLACES, ["a", "b", "c"])
    np.testing.assert_allclose(handles.places_of(node), PLACES, atol=1e-9)
    world = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
    np.testing.assert_allclose(world[0], (2 * -9 + 5, 2 * 12 + 6, 2 * -30 + 7), atol=1e-9)
    assert handles.place(photo, OUTLINE, PLACES[:2] + 1, ["d", "e"]) is node
    np.testing.assert_allclose(handles.places_of(node), PLACES[:2] + 1, atol=1e-9)
    assert node.GetNthControlPointLabel(1) == "e"
    assert node.GetFixedNumberOfControlPoints()


def test_handles_go_with_all_that_follows_them(photo: Any) -> None:
    before = slicer.mrmlScene.GetNumberOfNodes()
    node = handles.place(photo, TILES, PLACES, ["", "", ""])
    handles.draw(node, [PLACES, PLACES[:2]])
    handles.number(node, PLACES[:2], ["1", "2"])
    lines, numbers = (node.GetNodeReference(f"InverseImaging.{role}") for role in ("Lines", "Numbers"))
    assert (lines.GetPolyData().GetNumberOfLines(), lines.GetPolyData().GetNumberOfPoints()) == (2, 5)
    assert numbers.GetLocked()
    np.testing.assert_allclose(
        slicer.util.arrayFromMarkupsControlPoints(numbers), slicer.util.arrayFromMarkupsControlPoints(node)[:2]
    )
    handles.number(node, PLACES, ["1", "", "3"])
    assert [numbers.GetNthControlPointLabel(index) for index in range(3)] == ["1", "", "3"]
    handles.remove(node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_each_photo_has_its_own_handles(photo: Any) -> None:
    other = node_from_image(Image(np.zeros((1, 30, 40), np.uint8)), "other")
    first, second = (handles.place(each, OUTLINE, PLACES, ["", "", ""]) for each in (photo, other))
    assert handles.handles_of(photo, OUTLINE) is first
    assert handles.handles_of(other, OUTLINE) is second
    assert handles.handles_of(photo, TILES) is handles.handles_of(None, OUTLINE) is None


def test_an_outline_counts_when_the_user_moved_it(photo: Any) -> None:
    points = np.random.default_rng(0).uniform(0, 30, (5, 5, 2))
    assert nodes.given_outline(photo) is None
    film_of(photo, points=points.tolist())
    node = nodes.show_outline(photo, Handles.GRID)
    np.testing.assert_allclose(nodes.outline_of(photo), points, atol=1e-9)
    assert not nodes.outline_was_moved(photo)
    assert nodes.given_outline(photo) is None
    points[2, 3] += 1
    handles.place(photo, OUTLINE, points.reshape(-1, 2), 25 * [""])
    assert nodes.outline_was_moved(photo)
    np.testing.assert_allclose(nodes.given_outline(photo).array, points, atol=1e-5)
    film_of(photo, points=points.tolist(), **{"found by": "user"})
    assert not nodes.outline_was_moved(photo)
    assert nodes.given_outline(photo) is not None, "what the user has said stays"
    handles.remove(node)
    assert nodes.given_outline(photo) is None


def test_tiles_are_where_they_were_found(photo: Any) -> None:
    film, _ = film_of(photo)
    assert nodes.layout_of(film) is None
    slices_of(film)
    assert nodes.layout_of(film) == (2, 2)
    node = nodes.show_tiles(film, (2, 2))
    np.testing.assert_allclose(handles.places_of(node), [(1.5, 1.5), (11.5, 11.5), (23.5, 23.5)], atol=1e-9)
    assert not nodes.tiles_are_given(film)
    nodes.show_tiles(film, (1, 2))
    assert nodes.layout_of_tiles(node) == (1, 2)
    np.testing.assert_allclose(handles.places_of(node), [(-0.5, -0.5), (12.5, 25.5), (25.5, 25.5)], atol=1e-9)
    assert nodes.tiles_are_given(film)


def test_slices_go_on_from_those_of_the_films_before(photo: Any) -> None:
    other, third = (node_from_image(Image(np.zeros((1, 9, 9), np.uint8)), name) for name in ("other", "third"))
    volume = None
    for count, each in enumerate((photo, other, third), 1):
        film, _ = film_of(each)
        volume, lost = slices_of(film, before=volume)
        assert volume.GetImageData().GetDimensions() == lost.GetImageData().GetDimensions() == (10, 10, 4 * count)
    assert all(nodes.holds(volume, each) for each in (photo, other, third, film))
    assert not nodes.holds(volume, node_from_image(Image(np.zeros((1, 9, 9), np.uint8)), "scan"))
    assert nodes.layout_of(film) == (2, 2), "the tiles are those of its own film"
    assert nodes.report_of(volume)["added to"] == {"name": "other flat film slices", "slices": 8}
    slicer.mrmlScene.RemoveNode(lost)
    with pytest.raises(InputError, match="'third flat film slices' was removed from the scene; extract the slices"):
        slices_of(film_of(photo)[0], before=volume)


@pytest.mark.parametrize(("window", "shown"), [("text", (-160, 240)), ("none", (0, 1))])
def test_slices_are_hu_where_the_window_is_known(photo: Any, window: str, shown: tuple[float, float]) -> None:
    volume, lost = slices_of(film_of(photo)[0], window)
    display = volume.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == shown
    assert nodes.slices_image(volume).meaning is (Meaning.HU if window == "text" else Meaning.SCALAR)
    assert lost.IsA("vtkMRMLLabelMapVolumeNode")
    assert not slicer.util.arrayFromVolume(lost).any(), "all was valid"
    table = lost.GetDisplayNode().GetColorNode().GetLookupTable()
    assert [table.GetTableValue(index)[3] for index in (0, 1)] == [0, pytest.approx(0.6, abs=0.01)]
