"""Python classes that stand in for C++ widgets (CTK, qMRML): as strict as those, and known to the .ui loader."""

from __future__ import annotations

from PySide6 import QtCore

ui_classes: dict[str, type] = {}


def native(cls: type) -> type:
    """Class decorator: give each Qt property its setX() method, and let .ui files name the class.

    `signal_aliases` of the class maps signatures with C++ types that PySide6 does not know to the signals that serve
    them, as in {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}.
    """
    for name, value in list(vars(cls).items()):
        setter = f"set{name[0].upper()}{name[1:]}"
        if isinstance(value, QtCore.Property) and value.fset and not hasattr(cls, setter):
            setattr(cls, setter, value.fset)
    cls._is_native = True
    ui_classes[cls.__name__] = cls
    return cls


def is_native(cls: type) -> bool:
    """Whether `cls` is a Qt class or a stand-in for a C++ class, and not a class that a module author wrote."""
    return cls.__module__.startswith("PySide6") or "_is_native" in vars(cls)
