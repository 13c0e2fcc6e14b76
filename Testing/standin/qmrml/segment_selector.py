"""qMRMLSegmentSelectorWidget: choose a segmentation and one of its segments."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from typing import ClassVar

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native
from .node_combo_box import qMRMLNodeComboBox
from .observers import Observers
from .widget import qMRMLWidget

Property, Signal = QtCore.Property, QtCore.Signal


@native
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """One segment at a time (multiSelection is not there). With `noneEnabled`, both may be none."""

    currentNodeChanged = Signal(object)
    currentSegmentChanged = Signal(str)
    _currentNodeValid = Signal(bool)
    signal_aliases: ClassVar = {
        **qMRMLWidget.signal_aliases,
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_currentNodeValid",
    }

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._node_selector = qMRMLNodeComboBox(self)
        self._node_selector.nodeTypes = ("vtkMRMLSegmentationNode",)
        self._node_selector.addEnabled = False
        self._segments = QtWidgets.QComboBox(self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._node_selector)
        layout.addWidget(self._segments)
        self._segmentation = None
        self._observers = Observers(self)
        self._segment_id = ""
        self.mrmlSceneChanged.connect(self._node_selector.setMRMLScene)
        self._node_selector.currentNodeChanged.connect(self._on_node_changed)
        self._segments.currentIndexChanged.connect(self._on_segment_changed)
        self._populate()

    def _on_node_changed(self, node):
        self._observers.remove_all()
        self._segmentation = segmentation = node.GetSegmentation() if node else None
        if segmentation:
            for event in (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified):
                self._observers.add(segmentation, event, self._populate)
        self._populate()
        self.currentNodeChanged.emit(node)
        self._currentNodeValid.emit(node is not None)

    def _populate(self):
        segmentation = self._segmentation
        ids = segmentation.GetSegmentIDs() if segmentation else ()
        blocker = QtCore.QSignalBlocker(self._segments)
        self._segments.clear()
        self._segments.setVisible(bool(ids))
        if ids and self.noneEnabled:
            self._segments.addItem("None", "")
        for segment_id in ids:
            self._segments.addItem(segmentation.GetSegment(segment_id).GetName(), segment_id)
        self._segments.setCurrentIndex(-1)
        keeps = self._segment_id in ids or (self.noneEnabled and not self._segment_id)
        if ids and keeps:
            self._segments.setCurrentIndex(self._segments.findData(self._segment_id))
        del blocker
        if ids and not keeps:
            self._segments.setCurrentIndex(1 if self.noneEnabled else 0)

    def _on_segment_changed(self, index):
        self._segment_id = self._segments.itemData(index) or ""
        self.currentSegmentChanged.emit(self._segment_id)

    def currentNode(self):
        return self._node_selector.currentNode()

    def currentNodeID(self):
        return self._node_selector.currentNodeID

    def setCurrentNode(self, node):
        self._node_selector.setCurrentNode(node)

    def setCurrentNodeID(self, node_id):
        self._node_selector.setCurrentNodeID(node_id)

    def currentSegmentID(self):
        return self._segment_id

    def setCurrentSegmentID(self, segment_id):
        index = self._segments.findData(segment_id)
        if index >= 0:
            self._segments.setCurrentIndex(index)

    noneEnabled = Property(
        bool,
        lambda self: self._node_selector.noneEnabled,
        lambda self, value: self._node_selector.setNoneEnabled(value),
    )
    editEnabled = Property(
        bool,
        lambda self: self._node_selector.editEnabled,
        lambda self, value: self._node_selector.setEditEnabled(value),
    )
    segmentationNodeSelectorVisible = Property(
        bool,
        lambda self: not self._node_selector.isHidden(),
        lambda self, value: self._node_selector.setVisible(value),
    )
