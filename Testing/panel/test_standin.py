"""The Slicer stand-in behaves as Slicer does; with SLICER_SOURCE set, the same tests run on Slicer's own Base/Python.

The probe module has one widget of each kind that a parameter can be bound to.
"""

from __future__ import annotations

import enum
import functools
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import ctk
import numpy as np
import pytest
import qt
import slicer
import standin
import vtk

PROBE = Path(__file__).parent / "probe" / "Probe.py"


def add_volume(name: str = "CT", kind: str = "vtkMRMLScalarVolumeNode", shape: tuple[int, ...] = (4, 5, 6)) -> Any:
    values = np.arange(np.prod(shape)).reshape(shape).astype(np.int16)
    return slicer.util.addVolumeFromArray(values, name=name, nodeClassName=kind)


@pytest.fixture
def probe(open_panel: Callable) -> Any:
    return open_panel(PROBE)


@pytest.fixture
def calls(scene: Any) -> list[str]:
    sys.modules.pop("Probe", None)
    from standin import modules

    modules.load(PROBE)
    yield sys.modules["Probe"].calls
    if modules.is_loaded("Probe"):
        modules.unload("Probe")


# Which Python


def test_base_python_is_the_one_asked_for() -> None:
    import slicer.parameterNodeWrapper

    file = Path(slicer.parameterNodeWrapper.__file__)
    source = standin.slicer_source()
    if source is None:
        assert file.is_relative_to(Path(standin.__file__).parent)
    else:
        assert file.is_relative_to(source)
        assert Path(slicer.util.__file__).is_relative_to(source)


def test_a_wrong_checkout_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLICER_SOURCE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        standin.slicer_source()


# Life cycle of a module


def test_life_cycle(calls: list[str]) -> None:
    from standin import modules

    assert calls == ["startup"]
    widget = modules.show("Probe")
    assert slicer.modules.ProbeWidget is widget
    assert slicer.modules.probe.title == "Probe module"
    assert slicer.util.modulePath("Probe") == str(PROBE)
    assert widget.parent.isEntered
    modules.unload("Probe")
    assert [call for call in calls if call != "modified"] == ["startup", "setup", "enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "probe")


def test_selecting_another_module_exits_the_first(probe: Any, scene: Any, open_panel: Callable, tmp_path: Path) -> None:
    other = tmp_path / "Other.py"
    other.write_text(
        "from slicer.ScriptedLoadableModule import *\n"
        "class Other(ScriptedLoadableModule): pass\n"
        "class OtherWidget(ScriptedLoadableModuleWidget): pass\n"
    )
    open_panel(other)
    assert not probe.parent.isEntered
    slicer.util.selectModule("Probe")
    assert probe.parent.isEntered
    assert slicer.util.selectedModule() == "Probe"


def test_reload_makes_a_new_widget(probe: Any) -> None:
    probe.onReload()
    assert slicer.modules.ProbeWidget is not probe
    slicer.modules.ProbeWidget.bind(slicer.modules.ProbeWidget.logic.getParameterNode())
    assert slicer.modules.ProbeWidget.ui.countWidget.value == 4


def test_the_modules_own_test(calls: list[str]) -> None:
    from standin import modules

    modules.run_test("Probe")
    assert "test, testing mode True" in calls
    assert not slicer.app.testingEnabled()


# Parameter node: storage


def test_keys_and_texts_in_the_node(scene: Any) -> None:
    """Scenes saved with the stand-in open in Slicer and the other way round, as both keep these texts."""
    import importlib

    sys.path.insert(0, str(PROBE.parent))
    node_class = importlib.import_module("Probe").ProbeParameterNode
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters = node_class(node)
    parameters.inputVolume = parameters.either = add_volume()
    parameters.numbers = [5, 6]
    parameters.numbers.append(7)
    texts = {name: node.GetParameter(name) for name in node.GetParameterNames()}
    assert texts == {
        "inputVolume": "",
        "mask.1": "True",
        "either.0": "",
        "enabled": "True",
        "pressed": "False",
        "amount": "0.5",
        "weight": "0.0" if texts["weight"] == "0.0" else "0",
        "count": "4",
        "seed": "0",
        "steps": "10",
        "color": "GREEN",
        "size": "SMALL",
        "factor": "4",
        "text": "hello",
        "notes": "",
        "folder": "/tmp",
        "numbers.len": "3",
        "numbers.0": "5",
        "numbers.1": "6",
        "numbers.2": "7",
        "pair.0": "1.5",
        "pair.1": "a",
    }
    assert node.GetNodeReferenceID("inputVolume") == node.GetNodeReferenceID("either.0") == "vtkMRMLScalarVolumeNode1"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("amount", 2.6, ValueError),
        ("amount", "1", TypeError),
        ("amount", None, ValueError),
        ("count", 0, ValueError),
        ("count", 1.5, TypeError),
        ("weight", -1, ValueError),
        ("seed", 101, ValueError),
        ("factor", 3, ValueError),
        ("enabled", 1, TypeError),
        ("text", 3, TypeError),
        ("color", "RED", TypeError),
        ("size", "small", TypeError),
        ("inputVolume", "vtkMRMLScalarVolumeNode1", TypeError),
        ("mask", 5, TypeError),
        ("numbers", [1, "2"], TypeError),
        ("nothing", 1, ValueError),
    ],
)
def test_values_that_are_refused(probe: Any, name: str, value: Any, error: type[Exception]) -> None:
    before = probe.parameters.getValue(name) if name != "nothing" else None
    with pytest.raises(error):
        probe.parameters.setValue(name, value)
    if name != "nothing":
        assert probe.parameters.getValue(name) == before


def test_a_node_of_another_class_is_refused(probe: Any) -> None:
    with pytest.raises(TypeError):
        probe.parameters.mask = add_volume()


def test_defaults_and_types(probe: Any) -> None:
    assert probe.parameters.default("count").value == 4
    assert probe.parameters.default("text").value == "hello"
    assert probe.parameters.dataType("enabled") is bool
    assert probe.parameters.pair == (1.5, "a")
    assert probe.parameters.size.value == "small"


def test_lists_change_as_a_whole_or_not_at_all(probe: Any) -> None:
    probe.parameters.numbers += [1, 2]
    with pytest.raises(TypeError):
        probe.parameters.numbers.extend([3, "4"])
    assert probe.parameters.numbers == [1, 2]
    del probe.parameters.numbers[0]
    assert type(probe.parameters)(probe.parameters.parameterNode).numbers == [2]


def test_an_existing_node_keeps_its_values(probe: Any) -> None:
    probe.parameters.amount = 2.0
    again = type(probe.parameters)(probe.parameters.parameterNode)
    assert again.amount == 2.0


def test_parameters_from_a_dataclass_like_description(scene: Any) -> None:
    from slicer.parameterNodeWrapper import WithinRange, isParameterNodeWrapper, parameterNodeWrapper

    kind = enum.Enum("Kind", ["A", "B"])
    annotations = {"kind": kind, "strength": Annotated[float, WithinRange(0, 1)], "volume": slicer.vtkMRMLVolumeNode}
    described = type("Described", (), {"__annotations__": annotations, "kind": kind.B, "strength": 0.25})
    wrapped = parameterNodeWrapper(described)
    assert isParameterNodeWrapper(wrapped)
    parameters = wrapped(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    assert (parameters.kind, parameters.strength, parameters.volume) == (kind.B, 0.25, None)
    with pytest.raises(ValueError, match="1"):
        parameters.strength = 1.01


def test_types_without_storage(scene: Any) -> None:
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(Exception, match="Unable to create serializer"):
        parameterNodeWrapper(type("Bad", (), {"__annotations__": {"image": np.ndarray}}))


def test_observers_are_told_once_per_change(probe: Any) -> None:
    told = []
    tag = probe.parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: told.append(event))
    probe.parameters.text = "new"
    assert len(told) == 1
    with slicer.util.NodeModify(probe.parameters):
        probe.parameters.amount, probe.parameters.count = 1.0, 2
    assert len(told) == 2
    probe.parameters.RemoveObserver(tag)
    probe.parameters.text = "newer"
    assert len(told) == 2


# Parameter node: widgets

BOUND = {
    "enabled": (False, lambda w: w.checked, lambda w: setattr(w, "checked", True), True),
    "pressed": (True, lambda w: w.checked, lambda w: w.click(), False),
    "amount": (2.25, lambda w: w.value, lambda w: setattr(w, "value", -1), -1.0),
    "weight": (7.5, lambda w: w.value, lambda w: setattr(w, "value", 0.25), 0.25),
    "count": (9, lambda w: w.value, lambda w: setattr(w, "value", 3), 3),
    "seed": (-50, lambda w: w.value, lambda w: setattr(w, "value", 99), 99),
    "steps": (999, lambda w: w.value, lambda w: setattr(w, "value", 5), 5),
    "factor": (8, lambda w: int(w.currentText), lambda w: setattr(w, "currentIndex", 0), 2),
    "text": ("x y", lambda w: w.text, lambda w: setattr(w, "text", "typed"), "typed"),
    "notes": ("a\nb", lambda w: w.toPlainText(), lambda w: w.setPlainText("typed"), "typed"),
    "folder": (Path("/a/b"), lambda w: Path(w.currentPath), lambda w: setattr(w, "currentPath", "/c"), Path("/c")),
}


@pytest.mark.parametrize("name", BOUND)
def test_two_way_binding(probe: Any, name: str) -> None:
    value, shown, change, changed = BOUND[name]
    widget = getattr(probe.ui, f"{name}Widget")
    assert shown(widget) == probe.parameters.getValue(name)
    probe.parameters.setValue(name, value)
    assert shown(widget) == value
    change(widget)
    assert probe.parameters.getValue(name) == changed


def test_binding_enums(probe: Any) -> None:
    color = type(probe.parameters.color)
    box = probe.ui.colorWidget
    assert [box.itemText(index) for index in range(box.count)] == ["Red light", "Green light"]
    assert [probe.ui.sizeWidget.itemText(index) for index in range(2)] == ["SMALL", "LARGE"]
    assert box.currentText == "Green light"
    box.currentIndex = 0
    assert probe.parameters.color is color.RED
    probe.parameters.color = color.GREEN
    assert box.currentIndex == 1


def test_binding_nodes(probe: Any) -> None:
    first, second = add_volume("first"), add_volume("second")
    probe.parameters.inputVolume = second
    assert probe.ui.inputVolumeWidget.currentNode() is second
    assert tuple(probe.ui.inputVolumeWidget.nodeTypes) == ("vtkMRMLScalarVolumeNode",)
    assert tuple(probe.ui.eitherWidget.nodeTypes) == ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
    probe.ui.inputVolumeWidget.setCurrentNode(first)
    assert probe.parameters.inputVolume is first
    mask = add_volume("mask", "vtkMRMLLabelMapVolumeNode")
    probe.ui.maskWidget.setCurrentNode(mask)
    assert probe.parameters.mask is mask
    probe.ui.maskWidget.setCurrentNode(None)
    assert probe.parameters.mask is None
    probe.parameters.either = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert probe.ui.eitherWidget.currentNode().GetClassName() == "vtkMRMLSegmentationNode"


def test_limits_reach_the_widgets(probe: Any) -> None:
    ui = probe.ui
    assert (ui.amountWidget.minimum, ui.amountWidget.maximum, ui.amountWidget.decimals) == (-1.5, 2.5, 3)
    assert (ui.countWidget.minimum, ui.countWidget.maximum) == (1, 9)
    assert (ui.stepsWidget.minimum, ui.stepsWidget.maximum) == (0, 1000)
    assert ui.weightWidget.minimum == 0
    assert ui.weightWidget.maximum > 1e300
    assert (ui.seedWidget.minimum, ui.seedWidget.maximum) == (-(2**31), 100)
    ui.amountWidget.value = 99
    assert probe.parameters.amount == 2.5


def test_disconnected_widgets_are_left_alone(probe: Any) -> None:
    parameters = probe.parameters
    parameters.disconnectGui(probe.guiTag)
    parameters.text = "changed"
    assert probe.ui.textWidget.text == "hello"
    probe.ui.countWidget.value = 7
    assert parameters.count == 4
    probe.guiTag = parameters.connectGui(probe.ui)
    assert probe.ui.textWidget.text == "changed"
    assert probe.ui.countWidget.value == 4
    parameters.disconnectGui(12345)


def test_binding_below_a_widget(probe: Any) -> None:
    tag = probe.parameters.connectGui(probe.uiWidget)
    probe.ui.textWidget.text = "typed"
    assert probe.parameters.text == "typed"
    probe.parameters.disconnectGui(tag)


@pytest.mark.parametrize(
    ("widget", "name"),
    [(qt.QPlainTextEdit, "notes"), (qt.QSpinBox, "amount"), (ctk.ctkPathLineEdit, "text"), (qt.QSlider, "seed")],
)
def test_widgets_without_connector(probe: Any, widget: type, name: str) -> None:
    with pytest.raises(RuntimeError, match=r"Unable to create GUI connector|unbounded"):
        probe.parameters.connectParametersToGui({name: widget()})


# Scenes


def change_everything(probe: Any) -> dict[str, Any]:
    values = {name: value for name, (value, *_) in BOUND.items()}
    values |= {"color": type(probe.parameters.color).RED, "size": type(probe.parameters.size).LARGE}
    values |= {"numbers": [3, 1], "pair": (2.5, "z")}
    for name, value in values.items():
        probe.parameters.setValue(name, value)
    return values


@pytest.mark.parametrize("name", ["scene.mrb", "scene.mrml"])
def test_save_close_and_restore(probe: Any, scene: Any, tmp_path: Path, name: str) -> None:
    values = change_everything(probe)
    volume = add_volume("CT")
    probe.parameters.inputVolume = probe.parameters.either = volume
    if name.endswith(".mrml"):
        slicer.util.saveNode(volume, str(tmp_path / "CT.nrrd"))
    assert slicer.util.saveScene(str(tmp_path / name))
    scene.Clear(0)
    assert probe.parameters.text == "hello"
    assert probe.ui.countWidget.value == 4
    assert probe.parameters.inputVolume is None

    slicer.util.loadScene(str(tmp_path / name))
    probe.enter()
    assert {key: probe.parameters.getValue(key) for key in values} == values
    assert probe.parameters.inputVolume.GetName() == "CT"
    assert probe.parameters.either is probe.parameters.inputVolume
    assert probe.ui.inputVolumeWidget.currentNode() is probe.parameters.inputVolume
    assert probe.ui.countWidget.value == values["count"]
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(probe.parameters.inputVolume).ravel(), np.arange(120))


def test_a_bundle_holds_the_data(scene: Any, tmp_path: Path) -> None:
    add_volume("CT")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    names = zipfile.ZipFile(tmp_path / "scene.mrb").namelist()
    assert any(name.endswith("Data/CT.nrrd") for name in names)
    assert any(name.endswith(".mrml") for name in names)


def test_load_and_save_a_volume(scene: Any, tmp_path: Path) -> None:
    volume = add_volume("CT")
    volume.SetSpacing(0.5, 0.75, 3)
    assert slicer.util.saveNode(volume, str(tmp_path / "CT.nii.gz"))
    loaded = slicer.util.loadVolume(str(tmp_path / "CT.nii.gz"))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))
    np.testing.assert_allclose(loaded.GetSpacing(), (0.5, 0.75, 3))
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == loaded.GetID()
    with pytest.raises(RuntimeError, match="missing"):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))


def test_subject_hierarchy_follows_the_data_nodes(scene: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume = add_volume("CT")
    item = hierarchy.GetItemByDataNode(volume)
    assert hierarchy.GetItemName(item) == "CT"
    hidden = slicer.vtkMRMLScalarVolumeNode()
    hidden.SetHideFromEditors(True)
    assert not hierarchy.GetItemByDataNode(scene.AddNode(hidden))
    scene.RemoveNode(volume)
    assert not hierarchy.GetItemDataNode(item)
    scene.Clear(0)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    assert hierarchy.GetItemByDataNode(add_volume("next"))


def test_layouts(scene: Any) -> None:
    layout = slicer.app.layoutManager()
    assert set(layout.sliceViewNames()) == {"Red", "Yellow", "Green"}
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
    assert layout.plotViewCount == 1
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    assert set(layout.sliceViewNames()) == {"Red", "Yellow"}
    assert layout.sliceWidget("Red").mrmlSliceNode().GetOrientation() == "Axial"


# qMRML widgets


def test_node_combo_box_selection(scene: Any) -> None:
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    seen = []
    box.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: seen.append(node and node.GetName()))
    first = add_volume("first")
    box.setMRMLScene(scene)
    assert box.currentNode() is first
    second = add_volume("second")
    assert box.currentNode() is first
    assert box.nodeCount() == 2
    scene.RemoveNode(first)
    assert box.currentNode() is second
    box.noneEnabled = True
    box.setCurrentNode(None)
    assert seen == ["first", "second", None]
    assert box.currentNodeID == ""
    later = slicer.qMRMLNodeComboBox()
    later.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    later.noneEnabled = True
    later.setMRMLScene(scene)
    assert later.currentNode() is None


def test_node_combo_box_filters(scene: Any) -> None:
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.setMRMLScene(scene)
    plain = add_volume("plain")
    add_volume("labels", "vtkMRMLLabelMapVolumeNode")
    assert box.nodeCount() == 2
    box.showChildNodeTypes = False
    assert [box.nodeFromIndex(index) for index in range(box.nodeCount())] == [plain]
    box.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "CT")
    assert box.nodeCount() == 0
    plain.SetAttribute("Kind", "CT")
    assert box.nodeCount() == 1


def test_node_combo_box_creates_nodes(scene: Any) -> None:
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.baseName = "Output"
    box.setMRMLScene(scene)
    node = box.addNode()
    assert node.GetName() == "Output"
    assert box.currentNode() is node
    assert box.addNode().GetName() == "Output_1"


def test_segment_selector(probe: Any, scene: Any) -> None:
    selector = probe.ui.segmentSelector
    nodes, segments = [], []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", nodes.append)
    selector.connect("currentSegmentChanged(QString)", segments.append)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    bone = segmentation.GetSegmentation().AddEmptySegment("", "bone")
    selector.setCurrentNode(segmentation)
    assert selector.currentSegmentID() == ""
    metal = segmentation.GetSegmentation().AddEmptySegment("", "metal")
    selector.setCurrentSegmentID(metal)
    assert (selector.currentNode(), selector.currentSegmentID()) == (segmentation, metal)
    segmentation.GetSegmentation().RemoveSegment(metal)
    assert selector.currentSegmentID() == bone
    assert nodes == [segmentation]
    assert segments == [metal, bone]


# PythonQt


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda: qt.QLabel("a").text(), TypeError),
        (lambda: qt.QWidget().width(), TypeError),
        (lambda: setattr(qt.QPushButton(), "state", 1), AttributeError),
        (lambda: setattr(ctk.ctkSliderWidget(), "state", 1), AttributeError),
        (lambda: setattr(slicer.qMRMLNodeComboBox(), "node", 1), AttributeError),
        (lambda: setattr(qt.QPushButton(), "click", print), AttributeError),
        (lambda: qt.QPushButton(text="a"), ValueError),
        (lambda: ctk.ctkCollapsibleButton("a"), ValueError),
        (lambda: qt.QPushButton().connect("clicked", print), RuntimeError),
        (lambda: qt.QPushButton().connect("nope()", print), RuntimeError),
        (lambda: slicer.app.connect("nope()", print), RuntimeError),
        (lambda: slicer.app.connect("startupCompleted", print), RuntimeError),
        (lambda: setattr(qt.QSpinBox(), "value", "a"), AttributeError),
        (lambda: setattr(qt.QWidget(), "visible", None) or qt.QWidget().nothing, AttributeError),
        (lambda: setattr(slicer.modules.volumes, "missing", 1) or slicer.modules.nothing, AttributeError),
    ],
)
def test_mistakes_that_fail_in_slicer(mistake: Callable, error: type[Exception]) -> None:
    with pytest.raises(error):
        mistake()


def test_properties_are_attributes() -> None:
    label = qt.QLabel()
    label.text, label.toolTip, label.enabled = "a", "tip", False
    assert (label.text, label.toolTip, label.enabled, label.isEnabled()) == ("a", "tip", False, False)
    box = qt.QSpinBox()
    box.value = 3.9
    assert box.value == 3
    box.name = "b"
    assert box.objectName == "b"
    label.setProperty("SlicerParameterName", "x")
    assert label.SlicerParameterName == "x"
    assert label.className() == "QLabel"
    assert slicer.qMRMLNodeComboBox().className() == "qMRMLNodeComboBox"
    parent = qt.QWidget()
    child = qt.QLabel(parent)
    assert parent.children() == (child,)
    assert child.parent() is parent


def test_enums_are_numbers() -> None:
    assert qt.Qt.Checked == 2
    assert int(qt.QMessageBox.Ok) == 1024
    assert qt.QProcess.NotRunning == 0
    assert qt.QColor("red").name() == "#ff0000"
    assert qt.QColor("red").name(1) == "#ffff0000"


def test_slots_get_what_they_declare() -> None:
    button = qt.QPushButton()
    got = []
    button.connect("clicked(bool)", lambda: got.append("none"))
    button.connect("clicked(bool)", lambda x=7: got.append(x))
    button.connect("clicked(bool)", lambda *all: got.append(all))
    button.connect("clicked(bool)", functools.partial(lambda *all: got.append(all), "p"))
    button.click()
    assert got == ["none", False, (False,), ("p", False)]


def test_disconnect() -> None:
    button, got = qt.QPushButton(), []
    button.connect("clicked()", lambda: got.append(1))
    keep = functools.partial(got.append, 2)
    button.connect("clicked(bool)", keep)
    assert button.disconnect("clicked(bool)", keep)
    assert not button.disconnect("clicked(bool)", keep)
    button.click()
    assert got == [1]


def test_exceptions_in_slots_are_recorded() -> None:
    def fail() -> None:
        raise ValueError("in a slot")

    button = qt.QPushButton()
    button.connect("clicked()", fail)
    button.click()
    button.clicked.connect(fail)
    button.click()
    observed = slicer.vtkMRMLScriptedModuleNode()
    observed.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: fail())
    observed.Modified()
    assert [error.count("ValueError: in a slot") for error in standin.errors] == [1, 1, 1, 1]
    standin.errors.clear()


def test_a_swallowed_exception_fails_the_test(tmp_path: Path) -> None:
    file = tmp_path / "test_swallowed.py"
    file.write_text(
        "def test_slot(slicer_app):\n"
        "    import qt\n"
        "    button = qt.QPushButton()\n"
        "    button.connect('clicked()', lambda: 1 / 0)\n"
        "    button.click()\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        file,
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "ZeroDivisionError" in result.stdout


def test_timers_and_settings(wait_until: Callable) -> None:
    got = []
    timer = qt.QTimer()
    timer.interval = 5
    timer.setSingleShot(True)
    timer.connect("timeout()", lambda: got.append("timer"))
    timer.start()
    qt.QTimer.singleShot(1, lambda: got.append("shot"))
    wait_until(lambda: len(got) == 2, 5)
    qt.QSettings().setValue("Probe/Place", "here")
    assert slicer.util.settingsValue("Probe/Place", "") == "here"
    assert Path(qt.QSettings().fileName()).is_relative_to(slicer.app.slicerHome)


def test_processes_carry_bytes(wait_until: Callable) -> None:
    data = os.urandom(300_000)
    process = qt.QProcess()
    received, ended = bytearray(), []
    process.connect("readyReadStandardOutput()", lambda: received.extend(process.readAllStandardOutput().data()))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ended.append((code, status)))
    process.start(
        sys.executable, ["-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.exit(3)"]
    )
    assert process.waitForStarted(10_000)
    process.write(data)
    process.closeWriteChannel()
    wait_until(lambda: ended, 20)
    assert bytes(received) == data[::-1]
    assert ended == [(3, qt.QProcess.NormalExit)]
    assert process.state() == qt.QProcess.NotRunning


def test_a_killed_process_is_reported(wait_until: Callable) -> None:
    process, errors = qt.QProcess(), []
    process.connect("errorOccurred(QProcess::ProcessError)", errors.append)
    process.start(sys.executable, ["-c", "import time; time.sleep(60)"])
    process.waitForStarted(10_000)
    process.kill()
    wait_until(lambda: process.state() == qt.QProcess.NotRunning, 10)
    process.start("/no/such/program", [])
    wait_until(lambda: len(errors) == 2, 10)
    assert errors == [qt.QProcess.Crashed, qt.QProcess.FailedToStart]


# .ui files


def load_ui(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "Form.ui"
    path.write_text(f'<ui version="4.0"><class>Form</class>{text}</ui>')
    return slicer.util.loadUI(str(path))


def test_unknown_widget_class(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="qMRMLNothingWidget"):
        load_ui(tmp_path, '<widget class="QWidget" name="Form"><widget class="qMRMLNothingWidget" name="a"/></widget>')


def test_connection_to_a_widget_that_is_not_there(tmp_path: Path) -> None:
    connection = "<sender>Form</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal><receiver>gone</receiver>"
    with pytest.raises(LookupError, match="gone"):
        load_ui(
            tmp_path,
            '<widget class="qMRMLWidget" name="Form"/><connections><connection>'
            f"{connection}<slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections>",
        )


def test_children_have_their_classes(probe: Any) -> None:
    probe.ui.plainText.plainText = "a"
    probe.ui.progressBar.value = 40
    assert probe.ui.plainText.toPlainText() == "a"
    assert probe.ui.plainText.inherits("QPlainTextEdit")
    assert probe.ui.advancedButton.collapsed
    assert not probe.ui.plainText.isVisible()
    probe.ui.advancedButton.click()
    assert probe.ui.plainText.isVisible()


def test_a_collapsed_button_is_low(probe: Any) -> None:
    open_height = probe.ui.inputsButton.sizeHint().height()
    probe.ui.inputsButton.collapsed = True
    assert probe.ui.inputsButton.sizeHint().height() < open_height / 4


# Dialogs, packages, samples


def test_dialogs_are_recorded_and_answered(messages: list, answers: list, scene: Any) -> None:
    answers += [False, True, False]
    assert not slicer.util.confirmOkCancelDisplay("Go on?")
    assert slicer.util.confirmYesNoDisplay("Sure?")
    assert not slicer.util.confirmYesNoDisplay("Really?")
    assert slicer.util.confirmOkCancelDisplay("Yes?")
    slicer.util.errorDisplay("Bad", detailedText="details")
    slicer.util.delayDisplay("Wait", 1000)
    slicer.util.showStatusMessage("Ready")
    qt.QMessageBox.warning(None, "title", "Careful")
    dialog = qt.QDialog()
    dialog.windowTitle = "A dialog"
    assert dialog.exec_() == 1
    assert [tuple(message) for message in messages] == [
        ("question", "Go on?", ""),
        ("question", "Sure?", ""),
        ("question", "Really?", ""),
        ("question", "Yes?", ""),
        ("error", "Bad", "details"),
        ("delay", "Wait", ""),
        ("status", "Ready", ""),
        ("warning", "Careful", ""),
        ("dialog", "A dialog", ""),
    ]


def test_errors_shown_and_raised_again(messages: list, scene: Any) -> None:
    with pytest.raises(ValueError, match="inside"), slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
        raise ValueError("inside")
    assert messages[-1].kind == "error"
    assert messages[-1].text == "It failed.\n\ninside"
    assert "Traceback" in messages[-1].detail


def test_packages_are_recorded(messages: list, answers: list, scene: Any, tmp_path: Path) -> None:
    from slicer import packaging

    file = tmp_path / "requirements.txt"
    file.write_text("# comment\n-r other.txt\nnumpy>=1\nno-such-package-here>=2; python_version > '3'\n")
    requirements = packaging.load_requirements(file)
    assert [requirement.name for requirement in requirements] == ["numpy", "no-such-package-here"]
    assert packaging.pip_check("numpy>=1")
    assert not packaging.pip_check(requirements)
    packaging.pip_ensure("numpy", requester="Probe")
    assert messages == []
    packaging.pip_ensure(requirements, requester="Probe", prompt_restart=False)
    assert messages[0].kind == "question"
    assert "no-such-package-here" in messages[0].text + messages[0].detail
    assert messages[1].kind == "install"
    assert messages[1].text.startswith("no-such-package-here>=2")
    answers.append(False)
    with pytest.raises(RuntimeError):
        packaging.pip_ensure(requirements, requester="Probe")
    assert len([message for message in messages if message.kind == "install"]) == 1


def test_sample_data(scene: Any, tmp_path: Path) -> None:
    import SampleData

    made = []
    slicer.util.saveNode(add_volume("CT"), str(tmp_path / "CT.nrrd"))
    checksum = f"SHA256:{slicer.util.computeChecksum('SHA256', str(tmp_path / 'CT.nrrd'))}"
    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    uri = (tmp_path / "CT.nrrd").as_uri()
    local = {"sampleName": "local", "uris": uri, "fileNames": "CT.nrrd", "nodeNames": "Sample", "checksums": checksum}
    register("Probe", **local)
    register("Probe", **local)
    register("Probe", **{**local, "sampleName": "damaged", "checksums": "SHA256:" + "0" * 64})
    register("Probe", **{**local, "sampleName": "remote", "uris": "https://example.org/CT.nrrd"})
    register("Probe", sampleName="made", uris="", fileNames="", nodeNames="made", customDownloader=made.append)
    sources = SampleData.SampleDataLogic.sampleDataSourcesByCategory("Probe")
    assert [source.sampleName for source in sources] == ["local", "damaged", "remote", "made"]
    assert SampleData.downloadSample("local").GetName() == "Sample"
    with pytest.raises(ValueError, match="checksum"):
        SampleData.downloadSample("damaged")
    with pytest.raises(ConnectionError):
        SampleData.downloadSample("remote")
    SampleData.click("made")
    assert [source.sampleName for source in made] == ["made"]
    slicer.modules.sampleDataSources.pop("Probe")


# Pictures


def test_slice_pictures_show_the_volume_upright(scene: Any, tmp_path: Path) -> None:
    from standin import views

    values = np.zeros((8, 64, 64), np.int16)
    values[:, 40:60, 44:60] = 1000  # anterior (up) and to the patient's right-hand positive axis (left on the screen)
    volume = slicer.util.addVolumeFromArray(values, name="CT")
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    image = qt.QImage(str(views.slice_picture(tmp_path / "red.png", 128)))
    assert (image.width(), image.height()) == (128, 128)
    assert qt.QColor(image.pixel(24, 28)).red() > 200
    assert qt.QColor(image.pixel(100, 28)).red() < 30
    assert qt.QColor(image.pixel(24, 100)).red() < 30
    both = views.side_by_side(image, image)
    assert qt.QColor(both.pixel(128 + 24, 28)).red() > 200


def test_pictures_of_panels(probe: Any, picture: Callable) -> None:
    beside = qt.QImage(str(picture(probe, "beside", 300, view="Red")))
    assert beside.width() == 300 + beside.height()
    image = qt.QImage(str(picture(probe, "probe", 400)))
    assert image.width() == 400
    assert image.height() > 300
    colors = {image.pixel(x, y) for x in range(0, 400, 7) for y in range(0, image.height(), 7)}
    assert len(colors) > 5


# The system


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from standin import system

    monkeypatch.setitem(system.LIBRARIES, "libnothing.so.9", "libnothing9")
    assert system.missing_packages() == (["libnothing9"] if sys.platform.startswith("linux") else [])
    assert "apt-get install -y libnothing9 fonts-dejavu-core" in system.advice(["libnothing9"])


def test_the_3d_view_can_be_pictured(scene: Any) -> None:
    from standin import views

    view = slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view)
    assert camera.GetLayoutName() == view.GetLayoutName()
    camera.SetPosition(0, 500, 0)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    cube = vtk.vtkCubeSource()
    cube.SetCenter(-80, 0, 80)  # towards the patient's left and head: at the upper right, seen from the front
    cube.SetXLength(40)
    cube.SetYLength(40)
    cube.SetZLength(40)
    cube.Update()
    node = slicer.modules.models.logic().AddModel(cube.GetOutput())
    node.GetDisplayNode().SetColor(1, 0, 0)
    image = views.three_d_image(100)
    red = {(x, y) for x in range(0, 100, 10) for y in range(0, 100, 10) if image.pixelColor(x, y).green() < 50}
    assert red == {(80, 20)}
