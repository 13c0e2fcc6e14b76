"""The flat namespace of Slicer's module `qt`: all classes of the Qt modules, without their module names."""

from __future__ import annotations

import functools

from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets


@functools.cache
def flat() -> dict[str, object]:
    """Name to object, for every name that `qt` has."""
    names = {
        name: getattr(module, name)
        for module in (QtCore, QtGui, QtWidgets, QtNetwork, QtUiTools)
        for name in dir(module)
        if name.startswith("Q")
    }
    return {**names, "Signal": QtCore.Signal, "Slot": QtCore.Slot, "Property": QtCore.Property}


def classes() -> list[type]:
    """All classes of `qt`."""
    return [value for value in flat().values() if isinstance(value, type)]


def object_classes() -> list[type]:
    """The QObject classes of `qt`, base classes first."""
    unique = dict.fromkeys(cls for cls in classes() if issubclass(cls, QtCore.QObject))
    return sorted(unique, key=lambda cls: len(cls.__mro__))
