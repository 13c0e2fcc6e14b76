"""The tab "From a CT": radiographs of a CT from any direction, live."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from InverseImagingLib.errors import InputError
from InverseImagingLib.live_panel import LivePanel
from InverseImagingLib.sections import Section
from InverseImagingLib.xray.scene import RadiographPreview, face, is_faced, is_picture, options_of_camera


class CTSection(Section):
    """Between the widgets of the tab, its logic and the views."""

    def __init__(self, widget: Any, logic: Any) -> None:
        super().__init__(widget, logic, "XraySyn")
        self.panel = LivePanel(self, logic, "XraySyn", _("X-ray Synthesis"), RadiographPreview())
        self.panel.suits = lambda volume: volume.GetClassName() == "vtkMRMLScalarVolumeNode" and not is_picture(volume)
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.panel.bindSegment(self.ui.boneSegmentSelector, "boneSegmentation", "boneSegmentID")
        self.ui.cameraButton.connect("clicked(bool)", self.onCamera)
        self.ui.resetButton.connect("clicked(bool)", self.onReset)
        self.ui.sweepButton.connect("clicked(bool)", self.onSweep)
        self.ui.radiographButton.connect("clicked(bool)", self.onShowRadiograph)
        self.ui.boneMapButton.connect("clicked(bool)", self.onShowBoneMap)
        slicer.app.layoutManager().connect("layoutChanged(int)", self.showWhatMatters)

    def cleanup(self) -> None:
        slicer.app.layoutManager().disconnect("layoutChanged(int)", self.showWhatMatters)
        super().cleanup()

    def showWhatMatters(self) -> None:
        """Say which buttons can be pressed."""
        p = self.panel.parameters
        if p is None:
            return
        problem = self.logic.problem(p)
        self.ui.sweepButton.enabled = not problem
        self.ui.sweepButton.toolTip = problem or _("Take all these views as a sequence.")
        noCamera = problem or ("" if self.logic.activeCamera() else _("There is no 3D view; choose a layout with one."))
        self.ui.cameraButton.enabled = not noCamera
        self.ui.cameraButton.toolTip = noCamera or _(
            "Put the source where the camera of the 3D view is, and take the radiograph as the view sees the volume."
        )

    def onCamera(self) -> None:
        """Take the radiograph from where the camera of the 3D view is."""
        p = self.panel.parameters
        try:
            self.setParameters(options_of_camera(self.logic.activeCamera(), p.inputVolume, p.width, p.height))
        except InputError as error:
            self.ui.statusLabel.text = str(error)

    def onReset(self) -> None:
        """Go back to the preset's own direction, distances and detector."""
        angles = ("azimuth", "elevation", "roll")
        lengths = ("offset_right", "offset_anterior", "offset_superior", "sid", "sdd", "pixel")
        pixels = ("width", "height")
        self.setParameters(dict.fromkeys(angles + lengths, 0.0) | dict.fromkeys(pixels, 0) | {"parallel": False})

    def setParameters(self, values: dict[str, Any]) -> None:
        with slicer.util.NodeModify(self.panel.parameters.parameterNode):
            for name, value in values.items():
                setattr(self.panel.parameters, name, value)

    def onSweep(self) -> None:
        self.panel.run(self.logic.sweepRequest)

    def onFinished(self) -> None:
        """Show the new radiograph, unless the red view shows the live one or the user went elsewhere."""
        radiograph, second = self.panel.results()[:2]
        self.ui.boneMapButton.enabled = second.IsA("vtkMRMLScalarVolumeNode")  # a sweep has none
        self.panel.addObserver(radiograph, vtk.vtkCommand.ModifiedEvent, self.onRadiographModified)
        if self.panel.parameters is not None and not self.panel.parameters.livePreview:
            self.onShowRadiograph()

    def onShowRadiograph(self) -> None:
        self.show(0)

    def onShowBoneMap(self) -> None:
        self.show(1)

    def show(self, number: int) -> None:
        """Face one of the results, which may have been deleted."""
        self.panel.parameters.livePreview = False
        node = self.panel.results()[number]
        if node is not None:
            face(node)

    def onRadiographModified(self, radiograph: Any, event: Any) -> None:
        """Keep facing a radiograph that a sequence browser turns."""
        if is_faced(radiograph):
            face(radiograph, fit=False)
