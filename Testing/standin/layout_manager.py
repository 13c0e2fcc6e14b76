"""`slicer.app.layoutManager()`: genuine slice logics and view nodes, no views on a screen."""

from __future__ import annotations

import vtk

from .signals import Signals

SLICE_VIEWS = (
    ("Red", "Axial", (0.95, 0.29, 0.25)),
    ("Yellow", "Sagittal", (0.93, 0.83, 0.30)),
    ("Green", "Coronal", (0.43, 0.69, 0.29)),
)
FOUR_UP = 3  # vtkMRMLLayoutNode.SlicerLayoutFourUpView


class SliceController:
    """The bar above a slice view."""

    def __init__(self, logic) -> None:
        self._logic = logic

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()

    def setSliceVisible(self, visible):
        self._logic.GetSliceNode().SetSliceVisible(visible)


class SliceView:
    """The picture of a slice view; views.py draws it on demand."""

    def scheduleRender(self):
        pass

    forceRender = scheduleRender


class SliceWidget:
    """A slice view: its logic and nodes."""

    def __init__(self, logic) -> None:
        self._logic = logic
        self._controller, self._view = SliceController(logic), SliceView()

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceController(self):
        return self._controller

    def sliceView(self):
        return self._view

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()


class LayoutManager(Signals):
    """Three slice views and the nodes of a 3D view."""

    SIGNALS = ("layoutChanged",)

    def __init__(self, slicer, scene, application_logic) -> None:
        super().__init__()
        self._slices: dict[str, SliceWidget] = {}
        self._logics = vtk.vtkCollection()
        for name, orientation, color in SLICE_VIEWS:
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(application_logic)
            logic.SetMRMLScene(scene)
            node = logic.AddSliceNode(name)
            node.SetLayoutColor(*color)
            node.SetLayoutLabel(name[0])
            node.SetOrientation(orientation)
            node.SetDimensions(300, 300, 1)
            node.SetFieldOfView(250, 250, 1)
            self._logics.AddItem(logic)
            self._slices[name] = SliceWidget(logic)
        application_logic.SetSliceLogics(self._logics)
        self._layout_node = scene.AddNode(slicer.vtkMRMLLayoutNode())
        scene.AddNewNodeByClass("vtkMRMLViewNode", "View1")
        self._layout = FOUR_UP

    def sliceViewNames(self):
        return tuple(self._slices)

    def sliceWidget(self, name):
        return self._slices.get(name)

    def mrmlSliceLogics(self):
        return self._logics

    @property
    def layout(self):
        return self._layout

    def setLayout(self, layout):
        self._layout = layout
        self.emit("layoutChanged", layout)

    @property
    def threeDViewCount(self):
        return 0

    tableViewCount = plotViewCount = threeDViewCount

    def resetSliceViews(self):
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self):
        pass

    def setRenderPaused(self, paused):
        pass
