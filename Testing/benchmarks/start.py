"""How long the first result takes in a new process, as a Markdown table: seconds, and seconds of processor time.

The command synthesizes views of the sample radiograph, writes all results and ends; the worker gives a panel's first
draft of one. A new installation has nothing compiled yet. Run it on an idle computer.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from InverseImagingLib.compute import Place, library_folders
from InverseImagingLib.frames import read_frames, write_frame
from InverseImagingLib.image import read
from InverseImagingLib.method import options_to_dict
from XraySynLib.options import Picture, SynthesisOptions

RADIOGRAPH = Path(__file__).resolve().parents[2] / "XraySyn" / "Resources" / "SampleData" / "ThoraxRadiograph.nrrd"
REPEATS = 5


def command(environment: dict[str, str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "InverseImagingLib.cli", "synthesize", str(RADIOGRAPH), f"{folder}/views", "--quiet"]
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment, check=True)
        return time.perf_counter() - start


def worker(environment: dict[str, str]) -> float:
    with _worker(environment) as (ask, start):
        ask()
        return time.perf_counter() - start


def prepared_worker(environment: dict[str, str]) -> float:
    with _worker(environment, prepare=True) as (ask, _):
        start = time.perf_counter()
        ask()
        return time.perf_counter() - start


@contextmanager
def _worker(environment: dict[str, str], prepare: bool = False) -> Iterator[tuple[Callable[[], None], float]]:
    """What asks it for a draft and waits for that, and when it was started."""
    method, image = "XraySynRadiograph", read(RADIOGRAPH)
    options = options_to_dict(SynthesisOptions(only=Picture.VIEW.value, draft=True))
    start = time.perf_counter()
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(Place().command(), env=environment, **pipes)
    answers = read_frames(process.stdout)
    next(answers)
    if prepare:
        write_frame(process.stdin, {"type": "prepare", "method": method})
        write_frame(process.stdin, {"type": "echo", "id": 0})
        next(answers)

    def ask() -> None:
        header = {"type": "run", "id": 1, "method": method, "options": options}
        write_frame(process.stdin, header, {"image": image})
        kind = next(answer["type"] for answer, _ in answers if answer["type"] != "progress")
        assert kind == "result", kind

    yield ask, start
    process.stdin.close()
    process.wait()


def main() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(library_folders())}
    print("| first result | seconds, median (most) | processor time |\n|---|---|---|")
    for name, run in (
        ("command", command),
        ("worker, just started", worker),
        ("worker, prepared", prepared_worker),
    ):
        _tell(name, [_measured(run, environment) for _ in range(REPEATS)])
    with tempfile.TemporaryDirectory() as cache:
        _tell("command, new installation", [_measured(command, {**environment, "NUMBA_CACHE_DIR": cache})])


def _measured(run: Callable[[dict[str, str]], float], environment: dict[str, str]) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = run(environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _tell(name: str, measured: list[tuple[float, float]]) -> None:
    seconds, busy = zip(*measured, strict=True)
    print(f"| {name} | {statistics.median(seconds):.1f} ({max(seconds):.1f}) | {statistics.median(busy):.1f} |")


if __name__ == "__main__":
    main()
