"""Modules: `slicer.modules.volumes`, `slicer.app.moduleManager()`."""

from __future__ import annotations

from .signals import Signals

LOGIC_CLASSES = {
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Colors": "vtkSlicerColorLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Reformat": "vtkSlicerReformatLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Units": "vtkSlicerUnitsLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}


class Module:
    """A C++ module: the genuine logic, no widget."""

    def __init__(self, name: str, logic) -> None:
        self.name = self.title = name
        self.path = ""
        self.hidden = False
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self._logic = logic

    def logic(self):
        return self._logic

    def widgetRepresentation(self):
        return None


class Sequences(Module):
    """The module Sequences, with its toolbar's browser."""

    def __init__(self, name: str, logic) -> None:
        super().__init__(name, logic)
        self.activeBrowserNode = None

    def setToolBarActiveBrowserNode(self, node):
        self.activeBrowserNode = node


class FactoryManager:
    """Which modules there are."""

    def __init__(self, manager: ModuleManager) -> None:
        self._manager = manager

    def loadedModuleNames(self):
        return self._manager.modulesNames()

    registeredModuleNames = instantiatedModuleNames = loadedModuleNames

    def isLoaded(self, name):
        return self._manager.module(name) is not None

    isRegistered = isLoaded


class ModuleManager(Signals):
    """Holds the modules and announces them."""

    SIGNALS = ("moduleLoaded", "moduleAboutToBeUnloaded", "moduleUnloaded")

    def __init__(self, slicer) -> None:
        super().__init__()
        self._slicer = slicer
        self._modules: dict[str, object] = {}
        self._factory_manager = FactoryManager(self)

    def factoryManager(self):
        return self._factory_manager

    def module(self, name):
        return self._modules.get(name)

    def modulesNames(self):
        return tuple(self._modules)

    def add(self, module) -> None:
        """Register a module, as Slicer does when it loads one."""
        self._modules[module.name] = module
        setattr(self._slicer.modules, module.name.lower(), module)
        setattr(self._slicer.moduleNames, module.name, module.name)
        self.emit("moduleLoaded", module.name)

    def remove(self, name: str) -> None:
        """Unload a module: its widget's cleanup() runs."""
        self.emit("moduleAboutToBeUnloaded", name)
        del self._modules[name]
        for attribute in (name.lower(), f"{name}Widget", f"{name}Instance"):
            vars(self._slicer.modules).pop(attribute, None)
        vars(self._slicer.moduleNames).pop(name, None)
        self.emit("moduleUnloaded", name)


def add_loadable_modules(slicer) -> None:
    """Register the C++ modules whose logics slicer-core has."""
    for name, class_name in LOGIC_CLASSES.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        logic.SetMRMLScene(slicer.mrmlScene)
        slicer.app.applicationLogic().SetModuleLogic(name, logic)
        slicer.app.moduleManager().add((Sequences if name == "Sequences" else Module)(name, logic))
