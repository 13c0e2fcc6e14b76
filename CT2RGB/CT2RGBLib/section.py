"""The panel of CT2RGB: the colors of a CT in the slice views, live and faded, in 3D, and as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from InverseImagingLib.live_panel import LivePanel
from InverseImagingLib.nodes import DERIVED_ATTRIBUTE, compare_by_fading, compare_side_by_side
from InverseImagingLib.sections import Section

from .nodes import SLICES, SPACE, ColorPreview, fade_foreground, newest, show_volume
from .options import Tier
from .scope import Region, box_around

_SAVING = ("picturesButton", "dicomButton", "surfaceButton", "turntableButton")


class ColorsSection(Section):
    """Between the widgets of the panel, its logic and the views. The live preview follows the red slice view."""

    def __init__(self, widget: Any, logic: Any) -> None:
        super().__init__(widget, logic, "CT2RGB")
        self._tips = {name: getattr(self.ui, name).toolTip for name in _SAVING}
        self.panel = LivePanel(self, logic, "CT2RGB", _("CT2RGB"), ColorPreview())
        self.panel.previewRequest = logic.previewRequest
        self.panel.suits = lambda volume: (
            volume.GetClassName() == "vtkMRMLScalarVolumeNode" and volume.GetAttribute(DERIVED_ATTRIBUTE) is None
        )
        self.panel.lockedWhileRunning += ["viewsButton", "saveButton"]
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.ui.boxButton.connect("clicked(bool)", self.onNewBox)
        self.ui.weightsButton.connect("clicked(bool)", self.chooseWeights)
        self.ui.fadeSlider.connect("valueChanged(double)", self.onFade)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.picturesButton.connect("clicked(bool)", self.onSavePictures)
        self.ui.dicomButton.connect("clicked(bool)", self.onSaveDicom)
        self.ui.surfaceButton.connect("clicked(bool)", self.onSaveSurface)
        self.ui.turntableButton.connect("clicked(bool)", self.onSaveTurntable)
        red = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
        self.panel.addObserver(red, vtk.vtkCommand.ModifiedEvent, self.panel.updatePreview)

    def showWhatMatters(self) -> None:
        """Show the rows that the chosen region needs, say what can be pressed, and show the last colors as chosen."""
        p = self.panel.parameters
        if p is None:
            return
        for row, shown in (("rangeWidget", p.region is Region.RANGE), ("boxWidget", p.region is Region.BOX)):
            for name in (row, f"{row}Label"):
                getattr(self.ui, name).visible = shown
        self.ui.boxButton.enabled = p.inputVolume is not None
        self.ui.partComboBox.enabled = self.ui.weightsWidget.enabled = p.tier is Tier.MODEL
        self.ui.segmentUseComboBox.enabled = p.segmentation is not None
        colors, solid = newest(p.inputVolume, SLICES), newest(p.inputVolume, SPACE)
        self.ui.sideBySideButton.enabled = colors is not None
        for name in ("volumeCheckBox", "cutAwayCheckBox", "opacityComboBox"):
            getattr(self.ui, name).enabled = solid is not None
        self._enableSaving(colors, ("picturesButton", "dicomButton"), _("Press Apply first."))
        self._enableSaving(solid, ("surfaceButton", "turntableButton"), _("Press Apply first, for several slices."))
        if solid is not None:
            show_volume(solid, p.showVolume, p.cutAway, p.opacity)

    def _enableSaving(self, colors: Any, buttons: tuple[str, ...], reason: str) -> None:
        for name in buttons:
            button = getattr(self.ui, name)
            button.enabled = colors is not None
            button.toolTip = self._tips[name] if colors is not None else reason

    def onNewBox(self) -> None:
        """Put a box around the CT, to be made smaller in the views."""
        self.panel.parameters.box = box_around(self.panel.parameters.inputVolume)

    def onFinished(self) -> None:
        """Show the new colors in place of the preview, unless the user went elsewhere."""
        p = self.panel.parameters
        if p is None:
            return
        with slicer.util.NodeModify(p.parameterNode):
            p.livePreview, p.fade = False, 1.0
        self.onFade(p.fade)
        self.showWhatMatters()

    def onFade(self, opacity: float) -> None:
        """Show the colors, or their preview, over the CT."""
        p = self.panel.parameters
        colors = newest(p.inputVolume, SLICES) if p is not None else None
        if self.panel.isPreviewing:
            fade_foreground(opacity)
        elif colors is not None:
            compare_by_fading(p.inputVolume, colors, opacity)

    def onSideBySide(self) -> None:
        """Show the CT and its colors in two linked slice views."""
        p = self.panel.parameters
        p.livePreview = False
        compare_side_by_side(p.inputVolume, newest(p.inputVolume, SLICES))

    def onSavePictures(self) -> None:
        """Write the slices as pictures where the user wants them."""
        self._save(self.logic.savePictures, _("Save pictures in a new folder"), "", "")

    def onSaveDicom(self) -> None:
        """Write the slices as DICOM where the user wants them."""
        self._save(self.logic.saveDicom, _("Save DICOM series in a new folder"), "", "")

    def onSaveSurface(self) -> None:
        """Write the colored surface where the user wants it."""
        kinds = _("Colored surface") + " (*.glb);;" + _("Colored surface") + " (*.ply)"
        self._save(self.logic.saveSurface, _("Save colored surface"), ".glb", kinds)

    def onSaveTurntable(self) -> None:
        """Write views from all around where the user wants them."""
        self._save(self.logic.saveTurntable, _("Save turntable"), ".gif", _("Animated GIF") + " (*.gif)")

    def _save(self, save: Callable[[Any, Path], None], title: str, ending: str, kinds: str) -> None:
        p = self.panel.parameters

        def write(path: Path) -> None:
            with slicer.util.WaitCursor():
                save(p, path)

        name = newest(p.inputVolume, SLICES).GetName() + ending
        self.save(write, title, name, kinds, _("Written to {path}."))
