"""Training by several processes at once, which torchrun starts on one computer or many."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .. import device as devices


@dataclass(frozen=True)
class Team:
    """The processes of a run, as one of them sees it: where it computes, its number, and how many they are."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that logs and saves."""
        return self.rank == 0

    def shared(self, module: nn.Module) -> nn.Module:
        """The module with the first process's weights, and with gradients that are means over all processes."""
        return DistributedDataParallel(module) if self.size > 1 else module

    def means(self, values: Sequence[float]) -> list[float]:
        """Of each value over all processes, which have to ask for them together."""
        if self.size == 1:
            return list(values)
        sums = torch.tensor(values, device=self.device)
        distributed.all_reduce(sums)
        return (sums / self.size).tolist()


@contextmanager
def team() -> Iterator[Team]:
    """This process among those that torchrun started, or alone; one GPU each, with NCCL, or the CPU, with Gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team(devices.choose("auto"))
        return
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Team(device, distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # none ends while threads of its last exchange still hold tensors: Python would abort
    finally:
        distributed.destroy_process_group()
