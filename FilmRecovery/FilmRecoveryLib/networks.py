"""The compact networks: where the film lies in a photo, how it is bent, how its gray was changed by light.

Places are given relative to the frame that is looked at: a film that fills the middle of the frame needs no
correction, so that for a flat film there is nothing to be predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .photo import LUMINANCE

STRIDE = 4  # pixels of the frame from one predicted place to the next
FILM = 0.8  # of the frame's sides, that a film takes by default
KNOTS = 12  # of a curve from the photo's luminance to the film's gray
_WIDTHS = (48, 96, 160, 224)
_HEADS = {"uv": 2, "doubt": 1, "mask": 1, "position": 3, "normal": 3, "depth": 1}
_ATTENDING = 2  # layers
_BAND = 64  # rows
_LETTERS = 8.0  # times as much as its places is a part told apart


@dataclass(frozen=True)
class Look:
    """What PlaceNet tells of frames, at every STRIDE pixels.

    uv: (B, 2, h, w) film coordinates; doubt: (B, 1, h, w) log of the error that is expected; mask: (B, 1, h, w) logits
    of film. position (B, 3, h, w), normal (B, 3, h, w) and depth (B, 1, h, w) are learned beside these.
    """

    uv: torch.Tensor
    doubt: torch.Tensor
    mask: torch.Tensor
    position: torch.Tensor
    normal: torch.Tensor
    depth: torch.Tensor


class PlaceNet(nn.Module):
    """From a frame to the film's coordinates of its pixels: an affine map of the frame, and what the film is off it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, _WIDTHS[0], 2 * STRIDE - 1, STRIDE, STRIDE - 1), _norm(_WIDTHS[0]))
        self.down = nn.ModuleList(
            nn.Sequential(*([nn.MaxPool2d(2), nn.Conv2d(a, b, 1), _Block(b)] if number else []), _Block(b))
            for number, (a, b) in enumerate(zip((_WIDTHS[0], *_WIDTHS), _WIDTHS, strict=False))
        )
        self.attending = _attending(_WIDTHS[-1])
        pairs = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.lower = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(_Block(b) for _, b in pairs)
        self.flat = nn.Linear(_WIDTHS[-1], 6)
        self.head = nn.Conv2d(_WIDTHS[0], sum(_HEADS.values()), 3, padding=1)
        for layer in (self.flat, self.head):
            nn.init.normal_(layer.weight, std=1e-3)
        self.flat.bias = nn.Parameter(torch.zeros(self.flat.out_features))
        self.head.bias = nn.Parameter(torch.zeros(self.head.out_channels))

    def forward(self, frames: torch.Tensor) -> Look:
        """frames: (B, 4, H, W), sRGB from 0 to 1 and where there is photo, 0 or 1; sides in multiples of 32."""
        values = self.stem(2 * frames - 1)
        kept = []
        for block in self.down:
            values = block(values)
            kept.append(values)
        tokens = (values + _places(values, values.shape[1])).flatten(2).transpose(1, 2)
        tokens = self.attending(tokens)
        flat = self.flat(tokens.mean(dim=1)).unflatten(1, (2, 3))
        values = tokens.transpose(1, 2).reshape(values.shape)
        for lower, block, side in zip(self.lower, self.up, kept[-2::-1], strict=True):
            values = functional.interpolate(lower(values), size=side.shape[2:], mode="bilinear", align_corners=False)
            values = block(values + side)
        parts = dict(zip(_HEADS, self.head(values).split(list(_HEADS.values()), dim=1), strict=True))
        uv = default_uv(values)
        moved = torch.einsum("bij,jhw->bihw", flat, torch.cat([uv[0] - 0.5, torch.ones_like(uv[0, :1])]))
        return Look(**{**parts, "uv": uv + moved + parts["uv"]})


def default_uv(like: torch.Tensor) -> torch.Tensor:
    """Film coordinates (1, 2, h, w) of a frame in whose middle the film lies; for a grid of like's height and width."""
    height, width = like.shape[2:]
    rows, columns = (
        ((torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) / count - 0.5) / FILM + 0.5
        for count in (height, width)
    )
    return torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)])[None]


class ToneNet(nn.Module):
    """From a flat film in its light to curves, by place, from the photo's luminance to the film's gray."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        self.stem = nn.Sequential(nn.Conv2d(3, width, 7, 4, 3), _norm(width))
        self.down = nn.ModuleList(
            nn.Sequential(*([nn.MaxPool2d(2), nn.Conv2d(a, b, 1)] if number else []), _Block(b))
            for number, (a, b) in enumerate(zip((width, *sizes), sizes, strict=False))
        )
        self.lower = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(sizes[:1:-1], sizes[-2:0:-1], strict=True))
        self.up = nn.ModuleList(_Block(b) for b in sizes[-2:0:-1])
        self.head = nn.Conv2d(sizes[1], KNOTS + 1, 1)
        nn.init.normal_(self.head.weight, std=1e-2)
        self.head.bias = nn.Parameter(torch.zeros(self.head.out_channels))

    def forward(self, film: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Curves (B, KNOTS, h, w), gray at luminances from 0 to 1 that rises along the knots, and the log of the error
        that is expected (B, 1, h, w), for every 8 pixels of a film (B, 3, H, W) in sRGB from 0 to 1."""
        values = self.stem(2 * film - 1)
        kept = []
        for block in self.down:
            values = block(values)
            kept.append(values)
        values = values + values.mean(dim=(2, 3), keepdim=True)
        for lower, block, side in zip(self.lower, self.up, kept[-2:0:-1], strict=True):
            values = functional.interpolate(lower(values), size=side.shape[2:], mode="bilinear", align_corners=False)
            values = block(values + side)
        curves, doubt = self.head(values).split([KNOTS, 1], dim=1)
        steps = functional.softplus(curves[:, 1:] + 0.5) / (KNOTS - 1)
        low = curves[:, :1] / KNOTS
        return torch.cat([low, low + steps.cumsum(dim=1)], dim=1), doubt


def luminance(film: torch.Tensor) -> torch.Tensor:
    """Luminance (B, 1, H, W) of sRGB (B, 3, H, W), both as coded, 0 to 1."""
    return torch.einsum("bchw,c->bhw", film, film.new_tensor(LUMINANCE))[:, None]


def toned(light: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """The film's gray (B, 1, H, W) by curves of the same field in any resolution; light: luminance (B, 1, H, W).

    Linear between the curves, and between their knots. Rows are taken in bands, which keeps what is needed for them in
    the processor's cache.
    """
    (films, _, height, width), lines, device = light.shape, curves.shape[2], light.device
    values = functional.interpolate(curves, (lines, width), mode="bilinear").flatten()
    higher = lines * width  # how far on the same place of the next knot is
    columns = torch.arange(width, dtype=torch.int32, device=device)
    first = torch.arange(films, dtype=torch.int32, device=device)[:, None, None] * KNOTS * higher
    rows = ((torch.arange(height, device=device) + 0.5) / height * lines - 0.5).clamp(0, lines - 1)[:, None]

    def read(at: torch.Tensor) -> torch.Tensor:
        return values.index_select(0, at.flatten()).view(at.shape)

    bands = []
    for knot, row in zip((light[:, 0].clamp(0, 1) * (KNOTS - 1)).split(_BAND, dim=1), rows.split(_BAND), strict=True):
        lower, line = knot.int().clamp(max=KNOTS - 2), row.int()
        here = first + lower * higher + line * width + columns
        down = (line < lines - 1).int() * width
        at_lower, at_higher = (torch.lerp(read(each), read(each + down), row - line) for each in (here, here + higher))
        bands.append(torch.lerp(at_lower, at_higher, knot - lower))
    return torch.cat(bands, dim=1)[:, None]


class ValueNet(nn.Module):
    """Takes noise, moire and JPEG's blocks out of slices of a film: (B, 1, H, W) of gray to the same."""

    def __init__(self, width: int = 24, layers: int = 4) -> None:
        super().__init__()
        between = [layer for _ in range(layers) for layer in (nn.SiLU(inplace=True), nn.Conv2d(width, width, 3))]
        self.layers = nn.Sequential(nn.Conv2d(4, width, 3), *between, nn.SiLU(inplace=True), nn.Conv2d(width, 4, 3))
        self.rim = 2 * (layers + 2)  # pixels that the layers take away at each side

    def forward(self, gray: torch.Tensor) -> torch.Tensor:
        (height, width), rim = gray.shape[2:], self.rim
        padded = functional.pad(gray, (rim, rim + width % 2, rim, rim + height % 2), mode="replicate")
        found = functional.pixel_shuffle(self.layers(functional.pixel_unshuffle(padded, 2)), 2)
        return gray + found[..., :height, :width]


class TurnNet(nn.Module):
    """From flat films (B, 1, H, W) to logits (B, 8) of how they have to be turned: by so many quarters clockwise, and
    4 more where they are to be mirrored first."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 7, 2, 3),
            _norm(width),
            *(
                nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(a, b, 1), _Block(b))
                for a, b in zip((width, *sizes), sizes, strict=False)
            ),
        )
        self.last = nn.Linear(sizes[-1], 8)

    def forward(self, film: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers(film).mean(dim=(2, 3)))


class LetterNet(nn.Module):
    """From parts of flat films (B, 1, H, W) to how much (B,) their letters, 6 to 26 pixels high, are upright.

    That is the logarithm of how likely a part is, compared with the same part turned and mirrored.
    """

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 5, 2, 2, bias=False),
            _norm(width),
            nn.SiLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, 2, 1),
            _Block(2 * width),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1),
            _Block(4 * width),
            _Block(4 * width),
            nn.Conv2d(4 * width, 1, 1),
        )

    def forward(self, film: torch.Tensor) -> torch.Tensor:
        return _LETTERS * self.layers(film).mean(dim=(1, 2, 3))


class GridNet(nn.Module):
    """From a flat film to where in its cell, a tile and its share of the gaps, each place lies: waves.

    A wave is e to the power of 2 pi i times the share of the cell that lies before a place, and 0 outside all cells; a
    network that is not sure gives less. There is one down the film, by rows of cells, and one along it, by columns.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        self.stem = nn.Sequential(
            nn.Conv2d(2, width, 5, 2, 2), _norm(width), nn.SiLU(), nn.Conv2d(width, width, 3, 2, 1), _norm(width)
        )
        self.down = nn.ModuleList(
            nn.Sequential(*([nn.MaxPool2d(2), nn.Conv2d(a, b, 1)] if number else []), _Block(b))
            for number, (a, b) in enumerate(zip((width, *sizes), sizes, strict=False))
        )
        self.attending = _attending(sizes[-1])
        pairs = list(zip(sizes[:0:-1], sizes[-2::-1], strict=True))
        self.lower = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(_Block(b) for _, b in pairs)
        self.head = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, film: torch.Tensor, aspect: torch.Tensor) -> torch.Tensor:
        """Waves (B, 2, 2, H / 4, W / 4), their real and imaginary parts down and along films (B, 1, H, W) from 0 to 1,
        whose sides are multiples of 32; aspect: (B,), width / height of the film as it is."""
        shape = aspect.log()[:, None, None, None].expand_as(film)
        values = self.stem(torch.cat([2 * film - 1, shape], dim=1))
        kept = []
        for block in self.down:
            values = block(values)
            kept.append(values)
        tokens = (values + _places(values, values.shape[1])).flatten(2).transpose(1, 2)
        values = self.attending(tokens).transpose(1, 2).reshape(values.shape)
        for lower, block, side in zip(self.lower, self.up, kept[-2::-1], strict=True):
            values = functional.interpolate(lower(values), size=side.shape[2:], mode="bilinear", align_corners=False)
            values = block(values + side)
        return self.head(values).unflatten(1, (2, 2))


class RimNet(nn.Module):
    """From what is seen along a film's side to where the film is there: the side runs where it begins."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        self.stem = nn.Sequential(nn.Conv2d(4, width, 5, 2, 2), _norm(width))
        self.down = nn.ModuleList(
            nn.Sequential(*([nn.MaxPool2d(2), nn.Conv2d(a, b, 1)] if number else []), _Block(b))
            for number, (a, b) in enumerate(zip((width, *sizes), sizes, strict=False))
        )
        self.last = _Block(sizes[-1])
        pairs = list(zip(sizes[:0:-1], sizes[-2::-1], strict=True))
        self.lower = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(_Block(b) for _, b in pairs)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, strips: torch.Tensor) -> torch.Tensor:
        """Logits of film (B, 1, H / 2, W / 2) in strips (B, 4, H, W), from outside to inside the film, as PlaceNet's
        frames are; sides in multiples of 16."""
        values = self.stem(2 * strips - 1)
        kept = []
        for block in self.down:
            values = block(values)
            kept.append(values)
        values = self.last(values + values.mean(dim=(2, 3), keepdim=True))
        for lower, block, side in zip(self.lower, self.up, kept[-2::-1], strict=True):
            values = functional.interpolate(lower(values), size=side.shape[2:], mode="bilinear", align_corners=False)
            values = block(values + side)
        return self.head(values)


class FilmNet(nn.Module):
    """All compact networks, which are one file of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.tone, self.values, self.turn = PlaceNet(), ToneNet(), ValueNet(), TurnNet()
        self.grid, self.rim = GridNet(), RimNet()


class _Block(nn.Module):
    """A residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            _norm(width),
            nn.SiLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            _norm(width),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.silu(values + self.layers(values))


def _attending(width: int) -> nn.Module:
    """Layers in which tokens (B, N, width) attend to each other."""
    layer = nn.TransformerEncoderLayer(width, 8, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, _ATTENDING, enable_nested_tensor=False)


def _norm(width: int) -> nn.Module:
    return nn.BatchNorm2d(width)


def _places(like: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines of where each pixel of (B, C, h, w) lies: (1, width, h, w)."""
    height, columns = like.shape[2:]
    steps = torch.arange(width // 4, dtype=like.dtype, device=like.device)
    rates = torch.pi * 2 ** (steps / (width // 4) * 3)
    angles = [
        (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5)[None] / count * rates[:, None]
        for count in (height, columns)
    ]
    rows = angles[0][:, :, None].expand(-1, -1, columns)
    along = angles[1][:, None].expand(-1, height, -1)
    return torch.cat([rows.sin(), rows.cos(), along.sin(), along.cos()])[None]
