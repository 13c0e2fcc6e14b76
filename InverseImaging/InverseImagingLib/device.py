"""Which device computes, how much memory it has, and what to do when that runs out."""

from __future__ import annotations

import atexit
import enum
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .errors import InputError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


class Device(str, enum.Enum):
    """Where to compute. AUTO takes CUDA, else MPS, else the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"

    def label(self) -> str:
        return {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA (NVIDIA)", "mps": "MPS (Apple)"}[self.value]


def suit_process() -> None:
    """Suit a process of ours to torch, before that is imported for the first time.

    Its idle threads sleep instead of spinning, which slows a busy computer down many times and delays a cancel. Python
    rarely looks for garbage among its many objects, and not at the end: that takes a second and finds nothing.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)


def available_devices() -> list[str]:
    """Names of the devices of this computer that torch can use, the best first."""
    import torch

    devices = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def choose(name: str = "auto") -> torch.device:
    """The torch device of that name ("auto", "cpu", "cuda", "mps"). Raises InputError when it is not there."""
    import torch

    name, devices = Device(name).value, available_devices()
    if name == "auto":
        return torch.device(devices[0])
    if name not in devices:
        raise InputError(f"Device '{name}' is not available here; choose auto or one of {', '.join(devices)}.")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """What the report calls a device, such as "cuda (NVIDIA H200)" or "cpu (8 threads)"."""
    import torch

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device, or None where the system does not say."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with Path("/proc/meminfo").open() as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device or the computer has no memory left."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def run_or_fall_back(run: Callable[[torch.device], T], device: torch.device) -> tuple[T, list[str]]:
    """run(device); when that runs out of memory on an accelerator, run on the CPU instead.

    Returns what run returned, and the sentences that the report has to say about it. A run that does not fit into
    the computer's own memory raises InputError.
    """
    import torch

    try:
        return run(device), []
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if device.type == "cpu":
        raise InputError("The image does not fit into this computer's memory; choose fewer slices or a smaller image.")
    cpu = torch.device("cpu")
    return run(cpu), [f"Device {device} ran out of memory; the run was made on the CPU."]
