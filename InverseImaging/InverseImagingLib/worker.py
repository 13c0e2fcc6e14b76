"""The worker: a process that runs methods for a panel, so that no fault, hang or lack of memory reaches Slicer.

Started as `python -m InverseImagingLib.worker`, or on another computer as `inverse-imaging worker`. It reads frames on
its standard input and answers on its standard output; it ends when its input ends or after a long time without work.

Requests: run (id, method, options, kept; images), cancel (id), finish (id), echo (id; images), prepare (method). kept:
names of images that this run shares with the one before; the worker has them still and gives the method the very same
objects. The method "about" tells what the worker has: its Python, packages and devices. prepare, which has no answer,
makes the first run of a method as quick as all others.
Answers: hello, progress (image "preview" at times), result, cancelled, error, echo.
"""

from __future__ import annotations

import logging
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO

from .device import suit_process
from .errors import Cancelled, sentence
from .frames import read_frames, write_frame
from .image import Image
from .method import Progress, RemainingTime, Result, ignore_progress, options_from_dict
from .methods import find_method
from .packages import about

log = logging.getLogger(__name__)

ABOUT = "about"
IDLE_SECONDS = 30 * 60
_PREVIEW_SECONDS = 0.5
_PROGRESS_SECONDS = 0.1


class Worker:
    """Answers the requests of one panel; one run at a time, while a thread keeps listening for cancel."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._queue: queue.Queue[tuple[dict[str, Any], dict[str, Image]]] = queue.Queue()
        self._images: dict[str, Image] = {}
        self._cancelled: set[int] = set()
        self._finishing: set[int] = set()

    def serve(self) -> None:
        """Answer until the input ends (the process ends at once then) or nothing came for a long time."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._send({"type": "hello", "python": sys.executable, "version": platform.python_version()})
        while True:
            try:
                header, images = self._queue.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                return
            if header["type"] == "echo":
                self._send({"type": "echo", "id": header["id"]}, images)
            elif header["type"] == "prepare":
                self._prepare(header["method"])
            elif header["type"] == "run":
                self._run(header, images)

    def _listen(self) -> None:
        for header, images in read_frames(self._requests):
            if header["type"] == "cancel":
                self._cancelled.add(header["id"])
            elif header["type"] == "finish":
                self._finishing.add(header["id"])
            else:
                self._queue.put((header, images))
        os._exit(0)  # the panel is gone: nobody waits for the run that may be going on

    def _prepare(self, name: str) -> None:
        """Try a method, which loads and compiles all that it needs. What fails is left for its run to say."""
        try:
            method = find_method(name)
            method.load_function()(method.load_sample(), method.load_options()(), ignore_progress)
        except Exception:
            log.info("%s could not be prepared", name, exc_info=True)

    def _run(self, header: dict[str, Any], images: dict[str, Image]) -> None:
        job = header["id"]
        self._images = {name: self._images[name] for name in header.get("kept", ())} | images
        try:
            result = self._compute(header, self._images)
            self._send({"type": "result", "id": job, "report": result.report}, result.images)
        except Cancelled:
            self._send({"type": "cancelled", "id": job})
        except Exception as error:
            self._send(
                {
                    "type": "error",
                    "id": job,
                    "message": sentence(error, "the log has the details"),
                    "details": traceback.format_exc(),
                }
            )
        finally:
            self._cancelled.discard(job)
            self._finishing.discard(job)

    def _compute(self, header: dict[str, Any], images: dict[str, Image]) -> Result:
        if header["method"] == ABOUT:
            return Result({}, about())
        method = find_method(header["method"])
        options = options_from_dict(method.load_options(), header["options"])
        inputs = dict(images)
        return method.load_function()(inputs.pop("image"), options, self._reporter(header["id"]), **inputs)

    def _reporter(self, job: int) -> Any:
        remaining, last_sent, last_preview = RemainingTime(), 0.0, 0.0

        def report(progress: Progress) -> bool:
            nonlocal last_sent, last_preview
            if job in self._cancelled:
                raise Cancelled
            now = time.monotonic()
            preview = progress.preview if now - last_preview >= _PREVIEW_SECONDS else None
            if preview is not None or progress.curve or now - last_sent >= _PROGRESS_SECONDS:
                header = {
                    "type": "progress",
                    "id": job,
                    "fraction": progress.fraction,
                    "message": progress.message,
                    "remaining": remaining(progress.fraction),
                    "curve": dict(progress.curve or {}),
                }
                self._send(header, {"preview": preview} if preview is not None else None)
                last_sent, last_preview = now, now if preview is not None else last_preview
            return job in self._finishing

        return report

    def _send(self, header: dict[str, Any], images: dict[str, Image] | None = None) -> None:
        try:
            write_frame(self._answers, header, images)
        except OSError:
            os._exit(0)


def _widen(pipe: int) -> None:
    """Let a pipe take a megabyte at a time instead of 64 kB, where the system can (Linux)."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        pass


def main() -> int:
    """Serve on the standard streams. Whatever else prints to standard output goes to standard error instead."""
    suit_process()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=1 << 16)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for stream in (sys.stdin, answers):
        _widen(stream.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal of Slicer is not meant for the worker
    Worker(sys.stdin.buffer, answers).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
