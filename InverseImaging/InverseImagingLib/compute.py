"""Where a panel's worker runs: Slicer's own Python, another interpreter of this computer, or a host by ssh."""

from __future__ import annotations

import enum
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError


class Where(str, enum.Enum):
    """The three places to compute."""

    SLICER = "slicer"
    PYTHON = "python"
    SSH = "ssh"

    def label(self) -> str:
        return {
            "slicer": "Slicer's own Python",
            "python": "Another Python on this computer",
            "ssh": "Another computer, by ssh",
        }[self.value]


@dataclass(frozen=True)
class Place:
    """Where to compute. target: the path of the interpreter, or the host ("user@host", or a name of ~/.ssh/config)."""

    where: Where = Where.SLICER
    target: str = ""

    def command(self) -> list[str]:
        """Program and arguments that start the worker. Raises InputError when that cannot work."""
        if self.where is Where.SSH:
            if not self.target or self.target.startswith("-") or any(c.isspace() for c in self.target):
                raise InputError(f"'{self.target}' is not the name of a computer; enter it as user@host.")
            ssh = shutil.which("ssh")
            if ssh is None:
                raise InputError("The program ssh was not found; install OpenSSH or compute on this computer.")
            options = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
            return [ssh, *options, self.target, "inverse-imaging", "worker"]
        return [self._interpreter(), "-m", "InverseImagingLib.worker"]

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Variables for the worker: those of base, and this extension's own folders on the Python path."""
        environment = dict(base)
        if self.where is Where.PYTHON:
            for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE"):
                environment.pop(name, None)
        if self.where is not Where.SSH:
            inherited = [p for p in environment.get("PYTHONPATH", "").split(os.pathsep) if p]
            environment["PYTHONPATH"] = os.pathsep.join([*library_folders(), *inherited])
        return environment

    def _interpreter(self) -> str:
        if self.where is Where.SLICER:
            return shutil.which("PythonSlicer") or sys.executable
        if not self.target or not Path(self.target).is_file() or not os.access(self.target, os.X_OK):
            raise InputError(f"There is no Python interpreter '{self.target}'; choose its file in Inverse Imaging.")
        return self.target


def library_folders() -> list[str]:
    """The folders that hold InverseImagingLib and the methods' libraries, wherever the extension is installed."""
    home = Path(__file__).resolve().parents[1]
    extension = [folder for folder in sorted(home.parent.iterdir()) if any(folder.glob("*Lib/__init__.py"))]
    return [str(folder) for folder in dict.fromkeys([home, *extension])]
