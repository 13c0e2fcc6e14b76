from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class InverseImaging(ScriptedLoadableModule):
    """The home of the extension: its methods, where they compute, their packages, how to cite them."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Inverse Imaging")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Inverse Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["SlicerInverseImaging contributors"]
        self.parent.helpText = _(
            "Gives back what an image has lost. This panel opens the methods and sets where and on what they compute. "
            'See the <a href="https://github.com/SlicerInverseImaging/SlicerInverseImaging">documentation</a>. '
            "For research only, not for clinical use."
        )
        self.parent.acknowledgementText = _("Each method names the paper that it follows.")


class InverseImagingWidget(ScriptedLoadableModuleWidget):
    """The home panel."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from InverseImagingLib.compute import Where
        from InverseImagingLib.device import Device
        from InverseImagingLib.job import JobRunner

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/InverseImaging.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self.runner = JobRunner()
        slicer.app.connect("aboutToQuit()", self.runner.stop)

        self.addMethods()
        self.places, self.devices = list(Where), list(Device)
        for place in self.places:
            self.ui.whereComboBox.addItem(_(place.label()))
        for device in self.devices:
            self.ui.deviceComboBox.addItem(_(device.label()))
        self.showSettings()
        self.ui.whereComboBox.connect("currentIndexChanged(int)", self.onSettingsChanged)
        self.ui.deviceComboBox.connect("currentIndexChanged(int)", self.onSettingsChanged)
        self.ui.pythonPathLineEdit.connect("currentPathChanged(QString)", self.onSettingsChanged)
        self.ui.hostLineEdit.connect("editingFinished()", self.onSettingsChanged)
        self.ui.checkButton.connect("clicked(bool)", self.onCheck)
        self.ui.installButton.connect("clicked(bool)", self.onInstall)
        self.ui.modelsTable.connect("itemSelectionChanged()", self.onModelSelected)
        self.ui.importButton.connect("clicked(bool)", self.onImport)
        self.ui.removeButton.connect("clicked(bool)", self.onRemove)
        self.ui.cardButton.connect("clicked(bool)", self.onShowCard)
        self.models = []
        self.showPlaces()

    def cleanup(self):
        self.runner.stop()
        slicer.app.disconnect("aboutToQuit()", self.runner.stop)

    def enter(self):
        self.showModels()
        self.onCheck()

    def exit(self):
        pass

    # Methods

    def addMethods(self):
        """A button and a sentence for each method."""
        import qt

        from InverseImagingLib.methods import METHODS

        layout = self.ui.methodsButton.layout()
        for row, method in enumerate(method for method in METHODS.values() if method.is_module):
            button = qt.QPushButton(method.title)
            button.objectName = f"{method.name}Button"
            button.icon = qt.QIcon(modulePath(method.name, "Resources", "Icons", f"{method.name}.png"))
            button.connect("clicked(bool)", lambda checked, name=method.name: slicer.util.selectModule(name))
            sentence = qt.QLabel(_(method.sentence))
            sentence.wordWrap = True
            layout.addWidget(button, row, 0)
            layout.addWidget(sentence, row, 1)
        layout.setColumnStretch(1, 1)

    # Where and on what to compute

    def showSettings(self):
        from InverseImagingLib.compute import Where
        from InverseImagingLib.settings import computeDevice, computePlace, computeTarget

        self.ui.whereComboBox.currentIndex = self.places.index(computePlace().where)
        self.ui.deviceComboBox.currentIndex = self.devices.index(computeDevice())
        self.ui.pythonPathLineEdit.currentPath = computeTarget(Where.PYTHON)
        self.ui.hostLineEdit.text = computeTarget(Where.SSH)
        self.showRows()

    def showRows(self):
        """Show only the row that the chosen place needs."""
        where = self.places[self.ui.whereComboBox.currentIndex].value
        for shown, widgets in (
            (where == "python", (self.ui.pythonPathLineEdit, self.ui.pythonPathLineEditLabel)),
            (where == "ssh", (self.ui.hostLineEdit, self.ui.hostLineEditLabel)),
        ):
            for widget in widgets:
                widget.visible = shown
        self.ui.installButton.visible = where == "slicer"

    def onSettingsChanged(self):
        from InverseImagingLib.compute import Where
        from InverseImagingLib.settings import saveComputeSettings

        saveComputeSettings(
            self.places[self.ui.whereComboBox.currentIndex],
            {Where.PYTHON: self.ui.pythonPathLineEdit.currentPath, Where.SSH: self.ui.hostLineEdit.text.strip()},
            self.devices[self.ui.deviceComboBox.currentIndex],
        )
        self.showRows()
        self.ui.packagesText.plainText = _("Press Check to see what is there.")

    def onCheck(self):
        """Ask the place to compute what it has: Python, packages, devices."""
        from InverseImagingLib.errors import InputError
        from InverseImagingLib.settings import computeEnvironment, computePlace
        from InverseImagingLib.worker import ABOUT

        if self.runner.isRunning:
            return
        place = computePlace()
        try:
            self.runner.start(ABOUT, {}, {}, self, place, computeEnvironment(place))
            self.ui.packagesText.plainText = _("Checking...")
        except InputError as error:
            self.ui.packagesText.plainText = str(error)

    def onJobProgress(self, progress):
        pass

    def onJobResult(self, result):
        about = result.report
        lines = [f"Python {about['python']}, {about['path']}"]
        lines += [f"{name} {version}" if version else f"{name} MISSING" for name, version in about["packages"].items()]
        lines += [_("Devices: {names}").format(names=", ".join(about["devices"]) or _("unknown without torch"))]
        self.ui.packagesText.plainText = "\n".join(lines)
        self.ui.installButton.enabled = not all(about["packages"].values())

    def onJobFailed(self, message, details):
        self.ui.packagesText.plainText = message

    def onJobCancelled(self):
        pass

    def onInstall(self):
        """Install what is missing in Slicer's own Python, after asking."""
        from InverseImagingLib.errors import InputError
        from InverseImagingLib.settings import ensurePackages

        try:
            ensurePackages(Path(self.resourcePath("requirements.txt")), _("Inverse Imaging"))
        except InputError as error:
            slicer.util.warningDisplay(str(error))
        self.onCheck()

    # Models

    def showModels(self, chosen=""):
        """List the models; the one of that name, or else the first, is chosen."""
        import qt

        from InverseImagingLib.models import bundles, readable_size

        table = self.ui.modelsTable
        self.models = bundles()
        table.clearSelection()
        table.rowCount = len(self.models)
        for row, model in enumerate(self.models):
            size = readable_size(model.size) if model.size else _("none yet")
            name = f"{model.name} {model.version}"
            for column, text in enumerate((name, model.title, size, model.license)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(model.problem or text)
                table.setItem(row, column, item)
        for column in range(table.columnCount - 1):
            table.resizeColumnToContents(column)
        names = [model.name for model in self.models]
        if names:
            table.selectRow(len(names) - 1 - names[::-1].index(chosen) if chosen in names else 0)
        self.onModelSelected()

    def chosenModel(self):
        row = self.ui.modelsTable.currentRow()
        return self.models[row] if 0 <= row < len(self.models) else None

    def onModelSelected(self):
        model = self.chosenModel()
        lines = [model.problem or model.description] if model else []
        if model and model.training_data:
            lines.append(_("Training data: {text}").format(text=model.training_data))
        self.ui.modelLabel.text = "\n".join(lines)
        self.ui.removeButton.enabled = model is not None and model.imported
        self.ui.cardButton.enabled = model is not None and model.card.is_file()

    def onImport(self):
        """Ask for a folder and import the bundle in it."""
        import qt

        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a model"))
        if folder:
            self.importModel(folder)

    def importModel(self, folder, replace=False):
        from InverseImagingLib.errors import InputError
        from InverseImagingLib.models_import import ReplacesAnother, import_bundle

        try:
            self.showModels(import_bundle(folder, replace).name)
        except ReplacesAnother as error:
            if slicer.util.confirmYesNoDisplay(f"{error}\n\n{_('Replace it?')}"):
                self.importModel(folder, replace=True)
        except InputError as error:
            self.ui.modelLabel.text = str(error)

    def onRemove(self):
        """Delete the chosen model, after asking."""
        from InverseImagingLib.errors import InputError
        from InverseImagingLib.models_import import remove_bundle

        model = self.chosenModel()
        question = _("Delete the model '{name}' with all its files in {folder}?")
        if not slicer.util.confirmYesNoDisplay(question.format(name=model.name, folder=model.folder)):
            return
        try:
            remove_bundle(model.name)
            self.showModels()
        except InputError as error:
            self.ui.modelLabel.text = str(error)

    def onShowCard(self):
        """Open the card of the chosen model with what the computer opens such files with."""
        import qt

        card = str(self.chosenModel().card)
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(card)):
            self.ui.modelLabel.text = _("No program opens the card; it is the text file {path}").format(path=card)

    # Files and papers

    def showPlaces(self):
        """Where the weights and the log are, and how to cite."""
        from InverseImagingLib.methods import METHODS
        from InverseImagingLib.models import user_folder

        weights = [modulePath(method.name, *method.models.split("/")) for method in METHODS.values() if method.models]
        self.ui.modelsLabel.text = "\n".join([*weights, str(user_folder())])
        self.ui.logLabel.text = slicer.app.currentLogFile()
        self.ui.citeText.plainText = "\n\n".join(method.citation for method in METHODS.values() if method.is_module)


def modulePath(name, *parts):
    """Path of a file that belongs to a module of this extension; empty when the module is not loaded."""
    module = slicer.app.moduleManager().module(name)
    return str(Path(module.path).parent.joinpath(*parts)) if module is not None else ""


class InverseImagingTest(ScriptedLoadableModuleTest):
    """What Reload and Test runs inside Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_methodsAreThere()

    def test_methodsAreThere(self):
        from InverseImagingLib.methods import METHODS

        for name in (method.name for method in METHODS.values() if method.is_module):
            self.assertIsNotNone(slicer.app.moduleManager().module(name), name)
        self.delayDisplay("All methods are loaded")
