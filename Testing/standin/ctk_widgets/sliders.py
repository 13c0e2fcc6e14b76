"""Sliders and spin boxes for floating-point values."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native

Property, Signal = QtCore.Property, QtCore.Signal
POSITIONS = 2**31 - 1


def _setting(kind: type, name: str) -> Property:
    def write(self, value):
        self._settings[name] = kind(value)
        self._refresh()

    return Property(kind, lambda self: self._settings[name], write)


class _FloatSlider(QtWidgets.QWidget):
    """Value and limits shared by ctkSliderWidget and ctkDoubleSlider."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, *arguments):
        super().__init__(*(each for each in arguments if isinstance(each, QtWidgets.QWidget)))
        self._value, self._minimum, self._maximum = 0.0, 0.0, 99.0
        self._settings = {
            "singleStep": 1.0,
            "pageStep": 10.0,
            "decimals": 2,
            "suffix": "",
            "prefix": "",
            "tracking": True,
        }
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, self)
        self._spin_box = QtWidgets.QDoubleSpinBox(self)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin_box)
        self._slider.valueChanged.connect(lambda position: self.setValue(position * self._step()))
        self._spin_box.valueChanged.connect(self.setValue)
        self._refresh()

    def _step(self):
        return self._settings["singleStep"] or 1.0

    def _position(self, value):
        return round(min(max(value / self._step(), -POSITIONS), POSITIONS))

    def _refresh(self):
        settings = self._settings
        blockers = [QtCore.QSignalBlocker(part) for part in (self._slider, self._spin_box)]
        self._slider.setRange(self._position(self._minimum), self._position(self._maximum))
        self._slider.setValue(self._position(self._value))
        self._spin_box.setDecimals(settings["decimals"])
        self._spin_box.setRange(self._minimum, self._maximum)
        self._spin_box.setSingleStep(self._step())
        self._spin_box.setPrefix(settings["prefix"])
        self._spin_box.setSuffix(settings["suffix"])
        self._spin_box.setValue(self._value)
        del blockers

    def setValue(self, value):
        value = min(max(float(value), self._minimum), self._maximum)
        if value != self._value:
            self._value = value
            self._refresh()
            self.valueIsChanging.emit(value)
            self.valueChanged.emit(value)

    def setRange(self, minimum, maximum):
        self._minimum, self._maximum = float(minimum), float(max(minimum, maximum))
        self._refresh()
        self.rangeChanged.emit(self._minimum, self._maximum)
        self.setValue(self._value)

    def setMinimum(self, minimum):
        self.setRange(minimum, max(minimum, self._maximum))

    def setMaximum(self, maximum):
        self.setRange(min(maximum, self._minimum), maximum)

    value = Property(float, lambda self: self._value, setValue)
    minimum = Property(float, lambda self: self._minimum, setMinimum)
    maximum = Property(float, lambda self: self._maximum, setMaximum)
    singleStep = _setting(float, "singleStep")
    pageStep = _setting(float, "pageStep")
    tracking = _setting(bool, "tracking")


@native
class ctkSliderWidget(_FloatSlider):
    """A slider with a spin box."""

    decimals = _setting(int, "decimals")
    suffix = _setting(str, "suffix")
    prefix = _setting(str, "prefix")
    spinBoxVisible = Property(
        bool, lambda self: not self._spin_box.isHidden(), lambda self, value: self._spin_box.setVisible(value)
    )


@native
class ctkDoubleSlider(_FloatSlider):
    """A slider alone."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._spin_box.hide()


@native
class ctkDoubleSpinBox(QtWidgets.QDoubleSpinBox):
    """A spin box for floating-point values."""

    def __init__(self, parent=None):
        super().__init__(parent)
