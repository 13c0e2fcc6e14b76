"""Colors by the compact network: palettes of key slices, and of those between by interpolation.

A key slice is seen as it is and mirrored, and gets the mean of both palettes, whose errors differ.
"""

from __future__ import annotations

import functools

import numpy as np
import torch

from InverseImagingLib.models import Weights, load_weights

from .networks import KNOTS, USUAL, ColorNet
from .options import ColorizeOptions
from .palette import SOFT
from .palette import paint as painted_by_palette
from .preprocessing import sobel_in_range
from .slices import Slices, box_around

NEAR = 5.0  # mm to the neighbors that the network sees, as in training
_KEYS = 3.0  # mm between slices whose palettes are predicted, at most, if slices are thinner
_AIR = -1000.0  # HU, of all that is not body
_MARGIN = 16.0  # mm around the body
_WARM, _COLD = 0.14, 0.07  # red beyond green and blue, of the brightest: tissue has more, gelatin less


def painter(options: ColorizeOptions, slices: Slices, weights: Weights) -> ModelPainter:
    """What colors the slices of one CT by a network with these weights. Raises InputError for those of another one."""
    return ModelPainter(slices, _network(weights).to(options.device.value), options.ranges)


class ModelPainter:
    """A painter; see painters.Painter. ranges: HU of fat and of bone."""

    def __init__(self, slices: Slices, network: ColorNet, ranges: tuple[tuple[float, float], ...]) -> None:
        self._slices, self._network, self._ranges = slices, network, ranges
        self._step = max(int(_KEYS / slices.spacing[0]), 1)
        self._box = _box(slices)
        self._palettes = functools.lru_cache(maxsize=2)(self._predicted)

    def paint(self, slices: Slices, index: int) -> np.ndarray:
        """See painters.Painter."""
        hu, body = self._hu(index), slices.body(index)[self._box]
        usual = painted_by_palette(slices.hu(index)[self._box], body, slices.spacing[1:])
        planes = hu, self._edges(hu), body.astype(np.float32), np.moveaxis(usual, -1, 0)
        with torch.inference_mode():
            colors = self._network.colors(self._interpolated(index), *map(self._tensor, planes))
        page = np.zeros((*slices.shape, 3), np.float32)
        page[self._box] = colors[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        return page

    def _interpolated(self, index: int) -> torch.Tensor:
        first = index - index % self._step
        last = min(first + self._step, self._slices.count - 1)
        if index in (first, last):
            return self._palettes(index)
        return torch.lerp(self._palettes(first), self._palettes(last), (index - first) / (last - first))

    def _predicted(self, index: int) -> torch.Tensor:
        below, above = (self._slices.near(index, mm) for mm in (-NEAR, NEAR))
        planes = [self._hu(each) for each in (below, index, above)]
        body = self._slices.body(index)[self._box].astype(np.float32)
        given = map(self._tensor, (np.stack(planes), self._edges(planes[1]), body))
        hu, edges, inside = (torch.cat([each, each.flip(-1)]) for each in given)
        with torch.inference_mode():
            seen, mirrored = self._network.palettes(hu, edges, inside, self._slices.spacing[1:]).split(1)
            return without_gelatin((seen + mirrored.flip(-1)) / 2)

    def _hu(self, index: int) -> np.ndarray:
        """HU of a slice inside the box, air outside the body."""
        return np.where(self._slices.body(index)[self._box], self._slices.hu(index)[self._box], np.float32(_AIR))

    def _edges(self, hu: np.ndarray) -> np.ndarray:
        return sobel_in_range(hu, self._ranges, self._slices.spacing[1:])

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        """Values (J, I) or (C, J, I) as (1, C, J, I)."""
        shown = torch.from_numpy(np.ascontiguousarray(values)).reshape(1, -1, *values.shape[-2:])
        return shown.to(next(self._network.parameters()).device)


def without_gelatin(palettes: torch.Tensor) -> torch.Tensor:
    """Palettes (B, 6, len(KNOTS), h, w) that have the color of soft tissue where they had that of gelatin.

    The body was frozen in blue gelatin, which shows in its cavities: there the network saw no tissue of such HU. It is
    judged by what is shown, in which the palette of tissues has its share.
    """
    at, colors = zip(*SOFT, strict=True)
    tissue = np.stack([np.interp(KNOTS, at, channel) for channel in zip(*colors, strict=True)]) / 255
    layers = palettes.unflatten(1, (-1, 3))
    wanted = palettes.new_tensor(tissue)[..., None, None].expand_as(layers)
    seen = torch.lerp(layers, wanted, USUAL)
    red, others, most = seen[:, :, :1], seen[:, :, 1:].mean(dim=2, keepdim=True), seen.amax(dim=2, keepdim=True)
    share = ((_WARM - (red - others) / most.clamp(0.05)) / (_WARM - _COLD)).clamp(0, 1)
    return torch.lerp(layers, wanted, share).flatten(1, 2)


def _box(slices: Slices) -> tuple[slice, slice]:
    """Rows and columns in which there is body in any slice, and a margin."""
    body = functools.reduce(np.logical_or, (slices.body(index) for index in range(slices.count)))
    rows, columns = (round(_MARGIN / mm) for mm in slices.spacing[1:])
    return box_around(body, (rows, columns))


@functools.lru_cache(maxsize=2)  # of head and body
def _network(weights: Weights) -> ColorNet:
    network = ColorNet()
    load_weights(network, weights)
    return network.eval()
