"""qMRMLWidget: a widget that holds the scene, the top of most .ui files."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from typing import ClassVar

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native


@native
class qMRMLWidget(QtWidgets.QWidget):
    """Passes the scene on to the widgets that its .ui file connects to mrmlSceneChanged."""

    mrmlSceneChanged = QtCore.Signal(object)
    signal_aliases: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}

    def __init__(self, *arguments):
        super().__init__(*(each for each in arguments if isinstance(each, QtWidgets.QWidget)))
        self._scene = None

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return self._scene


@native
class qSlicerWidget(qMRMLWidget):
    """The older base class of module widgets."""
