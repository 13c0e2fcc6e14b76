"""A stand-in for the Slicer application, to run scripted modules in pytest: module, widget with its .ui, logic, test.

Genuine are the MRML scene, VTK, the module logics and slicer.util (package slicer-core). Qt is PySide6 with PythonQt's
semantics (pythonqt/); CTK and qMRML widgets are written in Python (ctk_widgets/, qmrml/), and so is what slicer-core
lacks of Slicer's Python (base/). With the environment variable SLICER_SOURCE naming a Slicer checkout, its Base/Python
is used instead of base/.

    slicer = standin.boot()
    from standin import modules, views
    with modules.shown("CTRestoration/CTRestoration.py") as widget:
        widget.ui.applyButton.click()
        views.save(views.panel_image(widget), "panel.png")

Not there: views on a screen, other modules' panels, command-line modules, DICOM database, Segment Editor, downloads.
"""

from __future__ import annotations

from .boot import boot, prepare, slicer_source
from .journal import Message, answers, clear, errors, messages

__all__ = ["Message", "answers", "boot", "clear", "errors", "messages", "prepare", "slicer_source"]
