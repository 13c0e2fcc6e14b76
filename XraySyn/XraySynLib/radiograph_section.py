"""The tab "From a radiograph": other views of it, live, with its bones apart or taken away."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from InverseImagingLib.live_panel import LivePanel
from InverseImagingLib.nodes import DERIVED_ATTRIBUTE, report_of
from InverseImagingLib.sections import Section
from InverseImagingLib.xray.intake import Crop
from InverseImagingLib.xray.scene import face, frames_of, is_picture, show_source_beside

from .nodes import CT, KIND, SynthesisPreview, show_volume


class RadiographSection(Section):
    """Between the widgets of the tab, its logic and the views. When a run has finished, the red slice view follows the
    sliders."""

    def __init__(self, widget: Any, logic: Any) -> None:
        super().__init__(widget, logic, "XraySynRadiograph")
        self._shown: Any = None
        self.panel = LivePanel(self, logic, "XraySynRadiograph", _("X-ray Synthesis"), SynthesisPreview())
        self.panel.previewRequest = logic.viewRequest
        self.panel.lockedWhileRunning.append("viewsButton")
        self.panel.suits = lambda volume: (
            is_picture(volume)
            and not volume.IsA("vtkMRMLLabelMapVolumeNode")
            and volume.GetAttribute(DERIVED_ATTRIBUTE) is None
        )
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.resetButton.connect("clicked(bool)", self.onReset)
        self.ui.sweepButton.connect("clicked(bool)", self.onSweep)
        self.ui.animationButton.connect("clicked(bool)", self.onSaveAnimation)
        self.ui.weightsButton.connect("clicked(bool)", self.chooseWeights)

    def showWhatMatters(self) -> None:
        """Say what can be pressed, and show what is chosen of the last result."""
        p = self.panel.parameters
        if p is None:
            return
        problem = self.logic.problem(p)
        self.ui.sweepButton.enabled = self.ui.sideBySideButton.enabled = not problem
        self.ui.sweepButton.toolTip = problem or _("Make all these views as a sequence.")
        for name in ("cropRowsWidget", "cropColumnsWidget"):
            getattr(self.ui, name).enabled = p.crop is Crop.MANUAL
        ct = self._result(CT)
        if ct is not None:
            show_volume(ct, p.showVolume)
        if self._shown is not p.shown:
            self._shown = p.shown
            if not p.livePreview:
                self.showResult()

    def showResult(self) -> None:
        """Show what is chosen of the last result in the red slice view, where there is such."""
        node = self._result(self.panel.parameters.shown.value)
        if node is not None:
            face(node, in_3d=False)

    def _result(self, kind: str) -> Any:
        found = (node for node in self.panel.results() if node is not None and node.GetAttribute(KIND) == kind)
        return next(found, None)

    def onFinished(self) -> None:
        """Say how good the estimate is, and let the views follow the sliders, or play the sweep."""
        report = report_of(self.panel.results()[0])
        psnr = _("The estimate gives the radiograph back at {psnr:.1f} dB (PSNR).").format(
            psnr=report["reprojection PSNR"]
        )
        self.ui.qualityLabel.text = "\n".join([psnr, *report["warnings"]])
        isSweep = bool(frames_of(self.panel.results()))
        self.ui.animationButton.enabled = isSweep
        self.ui.animationButton.toolTip = (
            _("Write the sweep as an animated GIF.") if isSweep else _("Take a sweep first.")
        )
        if self.panel.parameters is not None:
            self.panel.parameters.livePreview = False
            self.showResult()
            self.panel.parameters.livePreview = not isSweep
            self.showWhatMatters()

    def onSideBySide(self) -> None:
        """Show the radiograph beside what the red slice view shows."""
        if not self.panel.isPreviewing:
            self.showResult()
        show_source_beside(self.panel.parameters.inputVolume)

    def onReset(self) -> None:
        """Go back to the angle of the radiograph."""
        with slicer.util.NodeModify(self.panel.parameters.parameterNode):
            self.panel.parameters.azimuth = self.panel.parameters.elevation = 0.0

    def onSweep(self) -> None:
        self.panel.run(self.logic.sweepRequest)

    def onSaveAnimation(self) -> None:
        """Write the last sweep as an animated GIF where the user wants it."""
        self.saveAnimation(frames_of(self.panel.results()), "sweep.gif")
