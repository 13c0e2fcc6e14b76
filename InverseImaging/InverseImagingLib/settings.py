"""What the home panel keeps for all panels: where and on what they compute, and with which packages."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import qt
import slicer

from .compute import Place, Where
from .device import Device
from .errors import InputError

log = logging.getLogger("InverseImaging")


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


def hasPackages(requirements: Path) -> bool:
    """Whether Slicer's own Python has what ensurePackages would install."""
    import slicer.packaging

    needed = slicer.packaging.load_requirements(requirements)
    return importlib.util.find_spec("torch") is not None and all(map(slicer.packaging.pip_check, needed))


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
