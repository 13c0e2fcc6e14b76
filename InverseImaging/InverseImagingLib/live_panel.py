"""A panel that shows its result while the user turns knobs."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from .errors import InputError
from .job import JobProgress
from .method import Result
from .panel import MethodLogic, Request, RunPanel

SETTLE_MILLISECONDS = 300


class LivePreview(Protocol):
    """What shows a passing result in the views, and takes it away again."""

    def show(self, result: Result, options: Any, source: Any) -> None: ...
    def remove(self) -> None: ...


class LivePanel(RunPanel):
    """The panel of a method that is quick enough to follow the user: whenever a parameter changes while the parameter
    livePreview is on, it runs once with the option `draft` and, when nothing changed for a moment, once without; just
    once where the method has no such option.

    The worker starts, and tries the method, as soon as there is an image, so that the first preview is as quick as the
    others. While one preview is computed, only the newest state waits. The preview goes, and the views are as before,
    when it is switched off and when the module is left. previewRequest: what is run for a preview; that of Apply by
    itself.
    """

    def __init__(self, widget: Any, logic: MethodLogic, method: str, title: str, preview: LivePreview) -> None:
        self.previewRequest = logic.request
        self._preview = preview
        self._previewed: Request | None = None  # what was asked for last
        self._said = ""
        self._watched: Any = None
        self._settling = qt.QTimer()
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MILLISECONDS)
        self._settling.connect("timeout()", self._onSettled)
        super().__init__(widget, logic, method, title)

    @property
    def isPreviewing(self) -> bool:
        return self._previewed is not None

    def cleanup(self) -> None:
        self.removePreview()
        super().cleanup()

    def _setParameters(self, parameters: Any) -> None:
        super()._setParameters(parameters)
        if parameters is None:
            self._watch(None)
            self.removePreview()

    def _onModified(self, caller: Any = None, event: Any = None) -> None:
        super()._onModified(caller, event)
        self._watch(self.parameters.inputVolume)
        self.updatePreview()
        if not self.logic.problem(self.parameters):
            self._prepareWorker()

    def _watch(self, volume: Any) -> None:
        """Notice when voxels of the volume are edited."""
        if volume is self._watched:
            return
        for event in (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent):
            if self._watched is not None:
                self.removeObserver(self._watched, event, self.updatePreview)
            if volume is not None:
                self.addObserver(volume, event, self.updatePreview)
        self._watched = volume

    def _showRunning(self) -> None:
        self._settling.stop()
        self._previewed = None  # the run takes the place of a preview that waits
        super()._showRunning()

    def _showIdle(self, message: str = "") -> None:
        super()._showIdle(message)
        self.updatePreview()

    # The preview

    def updatePreview(self, caller: Any = None, event: Any = None) -> None:
        """Show what the parameters ask for now, or nothing."""
        if self.parameters is None or self.isRunning:
            return
        if not self.parameters.livePreview or self.logic.problem(self.parameters):
            self.removePreview()
        elif (self.isPreviewing or self._hasPackages()) and self._startPreview(draft=True):
            self._settling.start()

    def removePreview(self) -> None:
        """Bring back what the views showed before."""
        self._settling.stop()
        self._previewed, self._said = None, ""
        self._preview.remove()

    def _onSettled(self) -> None:
        if self._previewed is not None and hasattr(self._previewed.options, "draft"):
            self._startPreview(draft=False)

    def _hasPackages(self) -> bool:
        """Whether a worker can run; where the user does not want to install what it needs, the preview goes off."""
        try:
            self._ensurePackages()
        except InputError as error:
            self.parameters.livePreview = False
            self.ui.statusLabel.text = str(error)
            return False
        return True

    def _startPreview(self, draft: bool) -> bool:
        """Ask for a preview; False when it would be the one that was asked for last."""
        last, self._previewed = self._previewed, None
        try:
            request = self.previewRequest(self.parameters)
            if last is not None and draft and _same(request, last):
                self._previewed = last
                return False
            options = request.options
            if hasattr(options, "draft"):
                options = dataclasses.replace(options, draft=draft)
            self._previewed = request
            self._start(dataclasses.replace(request, options=options), _Listener(self, request))
        except InputError as error:
            self.onPreviewFailed(self._previewed, str(error))
        return True

    def onPreviewResult(self, request: Request, result: Result) -> None:
        if self.isPreviewing and slicer.mrmlScene.IsNodePresent(request.source):
            self._preview.show(result, request.options, request.source)
            self.sayOfPreview(" ".join(result.report.get("warnings", [])))

    def onPreviewFailed(self, request: Request | None, message: str) -> None:
        if self._previewed is request:  # nothing newer waits
            self._previewed = None
        self._preview.remove()
        self.sayOfPreview(message)

    def sayOfPreview(self, text: str) -> None:
        wanted = self.parameters is not None and self.parameters.livePreview and not self.isRunning
        if wanted and text != self._said:
            self.ui.statusLabel.text = self._said = text


class _Listener:
    """Hears of one preview."""

    def __init__(self, panel: LivePanel, request: Request) -> None:
        self._panel, self._request = panel, request

    def onJobProgress(self, progress: JobProgress) -> None:
        self._panel.sayOfPreview(_("Preview: {message}").format(message=progress.message))

    def onJobResult(self, result: Result) -> None:
        self._panel.onPreviewResult(self._request, result)

    def onJobFailed(self, message: str, details: str) -> None:
        self._panel.onPreviewFailed(self._request, message)

    def onJobCancelled(self) -> None:
        pass


def _same(request: Request, other: Request) -> bool:
    """Whether two requests give the same result: equal options, the very same images."""
    return (
        request.options == other.options
        and request.images.keys() == other.images.keys()
        and all(image is other.images[name] for name, image in request.images.items())
    )
