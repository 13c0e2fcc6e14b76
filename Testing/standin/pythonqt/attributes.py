"""Objects from C++ take no new attributes, and no keywords in their constructors."""

from __future__ import annotations

import contextlib
import types

from PySide6 import QtCore

from . import connections
from .native import is_native

_METHODS = {"connect": connections.connect, "disconnect": connections.disconnect, "className": connections.class_name}
_loading = 0


def install(classes: list[type]) -> None:
    """Make all QObject `classes` as strict as PythonQt."""
    getters = {cls: cls.__getattribute__ for cls in classes}
    initializers = {cls: cls.__init__ for cls in classes}
    for cls in classes:
        cls.__getattribute__ = _with_pythonqt_methods(getters[cls])
        cls.__getattr__ = _dynamic_property
        cls.__setattr__ = _set_attribute
        cls.__init__ = _without_keywords(initializers[cls])
    for cls in classes:
        if hasattr(cls, "exec") and not hasattr(cls, "exec_"):
            cls.exec_ = cls.exec


@contextlib.contextmanager
def loading_ui():
    """While a .ui file is loaded: PySide6 sets every child as an attribute of the form, PythonQt does not."""
    global _loading
    _loading += 1
    try:
        yield
    finally:
        _loading -= 1


def _with_pythonqt_methods(original):
    # PySide6 resolves these names in C++, so that a method set on the class would not be found.
    def get(self, name):
        method = _METHODS.get(name)
        return types.MethodType(method, self) if method else original(self, name)

    return get


def _without_keywords(original):
    def initialize(self, *arguments, **keywords):
        if keywords:
            raise ValueError(
                f"{type(self).__name__}: PythonQt takes no keywords in constructors, got {sorted(keywords)}"
            )
        original(self, *arguments)

    return initialize


def _has_dynamic_property(self, name: str) -> bool:
    return QtCore.QByteArray(name.encode()) in self.dynamicPropertyNames()


def _dynamic_property(self, name: str):
    if not name.startswith("_") and _has_dynamic_property(self, name):
        return self.property(name)
    raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")


def _set_attribute(self, name: str, value) -> None:
    cls = type(self)
    if _loading and isinstance(value, QtCore.QObject) and not name.startswith("_"):
        return
    owner = next((base for base in cls.__mro__ if name in vars(base)), None)
    known = vars(owner)[name] if owner else None
    if isinstance(known, QtCore.Property):
        if not self.setProperty(name, list(value) if isinstance(value, tuple) else value):
            raise AttributeError(f"Property '{name}' of {cls.__name__} does not accept {value!r}")
    elif hasattr(type(known), "__set__"):
        type(known).__set__(known, self, value)
    elif isinstance(value, QtCore.SignalInstance) or name.startswith("_") or not is_native(cls):
        vars(self)[name] = value  # PySide6 caches signals so; private names are the stand-ins' own
    elif owner:
        raise AttributeError(f"Slot '{name}' can not be overwritten on {cls.__name__} object")
    elif _has_dynamic_property(self, name):
        self.setProperty(name, value)
    else:
        raise AttributeError(
            f"'{name}' does not exist on {cls.__name__} and creating new attributes on C++ objects is not allowed"
        )
