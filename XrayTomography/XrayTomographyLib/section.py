"""The panel of X-ray Tomography: densities in 3D, live views of them, their surface, animations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from InverseImagingLib.errors import InputError
from InverseImagingLib.live_panel import LivePanel
from InverseImagingLib.nodes import DERIVED_ATTRIBUTE, report_of
from InverseImagingLib.sections import Section
from InverseImagingLib.xray.intake import Crop
from InverseImagingLib.xray.scene import face, frames_of, show_source_beside

from .intake import Background
from .nodes import KIND, TomographyPreview, newest, show_volume
from .options import Product


class TomographySection(Section):
    """Between the widgets of the panel, its logic and the views. When a run has finished, the red slice view follows
    the sliders."""

    def __init__(self, widget: Any, logic: Any) -> None:
        super().__init__(widget, logic, "XrayTomography")
        self._shown: Any = None
        self.panel = LivePanel(self, logic, "XrayTomography", _("X-ray Tomography"), TomographyPreview())
        self.panel.previewRequest = logic.pictureRequest
        self.panel.lockedWhileRunning += ["volumeButton", "viewsButton"]
        self.panel.suits = lambda volume: not logic.problemOf(volume) and volume.GetAttribute(DERIVED_ATTRIBUTE) is None
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.ui.surfaceButton.connect("clicked(bool)", self.onSurface)
        self.ui.dicomButton.connect("clicked(bool)", self.onSaveDicom)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.resetButton.connect("clicked(bool)", self.onReset)
        self.ui.keepButton.connect("clicked(bool)", self.onKeep)
        self.ui.turntableButton.connect("clicked(bool)", self.onTurntable)
        self.ui.wiggleButton.connect("clicked(bool)", self.onWiggle)
        self.ui.animationButton.connect("clicked(bool)", self.onSaveAnimation)
        self.ui.weightsButton.connect("clicked(bool)", self.chooseWeights)

    def showWhatMatters(self) -> None:
        """Say what can be pressed, and show what is chosen of the last result."""
        p = self.panel.parameters
        if p is None:
            return
        problem = self.logic.problem(p)
        for name in ("sideBySideButton", "keepButton", "turntableButton", "wiggleButton"):
            getattr(self.ui, name).enabled = not problem
        for name in ("cropRowsWidget", "cropColumnsWidget"):
            getattr(self.ui, name).enabled = p.crop is Crop.MANUAL
        self.ui.airSpinBox.enabled = p.background is Background.MANUAL
        volume = newest(p.inputVolume, Product.VOLUME)
        self.ui.surfaceButton.enabled = volume is not None
        self.ui.surfaceButton.toolTip = (
            _("Add the surface at this density as a model, red where it is uncertain.")
            if volume is not None
            else _("Press Apply first.")
        )
        self.ui.dicomButton.enabled = volume is not None
        self.ui.dicomButton.toolTip = (
            _("Write the densities as a derived DICOM series into a new folder.")
            if volume is not None
            else _("Press Apply first.")
        )
        if volume is not None:
            show_volume(volume, p.showVolume, p.cutAway, p.colors)
        if self._shown is not p.shown:
            self._shown = p.shown
            if not p.livePreview:
                self.showResult()

    def showResult(self) -> None:
        """Show what is chosen of the last result in the red slice view, where there is such."""
        p = self.panel.parameters
        node = newest(p.inputVolume, Product(p.shown.value))
        if node is not None:
            face(node, in_3d=False)

    def onFinished(self) -> None:
        """Say how well the volume shows the radiograph, and let the views follow the sliders, or play the animation."""
        results = self.panel.results()
        report = report_of(results[0])
        psnr = _("The volume gives the radiograph back at {psnr:.1f} dB (PSNR); what lies how deep is a guess.").format(
            psnr=report["reprojection PSNR"]
        )
        self.ui.qualityLabel.text = "\n".join(filter(None, [psnr, report.get("expected"), *report["warnings"]]))
        moves = bool(frames_of(results))
        self.ui.animationButton.enabled = moves
        self.ui.animationButton.toolTip = (
            _("Write it as an animated GIF.") if moves else _("Press Turntable or Wiggle first.")
        )
        if self.panel.parameters is not None:
            self.panel.parameters.livePreview = not moves
            if moves:
                face(results[0], in_3d=False)
            self.showWhatMatters()

    def onSurface(self) -> None:
        """Add the surface as a model, and hide the densities, which would hide it."""
        p = self.panel.parameters
        try:
            node = self.logic.addSurface(p)
        except InputError as error:
            self.ui.statusLabel.text = str(error)
            return
        p.showVolume = False
        self.ui.statusLabel.text = _("Finished: {name}.").format(name=node.GetName())

    def onSaveDicom(self) -> None:
        """Write the densities as DICOM where the user wants them."""
        p = self.panel.parameters

        def write(path: Path) -> None:
            self.logic.saveDicom(p, path)

        name = newest(p.inputVolume, Product.VOLUME).GetName()
        self.save(write, _("Save DICOM series in a new folder"), name, "", _("DICOM series written to {path}."))

    def onSideBySide(self) -> None:
        """Show the radiograph beside what the red slice view shows."""
        if not self.panel.isPreviewing:
            self.showResult()
        show_source_beside(self.panel.parameters.inputVolume)

    def onReset(self) -> None:
        """Go back to the angle of the radiograph."""
        with slicer.util.NodeModify(self.panel.parameters.parameterNode):
            self.panel.parameters.azimuth = self.panel.parameters.elevation = 0.0

    def onKeep(self) -> None:
        self.panel.run(self.logic.pictureRequest)

    def onTurntable(self) -> None:
        self.panel.run(self.logic.turntableRequest)

    def onWiggle(self) -> None:
        self.panel.run(self.logic.wiggleRequest)

    def onSaveAnimation(self) -> None:
        """Write the last animation as a GIF where the user wants it."""
        results = self.panel.results()
        kind = results[0].GetAttribute(KIND)
        self.saveAnimation(frames_of(results), f"{kind}.gif", around=kind == Product.TURNTABLE.value)
