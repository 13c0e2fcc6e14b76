"""Containers that fold their contents away."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from ..pythonqt.native import native

HEADER_HEIGHT = 24
UNLIMITED_HEIGHT = 16777215  # QWIDGETSIZE_MAX


@native
class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header with an arrow above its children."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent=None):
        if parent is not None and not isinstance(parent, QtWidgets.QWidget):
            raise ValueError("ctkCollapsibleButton takes a parent widget only: set .text")
        super().__init__(parent)
        self._collapsed = False
        self._hidden_by_collapse: list[QtWidgets.QWidget] = []
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Preferred)
        self.setContentsMargins(4, HEADER_HEIGHT + 2, 4, 4)

    def setCollapsed(self, collapsed):
        if bool(collapsed) == self._collapsed:
            return
        self._collapsed = bool(collapsed)
        if collapsed:
            self._hidden_by_collapse = [child for child in self._child_widgets() if not child.isHidden()]
            for child in self._hidden_by_collapse:
                child.hide()
        else:
            for child in self._hidden_by_collapse:
                child.show()
        self.setMaximumHeight(HEADER_HEIGHT if collapsed else UNLIMITED_HEIGHT)
        self.updateGeometry()
        self.contentsCollapsed.emit(self._collapsed)

    collapsed = QtCore.Property(bool, lambda self: self._collapsed, setCollapsed)
    flat = QtCore.Property(bool, lambda self: False, lambda self, value: None)
    collapsedHeight = QtCore.Property(int, lambda self: 0, lambda self, value: None)
    contentsFrameShape = QtCore.Property(int, lambda self: 0, lambda self, value: None)

    def _child_widgets(self):
        return [child for child in self.children() if isinstance(child, QtWidgets.QWidget)]

    def childEvent(self, event):
        super().childEvent(event)
        # When it is only added, a child is not yet more than a QWidget, and PySide6 would take it for one for ever.
        if vars(self).get("_collapsed") and event.polished() and isinstance(child := event.child(), QtWidgets.QWidget):
            self._hidden_by_collapse.append(child)
            child.hide()

    def nextCheckState(self):
        self.setCollapsed(not self._collapsed)

    def sizeHint(self):
        return self._size(self.layout().sizeHint() if self.layout() else QtCore.QSize(100, 0))

    def minimumSizeHint(self):
        return self._size(self.layout().minimumSize() if self.layout() else QtCore.QSize(100, 0))

    def _size(self, contents):
        return QtCore.QSize(contents.width() + 8, HEADER_HEIGHT + (0 if self._collapsed else contents.height() + 6))

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        button = QtWidgets.QStyleOptionButton()
        button.initFrom(self)
        button.rect = QtCore.QRect(0, 0, self.width, HEADER_HEIGHT)
        button.state |= QtWidgets.QStyle.State_Raised
        painter.drawControl(QtWidgets.QStyle.CE_PushButtonBevel, button)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, 4, 16, 16)
        style = QtWidgets.QStyle
        painter.drawPrimitive(style.PE_IndicatorArrowRight if self._collapsed else style.PE_IndicatorArrowDown, arrow)
        alignment = QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft | QtCore.Qt.TextShowMnemonic
        painter.drawText(QtCore.QRect(28, 0, self.width - 30, HEADER_HEIGHT), int(alignment), self.text)
        if not self._collapsed:
            painter.setPen(self.palette.color(QtGui.QPalette.Mid))
            painter.drawRect(0, HEADER_HEIGHT - 1, self.width - 1, self.height - HEADER_HEIGHT)


@native
class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box whose check box hides the contents."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setCheckable(True)
        self.toggled.connect(self._show_contents)

    def _show_contents(self, shown):
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(shown)

    collapsed = QtCore.Property(bool, lambda self: not self.checked, lambda self, value: self.setChecked(not value))
    collapsedHeight = QtCore.Property(int, lambda self: 14, lambda self, value: None)

    def childEvent(self, event):
        super().childEvent(event)
        if event.polished() and self.collapsed and isinstance(event.child(), QtWidgets.QWidget):
            event.child().hide()
