"""Widgets for an interval of values."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native

Property, Signal = QtCore.Property, QtCore.Signal


def _shared(kind: type, name: str) -> Property:
    def write(self, value):
        for box in self._boxes:
            setattr(box, name, value)

    return Property(kind, lambda self: getattr(self._boxes[0], name), write)


@native
class ctkRangeWidget(QtWidgets.QWidget):
    """Two spin boxes, the lower value never above the upper one."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._boxes = [QtWidgets.QDoubleSpinBox(self) for _ in range(2)]
        for box, changed in zip(self._boxes, (self._lower_changed, self._upper_changed), strict=True):
            box.setRange(0, 99)
            box.valueChanged.connect(changed)
            layout.addWidget(box)
        self._boxes[1].setValue(99)

    def _lower_changed(self, value):
        if value > self._boxes[1].value:
            self._boxes[1].setValue(value)
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(self.minimumValue, self.maximumValue)

    def _upper_changed(self, value):
        if value < self._boxes[0].value:
            self._boxes[0].setValue(value)
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(self.minimumValue, self.maximumValue)

    def setValues(self, lower, upper):
        self._boxes[1].setValue(upper)
        self._boxes[0].setValue(lower)

    def setRange(self, minimum, maximum):
        for box in self._boxes:
            box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    minimumValue = Property(float, lambda self: self._boxes[0].value, lambda self, v: self._boxes[0].setValue(v))
    maximumValue = Property(float, lambda self: self._boxes[1].value, lambda self, v: self._boxes[1].setValue(v))
    minimum = _shared(float, "minimum")
    maximum = _shared(float, "maximum")
    singleStep = _shared(float, "singleStep")
    decimals = _shared(int, "decimals")
    suffix = _shared(str, "suffix")
    prefix = _shared(str, "prefix")


@native
class ctkDoubleRangeSlider(ctkRangeWidget):
    """An interval on a slider; drawn as ctkRangeWidget."""
