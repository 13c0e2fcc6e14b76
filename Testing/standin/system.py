"""The system libraries that Qt and VTK load, and the command that installs them (Debian, Ubuntu)."""

from __future__ import annotations

import ctypes
import sys

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
}
FONTS = "fonts-dejavu-core"


def missing_packages() -> list[str]:
    """Debian packages of the libraries that are not there; empty where nothing is missing, or not on Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [package for library, package in LIBRARIES.items() if not _can_load(library)]


def advice(packages: list[str]) -> str:
    """One sentence that names the command to install `packages`."""
    return f"Qt and VTK need system libraries: sudo apt-get install -y {' '.join(packages)} {FONTS}"


def require() -> None:
    """Raise ImportError with the command to run where a library is missing."""
    if packages := missing_packages():
        raise ImportError(advice(packages))


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(advice(missing_packages()) if missing_packages() else 0)
