"""The compact network: it predicts, for each place, which color each HU has there.

From a slice and its neighbors at 2 mm it makes a grid of local palettes: colors at knots of HU, one palette for even
tissue and one for edges (Sobel in range). The color of a pixel is looked up by its HU, freed from noise by what lies
within 3 pixels, and by its edge strength. So colors change where the CT does, or else slowly.
After the bilateral grids of M. Gharbi et al., Deep Bilateral Learning for Real-Time Image Enhancement, SIGGRAPH 2017.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from .guided import guided

KNOTS = (-1000, -880, -750, -500, -250, -150, -100, -60, -20, 10, 30, 45, 60, 90, 140, 220, 350, 600, 1000)
PIXEL = 2.0  # mm, of the palettes
_WIDTHS = (24, 48, 96, 128, 160)
_NOISE = 32, 5  # channels and layers of what finds the noise, of four pixels at a time
USUAL = 0.35  # share of the tissues' palette
_LAYERS = 2  # palettes: even tissue, edges
_SLICES = 3


def knot_of(hu: torch.Tensor) -> torch.Tensor:
    """HU as places among the knots, 0 to len(KNOTS) - 1, linear between them."""
    knots = torch.tensor(KNOTS, dtype=hu.dtype, device=hu.device)
    hu = hu.clamp(KNOTS[0], KNOTS[-1])
    upper = torch.bucketize(hu, knots).clamp(1, len(KNOTS) - 1)
    low, high = knots[upper - 1], knots[upper]
    return upper - 1 + (hu - low) / (high - low)


def shares_of(hu: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """How near the HU in each cell are to each knot, in the mean: (B, 1, H, W) to (B, len(KNOTS), h, w); the sum is 1.

    size: h, w, the cells of the same field.
    """
    if hu.shape[2] < size[0] or hu.shape[3] < size[1]:
        larger = [max(n, cells) for n, cells in zip(hu.shape[2:], size, strict=True)]
        hu = functional.interpolate(hu, larger, mode="nearest-exact")
    rows, columns = (
        torch.div(torch.arange(n, device=hu.device) * cells, n, rounding_mode="floor")
        for n, cells in zip(hu.shape[2:], size, strict=True)
    )
    cell = (rows[:, None] * size[1] + columns).flatten()
    knots = knot_of(hu).flatten(1)
    lower = knots.long().clamp(max=len(KNOTS) - 2)
    upper_share = knots - lower
    total = hu.new_zeros(len(hu), size[0] * size[1] * len(KNOTS))
    total.scatter_add_(1, cell * len(KNOTS) + lower, 1 - upper_share)
    total.scatter_add_(1, cell * len(KNOTS) + lower + 1, upper_share)
    shares = total.unflatten(1, (*size, len(KNOTS))).movedim(-1, 1)
    return shares / torch.bincount(cell, minlength=size[0] * size[1]).reshape(size)


def looked_up(palettes: torch.Tensor, knots: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Colors (B, 3, H, W) of a slice.

    palettes: (B, 6, len(KNOTS), h, w), of the same field in any resolution. knots: (B, 1, H, W), see knot_of; edges:
    the same, 0 to 1.
    """
    batch, _, height, width = knots.shape
    rows = _centers(height, knots)[:, None].expand(height, width)
    columns = _centers(width, knots).expand(height, width)
    place = torch.stack([columns.expand(batch, -1, -1), rows.expand(batch, -1, -1), _scaled(knots[:, 0])], dim=-1)
    found = functional.grid_sample(palettes, place[:, None], align_corners=False, padding_mode="border")[:, :, 0]
    even, edge = found.chunk(_LAYERS, dim=1)
    return torch.lerp(even, edge, edges)


def _centers(count: int, like: torch.Tensor) -> torch.Tensor:
    return (2 * torch.arange(count, dtype=like.dtype, device=like.device) + 1) / count - 1


def _scaled(knot: torch.Tensor) -> torch.Tensor:
    """Places among the knots as grid_sample counts them."""
    return (2 * knot + 1) / len(KNOTS) - 1


class ColorNet(nn.Module):
    """From a slice and its neighbors to palettes, or right to colors.

    A share of the tissues' palette is mixed into these. Its edges are where those of the CT are, while the network's
    are blurred where it is not sure; so fewer edges are missing. What then changes where the CT does not is smoothed.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = _SLICES * len(KNOTS) + 4
        self.down = nn.ModuleList(_block(a, b) for a, b in zip((inputs, *_WIDTHS[:-1]), _WIDTHS, strict=True))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.head = nn.Conv2d(_WIDTHS[0], _LAYERS * 3 * len(KNOTS), 1)
        self.noise = _noise_finder(*_NOISE)
        nn.init.normal_(self.head.weight, std=1e-3)
        self.head.bias = nn.Parameter(torch.linspace(0, 1, len(KNOTS)).repeat(_LAYERS * 3))

    def forward(self, sample: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Colors (B, 3, H, W), about 0 to 1. sample: as training.samples draws it."""
        hu, edges, spacing = sample["hu"], sample["sobel"], float(sample["spacing"].flatten()[0])
        palettes = self.palettes(hu, edges, sample["body"], (spacing, spacing))
        return self.colors(palettes, hu[:, 1:2], edges, sample["body"], sample["usual"])

    def colors(
        self, palettes: torch.Tensor, hu: torch.Tensor, edges: torch.Tensor, body: torch.Tensor, usual: torch.Tensor
    ) -> torch.Tensor:
        """Colors (B, 3, H, W), about 0 to 1, by palettes of the same field; hu, edges and body: (B, 1, H, W).

        usual: those of the tissues' palette, (B, 3, H, W).
        """
        knots = knot_of(hu)
        seen = torch.cat([2 * knots / len(KNOTS) - 1, edges], dim=1)
        height, width = seen.shape[2:]
        noise = self.noise(functional.pad(seen, (0, width % 2, 0, height % 2), mode="replicate"))[..., :height, :width]
        return guided(torch.lerp(looked_up(palettes, knots - noise, edges), usual, USUAL), hu, body)

    def palettes(
        self, hu: torch.Tensor, edges: torch.Tensor, body: torch.Tensor, spacing: tuple[float, float]
    ) -> torch.Tensor:
        """Palettes (B, 6, len(KNOTS), h, w) of a slice, every PIXEL.

        hu: (B, 3, H, W), the slice between those about 5 mm below and above, -1000 outside the body. edges: Sobel in
        range per mm; body: 0 to 1 (B, 1, H, W). spacing: mm between rows and between columns.
        """
        height, width = (max(round(n * mm / PIXEL), 1) for n, mm in zip(hu.shape[2:], spacing, strict=True))
        planes = [shares_of(plane, (height, width)) for plane in hu.split(1, dim=1)]
        others = [functional.adaptive_avg_pool2d(plane, (height, width)) for plane in (edges, body)]
        values = torch.cat([*planes, *others, *_within(others[1])], dim=1)
        steps = 2 ** (len(_WIDTHS) - 1)
        values = functional.pad(values, (0, -width % steps, 0, -height % steps))
        kept = []
        for number, block in enumerate(self.down):
            values = block(functional.avg_pool2d(values, 2) if number else values)
            kept.append(values)
        for block, side in zip(self.up, kept[-2::-1], strict=True):
            values = functional.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
            values = block(torch.cat([values, side], dim=1))
        return self.head(values)[..., :height, :width].unflatten(1, (_LAYERS * 3, len(KNOTS)))


def _noise_finder(width: int, layers: int) -> nn.Sequential:
    """From what is known of each pixel (B, 2, H, W) to the noise of its HU in knots (B, 1, H, W); H and W are even."""
    channels = [2 * 4, *[width] * (layers - 1), 4]
    *inner, last = (nn.Conv2d(a, b, 3, padding=1, padding_mode="replicate") for a, b in itertools.pairwise(channels))
    nn.init.normal_(last.weight, std=1e-2)
    between = [layer for each in inner for layer in (each, nn.SiLU(inplace=True))]
    return nn.Sequential(nn.PixelUnshuffle(2), *between, last, nn.PixelShuffle(2))


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),  # not by the picture: the field that is shown must not matter
            nn.SiLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _within(body: torch.Tensor) -> list[torch.Tensor]:
    """Where each place lies in the box around the body, from -1 to 1 downwards and sideways: (B, 1, h, w) each."""
    found = []
    for axis in (2, 3):
        along = (body > 0.5).any(dim=5 - axis, keepdim=True)
        place = torch.arange(body.shape[axis], dtype=body.dtype, device=body.device)
        place = place.reshape((-1, 1) if axis == 2 else (1, -1)).expand_as(along)
        first = torch.where(along, place, torch.inf).amin(dim=axis, keepdim=True)
        last = torch.where(along, place, -torch.inf).amax(dim=axis, keepdim=True)
        scaled = 2 * (place - first) / (last - first).clamp_min(1) - 1
        found.append(scaled.nan_to_num(0).clamp(-1, 1).expand_as(body))
    return found
