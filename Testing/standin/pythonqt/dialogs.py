"""Modal dialogs do not wait: each is recorded in the journal and answered from there."""

from __future__ import annotations

from PySide6 import QtWidgets

from .. import journal


def install() -> None:
    """Replace the methods that would block."""
    for cls in (QtWidgets.QDialog, QtWidgets.QFileDialog, QtWidgets.QProgressDialog):
        cls.exec = cls.exec_ = _dialog
    QtWidgets.QMessageBox.exec = QtWidgets.QMessageBox.exec_ = _message_box
    for name, kind in (
        ("information", "info"),
        ("warning", "warning"),
        ("critical", "error"),
        ("question", "question"),
    ):
        setattr(QtWidgets.QMessageBox, name, staticmethod(_static_message_box(kind)))


def _dialog(self) -> int:
    journal.record_message("dialog", self.windowTitle)
    return int(journal.next_answer())


def _message_box(self):
    journal.record_message("dialog", self.text, self.detailedText)
    return _button(journal.next_answer())


def _static_message_box(kind: str):
    def show(parent, title, text, *_buttons):
        journal.record_message(kind, text)
        return _button(journal.next_answer())

    return show


def _button(accepted: bool):
    return QtWidgets.QMessageBox.Ok if accepted else QtWidgets.QMessageBox.Cancel
