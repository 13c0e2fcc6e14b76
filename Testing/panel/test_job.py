"""Jobs under Qt: results, cancel within two seconds, killed and missing workers, ssh, no process left behind."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from InverseImagingLib.compute import Place, Where, library_folders
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

SCRIPTED_WORKER = Path(__file__).parents[1] / "unit" / "scripted_worker.py"
IMAGE = Image(np.ones((1, 8, 8), np.float32), np.eye(4), Meaning.HU, "CT")


@dataclass(frozen=True)
class ScriptedPlace(Place):
    def command(self) -> list[str]:
        return [sys.executable, str(SCRIPTED_WORKER)]


class Listener:
    """Keeps what a job says."""

    def __init__(self) -> None:
        self.progress: list[Any] = []
        self.end: tuple[Any, ...] = ()

    def onJobProgress(self, progress: Any) -> None:
        self.progress.append(progress)

    def onJobResult(self, result: Any) -> None:
        self._finish("result", result)

    def onJobFailed(self, message: str, details: str) -> None:
        self._finish("failed", message)

    def onJobCancelled(self) -> None:
        self._finish("cancelled", None)

    def _finish(self, *end: Any) -> None:
        assert not self.end, "a job ends once"
        self.end = end


@pytest.fixture
def runner(slicer_app: Any) -> Iterator[Any]:
    from InverseImagingLib.job import JobRunner

    runner = JobRunner()
    yield runner
    runner.stop()


def start(runner: Any, script: str, place: Place | None = None, *, wait: bool = False, **options: Any) -> Listener:
    listener = Listener()
    runner.start(
        "Scripted",
        {"script": script, **options},
        {"image": IMAGE},
        listener,
        place or ScriptedPlace(),
        dict(os.environ),
        wait=wait,
    )
    return listener


def isAlive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open() as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_result_progress_preview(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "double")
    assert runner.isRunning
    wait_until(lambda: listener.end, 20)
    kind, result = listener.end
    assert kind == "result"
    np.testing.assert_array_equal(result.images["result"].array, 2 * IMAGE.array)
    assert listener.progress[0].preview is not None
    assert listener.progress[1].curve == {"iteration": 1, "PSNR to input": 21}
    assert not runner.isRunning


def test_one_worker_serves_all_runs(runner: Any, wait_until: Callable) -> None:
    pids = []
    for script in ("double", "fail", "double"):
        start(runner, script)
        wait_until(lambda: not runner.isRunning, 20)
        pids.append(runner._process.processId())
    assert len(set(pids)) == 1


def test_a_worker_prepared_ahead_serves_the_run(runner: Any, wait_until: Callable) -> None:
    place = ScriptedPlace()
    runner.prepare("Scripted", place, dict(os.environ))
    assert runner.hasWorker
    assert not runner.isRunning
    pid = runner._process.processId()
    runner.prepare("Scripted", place, dict(os.environ))
    listener = start(runner, "double", place)
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "result"
    assert listener.end[1].report["before"] == ["sample"]
    assert runner._process.processId() == pid


def test_cancel_and_run_again(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "slow")
    wait_until(lambda: listener.progress, 20)
    with pytest.raises(RuntimeError):
        start(runner, "double")
    runner.cancel()
    wait_until(lambda: listener.end, 2.5)
    assert listener.end[0] == "cancelled"
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "result"


def test_of_the_runs_that_wait_the_newest_starts(runner: Any, wait_until: Callable) -> None:
    first = start(runner, "slow", seconds=0.4)
    waiting = [start(runner, "double", wait=True) for _ in range(3)]
    wait_until(lambda: waiting[2].end, 20)
    assert first.end[0] == waiting[2].end[0] == "result"
    assert not waiting[0].end
    assert not waiting[1].end


def test_cancel_drops_the_run_that_waits_first(runner: Any, wait_until: Callable) -> None:
    first, waiting = start(runner, "slow"), start(runner, "double", wait=True)
    runner.cancel()
    assert waiting.end[0] == "cancelled"
    assert not first.end
    runner.cancel()
    wait_until(lambda: first.end, 2.5)
    assert first.end[0] == "cancelled"
    assert not runner.isRunning


def test_images_that_stay_are_not_sent_again(runner: Any, wait_until: Callable) -> None:
    def same() -> bool:
        listener = start(runner, "double")
        wait_until(lambda: listener.end, 20)
        return listener.end[1].report["same"]

    assert [same(), same(), same()] == [False, True, True]
    os.kill(runner._process.processId(), signal.SIGKILL)
    wait_until(lambda: runner._process is None, 5)
    assert [same(), same()] == [False, True]


def test_a_worker_that_does_not_listen_is_killed(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "deaf", seconds=60.0)
    wait_until(lambda: runner._process.state() == 2, 20)
    pid = runner._process.processId()
    time.sleep(0.5)
    runner.cancel()
    wait_until(lambda: listener.end, 4)
    assert listener.end[0] == "cancelled"
    assert not isAlive(pid)
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "result"


def test_finish_now(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "slow")
    wait_until(lambda: listener.progress, 20)
    runner.finishNow()
    wait_until(lambda: listener.end, 5)
    assert listener.end[0] == "result"


@pytest.mark.parametrize("way", ["crash", "kill"])
def test_a_lost_worker_is_said_and_replaced(runner: Any, wait_until: Callable, way: str) -> None:
    listener = start(runner, "crash" if way == "crash" else "slow")
    if way == "kill":
        wait_until(lambda: listener.progress, 20)
        os.kill(runner._process.processId(), signal.SIGKILL)
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "failed"
    assert "The worker ended unexpectedly" in listener.end[1]
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "result"


def test_an_idle_worker_may_go(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    os.kill(runner._process.processId(), signal.SIGKILL)
    wait_until(lambda: runner._process is None, 5)
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "result"


@pytest.mark.parametrize("script", ["double", "slow", "deaf"])
def test_stop_leaves_no_process(runner: Any, wait_until: Callable, script: str) -> None:
    listener = start(runner, script)
    wait_until(lambda: runner._process.state() == 2, 20)
    pid = runner._process.processId()
    runner.stop()
    assert not isAlive(pid)
    assert not listener.end
    assert not runner.isRunning


def test_another_place_gets_another_worker(runner: Any, wait_until: Callable) -> None:
    listener = start(runner, "double")
    wait_until(lambda: listener.end, 20)
    first = runner._process.processId()
    listener = Listener()
    runner.start("about", {}, {}, listener, Place(Where.PYTHON, sys.executable), dict(os.environ))
    wait_until(lambda: listener.end, 30)
    assert listener.end[1].report["path"] == sys.executable
    assert runner._process.processId() != first
    assert not isAlive(first)


def test_a_place_that_cannot_be_used(runner: Any, wait_until: Callable, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        start(runner, "double", Place(Where.PYTHON, "/no/such/python"))
    assert not runner.isRunning
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho this is no worker at all\n")
    program.chmod(0o755)
    listener = start(runner, "double", Place(Where.PYTHON, str(program)))
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "failed"
    assert "unreadable answer" in listener.end[1]


def put_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A stand-in for ssh: it drops the options and the host, then runs the body."""
    program = folder / "ssh"
    program.write_text(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -o) shift 2;; -*) shift;; *) break;; esac; done\n"
        f"host=$1; shift\n{body}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_host_by_ssh(runner: Any, wait_until: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shlex.quote(os.pathsep.join(library_folders()))
    command = f'{shlex.quote(sys.executable)} -m InverseImagingLib.cli "$@"'
    remote = f'test "$1" = inverse-imaging && shift\nPYTHONPATH={path} exec {command}'
    put_ssh(tmp_path, monkeypatch, remote)
    listener = Listener()
    runner.start("about", {}, {}, listener, Place(Where.SSH, "user@host"), dict(os.environ))
    wait_until(lambda: listener.end, 30)
    assert listener.end[0] == "result", listener.end


def test_a_host_that_is_away(
    runner: Any, wait_until: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_ssh(tmp_path, monkeypatch, 'echo "ssh: connect to host $host port 22: No route to host" >&2\nexit 255')
    listener = start(runner, "double", Place(Where.SSH, "user@host"))
    wait_until(lambda: listener.end, 20)
    assert listener.end[0] == "failed"
    assert "'user@host' failed" in listener.end[1]
    assert "No route to host" in listener.end[1]
