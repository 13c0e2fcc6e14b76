"""CTK classes that add little to a Qt class."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from ..pythonqt.native import native

Property, Signal = QtCore.Property, QtCore.Signal


def _ignored(kind: type, value) -> Property:
    return Property(kind, lambda self: value, lambda self, new: None)


@native
class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a default text."""

    defaultText = _ignored(str, "")


@native
class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


@native
class ctkPushButton(QtWidgets.QPushButton):
    """A push button."""


@native
class ctkMenuButton(QtWidgets.QPushButton):
    """A push button with a menu beside it."""


@native
class ctkExpandButton(QtWidgets.QToolButton):
    """A small button that unfolds something."""


@native
class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A push button with a check box in it."""

    checkBoxControlsButton = _ignored(bool, False)
    checkBoxControlsButtonToggleState = _ignored(bool, False)
    checkBoxUserCheckable = _ignored(bool, True)

    def checkState(self):
        return QtCore.Qt.Checked if self.checked else QtCore.Qt.Unchecked


@native
class ctkSearchBox(QtWidgets.QLineEdit):
    """A line edit to search with."""

    showSearchIcon = _ignored(bool, True)


@native
class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """A text browser as high as its text."""

    collapsed = _ignored(bool, False)
    collapsible = _ignored(bool, False)


@native
class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box that can be asked not to come again."""

    dontShowAgainVisible = _ignored(bool, False)
    dontShowAgainSettingsKey = _ignored(str, "")


@native
class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a color."""

    colorChanged = Signal(QtGui.QColor)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._color = QtGui.QColor("black")

    def setColor(self, color):
        if color != self._color:
            self._color = QtGui.QColor(color)
            self.setText(self._color.name())
            self.colorChanged.emit(self._color)

    color = Property(QtGui.QColor, lambda self: self._color, setColor)
    displayColorName = _ignored(bool, True)


class ctkErrorLogLevel:
    """Levels of the error log."""

    Debug, Info, Warning, Error = 2, 4, 8, 16


class ctkWidgetsUtils:
    """Helpers for pictures of widgets."""

    @staticmethod
    def grabWidget(widget):
        """The widget as a QImage."""
        return widget.grab().toImage()
