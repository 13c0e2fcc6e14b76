"""The class decorator parameterNodeWrapper."""

from __future__ import annotations

import functools
import typing
from dataclasses import dataclass

import qt
import slicer
import vtk

from .annotations import Default, first, split
from .connectors import Connector, connect
from .storage import Storage, storage_for

SlicerParameterNamePropertyName = "SlicerParameterName"


@dataclass
class Parameter:
    """A name with its type, how its values are kept, and the value it starts with."""

    name: str
    kind: typing.Any
    storage: Storage
    default: Default


def parameterNodeWrapper(classtype=None):
    """Turn the annotations of a class into typed properties of a parameter node.

    The class gets a constructor that takes the vtkMRMLScriptedModuleNode and writes the defaults that it lacks.
    """
    if classtype is None:
        return parameterNodeWrapper
    parameters = {}
    for name, kind in typing.get_type_hints(classtype, include_extras=True).items():
        try:
            storage = storage_for(kind)
        except TypeError as error:
            raise Exception(f"Unable to create serializer for {classtype} member {name}") from error
        if hasattr(classtype, name):
            default = Default(getattr(classtype, name))
        else:
            default = first(split(kind)[1], Default) or Default(storage.default())
        parameters[name] = Parameter(name, kind, storage, default)
        setattr(classtype, name, property(functools.partial(_get, name=name), functools.partial(_set, name)))
    for name, value in vars(Wrapper).items():
        if not name.startswith("__") or name == "__init__":
            if name != "__init__" and hasattr(classtype, name):
                raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
            setattr(classtype, name, value)
    classtype.allParameters = parameters
    return classtype


def isParameterNodeWrapper(classOrObj) -> bool:
    """Whether a class, or the class of an object, was decorated."""
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)


def findChildWidgetForParameter(widget, parameter: str):
    """The child of `widget` that is bound to `parameter`, or None."""
    return next((each for each in widget.findChildren(qt.QWidget) if _bound_name(each) == parameter), None)


def _bound_name(widget) -> str | None:
    return widget.property(SlicerParameterNamePropertyName)


def _get(self, name: str):
    return self.getValue(name)


def _set(name: str, self, value) -> None:
    self.setValue(name, value)


class Wrapper:
    """The methods that a decorated class gets."""

    _is_parameter_node_wrapper = True
    allParameters: typing.ClassVar[dict[str, Parameter]] = {}

    def __init__(self, parameterNode) -> None:
        self.parameterNode = parameterNode
        self._bindings: dict[int, dict[str, Connector]] = {}
        self._binding_observers: dict[int, int] = {}
        self._next_binding = 0
        self._updating_widgets = False
        for parameter in self.allParameters.values():
            if not parameter.storage.contains(parameterNode, parameter.name):
                parameter.storage.write(parameterNode, parameter.name, parameter.default.value)

    # Values

    @classmethod
    def _parameter(cls, name: str) -> Parameter:
        if name not in cls.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}, there are {list(cls.allParameters)}")
        return cls.allParameters[name]

    def getValue(self, name):
        parameter = self._parameter(name)
        if not parameter.storage.contains(self.parameterNode, name):
            parameter.storage.write(self.parameterNode, name, parameter.default.value)
        return parameter.storage.read(self.parameterNode, name)

    def setValue(self, name, value):
        self._parameter(name).storage.write(self.parameterNode, name, value)

    def default(self, name):
        return self._parameter(name).default

    @classmethod
    def dataType(cls, name):
        return cls._parameter(name).kind

    # Widgets

    def connectGui(self, gui) -> int:
        """Bind the widgets with the property SlicerParameterName, below a widget or in childWidgetVariables' object."""
        is_widget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if is_widget else vars(gui).values()
        return self.connectParametersToGui({_bound_name(each): each for each in widgets if _bound_name(each)})

    def connectParametersToGui(self, mapping) -> int:
        """Bind parameters, by name, to widgets; returns what disconnectGui takes."""
        bound = {name: connect(widget, self.dataType(name)) for name, widget in mapping.items()}
        tag, self._next_binding = self._next_binding, self._next_binding + 1
        self._bindings[tag] = bound
        for name, connector in bound.items():
            connector.write(self.getValue(name))
            connector.on_changed(functools.partial(self._read_widget, name, connector))
        self._binding_observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update_widgets)
        return tag

    def disconnectGui(self, guiTag) -> None:
        """Undo connectGui; nothing happens for an unknown tag."""
        for connector in self._bindings.pop(guiTag, {}).values():
            connector.on_changed(None)
        if guiTag in self._binding_observers:
            self.RemoveObserver(self._binding_observers.pop(guiTag))

    def _read_widget(self, name, connector) -> None:
        if not self._updating_widgets:
            with slicer.util.NodeModify(self):
                self.setValue(name, connector.read())

    def _update_widgets(self, caller=None, event=None) -> None:
        if self._updating_widgets:
            return
        self._updating_widgets = True
        try:
            with slicer.util.NodeModify(self):
                for bound in self._bindings.values():
                    for name, connector in bound.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating_widgets = False

    # The node's methods

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified):
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        return self.parameterNode.Modified()
