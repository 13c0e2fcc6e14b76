"""slicer.util's dialogs: recorded in the journal instead of shown. The same for Slicer's own slicer.util."""

from __future__ import annotations

import logging

from . import journal


def install(slicer, qt) -> None:
    """Replace the functions of slicer.util that would wait for a click."""

    def show_message(
        level, text, testing_return_value, mainWindowNeeded=False, parent=None, windowTitle=None, **options
    ):
        question = options.get("icon") == qt.QMessageBox.Question
        kind = "question" if question else logging.getLevelName(level).lower()
        journal.record_message(kind, text, options.get("detailedText", ""))
        return chosen_button(options.get("standardButtons"))

    def message_box(text, parent=None, **options):
        journal.record_message("info", text, options.get("detailedText", ""))
        return chosen_button(options.get("standardButtons"))

    def chosen_button(buttons):
        accept, decline = qt.QMessageBox.Ok, qt.QMessageBox.Cancel
        for yes, no in ((qt.QMessageBox.Yes, qt.QMessageBox.No), (qt.QMessageBox.Retry, qt.QMessageBox.Close)):
            if buttons is not None and int(buttons) & int(yes):
                accept, decline = yes, no
        return accept if journal.next_answer() else decline

    def delay_display(message, autoCloseMsec=1000, parent=None, **options):
        journal.record_message("delay", message)
        slicer.app.processEvents()

    slicer.util._messageDisplay = show_message
    slicer.util.messageBox = message_box
    slicer.util.delayDisplay = delay_display
