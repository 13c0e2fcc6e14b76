"""Enums are integers in PythonQt: `qt.Qt.Checked == 2`, `int(qt.QMessageBox.Ok)`."""

from __future__ import annotations

import enum

from PySide6 import QtGui


def install(classes: list[type]) -> None:
    """Let the enums of `classes` compare, hash and convert like their numbers.

    (PySide6's own option for integer enums crashes in QFile.open.)
    """
    for owner in classes:
        for value in [getattr(owner, name, None) for name in dir(owner)]:
            if isinstance(value, type) and issubclass(value, enum.Enum) and not issubclass(value, int):
                value.__eq__ = lambda self, other: self.value == getattr(other, "value", other)
                value.__hash__ = lambda self: hash(self.value)
                value.__int__ = value.__index__ = lambda self: int(self.value)

    color_name = QtGui.QColor.name
    QtGui.QColor.name = lambda self, style=0: color_name(self, QtGui.QColor.NameFormat(int(style)))
