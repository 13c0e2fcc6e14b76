"""QUiLoader that knows the stand-ins for CTK and qMRML widgets, and the signal-slot connections of .ui files."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools

from .attributes import loading_ui
from .native import ui_classes

CUSTOM_WIDGET = re.compile(r"(ctk|qMRML|qSlicer)[A-Z]")


class UiLoader(QtUiTools.QUiLoader):
    """`qt.QUiLoader`."""

    _unknown_class = ""

    def createWidget(self, class_name, parent=None, name=""):
        """Called by Qt for each widget of the file."""
        if class_name in ui_classes:
            widget = ui_classes[class_name](parent) if parent is not None else ui_classes[class_name]()
            widget.setObjectName(name)
            return widget
        if CUSTOM_WIDGET.match(class_name):
            self._unknown_class = class_name
        return super().createWidget(class_name, parent, name)

    def load(self, device, parent=None):
        """Return the top widget of the file.

        Raises:
            NotImplementedError: The file names a CTK or qMRML class for which there is no stand-in.
        """
        form = ElementTree.fromstring(bytes(device.readAll()))
        device.close()
        connections = form.findall("connections/connection")
        for section in form.findall("connections"):
            section.clear()
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(form))
        buffer.open(QtCore.QIODevice.ReadOnly)
        with loading_ui():
            widget = super().load(buffer, parent)
        if self._unknown_class:
            raise NotImplementedError(f"The Slicer stand-in has no widget class {self._unknown_class}")
        if widget is not None:
            for connection in connections:
                _connect(widget, connection)
        return widget


def _connect(widget, connection: ElementTree.Element) -> None:
    sender, signal, receiver, slot = (connection.findtext(tag) for tag in ("sender", "signal", "receiver", "slot"))
    _named(widget, sender).connect(signal, getattr(_named(widget, receiver), slot.split("(")[0]))


def _named(widget, name: str):
    found = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
    if found is None:
        raise LookupError(f"A connection in the .ui file names the widget '{name}', which does not exist")
    return found
