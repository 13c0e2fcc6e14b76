"""A stand-in for the Slicer application, to run scripted modules - module, widget with its .ui file, logic, test - in pytest.

Genuine are the MRML scene, VTK and the module logics (package slicer-core) and slicer.util. Qt is PySide6 with PythonQt's
semantics (pythonqt/); CTK and qMRML widgets are written in Python (ctk_widgets/, qmrml/), and so is what slicer-core lacks of
Slicer's Python (base/). With the environment variable SLICER_SOURCE naming a Slicer checkout, its Base/Python is used
instead of base/.

    slicer = standin.boot()
    standin.modules.load("CTRestoration/CTRestoration.py")
    widget = standin.modules.open("CTRestoration")
    widget.ui.applyButton.click()

Not there: views on a screen, other modules' panels, command-line modules, the DICOM database, the Segment Editor, downloads.
"""

from __future__ import annotations

from .boot import boot, prepare, slicer_source
from .journal import answers, errors, messages

__all__ = ["answers", "boot", "errors", "messages", "prepare", "slicer_source"]
