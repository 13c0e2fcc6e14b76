"""The panel of CT Film Recovery: what can be chosen and is run, runs that are cancelled or fail, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qt
import slicer
from film_scene import SHAPE, add_photo, drag, source_of
from xraysyn_scene import everything

from FilmRecoveryLib import nodes
from FilmRecoveryLib.grids import Handles
from FilmRecoveryLib.handles import OUTLINE, TILES, handles_of, places_of
from FilmRecoveryLib.nodes import FILM, SLICES, Shown, newest
from FilmRecoveryLib.options import Mirror, Order, Turn
from InverseImagingLib.compute import Place, Where
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.nodes import report_of


@pytest.fixture
def idle(film: Any, wait_until: Callable) -> Callable:
    """Waits until no run goes on or is about to."""
    return lambda seconds=30: wait_until(lambda: not film.panel.isRunning, seconds)


@pytest.fixture
def press(film: Any, idle: Callable) -> Callable:
    """press("applyButton") presses a button, waits for the end and returns the first node that was made."""

    def press(button: str) -> Any:
        getattr(film.ui, button).click()
        idle()
        assert film.ui.statusLabel.text.startswith("Finished"), film.ui.statusLabel.text
        return film.panel.results()[0]

    return press


def test_buttons_are_off_with_a_reason(film: Any, scene: Any) -> None:
    ui, p = film.ui, film.panel.parameters
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    ct = slicer.util.addVolumeFromArray(np.ones((3, 5, 5)), name="CT")
    mask = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mask")
    slicer.util.updateVolumeFromArray(mask, np.ones((1, 5, 5), np.uint8))
    for volume, words in (
        (None, "Select a photo of a film, or load one."),
        (empty, "'nothing' is empty; load an image into it."),
        (ct, "'CT' is a volume of 3 slices; select a photo of a film."),
        (mask, "'mask' is a label map; select a photo of a film."),
    ):
        p.inputVolume = volume
        assert ui.statusLabel.text == ui.applyButton.toolTip == ui.flattenButton.toolTip == words
        assert not any(button.enabled for button in (ui.applyButton, ui.flattenButton, ui.outlineButton))
    assert ui.extractButton.toolTip == "Flatten a photo first, or select a flat film."
    assert not any(button.enabled for button in (ui.extractButton, ui.tilesButton, ui.filmFileButton))
    p.inputVolume = add_photo()
    assert ui.applyButton.enabled
    assert ui.statusLabel.text == ""
    p.rows = 4
    assert ui.statusLabel.text == "Give both the rows and the columns of the tiles, or neither."
    p.columns, p.skip = 5, "one"
    assert "write them as 1,20" in ui.statusLabel.text
    p.skip = "1"
    assert ui.applyButton.enabled
    assert not ui.levelSpinBox.enabled, "a level is nothing without a width"
    p.width = 400.0
    assert ui.levelSpinBox.enabled


def test_a_photo_is_found_and_nothing_that_was_made(film: Any, press: Callable) -> None:
    photo = film.panel.parameters.inputVolume = add_photo()
    press("flattenButton")
    film.exit()
    film.panel.logic.getParameterNode().inputVolume = None
    film.enter()
    assert film.panel.parameters.inputVolume is photo


def test_apply_makes_the_film_and_its_slices(film: Any, press: Callable) -> None:
    ui, p = film.ui, film.panel.parameters
    photo = p.inputVolume = add_photo()
    before = slicer.util.arrayFromVolume(photo).copy()
    p.level, p.width = 40.0, 400.0
    volume = press("applyButton")
    flat = p.film
    assert flat is newest(photo, FILM)
    assert (flat.GetName(), volume.GetName()) == ("double flat film", "double flat film slices")
    assert source_of(flat) is photo
    assert source_of(volume) is flat
    assert volume is newest(flat, SLICES)
    assert slicer.util.arrayFromVolume(volume)[:, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert report_of(volume)["confidence"], "the film's confidence goes with it"
    assert ui.statusLabel.text == "Finished: double flat film slices. This is a test."
    assert ui.filmLabel.text == "Found by the network, turned by 90°. Confidence 93%."
    assert ui.slicesLabel.text == (
        "2x3 tiles, 6 slices. Window: width 400, level 40 HU (as you say). "
        "Spacing: 1 mm (from the ruler), 5 mm (from the text). The film tells 75% of the values."
    )
    assert "FilmSlices" in ui.reportText.plainText
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(photo), before)


def test_apply_does_again_what_is_not_up_to_date(film: Any, press: Callable) -> None:
    p = film.panel.parameters
    photo = p.inputVolume = add_photo()
    press("applyButton")
    first = p.film
    p.skip = "1, 6"
    assert len(slicer.util.arrayFromVolume(press("applyButton"))) == 4
    assert p.film is first, "it was up to date"
    p.turn = Turn.HALF
    assert film.ui.filmLabel.text.endswith("Changed since: press Apply.")
    press("applyButton")
    assert p.film is not first
    second = p.film
    drag(photo, OUTLINE, 0, (3, 4))
    assert film.ui.filmLabel.text.endswith("Changed since: press Apply.")
    press("applyButton")
    assert p.film is not second
    assert film.ui.filmLabel.text.startswith("Where you put it")
    third = p.film
    press("applyButton")
    assert p.film is third


def test_each_step_can_be_done_alone(film: Any, press: Callable, scene: Any) -> None:
    p = film.panel.parameters
    photo = p.inputVolume = add_photo()
    assert press("flattenButton") is p.film
    assert newest(p.film, SLICES) is None
    assert film.ui.extractButton.enabled
    volume = press("extractButton")
    assert volume is newest(p.film, SLICES)
    scan = slicer.util.addVolumeFromArray(np.full((1, 40, 60), 0.5, np.float32), name="scan")
    p.inputVolume, p.film = None, scan
    assert source_of(press("applyButton")) is scan, "a film needs no photo"
    p.inputVolume = photo
    assert source_of(p.film) is photo, "a photo brings its film"


def test_without_a_window_grays_are_no_hu(film: Any, press: Callable) -> None:
    film.panel.parameters.inputVolume = add_photo()
    volume = press("applyButton")
    assert "relative grays, not HU; give level and width" in film.ui.slicesLabel.text
    assert nodes.slices_image(volume).meaning is Meaning.SCALAR
    film.panel.parameters.width = 300.0
    assert nodes.slices_image(press("applyButton")).meaning is Meaning.HU


def test_slices_of_several_films_make_one_volume(film: Any, press: Callable, scene: Any) -> None:
    ui, p = film.ui, film.panel.parameters
    p.width = 400.0
    first_photo = p.inputVolume = add_photo("double")
    first = press("applyButton")
    assert ui.addToSelector.nodeCount() == 1, "slices alone, neither photos nor films"
    p.inputVolume, p.addTo = add_photo("double two"), first
    before = slicer.util.arrayFromVolume(first).copy()
    both = press("applyButton")
    assert slicer.util.arrayFromVolume(both)[:, 0, 0].tolist() == 2 * [1, 2, 3, 4, 5, 6]
    assert slicer.util.arrayFromVolume(newest(both, nodes.LOST))[:, :2, 0].tolist() == 12 * [[1, 0]]
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(first), before)
    assert "They go on from the 6 of 'double flat film slices'." in ui.slicesLabel.text
    p.skip = "1"
    assert len(slicer.util.arrayFromVolume(press("extractButton"))) == 11, "done again, they are not added twice"
    p.addTo = both
    words = "'double two flat film slices' holds slices of this film already; add to those of another film, or to none."
    assert ui.extractButton.toolTip == ui.statusLabel.text == words
    p.inputVolume = first_photo
    assert ui.statusLabel.text == words, "nor those of the film before"
    scene.RemoveNode(both)
    assert p.addTo is None
    assert ui.applyButton.enabled


def test_relative_gray_is_not_added_to_hu(film: Any, press: Callable, idle: Callable) -> None:
    p = film.panel.parameters
    p.inputVolume, p.width = add_photo(), 400.0
    first = press("applyButton")
    p.inputVolume, p.addTo, p.width = add_photo("double two"), first, 0.0
    film.ui.applyButton.click()
    idle()
    assert film.ui.statusLabel.text.endswith("give level and width for all.")
    assert newest(p.film, SLICES) is None


def test_radiomics_become_a_table(film: Any, press: Callable, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("FilmRecoveryLib.radiomics.package", lambda: "radiomics")
    ui, p = film.ui, film.panel.parameters
    p.inputVolume, p.width, p.bins = add_photo(), 400.0, 16
    assert ui.radiomicsButton.toolTip == "Extract the slices first."
    volume = press("applyButton")
    table = press("radiomicsButton")
    assert (table.GetName(), source_of(table)) == ("double flat film slices radiomics", volume)
    rows = [[table.GetCellText(row, column) for column in (0, 1)] for row in range(table.GetNumberOfRows())]
    valid = int((slicer.util.arrayFromVolume(newest(volume, nodes.LOST)) == 0).sum())
    assert rows == [["most", "6"], ["voxels", str(valid)]]
    assert report_of(table)["settings"] == {"bins": 16}
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
    assert slicer.app.applicationLogic().GetSelectionNode().GetActiveTableID() == table.GetID()
    scene.RemoveNode(newest(volume, nodes.LOST))
    ui.radiomicsButton.click()
    assert ui.statusLabel.text.endswith("was removed from the scene; extract the slices again.")


def test_radiomics_need_a_package_where_slicer_computes(
    film: Any, press: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    film.panel.parameters.inputVolume = add_photo()
    press("applyButton")
    for where, name, words in (
        (Where.PYTHON, "", "Measure features"),
        (Where.SLICER, "", "install it by the Extensions Manager"),
        (Where.SLICER, "radiomics", "Measure features"),
    ):
        monkeypatch.setattr("InverseImagingLib.settings.computePlace", lambda where=where: Place(where))
        monkeypatch.setattr("FilmRecoveryLib.radiomics.package", lambda name=name: name)
        film.showWhatMatters()
        assert film.ui.radiomicsButton.enabled is (words == "Measure features")
        assert words in film.ui.radiomicsButton.toolTip


def test_what_is_dragged_is_used_until_it_is_forgotten(film: Any, press: Callable) -> None:
    p, logic = film.panel.parameters, film.logic
    photo = p.inputVolume = add_photo()
    press("applyButton")
    assert logic.filmRequest(p).images.keys() == {"image"}
    assert logic.slicesRequest(p).images.keys() == {"image", "confidence"}
    assert logic.slicesRequest(p).options.layout == ""
    drag(photo, OUTLINE, 3, (75, 55))
    points = logic.filmRequest(p).images["points"].array
    assert points.shape == (2, 2, 2)
    np.testing.assert_allclose(points[1, 1], (75, 55), atol=1e-5)
    drag(p.film, TILES, 0, (1.5, 2.5))
    request = logic.slicesRequest(p)
    assert request.options.layout == "2x3"
    np.testing.assert_array_equal(request.images["tiles"].array[0, 0], (2, 3, 13, 15))
    assert press("extractButton") is not None
    assert report_of(newest(p.film, SLICES))["tiles from"] == "user"
    assert "tiles" in logic.slicesRequest(p).images, "they stay the user's"
    film.ui.tilesFoundButton.click()
    film.ui.outlineFoundButton.click()
    assert logic.filmRequest(p).images.keys() == {"image"}
    assert logic.slicesRequest(p).images.keys() == {"image", "confidence"}
    assert not any(button.enabled for button in (film.ui.tilesFoundButton, film.ui.outlineFoundButton))


def test_what_did_not_change_is_not_sent_again(film: Any, press: Callable) -> None:
    p = film.panel.parameters
    p.inputVolume = add_photo()
    press("applyButton")
    first, again = film.logic.slicesRequest(p), film.logic.slicesRequest(p)
    assert all(image is again.images[name] for name, image in first.images.items())
    assert film.logic.filmRequest(p).images["image"] is film.logic.filmRequest(p).images["image"]


def test_cancel_leaves_the_scene_as_it_was(film: Any, scene: Any, wait_until: Callable, idle: Callable) -> None:
    ui = film.ui
    film.panel.parameters.inputVolume = add_photo("slow")
    before = everything(scene)
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    locked = (ui.inputsButton, ui.filmStepButton, ui.slicesStepButton, ui.advancedButton, ui.viewsButton, ui.saveButton)
    assert not any(part.enabled for part in locked)
    wait_until(lambda: "step 4" in ui.statusLabel.text, 30)
    ui.applyButton.click()
    idle(5)
    assert everything(scene) == before
    assert ui.statusLabel.text == "Cancelled; the scene is as it was."


def test_cancel_of_the_slices_leaves_the_film(film: Any, press: Callable, wait_until: Callable, idle: Callable) -> None:
    ui, p = film.ui, film.panel.parameters
    photo = p.inputVolume = add_photo()
    press("flattenButton")
    p.film.SetName("slow")
    p.turn = Turn.NONE
    finish = film.panel.onFinished

    def rename() -> None:
        finish()
        p.film.SetName("slow film")

    film.panel.onFinished = rename
    ui.applyButton.click()
    wait_until(lambda: "of 200" in ui.statusLabel.text, 30)
    ui.applyButton.click()
    idle(5)
    assert ui.statusLabel.text == "Cancelled; what had finished stays."
    assert newest(photo, FILM).GetName() == "slow film"
    assert newest(p.film, SLICES) is None


def test_a_failed_run_says_so(film: Any, scene: Any, idle: Callable) -> None:
    for name, words in (("refuse", "'refuse' is refused"), ("memory", "memory"), ("crash", "ended unexpectedly")):
        film.panel.parameters.inputVolume = add_photo(name)
        before = everything(scene)
        film.ui.applyButton.click()
        idle()
        assert words in film.ui.statusLabel.text
        assert everything(scene) == before


def test_closing_the_scene_ends_a_run(film: Any, scene: Any, wait_until: Callable) -> None:
    film.panel.parameters.inputVolume = add_photo("slow")
    film.ui.applyButton.click()
    wait_until(lambda: "step 2" in film.ui.statusLabel.text, 30)
    scene.Clear(0)
    assert film.ui.statusLabel.text == "Select a photo of a film, or load one."
    assert not film.panel._runner.isRunning
    assert film.ui.filmLabel.text == film.ui.slicesLabel.text == ""


def test_a_module_that_was_left_goes_on_in_silence(film: Any, wait_until: Callable) -> None:
    film.panel.parameters.inputVolume = add_photo("steady")
    film.ui.applyButton.click()
    film.exit()
    layout = slicer.app.layoutManager().layout
    wait_until(lambda: film.panel.results() and not film.panel.isRunning, 30)
    assert film.panel.results()[0].GetName() == "steady flat film slices"
    assert slicer.app.layoutManager().layout == layout
    film.enter()
    assert film.panel.parameters.film.GetName() == "steady flat film"


def test_save_and_restore_every_choice(film: Any, scene: Any, press: Callable, tmp_path: Path) -> None:
    choices = {
        "turn": Turn.QUARTER,
        "mirror": Mirror.YES,
        "unbend": False,
        "relight": False,
        "size": 2000,
        "handles": Handles.GRID,
        "rows": 2,
        "columns": 3,
        "order": Order.COLUMNS,
        "reverse": True,
        "skip": "1",
        "level": -600.0,
        "width": 1500.0,
        "spacing_x": 0.7,
        "spacing_y": 0.8,
        "spacing_z": 5.0,
        "restore": False,
        "erase": False,
        "bins": 64,
        "weights": "own.safetensors",
        "device": Device.CPU,
        "shown": Shown.FILM,
        "doubt": 0.25,
        "showLost": True,
    }
    p = film.panel.parameters
    photo = p.inputVolume = add_photo()
    for name, value in choices.items():
        setattr(p, name, value)
    press("applyButton")
    p.shown = Shown.FILM
    drag(photo, OUTLINE, 12, (40, 33))
    drag(p.film, TILES, 1, (14.5, 16.5))
    expected = film.logic.filmRequest(p), film.logic.slicesRequest(p)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    film.exit()
    scene.Clear(0)
    slicer.util.loadScene(path)
    film.enter()
    p = film.panel.parameters
    assert {name: getattr(p, name) for name in choices} == choices
    assert (p.inputVolume.GetName(), p.film.GetName()) == ("double", "double flat film")
    for wanted, got in zip(expected, (film.logic.filmRequest(p), film.logic.slicesRequest(p)), strict=True):
        assert got.options == wanted.options
        assert got.images.keys() == wanted.images.keys()
        for name, image in wanted.images.items():
            np.testing.assert_allclose(got.images[name].array, image.array, atol=1e-4)
    drag(p.film, TILES, 1, (13.5, 15.5))
    assert film.ui.slicesLabel.text.endswith("Changed since: press Apply."), "what was restored is still in hand"
    film.ui.outlineFoundButton.click()
    assert handles_of(p.inputVolume, OUTLINE) is None


def test_photos_are_loaded(film: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(path: Path) -> Any:
        asked.append(path.name)
        if path.suffix == ".heic":
            raise InputError(f"'{path.name}' needs a reader.")
        return add_photo(path.stem)

    monkeypatch.setattr(film.logic, "loadPhoto", load)
    paths = [str(tmp_path / name) for name in ("front.jpg", "back.heic", "other.png")]
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileNames", lambda *_: paths)
    film.ui.loadButton.click()
    assert asked == ["front.jpg", "back.heic", "other.png"]
    assert film.panel.parameters.inputVolume.GetName() == "front"
    assert film.ui.statusLabel.text == (
        "'back.heic' needs a reader. 2 photos are loaded. Do one after the other, and add the slices of each to those "
        "before."
    )
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert red.GetBackgroundVolumeID() == film.panel.parameters.inputVolume.GetID()


def test_own_weights_count_for_both_steps(film: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: "own.safetensors")
    film.ui.weightsButton.click()
    p = film.panel.parameters
    p.inputVolume = add_photo()
    p.film = slicer.util.addVolumeFromArray(np.ones((1, *SHAPE), np.float32))
    for request in (film.logic.filmRequest(p), film.logic.slicesRequest(p)):
        assert request.options.weights == "own.safetensors"


def test_saving_says_where(film: Any, press: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: dict[str, Image] = {}
    for path, name in (
        ("FilmRecoveryLib.export.write_film", "film"),
        ("FilmRecoveryLib.series.write_slices", "slices"),
    ):
        monkeypatch.setattr(path, lambda image, target, *report, name=name: written.update({name: image}))
    p = film.panel.parameters
    p.inputVolume = add_photo()
    p.width = 400.0
    press("applyButton")
    for button in (film.ui.filmFileButton, film.ui.dicomButton):
        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / "out"))
        button.click()
        assert film.ui.statusLabel.text == f"Written to {tmp_path / 'out'}."
    assert written["film"].meaning is Meaning.DISPLAY
    assert written["slices"].meaning is Meaning.HU
    assert places_of(handles_of(p.film, TILES)).shape == (3, 2)
