"""Tiles of a film become equally large: how far from each other alike things are tells what is seen foreshortened.

A film repeats itself from tile to tile, with text, rulers and slices that hardly differ, at one distance. So places
move along each axis to where it is most like itself at any distance, by smooth curves that keep the film's ends. The
less the sides are bent, the less is moved: the corners of a flat film tell all of that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from scipy.fft import next_fast_len
from torch.nn import functional

from .fields import detail_of
from .rim import bends
from .sheet import Sheet
from .warp import Picture, centers

_LONGEST = 256  # pixels of the film that is looked at
_BLUR = 1.0  # of them
_NEAREST, _FARTHEST = 0.09, 0.52  # of its length, between tiles
_BENT, _USUAL, _LARGEST = 1.0, 0.006, 0.06  # of how sides are bent, and of the film: by how much it is usually moved
_HELD = 0.06  # of a correlation, that this costs
_TRIED = (np.linspace(-0.08, 0.08, 17), np.linspace(-2, 2, 9))  # of the film, and of what is usual: of both curves
_FINER = (np.linspace(-0.015, 0.015, 7), np.linspace(-0.5, 0.5, 7))  # the same, around these
_POINTS = 13  # of a side


def evenly_spaced(photo: Picture, sheet: Sheet) -> Sheet:
    """The sheet of a film in a photo (H, W, C) with its tiles, if it has any, equally far from each other."""
    seen = ndimage.gaussian_filter(detail_of(photo, sheet, _LONGEST), _BLUR)
    usual = min(_USUAL + _BENT * float(np.abs(bends(sheet, _POINTS)).max()), _LARGEST)
    sizes = sheet.backward.shape
    down, across = (
        centers(size) + _best(rows, usual) @ _curves(centers(size))
        for rows, size in zip((seen.T, seen), sizes, strict=False)
    )
    return replace(sheet, backward=sheet.seen(down, across))


def _curves(at: np.ndarray) -> np.ndarray:
    """Two (2, n) by which places from 0 to 1 may move: to one side, and to both."""
    return 4 * at * (1 - at) * np.stack([np.ones_like(at), 2 * at - 1])


def _best(rows: np.ndarray, usual: float) -> np.ndarray:
    """How much of each curve (2,) makes rows (n, w) of a film most like themselves."""
    curves = _curves(centers(rows.shape[1]))
    found = np.zeros(len(curves))
    for tried, around in ((_TRIED, False), (_FINER, True)):
        for number, curve in enumerate(curves):
            amounts = tried[number] * (usual if number else 1) + (found[number] if around else 0)
            others = np.delete(found, number) @ np.delete(curves, number, axis=0)
            alike = likeness(_moved(rows, others + amounts[:, None] * curve)).numpy()
            found[number] = _peak(amounts, alike - _HELD * (amounts / usual) ** 2)
    return found


def _moved(rows: np.ndarray, moved: np.ndarray) -> torch.Tensor:
    """Rows (h, w), moved by each (n, w) along themselves, (n, h, w)."""
    height, width = rows.shape
    across = (2 * (centers(width) + moved) - 1)[:, None].repeat(height, axis=1)
    down = np.broadcast_to((2 * centers(height) - 1)[:, None], across.shape)
    grid = torch.from_numpy(np.stack([across, down], axis=-1).astype(np.float32))
    pictures = torch.from_numpy(np.ascontiguousarray(rows))[None, None].expand(len(moved), -1, -1, -1)
    return functional.grid_sample(pictures, grid, align_corners=False, padding_mode="border")[:, 0]


def likeness(films: torch.Tensor) -> torch.Tensor:
    """Correlation (n,) of the rows of films (n, h, w) with themselves a tile on: at the distance where it is
    highest."""
    width = films.shape[2]
    values = films - films.mean(dim=2, keepdim=True)
    products: torch.Tensor = _Products.apply(values)
    power = functional.pad(values.square().sum(dim=1).cumsum(dim=1), (1, 0))
    distance = torch.arange(int(_NEAREST * width), int(_FARTHEST * width))
    energy = (power[:, -1:] - power[:, distance]) * power[:, width - distance]
    return (products[:, distance] / energy.clamp_min(1e-12).sqrt()).amax(dim=1)


class _Products(torch.autograd.Function):
    """Of the rows of films (n, h, w) with themselves so many pixels on, as far as tiles are, summed over rows: (n, m).

    By Fourier's transform, whose own derivative takes twice as long.
    """

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        ctx.width = values.shape[2]
        length = next_fast_len(ctx.width + int(_FARTHEST * ctx.width), real=True)
        spectra = torch.fft.rfft(values, length)
        ctx.save_for_backward(spectra)
        return torch.fft.irfft((spectra.real.square() + spectra.imag.square()).sum(dim=1), length)

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> torch.Tensor:
        (spectra,) = ctx.saved_tensors
        length = slope.shape[1]
        return torch.fft.irfft(spectra * 2 * torch.fft.rfft(slope, length).real[:, None], length)[..., : ctx.width]


def _peak(at: np.ndarray, values: np.ndarray) -> float:
    """Where values at even distances are highest: that of a parabola."""
    best = int(values.argmax())
    if not 0 < best < len(at) - 1:
        return float(at[best])
    before, here, after = values[best - 1 : best + 2]
    bend = min(before - 2 * here + after, -1e-9)
    return float(at[best] + (at[1] - at[0]) * 0.5 * (before - after) / bend)
