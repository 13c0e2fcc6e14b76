"""Which Python packages the methods need, and which of them this interpreter has."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import Any

REQUIRED = (
    *("numpy", "scipy", "SimpleITK", "torch", "numba", "scikit-image", "PyWavelets", "pydicom", "safetensors"),
    *("spekpy", "threadpoolctl"),
)


def installed_versions() -> dict[str, str]:
    """Version of each required package; empty for one that is missing."""
    versions = {}
    for name in REQUIRED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def about() -> dict[str, Any]:
    """This interpreter, its packages, and the devices that it can compute on."""
    versions = installed_versions()
    devices: list[str] = []
    if versions["torch"]:
        from .device import available_devices, choose, describe

        devices = [describe(choose(name)) for name in available_devices()]
    return {"python": platform.python_version(), "path": sys.executable, "packages": versions, "devices": devices}
