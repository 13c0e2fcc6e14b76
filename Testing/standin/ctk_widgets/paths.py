"""Widgets that choose a file or a folder."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native

Property, Signal = QtCore.Property, QtCore.Signal


def _setting(kind, name: str) -> Property:
    return Property(kind, lambda self: self._settings[name], lambda self, value: self._settings.update({name: value}))


@native
class ctkPathLineEdit(QtWidgets.QWidget):
    """An editable path with its history and a browse button."""

    Dirs, Files, Drives, Readable, Writable, Executable, Hidden = 0x1, 0x2, 0x4, 0x10, 0x20, 0x40, 0x100
    NoDot, NoDotDot = 0x2000, 0x4000
    NoDotAndDotDot = NoDot | NoDotDot

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, *arguments):
        super().__init__(*(each for each in arguments if isinstance(each, QtWidgets.QWidget)))
        self._settings = {
            "filters": 0,
            "nameFilters": (),
            "label": "",
            "settingKey": "",
            "browse": True,
            "history": True,
        }
        self._combo_box = QtWidgets.QComboBox(self)
        self._combo_box.setEditable(True)
        self._combo_box.editTextChanged.connect(self.currentPathChanged.emit)
        browse = QtWidgets.QToolButton(self)
        browse.setText("...")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo_box, 1)
        layout.addWidget(browse)

    def setCurrentPath(self, path):
        self._combo_box.setEditText(path)

    def addCurrentPathToHistory(self):
        if self.currentPath and self._combo_box.findText(self.currentPath) < 0:
            self._combo_box.addItem(self.currentPath)

    currentPath = Property(str, lambda self: self._combo_box.currentText, setCurrentPath)
    filters = _setting(int, "filters")
    nameFilters = _setting("QStringList", "nameFilters")
    label = _setting(str, "label")
    settingKey = _setting(str, "settingKey")
    showBrowseButton = _setting(bool, "browse")
    showHistoryButton = _setting(bool, "history")


@native
class ctkDirectoryButton(QtWidgets.QWidget):
    """A button that shows the folder chosen."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments):
        super().__init__(*(each for each in arguments if isinstance(each, QtWidgets.QWidget)))
        self._button = QtWidgets.QPushButton(QtCore.QDir.currentPath(), self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)

    def setDirectory(self, directory):
        directory = QtCore.QDir(directory).absolutePath()
        if directory != self._button.text:
            self._button.setText(directory)
            self.directoryChanged.emit(directory)

    directory = Property(str, lambda self: self._button.text, setDirectory)
