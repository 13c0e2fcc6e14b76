"""`slicer.app`: the application without its main window's looks."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import types
from pathlib import Path

from . import journal
from .io_manager import IOManager
from .layout_manager import LayoutManager
from .main_window import MainWindow
from .module_manager import ModuleManager
from .signals import Signals

VERSION = (5, 13, 0)
DOCUMENTATION = "https://slicer.readthedocs.io/en/latest/"


class Application(Signals):
    """Settings, folders and managers; the scene and its application logic are the genuine ones.

    Everything that Slicer would keep on disk goes to a new temporary folder. `testingEnabled()` is False, as for a
    user, unless a module's own test runs.
    """

    SIGNALS = ("startupCompleted", "lastWindowClosed", "aboutToQuit", "mrmlSceneChanged")

    def __init__(self, slicer, qt) -> None:
        super().__init__()
        self._slicer, self._qt = slicer, qt
        self._testing = False
        home = Path(tempfile.mkdtemp(prefix="slicer-standin-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        self.slicerHome = str(home)
        self.temporaryPath, self.cachePath, self.extensionsInstallPath = (
            str(home / name) for name in ("tmp", "cache", "extensions")
        )
        for folder in (self.temporaryPath, self.cachePath, self.extensionsInstallPath):
            Path(folder).mkdir()
        self.applicationName = self.mainApplicationName = self.mainApplicationDisplayName = "Slicer"
        self.majorVersion, self.minorVersion = VERSION[:2]
        self.applicationVersion = ".".join(map(str, VERSION))
        self.repositoryRevision = self.revision = "31053"
        self.documentationBaseUrl = DOCUMENTATION
        self.isInstalled = True

        qt.QCoreApplication.setOrganizationName("NA-MIC")
        qt.QCoreApplication.setApplicationName("Slicer")
        qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
        qt.QSettings.setPath(qt.QSettings.IniFormat, qt.QSettings.UserScope, str(home))
        self._settings = qt.QSettings()
        self.slicerUserSettingsFilePath = self._settings.fileName()

        self._log_file = home / "Slicer.log"
        self._log_file.touch()

        self._scene = slicer.vtkMRMLScene()
        self._module_manager = ModuleManager(slicer)
        self._io_manager = IOManager(slicer)
        self._logic = slicer.vtkSlicerApplicationLogic()
        cache = slicer.vtkCacheManager()
        cache.SetRemoteCacheDirectory(self.cachePath)
        self._scene.SetCacheManager(cache)
        data_io = slicer.vtkDataIOManager()
        data_io.SetCacheManager(cache)
        self._scene.SetDataIOManager(data_io)
        self._logic.SetMRMLScene(self._scene)
        self._logic.SetTemporaryPath(self.temporaryPath)
        self._layout_manager = LayoutManager(slicer, self._scene, self._logic)
        self._main_window = MainWindow(slicer)

    def complete_startup(self) -> None:
        """Emit startupCompleted once to each slot that is connected now."""
        self.emit("startupCompleted")
        self._slots["startupCompleted"].clear()

    # Parts of the application

    def mrmlScene(self):
        return self._scene

    def applicationLogic(self):
        return self._logic

    def moduleManager(self):
        return self._module_manager

    def coreIOManager(self):
        return self._io_manager

    ioManager = coreIOManager

    def layoutManager(self):
        return self._layout_manager

    def topLevelWidgets(self):
        return (*self._qt.QApplication.topLevelWidgets(), self._main_window)

    def commandOptions(self):
        return types.SimpleNamespace(testingEnabled=self._testing, noMainWindow=False)

    def testingEnabled(self):
        return self._testing

    # Settings and environment

    def settings(self):
        return self._settings

    userSettings = revisionUserSettings = settings

    def currentLogFile(self):
        return str(self._log_file)

    def startupEnvironment(self):
        return self._qt.QProcessEnvironment.systemEnvironment()

    def translate(self, context, text):
        return text

    def moduleDocumentationUrl(self, module):
        return f"{DOCUMENTATION}user_guide/modules/{module.lower()}.html"

    # Qt

    def processEvents(self, *arguments):
        self._qt.QApplication.processEvents()

    def thread(self):
        return self._qt.QApplication.instance().thread()

    def palette(self):
        return self._qt.QApplication.palette()

    def style(self):
        return self._qt.QApplication.style()

    def clipboard(self):
        return self._qt.QApplication.clipboard()

    def keyboardModifiers(self):
        return self._qt.QApplication.keyboardModifiers()

    def setOverrideCursor(self, cursor):
        self._qt.QApplication.setOverrideCursor(self._qt.QCursor(cursor))

    def restoreOverrideCursor(self):
        self._qt.QApplication.restoreOverrideCursor()

    # Rendering

    def pauseRender(self):
        pass

    def resumeRender(self):
        pass

    def setRenderPaused(self, paused):
        pass

    # The end

    def restart(self):
        journal.record_message("restart", "")
