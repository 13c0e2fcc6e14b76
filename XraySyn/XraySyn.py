import dataclasses
from pathlib import Path

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class XraySyn(ScriptedLoadableModule):
    """The module X-ray Synthesis, as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-ray Synthesis")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = ["InverseImaging"]
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "Simulate radiographs of a CT from any direction, with their bone map. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">tutorial</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _(
            "After C. Peng et al., XraySyn: Realistic View Synthesis From a Single Radiograph Through CT Priors."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Add the sample volumes of this module to the Sample Data module."""
    import SampleData

    chest = "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"
    generated = Path(__file__).parent / "Resources" / "SampleData" / "ThoraxPhantom.nrrd"
    SampleData.SampleDataLogic.registerCustomSampleDataCategory("X-ray Synthesis", title=_("X-ray Synthesis"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="X-ray Synthesis",
        sampleName="X-ray Synthesis chest CT",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{chest}",
        fileNames="CT-chest.nrrd",
        checksums=f"SHA256:{chest}",
        nodeNames="CTChest",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="X-ray Synthesis",
        sampleName="X-ray Synthesis thorax phantom",
        uris=generated.as_uri(),
        fileNames="ThoraxPhantom.nrrd",
        checksums="SHA256:bfd4bb9f3181cd371f1c2e9bbd0bc6ddea07388c2190d4463d29d51440fff13a",
        nodeNames="ThoraxPhantom",
    )


class XraySynWidget(ScriptedLoadableModuleWidget):
    """The panel. Everything that it shares with other panels is in InverseImagingLib."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from InverseImagingLib.live_panel import LivePanel
        from InverseImagingLib.xray.scene import RadiographPreview

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/XraySyn.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = XraySynLogic()
        self.panel = LivePanel(self, self.logic, "XraySyn", _("X-ray Synthesis"), RadiographPreview())
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.onFinished = self.onFinished
        self.panel.bindSegment(self.ui.boneSegmentSelector, "boneSegmentation", "boneSegmentID")
        self.ui.cameraButton.connect("clicked(bool)", self.onCamera)
        self.ui.resetButton.connect("clicked(bool)", self.onReset)
        self.ui.sweepButton.connect("clicked(bool)", self.onSweep)
        self.ui.radiographButton.connect("clicked(bool)", self.onShowRadiograph)
        self.ui.boneMapButton.connect("clicked(bool)", self.onShowBoneMap)
        slicer.app.layoutManager().connect("layoutChanged(int)", self.showWhatMatters)
        self.panel.enter()

    def enter(self):
        self.panel.enter()

    def exit(self):
        self.panel.exit()

    def cleanup(self):
        slicer.app.layoutManager().disconnect("layoutChanged(int)", self.showWhatMatters)
        self.panel.cleanup()

    def showWhatMatters(self):
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

    def onCamera(self):
        """Take the radiograph from where the camera of the 3D view is."""
        from InverseImagingLib.errors import InputError
        from InverseImagingLib.xray.scene import options_of_camera

        p = self.panel.parameters
        try:
            self.setParameters(options_of_camera(self.logic.activeCamera(), p.inputVolume, p.width, p.height))
        except InputError as error:
            self.ui.statusLabel.text = str(error)

    def onReset(self):
        """Go back to the preset's own direction, distances and detector."""
        angles = ("azimuth", "elevation", "roll")
        lengths = ("offset_right", "offset_anterior", "offset_superior", "sid", "sdd", "pixel")
        pixels = ("width", "height")
        self.setParameters(dict.fromkeys(angles + lengths, 0.0) | dict.fromkeys(pixels, 0) | {"parallel": False})

    def setParameters(self, values):
        with slicer.util.NodeModify(self.panel.parameters.parameterNode):
            for name, value in values.items():
                setattr(self.panel.parameters, name, value)

    def onSweep(self):
        self.panel.run(self.logic.sweepRequest)

    def onFinished(self):
        """Show the new radiograph, unless the red view shows the live one or the user went elsewhere."""
        radiograph, second = self.panel.results()[:2]
        self.ui.boneMapButton.enabled = second.IsA("vtkMRMLScalarVolumeNode")  # a sweep has none
        self.panel.addObserver(radiograph, vtk.vtkCommand.ModifiedEvent, self.onRadiographModified)
        if self.panel.parameters is not None and not self.panel.parameters.livePreview:
            self.onShowRadiograph()

    def onShowRadiograph(self):
        self.show(0)

    def onShowBoneMap(self):
        self.show(1)

    def show(self, number):
        from InverseImagingLib.xray.scene import face

        self.panel.parameters.livePreview = False
        node = self.panel.results()[number]
        if node is not None:  # it may have been deleted
            face(node)

    def onRadiographModified(self, radiograph, event):
        """Keep facing a radiograph that a sequence browser turns."""
        from InverseImagingLib.xray.scene import face, is_faced

        if is_faced(radiograph):
            face(radiograph, fit=False)


class XraySynLogic(ScriptedLoadableModuleLogic):
    """Between nodes and the method; usable from the Python console without the panel."""

    _parameterNodeClass = None

    def __init__(self):
        super().__init__()
        self._images = None

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @classmethod
    def parameterNodeClass(cls):
        """The parameters: all fields of RadiographOptions, some with the narrower limits of a slider, and the panel's
        own choices."""
        if cls._parameterNodeClass is None:
            from typing import Annotated

            from slicer.parameterNodeWrapper import WithinRange

            from InverseImagingLib.panel import parameterNodeClass
            from InverseImagingLib.xray.options import MOST_VIEWS, RadiographOptions

            angle = Annotated[float, WithinRange(-180, 180)]
            cls._parameterNodeClass = parameterNodeClass(
                "XraySynParameterNode",
                RadiographOptions,
                inputVolume=vtkMRMLScalarVolumeNode,
                boneSegmentation=vtkMRMLSegmentationNode,
                boneSegmentID=(str, ""),
                azimuth=(angle, 0.0),
                roll=(angle, 0.0),
                sweepFrom=(angle, -18.0),
                sweepTo=(angle, 18.0),
                sweepCount=(Annotated[int, WithinRange(2, MOST_VIEWS)], 9),
                livePreview=(bool, False),
            )
        return cls._parameterNodeClass

    def problem(self, parameters):
        """Why no radiograph can be taken with these parameters, in a sentence; empty when it can."""
        if parameters.inputVolume is None:
            return _("Select a CT volume.")
        if parameters.inputVolume.GetImageData() is None:
            return _("The CT volume is empty; load an image into it.")
        if parameters.sid and parameters.sdd and parameters.sid > parameters.sdd:
            return _("The isocenter must not be farther from the source than the detector.")
        return ""

    def request(self, parameters):
        """What to run for one view. Raises InputError."""
        from InverseImagingLib.nodes import KeptImages
        from InverseImagingLib.panel import Request, optionsFrom
        from InverseImagingLib.xray.options import RadiographOptions

        source = parameters.inputVolume
        self._images = self._images or KeptImages()
        images = {"image": self._images.of_node("image", source)}
        if parameters.boneSegmentID:
            images["segmentation"] = self._images.of_segment(
                "segmentation", parameters.boneSegmentation, parameters.boneSegmentID, source
            )
        return Request(optionsFrom(parameters, RadiographOptions, sweep="", draft=False), images, source)

    def sweepRequest(self, parameters):
        """What to run for all views of the sweep. Raises InputError."""
        request = self.request(parameters)
        sweep = f"{parameters.sweepFrom:.3f}:{parameters.sweepTo:.3f}:{parameters.sweepCount}"
        return dataclasses.replace(request, options=dataclasses.replace(request.options, sweep=sweep))

    def activeCamera(self):
        """The camera of the first 3D view, or None."""
        layoutManager = slicer.app.layoutManager()
        if layoutManager.threeDViewCount == 0:
            return None
        viewNode = layoutManager.threeDWidget(0).mrmlViewNode()
        return slicer.modules.cameras.logic().GetViewActiveCameraNode(viewNode)

    def addResult(self, result, request):
        """Add the pictures where the detector is, with bone map and beam. Returns the nodes, the radiograph first."""
        from InverseImagingLib.xray.scene import add_radiographs

        return add_radiographs(result, request.options, request.source)

    def process(self, inputVolume, options=None, segmentation=None):
        """Take radiographs of a CT now, in this process, and return the new nodes, the radiograph first.

        inputVolume: scalar volume node in HU; options: RadiographOptions; segmentation: label map node of bone, on the
        grid of the volume. Raises InputError.
        """
        from InverseImagingLib.nodes import image_from_node
        from InverseImagingLib.xray.options import RadiographOptions
        from InverseImagingLib.xray.radiograph import radiograph
        from InverseImagingLib.xray.scene import add_radiographs

        options = options or RadiographOptions()
        bone = image_from_node(segmentation) if segmentation is not None else None
        return add_radiographs(
            radiograph(image_from_node(inputVolume), options, segmentation=bone), options, inputVolume
        )


class XraySynTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_radiograph()

    def test_radiograph(self):
        import SampleData

        from InverseImagingLib.xray.options import RadiographOptions

        registerSampleData()
        source = SampleData.downloadSample("X-ray Synthesis thorax phantom")
        before = slicer.util.arrayFromVolume(source).copy()
        radiograph, boneMap = XraySynLogic().process(source, RadiographOptions(width=64))[:2]
        self.assertTrue((slicer.util.arrayFromVolume(source) == before).all())
        self.assertEqual(radiograph.GetImageData().GetDimensions(), (64, 64, 1))
        bounds = [0] * 6
        radiograph.GetRASBounds(bounds)
        self.assertGreater(bounds[3], 200, "the detector of a chest PA is in front of the patient")
        self.assertGreater(slicer.util.arrayFromVolume(boneMap).max(), 1)
        self.assertEqual(radiograph.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.delayDisplay("Took a radiograph of a phantom")
