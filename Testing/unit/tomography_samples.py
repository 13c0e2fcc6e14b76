"""A small network and a radiograph for the tests of X-ray Tomography."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from XrayTomographyLib.formation import radiograph
from XrayTomographyLib.networks import VolumeNet


def untrained() -> VolumeNet:
    """A network that has learned nothing, but finds more here than there."""
    torch.manual_seed(0)
    network = VolumeNet()
    with torch.no_grad():
        network.shares.weight *= 20
    return network.eval()


def write_untrained(path: Path) -> Path:
    save_file(untrained().state_dict(), path)
    return path


@functools.cache
def skull(size: int = 160) -> Image:
    """The radiograph of a head with air around it, in 12 bits, of square shape."""
    densities = np.clip(phantom(Anatomy.SKULL, 96, 1).array[::-1].astype(np.float32) / 1000 + 1, 0, 2.5)
    opacity = np.pad(radiograph(torch.from_numpy(densities * 0.2)).numpy(), ((12, 12), (24, 24)))
    gray = np.log(1 - opacity) / np.log(1 - opacity.max())
    square = torch.from_numpy(gray)[None, None]
    fine = torch.nn.functional.interpolate(square, (size, size), mode="bilinear")[0].numpy()
    return Image((4000 * fine).round().astype(np.uint16), meaning=Meaning.DISPLAY, name="skull")
