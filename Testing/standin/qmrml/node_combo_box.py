"""qMRMLNodeComboBox: choose a node of the scene."""

# ruff: noqa: N801 (names of Slicer, Qt and CTK)

from __future__ import annotations

from typing import ClassVar

from PySide6 import QtCore, QtWidgets

from ..pythonqt.native import native
from .observers import Observers

Property, Signal = QtCore.Property, QtCore.Signal

OPTIONS = {
    "noneEnabled": False,
    "addEnabled": True,
    "removeEnabled": True,
    "editEnabled": False,
    "renameEnabled": False,
    "showHidden": False,
    "showChildNodeTypes": True,
    "selectNodeUponCreation": True,
    "noneDisplay": "None",
    "baseName": "",
    "interactionNodeSingletonTag": "",
    "nodeTypes": (),
    "hideChildNodeTypes": (),
}


def _option(name: str) -> Property:
    kind = "QStringList" if OPTIONS[name] == () else type(OPTIONS[name])

    def write(self, value):
        self._options[name] = tuple(value) if kind == "QStringList" else value
        self._refresh()

    return Property(kind, lambda self: self._options[name], write)


@native
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Selects the first node when it gets the scene, unless `noneEnabled`; a node added later is not selected.

    When the selected node is removed, None or the first node that is left is selected.
    """

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    _currentNodeValid = Signal(bool)
    signal_aliases: ClassVar = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_currentNodeValid",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
        "nodeAboutToBeRemoved(vtkMRMLNode*)": "nodeAboutToBeRemoved",
    }

    def __init__(self, *arguments):
        super().__init__(*(each for each in arguments if isinstance(each, QtWidgets.QWidget)))
        self._combo_box = QtWidgets.QComboBox(self)
        self._combo_box.activated.connect(self._on_activated)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo_box)
        self._options = dict(OPTIONS)
        self._attributes: dict[tuple[str, str], object] = {}
        self._scene = None
        self._observers = Observers(self)
        self._items: list[object] = []  # per item of the combo box: a node ID, None, or what creates a node
        self._current_id: str | None = None

    for _name in OPTIONS:
        vars()[_name] = _option(_name)
    del _name

    # The scene

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._observers.remove_all()
        self._scene = scene
        if scene is not None:
            for event in (
                scene.NodeRemovedEvent,
                scene.EndBatchProcessEvent,
                scene.EndCloseEvent,
                scene.EndImportEvent,
            ):
                self._observers.add(scene, event, self._on_scene_changed)
            self._observers.add_with_node(scene, scene.NodeAddedEvent, self._on_node_added)
            self._observers.add_with_node(scene, scene.NodeAboutToBeRemovedEvent, self._on_node_leaving)
        self._refresh()
        if self._current_id is None and not self._options["noneEnabled"]:
            self.setCurrentNodeIndex(0)

    def _on_scene_changed(self):
        if not self._scene.IsBatchProcessing():
            self._refresh()

    def _on_node_added(self, node):
        self._on_scene_changed()
        if self._accepts(node):
            self.nodeAdded.emit(node)

    def _on_node_leaving(self, node):
        if self._accepts(node):
            self.nodeAboutToBeRemoved.emit(node)

    def _accepts(self, node) -> bool:
        options = self._options
        if not any(node.IsA(kind) for kind in options["nodeTypes"] or ("vtkMRMLNode",)):
            return False
        if not options["showChildNodeTypes"] and node.GetClassName() not in options["nodeTypes"]:
            return False
        if node.GetHideFromEditors() and not options["showHidden"]:
            return False
        if any(node.IsA(kind) for kind in options["hideChildNodeTypes"]):
            return False
        wanted = {name: value for (kind, name), value in self._attributes.items() if node.IsA(kind)}
        values = {name: node.GetAttribute(name) for name in wanted}
        return all(values[name] is not None and wanted[name] in (None, values[name]) for name in wanted)

    def _nodes(self) -> list:
        if self._scene is None:
            return []
        nodes = (self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes()))
        return [node for node in nodes if self._accepts(node)]

    # The items

    def _refresh(self):
        nodes = self._nodes()
        texts = [node.GetName() or node.GetID() for node in nodes]
        self._items = [node.GetID() for node in nodes]
        if self._options["noneEnabled"]:
            texts.insert(0, self._options["noneDisplay"])
            self._items.insert(0, None)
        blocker = QtCore.QSignalBlocker(self._combo_box)
        self._combo_box.clear()
        self._combo_box.addItems(texts)
        if self._options["addEnabled"] and self._scene is not None:
            self._combo_box.insertSeparator(self._combo_box.count)
            self._items.append(None)
            for kind in self._options["nodeTypes"]:
                title = self._scene.GetTypeDisplayNameByClassName(kind) or kind
                self._combo_box.addItem(f"Create new {title}")
                self._items.append(lambda kind=kind: self.addNode(kind))
        del blocker
        if self._current_id not in self._items and self._current_id is not None:
            self._select(None if self._options["noneEnabled"] or not nodes else nodes[0].GetID())
        else:
            self._show_current()

    def _show_current(self):
        blocker = QtCore.QSignalBlocker(self._combo_box)
        known = self._current_id is not None or self._options["noneEnabled"]
        self._combo_box.setCurrentIndex(self._items.index(self._current_id) if known else -1)
        del blocker

    def _select(self, node_id: str | None):
        if node_id == self._current_id:
            self._show_current()
            return
        self._current_id = node_id
        self._show_current()
        node = self.currentNode()
        self.currentNodeChanged.emit(node)
        self._currentNodeValid.emit(node is not None)
        self.currentNodeIDChanged.emit(node_id or "")

    def _on_activated(self, index):
        item = self._items[index]
        if callable(item):
            item()
        else:
            self._select(item)
            self.nodeActivated.emit(self.currentNode())

    # The interface of Slicer

    def currentNode(self):
        return self._scene.GetNodeByID(self._current_id) if self._scene and self._current_id else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node else "")

    def setCurrentNodeID(self, node_id):
        if node_id and node_id not in self._items:
            self._refresh()
        self._select(node_id if node_id and node_id in self._items else None)

    currentNodeID = Property(str, lambda self: self._current_id or "", setCurrentNodeID)

    def setCurrentNodeIndex(self, index):
        self.setCurrentNode(self.nodeFromIndex(index))

    def nodeCount(self):
        return len(self._nodes())

    def nodeFromIndex(self, index):
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addNode(self, kind=""):
        node = self._scene.CreateNodeByClass(kind or self._options["nodeTypes"][0])
        node.UnRegister(None)
        node.SetName(self._scene.GenerateUniqueName(self._options["baseName"] or node.GetNodeTagName()))
        for (kind, name), value in self._attributes.items():
            if node.IsA(kind):
                node.SetAttribute(name, "" if value is None else value)
        node = self._scene.AddNode(node)
        if self._options["selectNodeUponCreation"]:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self):
        self._scene.RemoveNode(self.currentNode())

    def addAttribute(self, kind, name, value=None):
        self._attributes[kind, name] = value
        self._refresh()

    def removeAttribute(self, kind, name):
        self._attributes.pop((kind, name), None)
        self._refresh()
