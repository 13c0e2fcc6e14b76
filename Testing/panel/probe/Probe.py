"""A scripted module with one widget of each kind, for the tests of the Slicer stand-in."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import slicer
import vtk
from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Choice, Decimals, Default, Maximum, Minimum, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Color(enum.Enum):
    RED = "r"
    GREEN = "g"

    def label(self) -> str:
        return f"{self.name.title()} light"


class Size(str, enum.Enum):
    SMALL = "small"
    LARGE = "large"


@parameterNodeWrapper
class ProbeParameterNode:
    inputVolume: vtkMRMLScalarVolumeNode
    mask: vtkMRMLLabelMapVolumeNode | None
    either: vtkMRMLScalarVolumeNode | vtkMRMLSegmentationNode | None
    enabled: bool = True
    pressed: bool
    amount: Annotated[float, WithinRange(-1.5, 2.5), Decimals(3)] = 0.5
    weight: Annotated[float, Minimum(0)]
    count: Annotated[int, WithinRange(1, 9), Default(4)]
    seed: Annotated[int, Maximum(100)]
    steps: Annotated[int, WithinRange(0, 1000)] = 10
    color: Color = Color.GREEN
    size: Size
    factor: Annotated[int, Choice([2, 4, 8])] = 4
    text: str = "hello"
    notes: str
    folder: Path = Path("/tmp")
    numbers: list[int]
    pair: tuple[float, str] = (1.5, "a")


class Probe(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = "Probe module"
        self.parent.categories = ["Testing"]
        slicer.app.connect("startupCompleted()", lambda: calls.append("startup"))


calls: list[str] = []


class ProbeWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameters = self.guiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        calls.append("setup")
        self.uiWidget = slicer.util.loadUI(self.resourcePath("UI/Probe.ui"))
        self.layout.addWidget(self.uiWidget)
        self.ui = slicer.util.childWidgetVariables(self.uiWidget)
        self.uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = ProbeLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, lambda caller, event: self.bind(None))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onEndClose)

    def onEndClose(self, caller, event):
        if self.parent.isEntered:
            self.bind(self.logic.getParameterNode())

    def bind(self, parameters):
        if self.parameters is not None:
            self.parameters.disconnectGui(self.guiTag)
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self.parameters = parameters
        if parameters is not None:
            self.guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.onModified)

    def onModified(self, caller, event):
        calls.append("modified")

    def enter(self):
        calls.append("enter")
        self.bind(self.logic.getParameterNode())

    def exit(self):
        calls.append("exit")
        self.bind(None)

    def cleanup(self):
        calls.append("cleanup")
        self.bind(None)
        self.removeObservers()


class ProbeLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return ProbeParameterNode(super().getParameterNode())


class ProbeTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_amount()

    def test_amount(self):
        self.delayDisplay("Testing")
        calls.append(f"test, testing mode {slicer.app.testingEnabled()}")
        self.assertEqual(ProbeLogic().getParameterNode().amount, 0.5)
