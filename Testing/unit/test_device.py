"""Devices: choosing one, and what happens when its memory runs out."""

from __future__ import annotations

import pytest
import torch

from InverseImagingLib import device as devices
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError


def test_auto_takes_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.choose(Device.CPU) == torch.device("cpu")
    monkeypatch.setattr(devices, "available_devices", lambda: ["mps", "cpu"])
    assert devices.choose("auto").type == "mps"


def test_missing_device_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("this computer has a CUDA device")
    with pytest.raises(InputError, match="Device 'cuda' is not available here; choose auto or one of"):
        devices.choose(Device.CUDA)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_lack_of_memory_is_known(error: Exception, is_memory: bool) -> None:
    assert devices.is_out_of_memory(error) is is_memory


def test_falls_back_to_the_cpu_and_says_so() -> None:
    tried = []

    def run(device: torch.device) -> str:
        tried.append(device.type)
        if device.type == "mps":
            raise RuntimeError("MPS backend out of memory")
        return "done"

    result, warnings = devices.run_or_fall_back(run, torch.device("mps"))
    assert (result, tried) == ("done", ["mps", "cpu"])
    assert warnings == ["Device mps ran out of memory; the run was made on the CPU."]


def test_no_memory_on_the_cpu_is_said_in_a_sentence() -> None:
    def run(device: torch.device) -> None:
        raise MemoryError

    with pytest.raises(InputError, match="does not fit into this computer's memory"):
        devices.run_or_fall_back(run, torch.device("cpu"))


def test_other_faults_pass_through() -> None:
    def run(device: torch.device) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        devices.run_or_fall_back(run, torch.device("mps"))


def test_free_memory_of_this_computer() -> None:
    free = devices.free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 1 << 50
