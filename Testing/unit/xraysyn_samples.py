"""Small networks for the tests of X-ray Synthesis."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from XraySynLib.networks import DepthNet


def untrained(seed: int = 0) -> DepthNet:
    """A network that has learned nothing but finds much the same everywhere."""
    torch.manual_seed(seed)
    network = DepthNet()
    with torch.no_grad():
        network.mass.weight *= 0.05
        network.places.weight *= 0.05
        network.mass.bias[:] = torch.tensor([0.0, 1.5])
    return network.eval()


def write_untrained(path: Path) -> Path:
    save_file(untrained().state_dict(), path)
    return path
