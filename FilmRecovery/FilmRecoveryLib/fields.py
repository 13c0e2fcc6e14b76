"""Ways in which places of a film move: how much of each makes the film best.

By any measure of what stands out on it, step by step along its gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.polynomial.chebyshev import chebvander
from scipy import ndimage
from torch.nn import functional

from .layout import detail
from .sheet import NODES, Sheet, linear
from .warp import Picture, centers, places, resampled

_LONGEST = 256  # pixels of the film on which places move; it is looked at twice as finely
_COARSE = 4.0  # blur, from which half as many tell the same
_TERMS = 5  # polynomials along each axis
_USUAL = 0.01  # of the film, by which the first of them move it
_RATE, _LAST_RATE = 0.16, 0.01
_ADAM = (0.9, 0.999)  # shares of its means that a step keeps
_MOST = 2.0  # detail that counts


def best(
    photo: Picture,
    sheet: Sheet,
    goodness: Callable[[torch.Tensor], torch.Tensor],
    rounds: Sequence[tuple[float, int]],
    held: float,
    ways: np.ndarray,
) -> np.ndarray:
    """How much of each way (n,) places of a sheet in a photo (H, W, C) are to be moved by for its film to be best.

    goodness: logarithm of how good what stands out of a film (h, w) is. rounds: blur, in pixels, and steps of each.
    held: how much it costs to move by what is usual. ways (n, 2, NODES, NODES): places u, v, less their own, by what is
    usual.
    """
    seen = detail_of(photo, sheet, 2 * _LONGEST)
    fields = torch.from_numpy(ways).to(torch.float32)
    terms = torch.zeros(len(ways), requires_grad=True)
    for blur, steps in rounds:
        shape = sheet.size(_LONGEST if blur < _COARSE else _LONGEST // 2)
        own = torch.from_numpy(places(shape)).to(torch.float32)
        down, across = (torch.from_numpy(linear(NODES, size)) for size in shape)
        soft = torch.from_numpy(ndimage.gaussian_filter(seen, blur))[None, None]
        mean, square = torch.zeros_like(terms), torch.zeros_like(terms)
        for step in range(steps):
            moved = down @ torch.tensordot(terms, fields, 1) @ across.T
            film = _looked_up(soft, own + moved.permute(1, 2, 0))
            (slope,) = torch.autograd.grad(held * terms.square().sum() - goodness(film), terms)
            rate = _LAST_RATE + _RATE * (1 + math.cos(math.pi * step / steps)) / 2
            with torch.no_grad():
                terms -= rate * _adam(slope, mean, square, step + 1)
    return terms.detach().numpy().astype(np.float64)


def moved(sheet: Sheet, terms: np.ndarray, ways: np.ndarray) -> Sheet:
    """The sheet with its places moved by so much (n,) of each way (n, 2, NODES, NODES)."""
    return sheet.moved(places((NODES, NODES)) + np.moveaxis(np.tensordot(terms, ways, 1), 0, -1))


@functools.cache
def ways(lowest: int) -> np.ndarray:
    """Smooth ways (n, 2, NODES, NODES), each of which moves places along one axis, and none of them the film's ends.

    They are products of polynomials, along that axis and across it, these of degrees from the lowest on: from 1 on,
    nothing moves as a whole.
    """
    at = centers(NODES)
    each = chebvander(2 * at - 1, _TERMS - 1).T
    order = 1 + np.add.outer(np.arange(lowest, _TERMS), np.arange(_TERMS))
    aside = np.einsum("ay,bx->abyx", each[lowest:], 4 * at * (1 - at) * each) * (_USUAL / order)[..., None, None]
    aside = aside.reshape(-1, NODES, NODES)
    none = np.zeros_like(aside)
    return np.concatenate([np.stack([aside, none], axis=1), np.stack([none, np.swapaxes(aside, 1, 2)], axis=1)])


def _adam(slope: torch.Tensor, mean: torch.Tensor, square: torch.Tensor, step: int) -> torch.Tensor:
    """The direction of a step, from 1 on, against a slope; mean and square of earlier slopes are changed in place.

    torch.optim would import torch's compiler, which takes longer than all steps, and crashes beside some builds of VTK.
    Source: D. P. Kingma, J. Ba, Adam: A method for stochastic optimization, 2015.
    """
    mean.lerp_(slope, 1 - _ADAM[0])
    square.lerp_(slope.square(), 1 - _ADAM[1])
    return mean / (1 - _ADAM[0] ** step) / ((square / (1 - _ADAM[1] ** step)).sqrt() + 1e-8)


def detail_of(photo: Picture, sheet: Sheet, longest: int) -> np.ndarray:
    """What stands out on a flat film (h, w) with so many pixels along its longer side, about -1 to 1."""
    gray = resampled(photo, sheet.at(*sheet.size(longest))).mean(axis=-1)
    return detail(gray).clip(-_MOST, _MOST).astype(np.float32)


def _looked_up(picture: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(picture, 2 * at[None] - 1, align_corners=False, padding_mode="border")[0, 0]
