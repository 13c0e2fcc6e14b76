"""`slicer.app.layoutManager()`: genuine layout and slice logics and view nodes, no views on a screen."""

from __future__ import annotations

import vtk

from .signals import Signals

SLICE_VIEW_SIZE = 300


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

    def __init__(self, slicer, application_logic, node) -> None:
        node.SetDimensions(SLICE_VIEW_SIZE, SLICE_VIEW_SIZE, 1)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(node.GetScene())
        self._logic.SetSliceNode(node)
        self._controller, self._view = SliceController(self._logic), SliceView()

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


class ThreeDWidget:
    """A 3D view: its node, and the camera node that the view's camera manager makes."""

    def __init__(self, slicer, node) -> None:
        self._slicer, self._node = slicer, node
        self.ensure_camera()

    def ensure_camera(self) -> None:
        scene, layout_name = self._node.GetScene(), self._node.GetLayoutName()
        if scene.GetSingletonNode(layout_name, "vtkMRMLCameraNode") is None:
            camera = scene.CreateNodeByClass("vtkMRMLCameraNode")
            camera.UnRegister(None)
            camera.SetName(scene.GenerateUniqueName(camera.GetNodeTagName()))
            camera.SetLayoutName(layout_name)
            scene.AddNode(camera)

    def mrmlViewNode(self):
        return self._node


class LayoutManager(Signals):
    """Which views there are, by the layout node."""

    SIGNALS = ("layoutChanged",)

    def __init__(self, slicer, scene, application_logic) -> None:
        super().__init__()
        self._slicer, self._application_logic = slicer, application_logic
        self._slices: dict[str, SliceWidget] = {}
        self._three_d: dict[str, ThreeDWidget] = {}
        self._logics = vtk.vtkCollection()
        application_logic.SetSliceLogics(self._logics)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    @property
    def layout(self):
        return self._logic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, layout):
        self._logic.GetLayoutNode().SetViewArrangement(layout)
        for node in self._views("vtkMRMLSliceNode"):
            if node.GetLayoutName() not in self._slices:
                widget = SliceWidget(self._slicer, self._application_logic, node)
                self._slices[node.GetLayoutName()] = widget
                self._logics.AddItem(widget.sliceLogic())
        for node in self._views("vtkMRMLViewNode"):
            self._three_d.setdefault(node.GetLayoutName(), ThreeDWidget(self._slicer, node))
        self.emit("layoutChanged", layout)

    def layoutLogic(self):
        return self._logic

    def sliceViewNames(self):
        return tuple(node.GetLayoutName() for node in self._views("vtkMRMLSliceNode"))

    def sliceWidget(self, name):
        return self._slices.get(name)

    def mrmlSliceLogics(self):
        return self._logics

    @property
    def threeDViewCount(self):
        return len(self._three_d)

    def threeDWidget(self, index):
        widgets = list(self._three_d.values())
        return widgets[index] if 0 <= index < len(widgets) else None

    @property
    def plotViewCount(self):
        return len(self._views("vtkMRMLPlotViewNode"))

    @property
    def tableViewCount(self):
        return len(self._views("vtkMRMLTableViewNode"))

    def _views(self, kind):
        nodes = self._logic.GetViewNodes()
        views = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return [view for view in views if view.IsA(kind)]

    def resetSliceViews(self):
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def setRenderPaused(self, paused):
        pass
