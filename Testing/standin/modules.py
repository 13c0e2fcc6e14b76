"""Load scripted modules by their path, show their panels, run their tests."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import qt
import slicer

from .scripted_module import qSlicerScriptedLoadableModule


def load(path: str | Path):
    """Load a scripted module as Slicer does at startup; returns the module object (`slicer.modules.<name>`)."""
    path = Path(path).resolve()
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    python_module = sys.modules.get(name)
    if python_module is None or Path(python_module.__file__) != path:
        spec = importlib.util.spec_from_file_location(name, path)
        python_module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(python_module)
    parent = qSlicerScriptedLoadableModule(slicer, name, str(path))
    setattr(slicer.modules, f"{name}Instance", getattr(python_module, name)(parent))
    slicer.app.moduleManager().add(parent)
    slicer.app.complete_startup()
    return parent


def show(name: str, width: int = 480, height: int = 900):
    """Show a loaded module as the module selector does; returns its Python widget."""
    representation = slicer.app.moduleManager().module(name).widgetRepresentation()
    representation.resize(width, height)
    slicer.util.selectModule(name)
    slicer.app.processEvents()
    return representation.self()


def unload(name: str) -> None:
    """Leave a module, if it is shown, and unload it; its cleanup() runs."""
    manager = slicer.app.moduleManager()
    representation = manager.module(name)._representation
    if representation is not None:
        slicer.util.mainWindow().moduleSelector().leave(name)
    manager.remove(name)
    if representation is not None:
        representation.hide()
        representation.deleteLater()
        qt.QCoreApplication.sendPostedEvents(None, int(qt.QEvent.DeferredDelete))
    slicer.app.processEvents()


@contextlib.contextmanager
def shown(path: str | Path) -> Iterator:
    """Load and show a module for a while; gives its Python widget."""
    name = load(path).name
    try:
        yield show(name)
    finally:
        unload(name)


def is_loaded(name: str) -> bool:
    """Whether `slicer.modules` has the module."""
    return slicer.app.moduleManager().module(name) is not None


def run_test(name: str) -> None:
    """Run `<Module>Test` of a loaded module, in testing mode as Slicer's --testing does."""
    with _testing_mode():
        getattr(slicer.modules, f"{name}Instance").runTest(msec=0)


@contextlib.contextmanager
def _testing_mode():
    slicer.app._testing = True
    try:
        yield
    finally:
        slicer.app._testing = False
