"""The panel of CT Film Recovery: a photo, the flat film in it, the slices on that, and how to correct them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from InverseImagingLib.errors import InputError
from InverseImagingLib.nodes import DERIVED_ATTRIBUTE, report_of
from InverseImagingLib.panel import RunPanel
from InverseImagingLib.sections import Section
from InverseImagingLib.xray.scene import is_picture

from . import nodes
from .grids import outline_lines, tile_boxes, tile_lines, tile_numbers
from .handles import OUTLINE, TILES, draw, handles_of, number, places_of, remove, show
from .nodes import FILM, KIND, RADIOMICS, SLICES, Shown, newest
from .options import Order
from .words import about_film, about_slices

_PHOTOS = "*.jpg *.jpeg *.png *.tif *.tiff *.heic *.heif"


class FilmSection(Section):
    """Between the widgets of the panel, its logic and the views. Lines and numbers follow what the user drags."""

    def __init__(self, widget: Any, logic: Any) -> None:
        super().__init__(widget, logic, "FilmRecovery")
        self._photo: Any = None
        self._watched: list[Any] = []  # handles, whose lines follow them
        self._shown: Shown | None = None  # what the views were told to show
        self.panel = RunPanel(self, logic, logic.FILM, _("CT Film Recovery"))
        self.panel.suits = lambda volume: (
            is_picture(volume)
            and not volume.IsA("vtkMRMLLabelMapVolumeNode")
            and volume.GetAttribute(DERIVED_ATTRIBUTE) is None
        )
        self.panel.lockedWhileRunning += ["filmStepButton", "slicesStepButton", "viewsButton", "saveButton"]
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.ui.addToSelector.addAttribute("vtkMRMLScalarVolumeNode", KIND, SLICES)
        actions = {
            "loadButton": self.onLoad,
            "outlineButton": self.onOutline,
            "outlineFoundButton": self.onOutlineFound,
            "flattenButton": self.onFlatten,
            "tilesButton": self.onTiles,
            "tilesFoundButton": self.onTilesFound,
            "extractButton": self.onExtract,
            "weightsButton": self.chooseWeights,
            "filmFileButton": self.onSaveFilm,
            "dicomButton": self.onSaveDicom,
            "radiomicsButton": self.onRadiomics,
        }
        self._tips = {name: getattr(self.ui, name).toolTip for name in actions}
        for name, act in actions.items():
            getattr(self.ui, name).connect("clicked(bool)", act)

    # What the panel and the views show

    def showWhatMatters(self) -> None:
        """Say what was found and what can be pressed, and let the views show what is chosen."""
        p = self.panel.parameters
        if p is None:
            return
        self._takeFilmOfPhoto()
        if p.inputVolume is not None:
            self._changeHandles()
        self._enable("flattenButton", self.logic.filmProblem(p))
        self._enable("outlineButton", self.logic.filmProblem(p))
        self._enable("extractButton", self.logic.slicesProblem(p))
        noFilm = "" if p.film is not None else _("Flatten a photo first, or select a flat film.")
        noLayout = "" if self.logic.layout(p) else _("Choose rows and columns, or extract the slices first.")
        self._enable("tilesButton", noFilm or noLayout)
        self._enable("filmFileButton", noFilm)
        self._enable("dicomButton", "" if newest(p.film, SLICES) is not None else _("Extract the slices first."))
        self._enable("radiomicsButton", self.logic.radiomicsProblem(p))
        self.ui.levelSpinBox.enabled = p.width > 0
        self.showHandles()
        if self._shown not in (None, p.shown):
            self.showViews()
        self._shown = p.shown
        self._follow()

    def _takeFilmOfPhoto(self) -> None:
        """Go on with the film of a photo that is selected."""
        p = self.panel.parameters
        if p.inputVolume is not self._photo:
            self._photo = p.inputVolume
            if self._photo is not None and newest(self._photo, FILM) is not None:
                p.film = newest(self._photo, FILM)

    def _changeHandles(self) -> None:
        try:
            nodes.change_handles(self.panel.parameters.inputVolume, self.panel.parameters.handles)
        except InputError as error:  # nothing lies between corners on a line
            self.ui.statusLabel.text = str(error)

    def _enable(self, button: str, problem: str) -> None:
        getattr(self.ui, button).enabled = not problem
        getattr(self.ui, button).toolTip = problem or self._tips[button]

    def showHandles(self, caller: Any = None, event: Any = None) -> None:
        """Let lines and numbers follow what is dragged, and say whether a step is to be done again."""
        p = self.panel.parameters
        if p is None:
            return
        outline, tiles = handles_of(p.inputVolume, OUTLINE), handles_of(p.film, TILES)
        if tiles is not None and nodes.layout_of_tiles(tiles) != self.logic.layout(p):
            remove(tiles)  # they mean nothing for other rows and columns
            tiles = None
        points = nodes.outline_of(p.inputVolume)
        if points is not None:
            draw(outline, outline_lines(points))
        if tiles is not None:
            self._drawTiles(tiles)
        self._watch([node for node in (outline, tiles) if node is not None])
        self.ui.outlineFoundButton.enabled, self.ui.tilesFoundButton.enabled = outline is not None, tiles is not None
        film, slices = newest(p.inputVolume, FILM), newest(p.film, SLICES)
        isFilmOld = film is not None and not self.logic.filmIsCurrent(p)
        self._say(self.ui.filmLabel, about_film(report_of(film)) if film is not None else "", isFilmOld)
        areSlicesOld = slices is not None and nodes.tiles_were_moved(p.film)
        self._say(self.ui.slicesLabel, about_slices(report_of(slices)) if slices is not None else "", areSlicesOld)

    @staticmethod
    def _say(label: Any, text: str, isOld: bool) -> None:
        label.text = f"{text} {_('Changed since: press Apply.')}" if isOld else text
        label.visible = bool(text)

    def _drawTiles(self, tiles: Any) -> None:
        p = self.panel.parameters
        layout = nodes.layout_of_tiles(tiles)
        boxes = tile_boxes(places_of(tiles), *layout)
        numbers = tile_numbers(*layout, by_columns=p.order is Order.COLUMNS)
        skipped = self.logic.skipped(p)
        draw(tiles, tile_lines(boxes))
        number(tiles, boxes.reshape(-1, 2, 2).mean(axis=1) - 0.5, ["" if n in skipped else str(n) for n in numbers])

    def _watch(self, handles: list[Any]) -> None:
        moved = slicer.vtkMRMLMarkupsNode.PointModifiedEvent
        for node in self._watched:
            if node not in handles:
                self.panel.removeObserver(node, moved, self.showHandles)
        for node in handles:
            if node not in self._watched:
                self.panel.addObserver(node, moved, self.showHandles)
        self._watched = handles

    def _follow(self) -> None:
        """Let handles, doubts and marks be seen as is chosen."""
        p = self.panel.parameters
        for handles in (handles_of(p.inputVolume, OUTLINE), handles_of(p.film, TILES)):
            if handles is not None:
                show(handles, p.shown is Shown.FILM)
        nodes.fade_doubt(p.film, p.doubt)
        nodes.mark_lost(newest(p.film, SLICES), p.showLost)

    def showViews(self) -> None:
        """Let the slice views show what is chosen; what the user makes of them then stays."""
        p = self.panel.parameters
        self._shown = p.shown
        if p.shown is Shown.FILM:
            nodes.show_film(p.inputVolume, p.film)
        elif newest(p.film, SLICES) is not None:
            nodes.show_slices(newest(p.film, SLICES))
        self._follow()

    # The three steps

    def onLoad(self) -> None:
        """Load photos, and go on with the first."""
        paths = self.chooseFiles(_("Load photos of films"), _("Photos") + f" ({_PHOTOS})")
        loaded, said = [], []
        for path in paths:
            try:
                loaded.append(self.logic.loadPhoto(path))
            except InputError as error:
                said.append(str(error))
        if loaded:
            self.setParameters(inputVolume=loaded[0], shown=Shown.FILM)
            nodes.show_photo(loaded[0])
        if len(loaded) > 1:
            text = _("{count} photos are loaded. Do one after the other, and add the slices of each to those before.")
            said.append(text.format(count=len(loaded)))
        if said:
            self.ui.statusLabel.text = " ".join(said)

    def onOutline(self) -> None:
        """Show the outline over the photo, to be dragged."""
        p = self.panel.parameters
        nodes.show_outline(p.inputVolume, p.handles)
        self._edit()

    def onTiles(self) -> None:
        """Show the tiles over the film, to be dragged."""
        p = self.panel.parameters
        nodes.show_tiles(p.film, self.logic.layout(p))
        self._edit()

    def _edit(self) -> None:
        self.setParameters(shown=Shown.FILM)
        self.showWhatMatters()
        self.showViews()

    def onOutlineFound(self) -> None:
        """Forget what the user said of the outline."""
        nodes.forget_outline(self.panel.parameters.inputVolume)
        self.showWhatMatters()

    def onTilesFound(self) -> None:
        """Forget what the user said of the tiles."""
        nodes.forget_tiles(self.panel.parameters.film)
        self.showWhatMatters()

    def onFlatten(self) -> None:
        self.panel.run(self.logic.filmRequest)

    def onExtract(self) -> None:
        self.panel.run(self.logic.slicesRequest)

    def onRadiomics(self) -> None:
        self.panel.run(self.logic.radiomicsRequest)

    def onFinished(self) -> None:
        """Show what was made, unless the user went elsewhere."""
        if self.panel.parameters is not None:
            made = self.panel.results()[0]
            self.setParameters(shown=Shown.FILM if made.GetAttribute(KIND) == FILM else Shown.SLICES)
            self.showWhatMatters()
            self.showViews()
            if made.GetAttribute(KIND) == RADIOMICS:
                nodes.show_table(made)

    def setParameters(self, **values: Any) -> None:
        with slicer.util.NodeModify(self.panel.parameters.parameterNode):
            for name, value in values.items():
                setattr(self.panel.parameters, name, value)

    # Files

    def onSaveFilm(self) -> None:
        """Write the flat film where the user wants it."""
        film = self.panel.parameters.film
        self._save(self.logic.saveFilm, _("Save flat film"), f"{film.GetName()}.png", _("Picture") + " (*.png)")

    def onSaveDicom(self) -> None:
        """Write the slices as DICOM where the user wants them."""
        name = newest(self.panel.parameters.film, SLICES).GetName()
        self._save(self.logic.saveDicom, _("Save DICOM series in a new folder"), name, "")

    def _save(self, save: Callable[[Any, Path], None], title: str, name: str, kinds: str) -> None:
        def write(path: Path) -> None:
            with slicer.util.WaitCursor():
                save(self.panel.parameters, path)

        self.save(write, title, name, kinds, _("Written to {path}."))
