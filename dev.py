#!/usr/bin/env python3
"""Sets up .venv beside this file and runs one of the jobs below in it. Needs only Python with pip and venv."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"
LOG = VENV / "install.log"
PROJECT, REQUIREMENTS = ROOT / "pyproject.toml", ROOT / "requirements-dev.txt"

OLDEST, NEWEST = (3, 10), (3, 13)
TORCH_INDEX = "https://download.pytorch.org/whl/"
LIBRARIES = (
    "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0 libx11-6 fonts-dejavu-core"
)
MOST_PROCESSES = 4  # that run tests: each takes some 2 GB
# Only what needs the system's libraries: Qt links to them, VTK brings nearly everything along.
IMPORT_CHECK = (
    "import importlib.util as u, PySide6.QtWidgets; u.find_spec('vtk') and __import__('vtkmodules.vtkRenderingOpenGL2')"
)

# name: (what it does, how long it takes on two cores)
JOBS = {
    "demo": ("restore a CT, turn a radiograph, color a CT, read a film; pictures and scenes go to demo/", "2 minutes"),
    "test": ("run the tests; arguments go to pytest, as in: dev.py test -k image", "12 minutes"),
    "panels": ("draw pictures of all panels into panels/", "20 seconds"),
    "lint": ("check style and types with ruff and mypy; with --fix, mend what can be mended", "20 seconds"),
}


class Failure(Exception):
    """Ends the program with one sentence for the user."""


def main(arguments: list[str]) -> int:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise Failure(
            f"dev.py needs Python {version(OLDEST)} to {version(NEWEST)}, but this is {platform.python_version()}: "
            "start it with one of those, for example python3.12 dev.py test"
        )
    if not arguments or arguments[0] not in JOBS:
        print(usage())
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            return 0
        raise Failure(f"There is no job '{arguments[0]}'; choose one of {', '.join(JOBS)}.")
    job = arguments[0]
    programs = commands(job, arguments[1:])
    set_up()
    if job != "lint":
        check_libraries()
    say(f"{job}: expected to take about {JOBS[job][1]}")
    start = time.monotonic()
    # Idle threads of torch would spin, which slows a busy computer down many times.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if job == "test" and not arguments[1:]:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # of each of several processes
    # Every program runs, so that one look shows all that is wrong.
    code = max(abs(subprocess.call([str(PYTHON), *command], cwd=ROOT)) for command in programs)
    say(f"{job}: {'done' if code == 0 else f'failed with exit code {code}'} after {duration(start)}")
    return code


def usage() -> str:
    lines = [f"  python3 dev.py {name:<8} {text} (about {expected})" for name, (text, expected) in JOBS.items()]
    return "\n".join([str(__doc__), *lines])


def commands(job: str, extra: list[str]) -> list[list[str]]:
    """The arguments of .venv's Python, one list for each program of the job."""
    if job == "demo":
        return [[str(Path("Testing", "demo.py")), *extra]]
    if job == "test":
        if extra:
            return [["-m", "pytest", *extra]]
        # The libraries without Slicer first, then what runs in the Slicer stand-in, each in processes of its own.
        several = ["--numprocesses", str(min(os.cpu_count() or 1, MOST_PROCESSES)), "--dist", "loadfile"]
        return [["-m", "pytest", *several, *part] for part in (["Testing/unit"], ["Testing/scene", "Testing/panel"])]
    if job == "panels":
        return [[str(Path("Testing", "panel", "pictures.py")), *extra]]
    if extra not in ([], ["--fix"]):
        raise Failure(f"lint knows only --fix, not '{' '.join(extra)}'.")
    check, layout = (["--fix"], []) if extra else ([], ["--check"])
    return [["-m", "ruff", "check", *check], ["-m", "ruff", "format", *layout], ["-m", "mypy"]]


def set_up() -> None:
    """Bring .venv in line with the project's requirements; does nothing when it already is."""
    wanted = wanted_stamp()
    found = read_stamp()
    if found == wanted:
        return
    start = time.monotonic()
    # Without a stamp an installation was interrupted, and nobody knows what of it is whole.
    renew = found.get("python") != wanted["python"] or found.get("folder") != wanted["folder"]
    if renew:
        make_venv()
    else:
        say("Updating .venv, since the requirements have changed")
        STAMP.unlink()
    install_torch()
    step("The project and its tools", ["--editable", str(ROOT), "--requirement", str(REQUIREMENTS)])
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")
    say(f".venv is ready after {duration(start)}")


def wanted_stamp() -> dict[str, str]:
    content = b"\0".join(path.read_bytes() for path in (PROJECT, REQUIREMENTS))
    return {
        "python": version(sys.version_info[:2]),
        "folder": str(ROOT),
        "requirements": hashlib.sha256(content).hexdigest(),
    }


def read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8"))) if PYTHON.exists() else {}
    except (OSError, TypeError, ValueError):
        return {}


def make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Failure("This Python lacks the module venv; on Debian and Ubuntu: sudo apt-get install -y python3-venv")
    say("Setting up .venv, once; expected to take 1 to 6 minutes, download 0.8 GB and fill 4 GB")
    # Inside .venv the interpreter must not remove itself: its base makes the new one.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if subprocess.call([base, "-m", "venv", "--clear", str(VENV)], cwd=ROOT) != 0:
        raise Failure(f"The environment {VENV} could not be made; close what uses it, remove it and run again.")


def install_torch() -> None:
    """Install the build of torch that fits the machine, or else whatever build of that version there is."""
    choices = torch_choices(torch_version(), platform.system(), has_nvidia_gpu())
    for name, arguments in choices[:-1]:
        if step(name, arguments, optional=True):
            return
    step(*choices[-1])


def torch_version() -> str:
    found = re.search(r"^torch==([\d.]+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Failure(f"{REQUIREMENTS.name} must pin torch.")
    return found.group(1)


def torch_choices(wanted: str, system: str, gpu: bool) -> list[tuple[str, list[str]]]:
    """What to try in turn, as a name for the user and pip's arguments.

    The wheel on PyPI is the CUDA build on Linux (several GB) and the CPU build on Windows and macOS.
    The others are on PyTorch's own index, where their versions end in +cpu or +cu130.
    """
    ordinary = ("PyTorch", [f"torch=={wanted}"])
    build = {("Linux", False): "cpu", ("Windows", True): "cu130"}.get((system, gpu))
    if build is None:
        return [ordinary]
    # A short time-out, since networks that close this index off often do so without an answer.
    special = [
        f"torch=={wanted}+{build}",
        "--extra-index-url",
        TORCH_INDEX + build,
        "--timeout",
        "15",
        "--retries",
        "1",
    ]
    return [(f"PyTorch, {build} build", special), ordinary]


def has_nvidia_gpu() -> bool:
    program = shutil.which("nvidia-smi")
    try:
        return program is not None and subprocess.run([program, "-L"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def step(name: str, arguments: list[str], *, optional: bool = False) -> bool:
    """Run pip, with its latest line on the terminal and all of them in the log. False when an optional step fails."""
    start = time.monotonic()
    last: deque[str] = deque(maxlen=12)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    environment = {**os.environ, "PIP_USER": "0"}
    pip = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with pip, LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        try:
            for line in pip.stdout or ():
                log.write(line)
                last.append(line.rstrip())
                say_for_now(f"  {name}: {line.strip()[:70]}")
        except KeyboardInterrupt:
            pip.terminate()
            raise
    say_for_now("")
    if pip.returncode == 0:
        say(f"  {name}: installed after {duration(start)}")
        return True
    if optional:
        say(f"  {name}: not to be had for this Python or from here; taking the ordinary build, which may be several GB")
        return False
    say("\n".join(last))
    raise Failure(
        f"pip could not install {name} (its last lines are above, all of them in {LOG}); mend that and run again."
    )


def check_libraries() -> None:
    """Name the system library that Qt or VTK lacks."""
    result = subprocess.run(
        [str(PYTHON), "-c", IMPORT_CHECK], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
    )
    if result.returncode == 0:
        return
    error = (result.stderr.strip().splitlines() or ["unknown error"])[-1]
    missing = re.search(r"(\S+\.so\S*): cannot open shared object file", error)
    if missing:
        raise Failure(
            f"Qt or VTK lacks the system library {missing.group(1)}; on Debian and Ubuntu: "
            f"sudo apt-get install -y {LIBRARIES}"
        )
    raise Failure(f"Qt or VTK does not load ({error}); remove {VENV} and run again.")


def version(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))


def duration(start: float) -> str:
    return f"{time.monotonic() - start:.0f} s"


def say(text: str) -> None:
    print(text, flush=True)


def say_for_now(text: str) -> None:
    """A line that the next one replaces; only for a person at a terminal."""
    if sys.stdout.isatty():
        print(f"\r\x1b[2K{text}", end="", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"dev.py: {failure}")
    except KeyboardInterrupt:
        print("\ndev.py: interrupted", file=sys.stderr)
        sys.exit(130)
