"""What is compared: anything that colors the slices of one CT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from InverseImagingLib.image import Image, Meaning

from ..options import ColorizeOptions
from ..painters import Painter
from ..preprocessing import baseline_threshold, sobel_in_range
from ..slices import Slices

OURS, PALETTE = "ours", "palette"
RANGES = ColorizeOptions().ranges
AIR = -1000.0  # HU

Colors = Callable[[int], np.ndarray]  # sRGB (J, I, 3) of a slice, 0 to 1, black outside the body
Method = Callable[[Slices], Colors]


def upright(hu: np.ndarray, spacing: tuple[float, ...], body: np.ndarray) -> Slices:
    """Slices of HU (K, J, I) that already run to the head, the back and the left; spacing: mm of K, J, I."""
    slices, rows, columns = spacing
    return Slices(Image(hu, np.diag([-columns, -rows, slices, 1.0]), Meaning.HU), body)


def masked(painter: Callable[[Slices], Painter]) -> Method:
    """What a painter of a CT gives inside the body."""

    def method(slices: Slices) -> Colors:
        own = painter(slices)
        return lambda index: own.paint(slices, index) * slices.body(index)[..., None]

    return method


def barely_masked(method: Method) -> Method:
    """A method that takes for body what the paper's simpler mask does; see baseline_threshold."""

    def other(slices: Slices) -> Colors:
        hu = np.stack([slices.hu(index) for index in range(slices.count)])
        body = np.stack([plane > baseline_threshold(plane) for plane in hu])
        return method(upright(hu, slices.spacing, body)) if body.any() else method(slices)

    return other


class WholeSlices:
    """The painter of a network that gives the colors of a whole slice, as the paper's does, at about 1 mm."""

    def __init__(self, slices: Slices, network: nn.Module) -> None:
        self._network = network

    def paint(self, slices: Slices, index: int) -> np.ndarray:
        """See painters.Painter."""
        body = slices.body(index)
        hu = np.where(body, slices.hu(index), np.float32(AIR))
        edges = sobel_in_range(hu, RANGES, slices.spacing[1:])
        planes = {"hu": np.stack([hu] * 3), "sobel": edges[None], "body": body[None].astype(np.float32)}
        with torch.inference_mode():
            colors = self._network({name: torch.from_numpy(plane)[None] for name, plane in planes.items()})
        return colors[0].clamp(0, 1).permute(1, 2, 0).numpy()
