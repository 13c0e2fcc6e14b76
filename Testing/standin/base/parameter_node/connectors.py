"""Which widget can show which type, and how a value goes into it and comes out again."""

from __future__ import annotations

import enum
import pathlib
import types
import typing

import ctk
import qt
import slicer

from .annotations import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange, first, split

INT_LIMITS = (-(2**31), 2**31 - 1)
FLOAT_LIMITS = (float("-inf"), float("inf"))
SLIDERS = (qt.QSlider, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)
connectors: list[type[Connector]] = []


def connect(widget, annotated) -> Connector:
    """The connector between a widget and a type.

    Raises:
        RuntimeError: No connector fits both.
    """
    kind, annotations = split(annotated)
    for connector in connectors:
        if type(widget) in connector.WIDGETS and connector.fits(kind):
            return connector(widget, kind, annotations)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{annotated}' to widget type '{type(widget)}'.")


class Connector:
    """Reads and writes the property `PROPERTY` of a widget and hears its signal `SIGNAL`."""

    WIDGETS: tuple[type, ...] = ()
    KINDS: tuple[type, ...] = ()
    PROPERTY = SIGNAL = ""

    def __init_subclass__(cls) -> None:
        connectors.append(cls)

    @classmethod
    def fits(cls, kind) -> bool:
        return kind in cls.KINDS

    def __init__(self, widget, kind, annotations) -> None:
        self.widget, self.kind = widget, kind
        self._callback: typing.Callable | None = None

    def on_changed(self, callback: typing.Callable | None) -> None:
        """Call `callback` when the widget changes; None ends that."""
        self._callback = callback
        signal = getattr(self.widget, self.SIGNAL)
        signal.connect(self._changed) if callback else signal.disconnect(self._changed)

    def _changed(self, *value) -> None:
        if self._callback:
            self._callback()

    def read(self):
        return getattr(self.widget, self.PROPERTY)

    def write(self, value) -> None:
        setattr(self.widget, self.PROPERTY, value)


class CheckBoxConnector(Connector):
    """bool."""

    WIDGETS = (qt.QCheckBox, ctk.ctkCheckBox)
    KINDS = (bool,)
    PROPERTY, SIGNAL = "checked", "stateChanged"


class CheckableButtonConnector(Connector):
    """bool; makes the button checkable."""

    WIDGETS = (qt.QPushButton, ctk.ctkCheckablePushButton)
    KINDS = (bool,)
    PROPERTY, SIGNAL = "checked", "toggled"

    def __init__(self, widget, kind, annotations):
        super().__init__(widget, kind, annotations)
        widget.checkable = True


class _NumberConnector(Connector):
    """Sets the limits of the widget from WithinRange or Minimum and Maximum, which sliders must have."""

    PROPERTY = SIGNAL = ""
    LIMITS: tuple[float, float] = FLOAT_LIMITS

    def __init__(self, widget, kind, annotations):
        super().__init__(widget, kind, annotations)
        if step := first(annotations, SingleStep):
            widget.singleStep = step.value
        within, low, high = (first(annotations, each) for each in (WithinRange, Minimum, Maximum))
        if type(widget) in SLIDERS and not (within or (low and high)):
            raise RuntimeError(f"Cannot have a connection to {type(widget).__name__} where the number is unbounded.")
        widget.setRange(
            within.minimum if within else low.minimum if low else self.LIMITS[0],
            within.maximum if within else high.maximum if high else self.LIMITS[1],
        )

    def read(self):
        return self.kind(self.widget.value)

    def write(self, value):
        self.widget.value = self.kind(value)


class IntConnector(_NumberConnector):
    """int."""

    WIDGETS = (qt.QSlider, qt.QSpinBox)
    KINDS = (int,)
    SIGNAL = "valueChanged"
    LIMITS = INT_LIMITS


class FloatConnector(_NumberConnector):
    """float, or int without decimals."""

    WIDGETS = (
        qt.QDoubleSpinBox,
        ctk.ctkSliderWidget,
        ctk.ctkDoubleSlider,
        ctk.ctkDoubleSpinBox,
        slicer.qMRMLSliderWidget,
        slicer.qMRMLSpinBox,
    )
    KINDS = (float, int)
    SIGNAL = "valueChanged"

    def __init__(self, widget, kind, annotations):
        decimals = Decimals(0) if kind is int else first(annotations, Decimals)
        if decimals and not isinstance(widget, ctk.ctkDoubleSlider):
            widget.decimals = decimals.value
        super().__init__(widget, kind, annotations)


class _ItemConnector(Connector):
    """One item of a combo box per possible value."""

    WIDGETS = (qt.QComboBox, ctk.ctkComboBox)
    SIGNAL = "currentIndexChanged"

    def __init__(self, widget, kind, values, texts):
        super().__init__(widget, kind, ())
        self._values = list(values)
        widget.clear()
        widget.addItems(list(texts))

    def read(self):
        return self._values[self.widget.currentIndex]

    def write(self, value):
        if value not in self._values:
            raise ValueError(f"Unable to find value {value} in choices {self._values}")
        self.widget.currentIndex = self._values.index(value)


class ChoiceConnector(_ItemConnector):
    """A number or text among the values of a Choice annotation."""

    KINDS = (int, float, str, bool)

    def __init__(self, widget, kind, annotations):
        choice = first(annotations, Choice)
        if choice is None:
            raise RuntimeError("A combo box requires the Choice annotation.")
        super().__init__(widget, kind, choice.choices, map(str, choice.choices))


class EnumConnector(_ItemConnector):
    """An Enum; texts are the results of its method label(), or the names of its members."""

    @classmethod
    def fits(cls, kind):
        return isinstance(kind, type) and issubclass(kind, enum.Enum)

    def __init__(self, widget, kind, annotations):
        label = getattr(kind, "label", lambda member: member.name)
        super().__init__(widget, kind, kind, map(label, kind))


class LineEditConnector(Connector):
    """str."""

    WIDGETS = (qt.QLineEdit,)
    KINDS = (str,)
    PROPERTY, SIGNAL = "text", "textChanged"

    def write(self, value):
        if value != self.widget.text:  # writing moves the cursor
            self.widget.text = value


class TextEditConnector(Connector):
    """str (QTextEdit; QPlainTextEdit has no connector in Slicer)."""

    WIDGETS = (qt.QTextEdit,)
    KINDS = (str,)
    SIGNAL = "textChanged"

    def read(self):
        return self.widget.toPlainText()

    def write(self, value):
        self.widget.setPlainText(value)


class LabelConnector(Connector):
    """str, shown only."""

    WIDGETS = (qt.QLabel,)
    KINDS = (str,)
    PROPERTY = "text"

    def on_changed(self, callback):
        pass


class PathConnector(Connector):
    """pathlib.Path (str has no connector to a path widget in Slicer)."""

    WIDGETS = (ctk.ctkPathLineEdit,)
    KINDS = (pathlib.Path, pathlib.PosixPath, pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
    PROPERTY, SIGNAL = "currentPath", "currentPathChanged"

    def read(self):
        return self.kind(super().read())

    def write(self, value):
        super().write(str(value))


class DirectoryConnector(PathConnector):
    """pathlib.Path of a folder."""

    WIDGETS = (ctk.ctkDirectoryButton,)
    PROPERTY, SIGNAL = "directory", "directoryChanged"


class NodeConnector(Connector):
    """A MRML node, or one of several classes or None; sets the widget's node types."""

    WIDGETS = (slicer.qMRMLNodeComboBox,)
    SIGNAL = "currentNodeChanged"

    @classmethod
    def fits(cls, kind):
        members = cls._members(kind)
        return all(isinstance(each, type) and issubclass(each, (slicer.vtkMRMLNode, type(None))) for each in members)

    @staticmethod
    def _members(kind):
        is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
        return [split(each)[0] for each in typing.get_args(kind)] if is_union else [kind]

    def __init__(self, widget, kind, annotations):
        super().__init__(widget, kind, annotations)
        classes = [each for each in self._members(kind) if each is not type(None)]
        widget.nodeTypes = [each().GetClassName() for each in classes]

    def read(self):
        return self.widget.currentNode()

    def write(self, value):
        self.widget.setCurrentNode(value)
