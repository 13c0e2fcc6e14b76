import dataclasses
import functools
from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class XrayTomography(ScriptedLoadableModule):
    """The module X-ray Tomography, as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-ray Tomography")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = ["InverseImaging"]
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "Turn one radiograph of a head into a volume that projects to it, and walk around it. "
            "What lies how deep is a network's guess. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">tutorial</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _(
            "After P. Henzler et al., Single-image Tomography: 3D Volumes from 2D Cranial X-Rays."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Add the sample radiograph of this module to the Sample Data module."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataCategory("X-ray Tomography", title=_("X-ray Tomography"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="X-ray Tomography",
        sampleName="X-ray Tomography skull radiograph",
        uris=(Path(__file__).parent / "Resources" / "SampleData" / "SkullRadiograph.nrrd").as_uri(),
        fileNames="SkullRadiograph.nrrd",
        checksums="SHA256:a3e47aab6ab80f4c74f2c43aa1d572ebfe11adbc2f5800576cb163aff7a145f4",
        nodeNames="SkullRadiograph",
    )


class XrayTomographyWidget(ScriptedLoadableModuleWidget):
    """The panel. What it shares with other panels is in InverseImagingLib."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from XrayTomographyLib.section import TomographySection

        self.section = TomographySection(self, XrayTomographyLogic())
        self.layout.addWidget(self.section.root)

    def enter(self):
        self.section.enter()

    def exit(self):
        self.section.exit()

    def cleanup(self):
        self.section.cleanup()


class XrayTomographyLogic(ScriptedLoadableModuleLogic):
    """Between radiographs and their tomography; usable from the Python console without the panel."""

    def __init__(self):
        super().__init__()
        from InverseImagingLib.nodes import KeptImages

        self._images = KeptImages()

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @classmethod
    @functools.cache
    def parameterNodeClass(cls):
        """The parameters: all fields of TomographyOptions, and the panel's own choices."""
        from InverseImagingLib.panel import parameterNodeClass
        from XrayTomographyLib.options import Picture, TomographyOptions

        return parameterNodeClass(
            "XrayTomographyParameterNode",
            TomographyOptions,
            inputVolume=vtkMRMLScalarVolumeNode,
            shown=(Picture, Picture.VIEW),
            showVolume=(bool, True),
            cutAway=(bool, False),
            livePreview=(bool, False),
        )

    def problem(self, parameters):
        """Why nothing can be made with these parameters, in a sentence; empty when it can."""
        return self.problemOf(parameters.inputVolume)

    @staticmethod
    def problemOf(volume):
        """Why nothing can be made of a volume node, in a sentence; empty when it can."""
        from InverseImagingLib.xray.scene import is_picture

        if volume is None:
            return _("Select a radiograph.")
        name = volume.GetName()
        if volume.GetImageData() is None:
            return _("'{name}' is empty; load an image into it.").format(name=name)
        if volume.IsA("vtkMRMLLabelMapVolumeNode"):
            return _("'{name}' is a label map; select a radiograph.").format(name=name)
        if not is_picture(volume):
            return _("'{name}' has {slices} slices; select a radiograph, which has one.").format(
                name=name, slices=volume.GetImageData().GetDimensions()[2]
            )
        return ""

    def request(self, parameters, **changes):
        """What to run for the volume and what tells how good it is, or for options with changes. Raises InputError."""
        from InverseImagingLib.panel import Request, optionsFrom
        from InverseImagingLib.xray.scene import view_position
        from XrayTomographyLib.options import TomographyOptions

        source = parameters.inputVolume
        images = {"image": self._images.of_node("image", source)}
        facing = parameters.facing.settled(view_position(source))
        wanted = {"facing": facing, "only": "", "draft": False, **changes}
        return Request(optionsFrom(parameters, TomographyOptions, **wanted), images, source)

    def pictureRequest(self, parameters):
        """What to run for the picture that is shown. Raises InputError."""
        return self.request(parameters, only=parameters.shown.value)

    def turntableRequest(self, parameters):
        """What to run for views from all around. Raises InputError."""
        from XrayTomographyLib.options import ANIMATED_SIZE, Product

        return self.request(parameters, only=Product.TURNTABLE.value, size=ANIMATED_SIZE)

    def wiggleRequest(self, parameters):
        """What to run for views from one eye to the other. Raises InputError."""
        from XrayTomographyLib.options import ANIMATED_SIZE, Product

        return self.request(parameters, only=Product.WIGGLE.value, size=ANIMATED_SIZE)

    def addResult(self, result, request):
        """Add volumes and pictures beside the radiograph. Returns the nodes, the principal one first."""
        from XrayTomographyLib.nodes import add_tomography

        return add_tomography(result, request.source)

    def addSurface(self, parameters):
        """Add the surface of the last volume of the radiograph as a model, and return it. Raises InputError."""
        from XrayTomographyLib.nodes import add_surface, newest
        from XrayTomographyLib.options import Product

        volume, uncertainty = (newest(parameters.inputVolume, each) for each in (Product.VOLUME, Product.UNCERTAINTY))
        return add_surface(volume, uncertainty, parameters.level)

    def saveDicom(self, parameters, path):
        """Write the last volume of the radiograph as a derived DICOM series into a new folder. Raises InputError."""
        from XrayTomographyLib.nodes import newest, write_dicom
        from XrayTomographyLib.options import Product

        write_dicom(newest(parameters.inputVolume, Product.VOLUME), path)

    def process(self, inputVolume, options=None):
        """Make a volume now, in this process, and return the new nodes, the volume first.

        inputVolume: volume node with one picture, gray or color; options: TomographyOptions. Raises InputError.
        """
        from InverseImagingLib.nodes import image_from_node
        from InverseImagingLib.xray.scene import view_position
        from XrayTomographyLib.nodes import add_tomography
        from XrayTomographyLib.options import TomographyOptions
        from XrayTomographyLib.tomograph import tomograph

        options = options or TomographyOptions()
        options = dataclasses.replace(options, facing=options.facing.settled(view_position(inputVolume)))
        return add_tomography(tomograph(image_from_node(inputVolume), options), inputVolume)


class XrayTomographyTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_tomography()

    def test_tomography(self):
        """With a network that has learned nothing: what is known of the volume does not depend on it."""
        import tempfile

        import SampleData
        from safetensors.torch import save_file

        from InverseImagingLib.nodes import report_of
        from XrayTomographyLib.networks import VolumeNet
        from XrayTomographyLib.options import TomographyOptions

        registerSampleData()
        source = SampleData.downloadSample("X-ray Tomography skull radiograph")
        before = slicer.util.arrayFromVolume(source).copy()
        with tempfile.TemporaryDirectory() as folder:
            weights = str(Path(folder) / "own.safetensors")
            save_file(VolumeNet().state_dict(), weights)
            nodes = XrayTomographyLogic().process(source, TomographyOptions(size=64, weights=weights))
        volume = nodes[0]
        self.assertTrue((slicer.util.arrayFromVolume(source) == before).all())
        self.assertEqual(len(nodes), 4)
        self.assertEqual(volume.GetImageData().GetDimensions()[1:], (128, 64))
        self.assertGreater(report_of(volume)["reprojection PSNR"], 60)
        self.assertEqual(volume.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.delayDisplay("Made a volume of a radiograph")
