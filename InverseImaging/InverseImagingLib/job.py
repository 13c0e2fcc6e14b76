"""A run as a panel sees it: started, watched, cancelled or finished early; the work happens in a worker process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import qt

from .compute import Place, Where
from .errors import InputError
from .frames import Decoder, FrameError, encode
from .image import Image
from .method import Result

log = logging.getLogger("InverseImaging")

CANCEL_SECONDS = 2.0


@dataclass(frozen=True)
class JobProgress:
    """What a panel shows of a run: fraction 0 to 1, a short phrase, seconds left, the curve's point, the picture."""

    fraction: float
    message: str
    remaining: float | None
    curve: Mapping[str, float]
    preview: Image | None


class JobListener(Protocol):
    """Who wants to know how a run goes. Exactly one of the last three is called, once."""

    def onJobProgress(self, progress: JobProgress) -> None: ...
    def onJobResult(self, result: Result) -> None: ...
    def onJobFailed(self, message: str, details: str) -> None: ...
    def onJobCancelled(self) -> None: ...


class JobRunner:
    """Runs one job at a time in a worker process that it keeps alive between jobs.

    The worker ends with this object's stop(), with the process that owns it, or when it was idle for long; it is
    started again when needed. All methods return at once; the listener is called from the Qt event loop. The worker
    keeps the images of its last run: those that the next run has too, being the very same objects, are not sent again.
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._place: Place | None = None
        self._decoder = Decoder()
        self._errors = b""
        self._listener: JobListener | None = None
        self._waiting: tuple[Any, ...] | None = None
        self._sent: dict[str, Image] = {}
        self._id = 0
        self._cancelling = False
        self._killer = qt.QTimer()
        self._killer.setSingleShot(True)
        self._killer.setInterval(int(CANCEL_SECONDS * 1000))
        self._killer.connect("timeout()", self._onCancelTimeout)

    @property
    def isRunning(self) -> bool:
        return self._listener is not None

    @property
    def hasWorker(self) -> bool:
        return self._process is not None

    def start(
        self,
        method: str,
        options: Mapping[str, Any],
        images: Mapping[str, Image],
        listener: JobListener,
        place: Place,
        environment: Mapping[str, str],
        *,
        wait: bool = False,
    ) -> None:
        """Start a run. wait: while another one goes on, start when that has ended, in the place of one that waits.

        Raises InputError when the place cannot be used, RuntimeError while another run goes on without wait.
        """
        if self.isRunning:
            if not wait:
                raise RuntimeError("a run is going on")
            self._waiting = (method, options, images, listener, place, environment)
            return
        self._ensureProcess(place, environment)
        self._id += 1
        self._listener, self._cancelling = listener, False
        kept = [name for name, image in images.items() if self._sent.get(name) is image]
        header = {"type": "run", "id": self._id, "method": method, "options": dict(options), "kept": kept}
        self._write(header, {name: image for name, image in images.items() if name not in kept})
        self._sent = dict(images)

    def prepare(self, method: str, place: Place, environment: Mapping[str, str]) -> None:
        """Start the worker ahead of the first run of a method, unless it is there. Raises InputError when the place
        cannot be used."""
        if not self.hasWorker:
            self._ensureProcess(place, environment)
            self._write({"type": "prepare", "method": method})

    def cancel(self) -> None:
        """Drop the run that waits; if none does, ask the worker to drop its own, and kill it if it has not within two
        seconds."""
        if self._waiting is not None:
            listener, self._waiting = self._waiting[3], None
            listener.onJobCancelled()
        elif self.isRunning and not self._cancelling:
            self._cancelling = True
            self._write({"type": "cancel", "id": self._id})
            self._killer.start()

    def finishNow(self) -> None:
        """Ask the method for its best result so far."""
        if self.isRunning:
            self._write({"type": "finish", "id": self._id})

    def stop(self) -> None:
        """End the worker and drop a run without a word to its listener. Leaves no process behind."""
        self._listener = self._waiting = None
        self._discardProcess()

    # The process

    def _ensureProcess(self, place: Place, environment: Mapping[str, str]) -> None:
        if self._process is not None and self._place != place:
            self._discardProcess()
        if self._process is not None:
            return
        program, *arguments = place.command()
        variables = qt.QProcessEnvironment()
        for name, value in place.environment(environment).items():
            variables.insert(name, value)
        process = qt.QProcess()
        process.setProcessEnvironment(variables)
        process.connect("readyReadStandardOutput()", self._onOutput)
        process.connect("readyReadStandardError()", self._onErrorOutput)
        process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        self._process, self._place, self._decoder, self._errors = process, place, Decoder(), b""
        process.start(program, arguments)

    def _write(self, header: Mapping[str, Any], images: Mapping[str, Image] | None = None) -> None:
        for chunk in encode(header, images):
            self._process.write(bytes(chunk))

    def _discardProcess(self) -> None:
        process, self._process = self._process, None
        self._sent = {}
        self._killer.stop()
        if process is None:
            return
        process.blockSignals(True)
        process.kill()
        process.waitForFinished(1000)
        process.deleteLater()

    # What the worker says

    def _onOutput(self) -> None:
        if self._process is None:
            return
        try:
            for header, images in self._decoder.feed(self._process.readAllStandardOutput().data()):
                self._onFrame(header, images)
        except FrameError as error:
            self._fail(f"The worker gave an {error}; check where to compute in Inverse Imaging.")

    def _onFrame(self, header: dict[str, Any], images: dict[str, Image]) -> None:
        kind = header["type"]
        if kind == "hello":
            log.info("worker: Python %s, %s", header["version"], header["python"])
        if self._listener is None or header.get("id") != self._id:
            return
        if kind == "progress" and not self._cancelling:
            self._listener.onJobProgress(
                JobProgress(
                    header["fraction"], header["message"], header["remaining"], header["curve"], images.get("preview")
                )
            )
        elif kind == "cancelled" or (kind in ("result", "error") and self._cancelling):
            self._end("onJobCancelled")
        elif kind == "result":
            self._end("onJobResult", Result(images, header["report"]))
        elif kind == "error":
            self._end("onJobFailed", header["message"], header["details"])

    def _onErrorOutput(self) -> None:
        if self._process is None:
            return
        data = self._process.readAllStandardError().data()
        self._errors = (self._errors + data)[-10000:]
        log.info(data.decode(errors="replace").rstrip())

    def _onFinished(self, *_: Any) -> None:
        self._onOutput()
        self._onErrorOutput()
        self._lost()

    def _onProcessError(self, *_: Any) -> None:
        if self._process is not None and self._process.state() == qt.QProcess.NotRunning:
            self._lost()

    def _onCancelTimeout(self) -> None:
        self._discardProcess()
        if self._listener is not None:
            self._end("onJobCancelled")

    def _lost(self) -> None:
        """The worker is gone, of itself or by somebody's hand."""
        if self._process is None:
            return
        lines = [line for line in self._errors.decode(errors="replace").splitlines() if line.strip()]
        reason = f" ({lines[-1].strip()})" if lines else ""
        if self._place is not None and self._place.where is Where.SSH:
            message = f"The connection to '{self._place.target}' failed or broke off{reason}; check it with ssh."
        else:
            message = f"The worker ended unexpectedly{reason}; it may have run out of memory. Press Apply to try again."
        self._fail(message)

    def _fail(self, message: str) -> None:
        details = self._errors.decode(errors="replace")
        self._discardProcess()
        if self._listener is None:
            return
        if self._cancelling:
            self._end("onJobCancelled")
        else:
            self._end("onJobFailed", message, details)

    def _end(self, how: str, *arguments: Any) -> None:
        """Tell the listener how its run ended, then start the run that waits."""
        listener, self._listener = self._listener, None
        self._killer.stop()
        self._cancelling = False
        try:
            getattr(listener, how)(*arguments)
        finally:
            if self._waiting is not None and not self.isRunning:
                self._startWaiting()

    def _startWaiting(self) -> None:
        assert self._waiting is not None
        waiting, self._waiting = self._waiting, None
        try:
            self.start(*waiting)
        except InputError as error:
            waiting[3].onJobFailed(str(error), "")
