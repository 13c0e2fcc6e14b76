import dataclasses
import functools
from pathlib import Path

import slicer
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
            "See a radiograph from other sides, with its bones apart or taken away, "
            "and simulate radiographs of a CT from any direction. "
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
    generated = {
        "thorax radiograph": ("ThoraxRadiograph", "53030bbcde6b5268036587ead37ee568c746b3d4b7cf6e2eba93fae8fcc4f4f6"),
        "thorax phantom": ("ThoraxPhantom", "bfd4bb9f3181cd371f1c2e9bbd0bc6ddea07388c2190d4463d29d51440fff13a"),
    }
    SampleData.SampleDataLogic.registerCustomSampleDataCategory("X-ray Synthesis", title=_("X-ray Synthesis"))
    for title, (name, digest) in generated.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="X-ray Synthesis",
            sampleName=f"X-ray Synthesis {title}",
            uris=(Path(__file__).parent / "Resources" / "SampleData" / f"{name}.nrrd").as_uri(),
            fileNames=f"{name}.nrrd",
            checksums=f"SHA256:{digest}",
            nodeNames=name,
        )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="X-ray Synthesis",
        sampleName="X-ray Synthesis chest CT",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{chest}",
        fileNames="CT-chest.nrrd",
        checksums=f"SHA256:{chest}",
        nodeNames="CTChest",
    )


class XraySynWidget(ScriptedLoadableModuleWidget):
    """The panel: a tab for radiographs, one for CTs. What they share with other panels is in InverseImagingLib."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from InverseImagingLib.sections import Sections
        from XraySynLib.ct_section import CTSection
        from XraySynLib.radiograph_section import RadiographSection

        self.fromRadiograph = RadiographSection(self, XraySynRadiographLogic())
        self.fromCT = CTSection(self, XraySynLogic())
        self.sections = Sections({_("From a radiograph"): self.fromRadiograph, _("From a CT"): self.fromCT})
        self.layout.addWidget(self.sections.tabs)

    def enter(self):
        self.sections.enter()

    def exit(self):
        self.sections.exit()

    def cleanup(self):
        self.sections.cleanup()


class _TabLogic(ScriptedLoadableModuleLogic):
    """What the logic of both tabs has: a sweep, parameters of its own parameterNodeClass, and images that it keeps."""

    def __init__(self):
        super().__init__()
        from InverseImagingLib.nodes import KeptImages

        self._images = KeptImages()

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @staticmethod
    def _sweep(parameters):
        """The option sweep, from the parameters that the panel has for it."""
        return f"{parameters.sweepFrom:.3f}:{parameters.sweepTo:.3f}:{parameters.sweepCount}"


class XraySynLogic(_TabLogic):
    """Between CTs and the simulation of radiographs; usable from the Python console without the panel."""

    @classmethod
    @functools.cache
    def parameterNodeClass(cls):
        """The parameters: all fields of RadiographOptions, some with the narrower limits of a slider, and the panel's
        own choices."""
        from typing import Annotated

        from slicer.parameterNodeWrapper import WithinRange

        from InverseImagingLib.panel import parameterNodeClass
        from InverseImagingLib.xray.options import MOST_VIEWS, RadiographOptions

        angle = Annotated[float, WithinRange(-180, 180)]
        return parameterNodeClass(
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

    def problem(self, parameters):
        """Why no radiograph can be taken with these parameters, in a sentence; empty when it can."""
        if parameters.inputVolume is None:
            return _("Select a CT volume.")
        if parameters.inputVolume.GetImageData() is None:
            return _("The CT volume is empty; load an image into it.")
        if parameters.sid and parameters.sdd and parameters.sid > parameters.sdd:
            return _("The isocenter must not be farther from the source than the detector.")
        return ""

    def request(self, parameters, sweep=""):
        """What to run for one view, or for a sweep. Raises InputError."""
        from InverseImagingLib.panel import Request, optionsFrom
        from InverseImagingLib.xray.options import RadiographOptions

        source = parameters.inputVolume
        images = {"image": self._images.of_node("image", source)}
        if parameters.boneSegmentID:
            images["segmentation"] = self._images.of_segment(
                "segmentation", parameters.boneSegmentation, parameters.boneSegmentID, source
            )
        return Request(optionsFrom(parameters, RadiographOptions, sweep=sweep, draft=False), images, source)

    def sweepRequest(self, parameters):
        """What to run for all views of the sweep. Raises InputError."""
        return self.request(parameters, sweep=self._sweep(parameters))

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


class XraySynRadiographLogic(_TabLogic):
    """Between radiographs and the synthesis of views; usable from the Python console without the panel."""

    @classmethod
    @functools.cache
    def parameterNodeClass(cls):
        """The parameters: all fields of SynthesisOptions, and the panel's own choices."""
        from typing import Annotated

        from slicer.parameterNodeWrapper import WithinRange

        from InverseImagingLib.panel import parameterNodeClass
        from XraySynLib.options import LARGEST_ANGLE, MOST_VIEWS, Picture, SynthesisOptions

        angle = Annotated[float, WithinRange(-LARGEST_ANGLE, LARGEST_ANGLE)]
        return parameterNodeClass(
            "XraySynRadiographParameterNode",
            SynthesisOptions,
            inputVolume=vtkMRMLScalarVolumeNode,
            shown=(Picture, Picture.VIEW),
            showVolume=(bool, True),
            sweepFrom=(angle, -LARGEST_ANGLE),
            sweepTo=(angle, LARGEST_ANGLE),
            sweepCount=(Annotated[int, WithinRange(2, MOST_VIEWS)], 19),
            livePreview=(bool, False),
        )

    def problem(self, parameters):
        """Why nothing can be made with these parameters, in a sentence; empty when it can."""
        source = parameters.inputVolume
        if source is None:
            return _("Select a radiograph.")
        name = source.GetName()
        if source.GetImageData() is None:
            return _("'{name}' is empty; load an image into it.").format(name=name)
        if source.IsA("vtkMRMLLabelMapVolumeNode"):
            return _("'{name}' is a label map; select a radiograph.").format(name=name)
        slices = source.GetImageData().GetDimensions()[2]
        if slices > 1:
            return _(
                "'{name}' is a volume of {slices} slices; select a radiograph, or simulate one in the tab From a CT."
            ).format(name=name, slices=slices)
        return ""

    def request(self, parameters, only="", sweep=""):
        """What to run for all pictures and volumes, for one picture alone, or for a sweep. Raises InputError."""
        from InverseImagingLib.panel import Request, optionsFrom
        from InverseImagingLib.xray.scene import view_position
        from XraySynLib.options import SynthesisOptions

        source = parameters.inputVolume
        images = {"image": self._images.of_node("image", source)}
        projection = parameters.projection.settled(view_position(source))
        options = optionsFrom(parameters, SynthesisOptions, projection=projection, only=only, sweep=sweep, draft=False)
        return Request(options, images, source)

    def viewRequest(self, parameters):
        """What to run for the picture that is shown. Raises InputError."""
        return self.request(parameters, only=parameters.shown.value)

    def sweepRequest(self, parameters):
        """What to run for all views of the sweep. Raises InputError."""
        from XraySynLib.options import Picture

        return self.request(parameters, only=Picture.VIEW.value, sweep=self._sweep(parameters))

    def addResult(self, result, request):
        """Add pictures and volumes beside the radiograph. Returns the nodes, the first view first."""
        from XraySynLib.nodes import add_synthesis

        return add_synthesis(result, request.options, request.source)

    def process(self, inputVolume, options=None):
        """Synthesize now, in this process, and return the new nodes, the first view first.

        inputVolume: volume node with one picture, gray or color; options: SynthesisOptions. Raises InputError.
        """
        from InverseImagingLib.nodes import image_from_node
        from InverseImagingLib.xray.scene import view_position
        from XraySynLib.nodes import add_synthesis
        from XraySynLib.options import SynthesisOptions
        from XraySynLib.synthesize import synthesize

        options = options or SynthesisOptions()
        options = dataclasses.replace(options, projection=options.projection.settled(view_position(inputVolume)))
        return add_synthesis(synthesize(image_from_node(inputVolume), options), options, inputVolume)


class XraySynTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_radiograph()
        self.setUp()
        self.test_synthesis()

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

    def test_synthesis(self):
        import SampleData

        from XraySynLib.options import SynthesisOptions

        registerSampleData()
        source = SampleData.downloadSample("X-ray Synthesis thorax radiograph")
        before = slicer.util.arrayFromVolume(source).copy()
        view, *others = XraySynRadiographLogic().process(source, SynthesisOptions(azimuth=9.0, tries=1))
        self.assertTrue((slicer.util.arrayFromVolume(source) == before).all())
        self.assertEqual(view.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.assertEqual(len(others), 7)
        self.delayDisplay("Saw a radiograph from another side")
