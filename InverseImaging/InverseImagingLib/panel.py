"""What all panels do alike: life cycle, Apply that becomes Cancel, progress, results, packages."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol, get_type_hints

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .compute import Where
from .device import Device
from .errors import InputError, sentence
from .image import Image
from .job import JobListener, JobProgress, JobRunner
from .method import Result, options_to_dict
from .nodes import report_of
from .settings import computeDevice, computeEnvironment, computePlace, ensurePackages, hasPackages

log = logging.getLogger("InverseImaging")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a panel asks a method to do: its options, its images by parameter name, the node the result belongs to.

    method: another one than the panel's own; then: makes of the parameters what is run when this has finished.
    """

    options: Any
    images: Mapping[str, Image]
    source: Any
    method: str = ""
    then: Callable[[Any], Request] | None = None


class MethodLogic(Protocol):
    """What a module's logic offers its panel."""

    def getParameterNode(self) -> Any: ...

    def problem(self, parameters: Any) -> str:
        """Why Apply is off, in a sentence; empty when it may be pressed."""

    def request(self, parameters: Any) -> Request:
        """What to run. Raises InputError."""

    def addResult(self, result: Result, request: Request) -> list[Any]:
        """Put the outputs into the scene, the principal one first."""


def parameterNodeClass(name: str, *options: type, **nodes: Any) -> type:
    """A parameter node with a parameter for each field of options dataclasses, with its default and limits, and the
    further parameters given by name as types (or pairs of type and default)."""
    from slicer.parameterNodeWrapper import Minimum, WithinRange, parameterNodeWrapper

    annotations, defaults = {}, {}
    types = {key: kind for each in options for key, kind in get_type_hints(each).items()}
    for item in (item for each in options for item in dataclasses.fields(each)):
        low, high = item.metadata.get("low"), item.metadata.get("high")
        kind = types[item.name]
        if low is not None:
            kind = Annotated[kind, WithinRange(low, high) if high is not None else Minimum(low)]
        annotations[item.name], defaults[item.name] = kind, item.default
    for key, value in nodes.items():
        annotations[key], *default = value if isinstance(value, tuple) else (value,)
        if default:
            defaults[key] = default[0]
    return parameterNodeWrapper(type(name, (), {"__annotations__": annotations, **defaults}))


def optionsFrom(parameters: Any, options: type, **changes: Any) -> Any:
    """The options dataclass that a parameter node holds, with changes."""
    values = {item.name: getattr(parameters, item.name) for item in dataclasses.fields(options)}
    return options(**{**values, **changes})


class RunPanel(VTKObservationMixin):
    """Runs the panel of one method: between its widgets, its logic and the worker.

    widget: the module's widget or one of its tabs, with its .ui already loaded as widget.ui. The .ui holds, by name,
    inputSelector, inputsButton, advancedButton, applyButton, progressBar, statusLabel, resultsButton and reportText;
    all that is bound to a parameter has the property SlicerParameterName.
    suits: whether a volume is one to begin with, where none is chosen.
    """

    def __init__(self, widget: Any, logic: MethodLogic, method: str, title: str) -> None:
        super().__init__()
        self.widget, self.ui, self.logic = widget, widget.ui, logic
        self.parameters: Any = None
        self.onParametersChanged = lambda: None
        self.onFinished = lambda: None
        self.suits: Callable[[Any], bool] = lambda volume: volume.GetClassName() == "vtkMRMLScalarVolumeNode"
        self.lockedWhileRunning = ["inputsButton", "advancedButton"]
        self.isRunning = False
        self._goesOn = False  # a run follows another one
        self._method, self._title = method, title
        self._guiTag: Any = None
        self._runner = JobRunner()
        self._request: Request | None = None
        self._nodes: list[str] = []
        self._segments: list[tuple[Any, str, str]] = []
        self._showsProblem = False
        self._reopens = False

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._onNodeRemoved)
        slicer.app.connect("aboutToQuit()", self._runner.stop)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self._showIdle()
        self._showResults()

    def bindSegment(self, selector: Any, segmentation: str, segment: str) -> None:
        """Bind a segment selector, for which Slicer has no connector, to the parameters of these names."""

        def choose() -> None:
            if self.parameters is not None:
                setattr(self.parameters, segmentation, selector.currentNode())
                setattr(self.parameters, segment, selector.currentSegmentID() or "")

        selector.connect("currentNodeChanged(vtkMRMLNode*)", choose)
        selector.connect("currentSegmentChanged(QString)", choose)
        self._segments.append((selector, segmentation, segment))

    def _showSegments(self) -> None:
        for selector, segmentation, segment in self._segments:
            blocked = selector.blockSignals(True)
            if selector.currentNode() is not getattr(self.parameters, segmentation):
                selector.setCurrentNode(getattr(self.parameters, segmentation))
            if selector.currentSegmentID() != getattr(self.parameters, segment):
                selector.setCurrentSegmentID(getattr(self.parameters, segment))
            selector.blockSignals(blocked)

    # Life cycle, called by the module's widget

    def enter(self) -> None:
        self._setParameters(self.logic.getParameterNode())
        if not self.parameters.inputVolume:
            volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")  # and what is derived from that class
            self.parameters.inputVolume = next(
                (v for v in volumes if not v.GetHideFromEditors() and self.suits(v)), None
            )

    def exit(self) -> None:
        self._setParameters(None)

    def cleanup(self) -> None:
        self._drop()
        slicer.app.disconnect("aboutToQuit()", self._runner.stop)
        self._setParameters(None)
        self.removeObservers()

    def _onSceneStartClose(self, caller: Any, event: Any) -> None:
        self._drop()
        self._reopens = self.parameters is not None
        self._setParameters(None)

    def _onSceneEndClose(self, caller: Any, event: Any) -> None:
        self._nodes, self._request = [], None
        self._showResults()
        self._showIdle()
        if self._reopens:
            self.enter()

    def _onNodeRemoved(self, caller: Any, event: Any) -> None:
        if self._nodes and slicer.mrmlScene.GetNodeByID(self._nodes[0]) is None:
            self._nodes = []
            self._showResults()

    def _setParameters(self, parameters: Any) -> None:
        if self.parameters is not None:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self._onModified)
        self.parameters = parameters
        if parameters is not None:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onModified)
            self._onModified()

    def _onModified(self, caller: Any = None, event: Any = None) -> None:
        self._showSegments()
        self.onParametersChanged()
        self._checkCanApply()

    def _checkCanApply(self) -> None:
        if self.isRunning or self.parameters is None:
            return
        problem = self.logic.problem(self.parameters)
        self.ui.applyButton.enabled = not problem
        self.ui.applyButton.toolTip = problem or _("Start; the input volume is not changed.")
        if problem or self._showsProblem:
            self.ui.statusLabel.text = problem
        self._showsProblem = bool(problem)

    # A run

    def onApply(self) -> None:
        """Start a run, or cancel the one that goes on."""
        if self.isRunning:
            self.ui.applyButton.enabled = False
            self.ui.statusLabel.text = _("Cancelling...")
            self._runner.cancel()
        else:
            self.run(self.logic.request)

    def run(self, request_of: Callable[[Any], Request], *, goesOn: bool = False) -> None:
        """Start a run of what request_of makes of the parameters. goesOn: after another one."""
        self._goesOn = goesOn
        try:
            self._ensurePackages()
            request = request_of(self.logic.getParameterNode())
            self._start(request, self)
        except InputError as error:
            self._showIdle(str(error))
            return
        self._request = request
        self._showRunning()

    def _ensurePackages(self) -> None:
        if computePlace().where is Where.SLICER:
            ensurePackages(self._requirements(), self._title)

    def _requirements(self) -> Path:
        return Path(self.widget.resourcePath("requirements.txt"))

    def _prepareWorker(self) -> None:
        """Start the worker before the user asks for anything, where that needs no installation and no other
        computer."""
        if self._runner.hasWorker:
            return
        place = computePlace()
        if place.where is Where.SSH or (place.where is Where.SLICER and not hasPackages(self._requirements())):
            return
        with contextlib.suppress(InputError):  # a run will say so
            self._runner.prepare(self._method, place, computeEnvironment(place))

    def _start(self, request: Request, listener: JobListener) -> None:
        place, options = computePlace(), request.options
        if getattr(options, "device", None) is Device.AUTO:
            options = dataclasses.replace(options, device=computeDevice())
        environment = computeEnvironment(place)
        values, method = options_to_dict(options), request.method or self._method
        self._runner.start(method, values, request.images, listener, place, environment, wait=True)

    def onJobProgress(self, progress: JobProgress) -> None:
        self.ui.progressBar.value = round(100 * progress.fraction)
        self.ui.statusLabel.text = ", ".join(filter(None, (progress.message, remainingText(progress.remaining))))

    def onJobResult(self, result: Result) -> None:
        assert self._request is not None
        try:
            nodes = self.logic.addResult(result, self._request)
        except Exception as error:
            self.onJobFailed(sentence(error, _("the log has the details")), traceback.format_exc())
            return
        self._nodes = [node.GetID() for node in nodes]
        warnings = " ".join(result.report.get("warnings", []))
        self._showIdle(_("Finished: {name}.").format(name=nodes[0].GetName()) + (f" {warnings}" if warnings else ""))
        self.ui.progressBar.value = 100
        self._showResults()
        self.onFinished()
        if self._request.then is not None:
            self.run(self._request.then, goesOn=True)

    def onJobFailed(self, message: str, details: str) -> None:
        log.error("%s\n%s", message, details)
        self._undo()
        self._showIdle(message)

    def onJobCancelled(self) -> None:
        self._undo()
        done = _("Cancelled; what had finished stays.") if self._goesOn else _("Cancelled; the scene is as it was.")
        self._showIdle(done)

    def _undo(self) -> None:
        """Take back what the scene shows of a run that goes on."""

    def _drop(self) -> None:
        """End a run without a word, because the scene or the panel goes."""
        self._runner.stop()
        if self.isRunning:
            self.isRunning = False
            self._undo()

    # What the panel shows

    def _showRunning(self) -> None:
        self.isRunning = True
        self.ui.applyButton.text = _("Cancel")
        self.ui.applyButton.enabled = True
        self.ui.applyButton.toolTip = _("Drop this run; the scene stays as it was.")
        self.ui.progressBar.visible = True
        self.ui.progressBar.value = 0
        self.ui.statusLabel.text = _("Starting...")
        self._enableInputs(False)

    def _showIdle(self, message: str = "") -> None:
        self.isRunning = False
        self.ui.applyButton.text = _("Apply")
        self.ui.progressBar.visible = False
        self.ui.statusLabel.text = message
        self._enableInputs(True)
        self._checkCanApply()

    def _enableInputs(self, enabled: bool) -> None:
        for name in self.lockedWhileRunning:
            getattr(self.ui, name).enabled = enabled

    def _showResults(self) -> None:
        node = next(iter(self.results()), None)
        self.ui.resultsButton.enabled = node is not None
        self.ui.resultsButton.collapsed = node is None
        self.ui.reportText.plainText = reportText(report_of(node)) if node is not None else ""

    def results(self) -> list[Any]:
        """The nodes of the last run, the principal one first; empty when that is gone."""
        nodes = [slicer.mrmlScene.GetNodeByID(each) for each in self._nodes]
        return nodes if nodes and nodes[0] is not None else []


def remainingText(seconds: float | None) -> str:
    """Remaining time in words, such as "about 40 s left"."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("about {seconds} s left").format(seconds=max(1, round(seconds)))
    return _("about {minutes} min left").format(minutes=round(seconds / 60))


def reportText(report: Mapping[str, Any]) -> str:
    """A report as lines for people: one line an entry, nested entries indented, what the user chose last."""

    def lines(value: Any, indent: str) -> list[str]:
        if isinstance(value, Mapping):
            return [line for key, item in value.items() for line in entry(key, item, indent)]
        return [line for item in value for line in lines(item, indent)]

    def entry(key: str, item: Any, indent: str) -> list[str]:
        if isinstance(item, Mapping) or (isinstance(item, list) and any(isinstance(each, Mapping) for each in item)):
            return [f"{indent}{key}:", *lines(item, indent + "    ")]
        if item in ("", []):
            return []
        return [f"{indent}{key}: {', '.join(map(word, item if isinstance(item, list) else [item]))}"]

    def word(value: Any) -> str:
        if isinstance(value, list):
            return f"({', '.join(map(word, value))})"
        return f"{round(value, 9) + 0.0:.4g}" if isinstance(value, float) else str(value)

    return "\n".join(lines(dict(sorted(report.items(), key=lambda item: item[0] == "settings")), ""))
