import functools
from pathlib import Path

import slicer
from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class CT2RGB(ScriptedLoadableModule):
    """The module CT2RGB, as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CT2RGB")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = ["InverseImaging"]
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "See a CT in the colors of a cryosection, slice by slice and in 3D. "
            "The colors are illustrative: learned from one body, never evidence of tissue. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">tutorial</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _(
            "After H.-J. Liao et al., CT2RGB: Seeing The True Colors of Computed Tomography Images."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Add the sample volumes of this module to the Sample Data module."""
    import SampleData

    chest = "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"
    SampleData.SampleDataLogic.registerCustomSampleDataCategory("CT2RGB", title=_("CT2RGB"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CT2RGB",
        sampleName="CT2RGB chest CT",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{chest}",
        fileNames="CT-chest.nrrd",
        checksums=f"SHA256:{chest}",
        nodeNames="CTChest",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CT2RGB",
        sampleName="CT2RGB chest phantom",
        uris=(Path(__file__).parent / "Resources" / "SampleData" / "ChestPhantom.nrrd").as_uri(),
        fileNames="ChestPhantom.nrrd",
        checksums="SHA256:ab2e2d658836251a8fd2b124b7e49e6e50138430461aac823e1392f08b95c9c3",
        nodeNames="ChestPhantom",
    )


class CT2RGBWidget(ScriptedLoadableModuleWidget):
    """The panel. What it shares with other panels is in InverseImagingLib."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from CT2RGBLib.section import ColorsSection

        self.section = ColorsSection(self, CT2RGBLogic())
        self.layout.addWidget(self.section.root)

    def enter(self):
        self.section.enter()

    def exit(self):
        self.section.exit()

    def cleanup(self):
        self.section.cleanup()


class CT2RGBLogic(ScriptedLoadableModuleLogic):
    """Between CTs and their colors; usable from the Python console without the panel."""

    def __init__(self):
        super().__init__()
        from InverseImagingLib.nodes import KeptImages

        self._images = KeptImages()

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @classmethod
    @functools.cache
    def parameterNodeClass(cls):
        """The parameters: all fields of ColorizeOptions, and the panel's own choices."""
        from typing import Annotated

        from slicer.parameterNodeWrapper import Minimum, WithinRange

        from CT2RGBLib.opacity import Opacity
        from CT2RGBLib.options import ColorizeOptions
        from CT2RGBLib.scope import Region, SegmentUse
        from InverseImagingLib.panel import parameterNodeClass

        return parameterNodeClass(
            "CT2RGBParameterNode",
            ColorizeOptions,
            inputVolume=vtkMRMLScalarVolumeNode,
            region=(Region, Region.ALL),
            firstSlice=(Annotated[int, Minimum(0)], 0),
            lastSlice=(Annotated[int, Minimum(0)], 0),
            box=vtkMRMLMarkupsROINode,
            segmentation=vtkMRMLSegmentationNode,
            segmentUse=(SegmentUse, SegmentUse.INSIDE),
            livePreview=(bool, False),
            fade=(Annotated[float, WithinRange(0, 1)], 1.0),
            showVolume=(bool, False),
            cutAway=(bool, False),
            opacity=(Opacity, Opacity.SKIN),
        )

    def problem(self, parameters):
        """Why nothing can be colored with these parameters, in a sentence; empty when it can."""
        from CT2RGBLib.scope import Region, slice_count

        volume = parameters.inputVolume
        if volume is None:
            return _("Select a CT.")
        name = volume.GetName()
        if volume.GetImageData() is None:
            return _("'{name}' is empty; load an image into it.").format(name=name)
        if volume.IsA("vtkMRMLLabelMapVolumeNode"):
            return _("'{name}' is a label map; select a CT.").format(name=name)
        if volume.IsA("vtkMRMLVectorVolumeNode"):
            return _("'{name}' is in color already; select a CT.").format(name=name)
        if parameters.region is Region.BOX and parameters.box is None:
            return _("Select the box, or make one with New.")
        if parameters.region is Region.RANGE:
            last = slice_count(volume) - 1
            if not parameters.firstSlice <= parameters.lastSlice <= last:
                return _("The range must run upwards, from 0 to at most {last}.").format(last=last)
        return ""

    def request(self, parameters):
        """What to run for the region. Raises InputError."""
        from CT2RGBLib.scope import Region, slices_of

        mask = self._mask(parameters)
        slices = {
            Region.ALL: lambda: "",
            Region.CURRENT: lambda: self.currentSlice(parameters),
            Region.RANGE: lambda: f"{parameters.firstSlice}:{parameters.lastSlice + 1}",
            Region.BOX: lambda: slices_of(mask),
        }[parameters.region]()
        return self._request(parameters, mask, slices=slices, solid=True)

    def previewRequest(self, parameters):
        """What to run for the slice that the red view shows. Raises InputError."""
        return self._request(parameters, self._mask(parameters), slices=self.currentSlice(parameters))

    def _request(self, parameters, mask, **wanted):
        from CT2RGBLib.options import ColorizeOptions
        from InverseImagingLib.panel import Request, optionsFrom

        source = parameters.inputVolume
        images = {"image": self._images.of_node("image", source), "mask": mask, "tints": self._tints(parameters)}
        given = {name: image for name, image in images.items() if image is not None}
        return Request(optionsFrom(parameters, ColorizeOptions, **wanted), given, source)

    @staticmethod
    def currentSlice(parameters):
        """The slice that the red view shows, as "A:B"."""
        from CT2RGBLib.scope import slice_axis
        from InverseImagingLib.nodes import slice_shown

        index = slice_shown(parameters.inputVolume, slice_axis(parameters.inputVolume), "Red")
        return f"{index}:{index + 1}"

    def _mask(self, parameters):
        """Where to color, if not everywhere."""
        from CT2RGBLib.scope import Region, SegmentUse, mask_of, state_of_mask

        box = parameters.box if parameters.region is Region.BOX else None
        segmentation = parameters.segmentation if parameters.segmentUse is SegmentUse.INSIDE else None
        if box is None and segmentation is None:
            return None
        scope = (parameters.inputVolume, box, segmentation)
        return self._images.get("mask", state_of_mask(*scope), lambda: mask_of(*scope))

    def _tints(self, parameters):
        """Colors of segments to blend in, if there are any."""
        from CT2RGBLib.scope import SegmentUse, state_of_mask, tints_of_segments

        volume, segmentation = parameters.inputVolume, parameters.segmentation
        if segmentation is None or parameters.segmentUse is not SegmentUse.BLEND:
            return None
        state = state_of_mask(volume, None, segmentation)
        return self._images.get("tints", state, lambda: tints_of_segments(segmentation, volume))

    def addResult(self, result, request):
        """Add the colors beside their CT. Returns the nodes, that of the slice views first."""
        from CT2RGBLib.nodes import add_colors

        return add_colors(result, request.source)

    def savePictures(self, parameters, path):
        """Write the last colors of the CT as a stack of PNG files into a new folder. Raises InputError."""
        from CT2RGBLib.nodes import SLICES, image_of
        from CT2RGBLib.pictures import write_pictures

        write_pictures(image_of(parameters.inputVolume, SLICES), path)

    def saveDicom(self, parameters, path):
        """Write the last colors of the CT as a derived DICOM series into a new folder. Raises InputError."""
        from CT2RGBLib.nodes import SLICES, image_of, newest
        from CT2RGBLib.series import write_colors
        from InverseImagingLib.nodes import report_of

        source = parameters.inputVolume
        write_colors(image_of(source, SLICES), path, report_of(newest(source, SLICES)))

    def saveSurface(self, parameters, path):
        """Write the colored surface of what is shown in 3D as GLB or PLY. Raises InputError."""
        from CT2RGBLib.export import surface_writer
        from CT2RGBLib.nodes import SPACE, image_of
        from CT2RGBLib.options import SightOptions

        surface_writer(image_of(parameters.inputVolume, SPACE), path, SightOptions(parameters.opacity))()

    def saveTurntable(self, parameters, path):
        """Write what is shown in 3D, from all around, as an animated GIF. Raises InputError."""
        from CT2RGBLib.export import turntable_writer
        from CT2RGBLib.nodes import SPACE, image_of
        from CT2RGBLib.options import SightOptions

        turntable_writer(image_of(parameters.inputVolume, SPACE), path, SightOptions(parameters.opacity))()

    def process(self, inputVolume, options=None, mask=None):
        """Color a CT now, in this process, and return the new nodes: RGB and, with the option solid, RGBA for 3D.

        inputVolume: scalar volume node in HU; options: ColorizeOptions; mask: label map node, outside of which it stays
        gray. Raises InputError.
        """
        from CT2RGBLib.colorize import colorize
        from CT2RGBLib.nodes import add_colors
        from CT2RGBLib.options import ColorizeOptions
        from InverseImagingLib.nodes import image_from_node

        inside = image_from_node(mask) if mask is not None else None
        return add_colors(
            colorize(image_from_node(inputVolume), options or ColorizeOptions(), mask=inside), inputVolume
        )


class CT2RGBTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_colors()

    def test_colors(self):
        """Of a cylinder of muscle in fat, with a bone in it, by the palette."""
        import numpy as np

        from CT2RGBLib.options import ColorizeOptions, Tier
        from InverseImagingLib.nodes import report_of

        rows, columns = np.ogrid[-64:64, -64:64]
        radius = np.hypot(rows, columns)
        slab = np.select([radius < 10, radius < 40, radius < 50], [800, 50, -100], -1000).astype(np.int16)
        source = slicer.util.addVolumeFromArray(np.repeat(slab[None], 4, axis=0), name="Limb")
        source.SetSpacing(2, 2, 5)
        flat, solid = CT2RGBLogic().process(source, ColorizeOptions(tier=Tier.PALETTE, solid=True))
        colors = slicer.util.arrayFromVolume(flat)
        self.assertEqual(colors.shape, (4, 128, 128, 3))
        self.assertEqual(slicer.util.arrayFromVolume(solid).shape, (4, 128, 128, 4))
        self.assertFalse(colors[:, 0].any(), "air is black")
        muscle, bone = colors[1, 64, 90].astype(int), colors[1, 64, 64].astype(int)
        self.assertGreater(muscle[0], 1.5 * muscle[1], "muscle is red")
        self.assertGreater(bone.min(), muscle.max(), "bone is bright")
        self.assertEqual(flat.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.assertEqual(report_of(flat)["method"], "CT2RGB")
        self.delayDisplay("Colored a limb")
