"""What all panels do alike: life cycle, Apply that becomes Cancel, progress, preview, curve, results, packages."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol, get_type_hints

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .compute import Place, Where
from .device import Device
from .errors import InputError
from .image import Image
from .job import JobProgress, JobRunner
from .method import Result, options_to_dict
from .nodes import Curve, Preview, compare_by_fading, compare_side_by_side, report_of

log = logging.getLogger("InverseImaging")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a panel asks a method to do: its options, its images by parameter name, the node the result belongs to."""

    options: Any
    images: Mapping[str, Image]
    source: Any


class MethodLogic(Protocol):
    """What a module's logic offers its panel."""

    def getParameterNode(self) -> Any: ...

    def problem(self, parameters: Any) -> str:
        """Why Apply is off, in a sentence; empty when it may be pressed."""

    def request(self, parameters: Any) -> Request:
        """What to run. Raises InputError."""

    def addResult(self, result: Result, request: Request) -> list[Any]:
        """Put the outputs into the scene, the principal one first."""


def parameterNodeClass(name: str, options: type, **nodes: Any) -> type:
    """A parameter node with a parameter for each field of an options dataclass, with its default and limits, and the
    further parameters given by name as types (or pairs of type and default)."""
    from slicer.parameterNodeWrapper import Minimum, WithinRange, parameterNodeWrapper

    annotations, defaults = {}, {}
    types = get_type_hints(options)
    for item in dataclasses.fields(options):
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


# Settings that the home panel keeps for all panels


def computePlace() -> Place:
    """Where the user wants to compute."""
    where = Where(qt.QSettings().value("InverseImaging/Where") or Where.SLICER.value)
    return Place(where, computeTarget(where))


def computeTarget(where: Where) -> str:
    """The interpreter or the host that the user entered for a place."""
    return str(qt.QSettings().value(f"InverseImaging/{where.value}") or "")


def saveComputeSettings(where: Where, targets: Mapping[Where, str], device: Device) -> None:
    """Keep where, with which interpreter or host, and on which device the user wants to compute."""
    settings = qt.QSettings()
    settings.setValue("InverseImaging/Where", where.value)
    settings.setValue("InverseImaging/Device", device.value)
    for place, target in targets.items():
        settings.setValue(f"InverseImaging/{place.value}", target)


def computeDevice() -> Device:
    """On which device the user wants to compute where a panel says "Automatic"."""
    return Device(qt.QSettings().value("InverseImaging/Device") or Device.AUTO.value)


def computeEnvironment(place: Place) -> dict[str, str]:
    """Variables for the worker: Slicer's own for Slicer's Python, those from before Slicer started for all else."""
    return dict(os.environ) if place.where is Where.SLICER else dict(slicer.util.startupEnvironment())


def ensurePackages(requirements: Path, requester: str) -> None:
    """Install, after asking, the packages that a method needs in Slicer's own Python. Raises InputError when the user
    declines or it fails."""
    import slicer.packaging

    if importlib.util.find_spec("torch") is None:  # the worker imports it; Slicer itself has no need to
        _ensureTorch()
    try:
        slicer.packaging.pip_ensure(slicer.packaging.load_requirements(requirements), requester=requester)
    except RuntimeError as error:
        raise InputError(f"{requester} needs Python packages that were not installed: {error}.") from error
    except Exception as error:
        log.exception("package installation failed")
        raise InputError(
            f"Installing the Python packages of {requester} failed; see the log, or choose another Python in the "
            "Inverse Imaging module."
        ) from error


def _ensureTorch() -> None:
    try:
        import PyTorchUtils
    except ImportError:
        raise InputError(
            "PyTorch is missing; install the extension PyTorch with the Extensions Manager and restart Slicer, "
            "or choose another Python in the Inverse Imaging module."
        ) from None
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
        raise InputError("PyTorch was not installed; press Apply again to install it.")


class MethodPanel(VTKObservationMixin):
    """Runs the panel of one method: between its widgets, its logic and the worker.

    widget: the module's widget, with its .ui already loaded as widget.ui. The .ui holds, by name, inputSelector,
    applyButton, finishButton, progressBar, statusLabel, resultsButton, fadeSlider, sideBySideButton, curveButton and
    reportText; all that is bound to a parameter has the property SlicerParameterName.
    """

    def __init__(self, widget: Any, logic: MethodLogic, method: str, title: str) -> None:
        super().__init__()
        self.widget, self.ui, self.logic = widget, widget.ui, logic
        self.parameters: Any = None
        self.onParametersChanged = lambda: None
        self._method, self._title = method, title
        self._guiTag: Any = None
        self._runner = JobRunner()
        self._request: Request | None = None
        self._preview: Preview | None = None
        self._curve: Curve | None = None
        self._nodes: list[str] = []
        self._showsProblem = False

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._onNodeRemoved)
        slicer.app.connect("aboutToQuit()", self._runner.stop)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.finishButton.connect("clicked(bool)", self._runner.finishNow)
        self.ui.fadeSlider.connect("valueChanged(double)", self.onFade)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.curveButton.connect("clicked(bool)", self.onCurve)
        self._showIdle()
        self._showResults()

    @property
    def isRunning(self) -> bool:
        return self._runner.isRunning

    # Life cycle, called by the module's widget

    def enter(self) -> None:
        self._setParameters(self.logic.getParameterNode())
        if not self.parameters.inputVolume:
            volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")  # and what is derived from that class
            self.parameters.inputVolume = next(
                (v for v in volumes if v.GetClassName() == "vtkMRMLScalarVolumeNode" and not v.GetHideFromEditors()),
                None,
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
        self._setParameters(None)

    def _onSceneEndClose(self, caller: Any, event: Any) -> None:
        self._nodes, self._request, self._curve = [], None, None
        self._showResults()
        self._showIdle()
        if self.widget.parent.isEntered:
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
        self.onParametersChanged()
        self._checkCanApply()

    def _checkCanApply(self) -> None:
        if self._runner.isRunning or self.parameters is None:
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
        if self._runner.isRunning:
            self.ui.applyButton.enabled = False
            self.ui.statusLabel.text = _("Cancelling...")
            self._runner.cancel()
            return
        try:
            place = computePlace()
            if place.where is Where.SLICER:
                ensurePackages(Path(self.widget.resourcePath("requirements.txt")), self._title)
            request = self.logic.request(self.parameters)
            if request.options.device is Device.AUTO:
                request = dataclasses.replace(
                    request, options=dataclasses.replace(request.options, device=computeDevice())
                )
            environment = computeEnvironment(place)
            options = options_to_dict(request.options)
            self._runner.start(self._method, options, request.images, self, place, environment)
        except InputError as error:
            self._showIdle(str(error))
            return
        self._request = request
        self._preview, self._curve = Preview(request.source), Curve(f"{request.source.GetName()} {self._title} curve")
        self._showRunning()

    def onJobProgress(self, progress: JobProgress) -> None:
        self.ui.progressBar.value = round(100 * progress.fraction)
        self.ui.statusLabel.text = ", ".join(filter(None, (progress.message, remainingText(progress.remaining))))
        if progress.preview is not None and self._preview is not None:
            self._preview.show(progress.preview)
        if progress.curve and self._curve is not None:
            self._curve.add(progress.curve)

    def onJobResult(self, result: Result) -> None:
        assert self._preview is not None
        assert self._request is not None
        self._preview.remove()
        nodes = self.logic.addResult(result, self._request)
        self._nodes = [node.GetID() for node in nodes]
        warnings = " ".join(result.report.get("warnings", []))
        self._showIdle(_("Finished: {name}.").format(name=nodes[0].GetName()) + (f" {warnings}" if warnings else ""))
        self.ui.progressBar.value = 100
        self._showResults()
        self.ui.fadeSlider.value = 1.0
        self.onFade()

    def onJobFailed(self, message: str, details: str) -> None:
        log.error("%s\n%s", message, details)
        self._undo()
        self._showIdle(message)

    def onJobCancelled(self) -> None:
        self._undo()
        self._showIdle(_("Cancelled; the scene is as it was."))

    def _undo(self) -> None:
        if self._preview is not None:
            self._preview.remove()
        if self._curve is not None:
            self._curve.remove()

    def _drop(self) -> None:
        """End a run without a word, because the scene or the panel goes."""
        running = self._runner.isRunning
        self._runner.stop()
        if running:
            self._undo()

    # What the panel shows

    def _showRunning(self) -> None:
        self.ui.applyButton.text = _("Cancel")
        self.ui.applyButton.enabled = True
        self.ui.applyButton.toolTip = _("Drop this run; the scene stays as it was.")
        self.ui.finishButton.visible = True
        self.ui.progressBar.visible = True
        self.ui.progressBar.value = 0
        self.ui.statusLabel.text = _("Starting...")
        self._enableInputs(False)

    def _showIdle(self, message: str = "") -> None:
        self.ui.applyButton.text = _("Apply")
        self.ui.finishButton.visible = False
        self.ui.progressBar.visible = False
        self.ui.statusLabel.text = message
        self._enableInputs(True)
        self._checkCanApply()

    def _enableInputs(self, enabled: bool) -> None:
        for name in ("inputsButton", "advancedButton"):
            getattr(self.ui, name).enabled = enabled

    def _showResults(self) -> None:
        node = slicer.mrmlScene.GetNodeByID(self._nodes[0]) if self._nodes else None
        self.ui.resultsButton.enabled = node is not None
        self.ui.resultsButton.collapsed = node is None
        self.ui.curveButton.enabled = self._curve is not None and self._curve.chart is not None
        self.ui.reportText.plainText = reportText(report_of(node)) if node is not None else ""

    def _resultAndSource(self) -> tuple[Any, Any]:
        result = slicer.mrmlScene.GetNodeByID(self._nodes[0]) if self._nodes else None
        source = self._request.source if self._request is not None else None
        return result, source if source is not None and slicer.mrmlScene.IsNodePresent(source) else None

    def onFade(self) -> None:
        """Show the result over the input, as strong as the slider says."""
        result, source = self._resultAndSource()
        if result is not None:
            compare_by_fading(source, result, self.ui.fadeSlider.value)

    def onSideBySide(self) -> None:
        """Show input and result in two linked slice views."""
        result, source = self._resultAndSource()
        if result is not None and source is not None:
            compare_side_by_side(source, result)

    def onCurve(self) -> None:
        """Show the run's curve in a plot view."""
        if self._curve is not None and self._curve.chart is not None:
            slicer.modules.plots.logic().ShowChartInLayout(self._curve.chart)


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
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    return "\n".join(lines(dict(sorted(report.items(), key=lambda item: item[0] == "settings")), ""))
