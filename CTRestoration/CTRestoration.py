import enum
from pathlib import Path

import slicer
from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class CTRestoration(ScriptedLoadableModule):
    """The module CT Restoration, as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CT Restoration")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = ["InverseImaging"]
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "Denoise a CT, make it finer, fill what is missing or damaged, and see what was changed. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">tutorial</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _(
            "After Y. Yin, CT Image Reconstruction and Optimization with Unsupervised Deep Learning, and "
            "D. Ulyanov, A. Vedaldi, V. Lempitsky, Deep Image Prior."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Add the sample volumes of this module to the Sample Data module."""
    import SampleData

    chest = "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"
    generated = Path(__file__).parent / "Resources" / "SampleData" / "LowDoseSlice.nrrd"
    SampleData.SampleDataLogic.registerCustomSampleDataCategory("CT Restoration", title=_("CT Restoration"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CT Restoration",
        sampleName="CT Restoration chest CT",
        uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{chest}",
        fileNames="CT-chest.nrrd",
        checksums=f"SHA256:{chest}",
        nodeNames="CTChest",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CT Restoration",
        sampleName="CT Restoration low-dose slice",
        uris=generated.as_uri(),
        fileNames="LowDoseSlice.nrrd",
        checksums="SHA256:d92e06bde2cfa9907370b3c90e6a9269ba3bed00475348603b0494c2954cd697",
        nodeNames="LowDoseSlice",
    )


class SliceChoice(enum.Enum):
    """Which slices are restored."""

    CURRENT = "current"
    RANGE = "range"
    ALL = "all"

    def label(self):
        return {"current": _("Current slice"), "range": _("Range"), "all": _("Whole volume")}[self.value]


class MaskSource(enum.Enum):
    """Where the voxels to fill come from."""

    NONE = "none"
    LABELMAP = "labelmap"
    SEGMENT = "segment"
    THRESHOLD = "threshold"

    def label(self):
        return {
            "none": _("Dropped at random"),
            "labelmap": _("Label map"),
            "segment": _("Segment"),
            "threshold": _("Threshold"),
        }[self.value]


class CTRestorationWidget(ScriptedLoadableModuleWidget):
    """The panel. Everything that it shares with other panels is in InverseImagingLib.panel."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from InverseImagingLib.method_panel import MethodPanel

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CTRestoration.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CTRestorationLogic()
        self.panel = MethodPanel(self, self.logic, "CTRestoration", _("CT Restoration"))
        self.panel.onParametersChanged = self.showWhatMatters
        self.panel.bindSegment(self.ui.maskSegmentSelector, "maskSegmentation", "maskSegmentID")
        self.ui.paintButton.connect("clicked(bool)", self.onPaint)
        self.panel.enter()

    def enter(self):
        self.panel.enter()

    def exit(self):
        self.panel.exit()

    def cleanup(self):
        self.panel.cleanup()

    def showWhatMatters(self):
        """Show the rows that the chosen task, method and mask need."""
        from CTRestorationLib.options import Task, Tier

        p = self.panel.parameters
        if p is None:
            return
        filling = p.task in (Task.INPAINT, Task.RESTORE)
        finer = p.task is Task.SUPER_RESOLUTION
        deep = p.tier is Tier.DEEP
        for row, shown in (
            ("range", p.sliceChoice is SliceChoice.RANGE),
            ("factor", finer),
            ("maskSourceComboBox", filling),
            ("maskSelector", filling and p.maskSource is MaskSource.LABELMAP),
            ("segment", filling and p.maskSource is MaskSource.SEGMENT),
            ("maskAboveSpinBox", filling and p.maskSource is MaskSource.THRESHOLD),
            ("dropSlider", filling and p.maskSource is MaskSource.NONE),
            ("presetComboBox", deep),
            ("learningRateSpinBox", deep),
            ("scalesSpinBox", deep),
            ("channelsSpinBox", deep),
            ("skipChannelsSpinBox", deep),
            ("regNoiseStdSpinBox", deep),
            ("iterationsSpinBox", deep),
            ("averagingSpinBox", deep),
            ("tvWeightSpinBox", deep),
        ):
            for name in (row, f"{row}Widget", f"{row}Label", f"{row}WidgetLabel"):
                if hasattr(self.ui, name):
                    getattr(self.ui, name).visible = shown

    def onPaint(self):
        """Make an empty segment on the input's grid, choose it as mask and open the Segment Editor."""
        p = self.panel.parameters
        if p is None or p.inputVolume is None:
            return
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{p.inputVolume.GetName()} mask")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(p.inputVolume)
        p.maskSegmentID = segmentation.GetSegmentation().AddEmptySegment("", _("To be filled"))
        p.maskSegmentation = segmentation
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        if editor is not None:
            editor.SetAndObserveSegmentationNode(segmentation)
            editor.SetAndObserveSourceVolumeNode(p.inputVolume)


class CTRestorationLogic(ScriptedLoadableModuleLogic):
    """Between nodes and the method; usable from the Python console without the panel."""

    _parameterNodeClass = None

    def getParameterNode(self):
        return self.parameterNodeClass()(super().getParameterNode())

    @classmethod
    def parameterNodeClass(cls):
        """The parameters: all fields of RestorationOptions but the slices, and the panel's own choices."""
        if cls._parameterNodeClass is None:
            from typing import Annotated

            from slicer.parameterNodeWrapper import Choice, Minimum

            from CTRestorationLib.options import FACTORS, RestorationOptions
            from InverseImagingLib.panel import parameterNodeClass

            cls._parameterNodeClass = parameterNodeClass(
                "CTRestorationParameterNode",
                RestorationOptions,
                inputVolume=vtkMRMLScalarVolumeNode,
                factor=(Annotated[int, Choice(list(FACTORS))], FACTORS[0]),
                sliceChoice=(SliceChoice, SliceChoice.CURRENT),
                firstSlice=(Annotated[int, Minimum(0)], 0),
                lastSlice=(Annotated[int, Minimum(0)], 0),
                maskSource=(MaskSource, MaskSource.NONE),
                maskVolume=vtkMRMLLabelMapVolumeNode,
                maskSegmentation=vtkMRMLSegmentationNode,
                maskSegmentID=(str, ""),
            )
        return cls._parameterNodeClass

    def problem(self, parameters):
        """Why the method cannot run with these parameters, in a sentence; empty when it can."""
        from CTRestorationLib.options import Task

        if parameters.inputVolume is None:
            return _("Select an input volume.")
        if parameters.inputVolume.GetImageData() is None:
            return _("The input volume is empty; load an image into it.")
        if parameters.window_low >= parameters.window_high:
            return _("The low end of the HU window must be below its high end.")
        if parameters.sliceChoice is SliceChoice.RANGE and parameters.firstSlice > parameters.lastSlice:
            return _("The first slice of the range must not come after the last one.")
        if parameters.task in (Task.INPAINT, Task.RESTORE):
            if parameters.maskSource is MaskSource.LABELMAP and parameters.maskVolume is None:
                return _("Select the label map that marks what to fill.")
            if parameters.maskSource is MaskSource.SEGMENT and not parameters.maskSegmentID:
                return _("Select the segment that marks what to fill, or paint one.")
            if parameters.maskSource is MaskSource.NONE and parameters.task is Task.INPAINT:
                return _("Choose what is missing or damaged: a label map, a segment or a threshold.")
        return ""

    def request(self, parameters):
        """What to run for these parameters. Raises InputError."""
        from CTRestorationLib.options import RestorationOptions, Task
        from InverseImagingLib.nodes import image_from_node, mask_from_segment
        from InverseImagingLib.panel import Request, optionsFrom

        source = parameters.inputVolume
        images = {"image": image_from_node(source)}
        filling = parameters.task in (Task.INPAINT, Task.RESTORE)
        if filling and parameters.maskSource is MaskSource.LABELMAP:
            images["mask"] = image_from_node(parameters.maskVolume)
        if filling and parameters.maskSource is MaskSource.SEGMENT:
            images["mask"] = mask_from_segment(parameters.maskSegmentation, parameters.maskSegmentID, source)
        threshold = filling and parameters.maskSource is MaskSource.THRESHOLD
        options = optionsFrom(
            parameters,
            RestorationOptions,
            slices=self.slices(parameters, images["image"]),
            mask_above=parameters.mask_above if threshold else 0.0,
        )
        return Request(options, images, source)

    def slices(self, parameters, image):
        """The chosen slices as "A:B"; empty for all of them."""
        from CTRestorationLib.slices import slice_axis
        from InverseImagingLib.nodes import slice_shown

        if parameters.sliceChoice is SliceChoice.ALL:
            return ""
        if parameters.sliceChoice is SliceChoice.RANGE:
            return f"{parameters.firstSlice}:{parameters.lastSlice + 1}"
        axis = slice_axis(image, parameters.plane)
        view = {"axial": "Red", "coronal": "Green", "sagittal": "Yellow"}[parameters.plane.value]
        index = slice_shown(parameters.inputVolume, axis, view)
        return f"{index}:{index + 1}"

    def addResult(self, result, request):
        """Add the outputs beside the source volume, shown as it is shown. Returns the nodes, the result first."""
        from InverseImagingLib.nodes import add_result, copy_window_level, set_window

        done = {
            "denoise": _("denoised (derived)"),
            "super-resolution": _("finer (derived)"),
            "inpaint": _("inpainted (derived)"),
            "restore": _("restored (derived)"),
        }[request.options.task.value]
        name = request.source.GetName()
        nodes = []
        for key, image in result.images.items():
            words = {"result": done, "residual": _("residual"), "uncertainty": _("uncertainty")}[key]
            node = add_result(image, f"{name} {words}", request.source, result.report)
            if key == "result":
                copy_window_level(node, request.source)
            else:
                set_window(node, *((-50, 50) if key == "residual" else (0, 50)))
            nodes.append(node)
        return nodes

    def process(self, inputVolume, options=None, mask=None):
        """Restore a volume now, in this process, and return the new nodes, the result first.

        inputVolume: scalar volume node in HU; options: RestorationOptions; mask: label map node. Raises InputError.
        """
        from CTRestorationLib.options import RestorationOptions
        from CTRestorationLib.restore import restore
        from InverseImagingLib.nodes import image_from_node
        from InverseImagingLib.panel import Request

        options = options or RestorationOptions()
        images = {"image": image_from_node(inputVolume)}
        if mask is not None:
            images["mask"] = image_from_node(mask)
        result = restore(images["image"], options, mask=images.get("mask"))
        return self.addResult(result, Request(options, images, inputVolume))


class CTRestorationTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_denoise()

    def test_denoise(self):
        import SampleData

        from CTRestorationLib.options import RestorationOptions, Tier

        registerSampleData()
        source = SampleData.downloadSample("CT Restoration low-dose slice")
        before = slicer.util.arrayFromVolume(source).copy()
        result, residual = CTRestorationLogic().process(source, RestorationOptions(tier=Tier.INSTANT))[:2]
        self.assertTrue((slicer.util.arrayFromVolume(source) == before).all())
        self.assertLess(slicer.util.arrayFromVolume(result)[:, 8:40, 8:40].std(), before[:, 8:40, 8:40].std() / 2)
        self.assertEqual(residual.GetNodeReference("InverseImaging.SourceVolume"), source)
        self.delayDisplay("Denoised a low-dose slice")
