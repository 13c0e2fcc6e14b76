"""Start the stand-in for the Slicer application in this process."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import types
from pathlib import Path

from . import journal, system

SOURCE_VARIABLE = "SLICER_SOURCE"


def slicer_source() -> Path | None:
    """The folder Base/Python of the Slicer checkout that SLICER_SOURCE names, or None where it is not set.

    Raises:
        FileNotFoundError: The variable names something else.
    """
    checkout = os.environ.get(SOURCE_VARIABLE)
    if not checkout:
        return None
    folder = Path(checkout) / "Base" / "Python"
    if not (folder / "slicer" / "util.py").is_file():
        raise FileNotFoundError(f"{SOURCE_VARIABLE} is {checkout}, which has no Base/Python/slicer/util.py")
    return folder


def prepare() -> None:
    """Choose which package `import slicer` finds; must come before the first such import."""
    source = slicer_source()
    if source is None or "slicer" in sys.modules:
        return
    sys.path.insert(0, str(source))
    kits = types.ModuleType("slicer.kits")  # made by Slicer's build
    kits.available_kits = ["slicer_core"]
    sys.modules["slicer.kits"] = kits


@functools.cache
def boot():
    """Start the application; returns the package `slicer`, with app, mrmlScene and modules.

    Raises:
        ImportError: A system library, PySide6 or slicer-core is missing.
    """
    system.require()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    prepare()
    import slicer
    import vtk

    from . import ctk_widgets, pythonqt

    qt = sys.modules["qt"] = pythonqt.install()
    sys.modules["ctk"] = ctk_widgets.install()
    sys.excepthook = journal.record_exception

    from . import dialogs, qmrml, scripted_module, subject_hierarchy
    from .application import Application
    from .module_manager import add_loadable_modules

    qmrml.install(slicer)
    slicer.qSlicerScriptedLoadableModule = scripted_module.qSlicerScriptedLoadableModule
    slicer.qSlicerScriptedLoadableModuleWidget = scripted_module.qSlicerScriptedLoadableModuleWidget
    _install_base_python(slicer)
    slicer.util = importlib.import_module("slicer.util")
    warnings = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkObject.GlobalWarningDisplayOff()  # color and terminology files are not there
    slicer.app = Application(slicer, qt)
    slicer.mrmlScene = slicer.app.mrmlScene()
    subject_hierarchy.install(slicer)
    add_loadable_modules(slicer)
    vtk.vtkObject.SetGlobalWarningDisplay(warnings)
    dialogs.install(slicer, qt)
    for name in ("SampleData", "PyTorchUtils"):
        file = {"SampleData": "sample_data", "PyTorchUtils": "pytorch_utils"}[name]
        sys.modules[name] = importlib.import_module(f"{__package__}.{file}")
    return slicer


def _install_base_python(slicer) -> None:
    from . import base

    if slicer_source() is None:
        base.install(slicer)
        return
    from .base import packages

    for name in ("i18n", "packaging", "ScriptedLoadableModule", "parameterNodeWrapper", "cli"):
        setattr(slicer, name, importlib.import_module(f"slicer.{name}"))
    slicer.packaging.pip_install = packages.pip_install
    slicer.packaging.pip_uninstall = packages.pip_uninstall
