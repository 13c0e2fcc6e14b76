"""The main window as far as modules reach for it: module selector, status bar, data probe."""

from __future__ import annotations

from PySide6 import QtWidgets

from . import journal
from .ctk_widgets.containers import ctkCollapsibleButton
from .pythonqt.native import native


@native
class ModuleSelector(QtWidgets.QWidget):
    """Shows one module at a time: leaves the one shown before (exit), enters the next (enter)."""

    def __init__(self, slicer, parent):
        super().__init__(parent)
        self._slicer = slicer
        self._selected = ""

    @property
    def selectedModule(self):
        return self._selected

    def selectModule(self, name):
        manager = self._slicer.app.moduleManager()
        module = manager.module(name)
        if module is None:
            journal.record_message("error", f"The {name} module is not available")
            return
        if self._selected and (previous := manager.module(self._selected)):
            previous.widgetRepresentation().exit()
        self._selected = name
        representation = module.widgetRepresentation()
        representation.show()
        representation.enter()

    def leave(self, name):
        """Show no module, if `name` is shown."""
        if self._selected == name:
            self._slicer.app.moduleManager().module(name).widgetRepresentation().exit()
            self._selected = ""


class StatusBar(QtWidgets.QStatusBar):
    """Records the messages it shows."""

    def showMessage(self, text, duration=0):
        journal.record_message("status", text)


@native
class MainWindow(QtWidgets.QMainWindow):
    """Never shown; `slicer.util.mainWindow()` finds it by its name."""

    def __init__(self, slicer):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setStatusBar(StatusBar(self))
        self._module_selector = ModuleSelector(slicer, self)
        ctkCollapsibleButton(self).setObjectName("DataProbeCollapsibleWidget")

    def moduleSelector(self):
        return self._module_selector
