"""Scripted modules: what Slicer's C++ side gives to `<Module>(parent)` and `<Module>Widget(parent)`."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

import sys

from PySide6 import QtWidgets

from .pythonqt.native import native
from .qmrml.widget import qMRMLWidget

DEFAULTS = {
    "title": "",
    "categories": (),
    "contributors": (),
    "associatedNodeTypes": (),
    "helpText": "",
    "acknowledgementText": "",
    "extensions": None,
    "icon": None,
    "hidden": False,
    "dependencies": (),
    "index": -1,
    "widgetRepresentationCreationEnabled": True,
}


class qSlicerScriptedLoadableModule:
    """The `parent` of a module; takes no attributes but its properties."""

    def __init__(self, slicer, name: str, path: str) -> None:
        vars(self).update(DEFAULTS, title=name, name=name, path=path, _slicer=slicer, _logic=None, _representation=None)

    def __setattr__(self, name, value):
        if name not in DEFAULTS and not name.startswith("_"):
            raise AttributeError(f"'{name}' does not exist on qSlicerScriptedLoadableModule")
        vars(self)[name] = value

    def logic(self):
        if self._logic is None:
            self._logic = self._slicer.vtkSlicerScriptedLoadableModuleLogic()
            self._logic.SetMRMLScene(self._slicer.mrmlScene)
        return self._logic

    def widgetRepresentation(self):
        if self._representation is None:
            self._representation = self.createNewWidgetRepresentation()
        return self._representation

    def createNewWidgetRepresentation(self):
        return qSlicerScriptedLoadableModuleWidget(self._slicer, self)


@native
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The `parent` of a module's widget: creates the Python widget and tells it of enter and exit."""

    def __init__(self, slicer, module) -> None:
        super().__init__()
        self._slicer, self._module = slicer, module
        self._entered = False
        self.setLayout(QtWidgets.QVBoxLayout())
        self.setMRMLScene(slicer.mrmlScene)
        self.reload()

    def reload(self):
        name = self._module.name
        self._widget = getattr(sys.modules[name], f"{name}Widget")(self)
        setattr(self._slicer.modules, f"{name}Widget", self._widget)
        self._widget.setup()

    def self(self):
        return self._widget

    def module(self):
        return self._module

    @property
    def moduleName(self):
        return self._module.name

    @property
    def isEntered(self):
        return self._entered

    def enter(self):
        self._entered = True
        if hasattr(self._widget, "enter"):
            self._widget.enter()

    def exit(self):
        self._entered = False
        if hasattr(self._widget, "exit"):
            self._widget.exit()
