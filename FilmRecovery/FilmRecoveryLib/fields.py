"""Smooth fields by which places of a film move along its axes, while its sides stay on themselves.

The field that makes a film best, by any measure of what stands out on it, is found step by step along its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from .layout import detail
from .sheet import Sheet
from .warp import places, resampled

_LONGEST = 256  # pixels of the film on which places move; it is looked at twice as finely
_TERMS = 5  # polynomials along each axis
_USUAL = 0.01  # of the film, by which the first of them move it
_RATE, _LAST_RATE = 0.16, 0.01
_ADAM = (0.9, 0.999)  # shares of its means that a step keeps
_MOST = 2.0  # detail that counts


def improved(
    photo: np.ndarray,
    sheet: Sheet,
    goodness: Callable[[torch.Tensor], torch.Tensor],
    rounds: Sequence[tuple[float, int]],
    held: float,
    lowest: int,
) -> Sheet:
    """The sheet of a film in a photo (H, W, C) with its places moved to where the film is best.

    goodness: logarithm of how good what stands out of a film (h, w) is. rounds: blur, in pixels, and steps of each.
    held: how much it costs to move. lowest: degree across an axis of what moves along it; from 1 on, nothing moves as a
    whole.
    """
    seen = detail_of(photo, sheet, 2 * _LONGEST)
    shape = sheet.size(_LONGEST)
    terms = torch.zeros(2, _TERMS, _TERMS - lowest, requires_grad=True)
    for blur, steps in rounds:
        soft = torch.from_numpy(ndimage.gaussian_filter(seen, blur))[None, None]
        mean, square = torch.zeros_like(terms), torch.zeros_like(terms)
        for step in range(steps):
            loss = held * terms.square().sum() - goodness(_looked_up(soft, _moved(terms, shape)))
            (slope,) = torch.autograd.grad(loss, terms)
            rate = _LAST_RATE + _RATE * (1 + math.cos(math.pi * step / steps)) / 2
            with torch.no_grad():
                terms -= rate * _adam(slope, mean, square, step + 1)
    with torch.no_grad():
        at = _moved(terms, sheet.backward.shape[:2]).numpy()
    return sheet.moved(at)


def _adam(slope: torch.Tensor, mean: torch.Tensor, square: torch.Tensor, step: int) -> torch.Tensor:
    """The direction of a step, from 1 on, against a slope; mean and square of earlier slopes are changed in place.

    torch.optim would import torch's compiler, which takes longer than all steps, and crashes beside some builds of VTK.
    Source: D. P. Kingma, J. Ba, Adam: A method for stochastic optimization, 2015.
    """
    mean.lerp_(slope, 1 - _ADAM[0])
    square.lerp_(slope.square(), 1 - _ADAM[1])
    return mean / (1 - _ADAM[0] ** step) / ((square / (1 - _ADAM[1] ** step)).sqrt() + 1e-8)


def detail_of(photo: np.ndarray, sheet: Sheet, longest: int) -> np.ndarray:
    """What stands out on a flat film (h, w) with so many pixels along its longer side, about -1 to 1."""
    gray = resampled(photo, sheet.at(*sheet.size(longest))).mean(axis=-1)
    return detail(gray).clip(-_MOST, _MOST).astype(np.float32)


def _moved(terms: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Places u, v (h, w, 2) of a film of that shape, moved by terms (2, _TERMS, n).

    Each axis moves by products of polynomials, the first along it and 0 at its ends, the second across it, the n of the
    highest degrees.
    """
    own = torch.from_numpy(places(shape)).to(torch.float32)
    v, u = own[:, 0, 1], own[0, :, 0]
    order = torch.arange(_TERMS)
    across = order[_TERMS - terms.shape[2] :]
    weights = _USUAL * terms / (1 + order[:, None] + across)
    aside = _polynomials(v)[across].T @ weights[0].T @ (4 * u * (1 - u) * _polynomials(u))
    down = (4 * v * (1 - v) * _polynomials(v)).T @ weights[1] @ _polynomials(u)[across]
    return own + torch.stack([aside, down], dim=-1)


def _polynomials(at: torch.Tensor) -> torch.Tensor:
    """Those of Chebyshev (_TERMS, n) at places from 0 to 1."""
    return torch.cos(torch.arange(_TERMS)[:, None] * torch.acos(2 * at - 1))


def _looked_up(picture: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(picture, 2 * at[None] - 1, align_corners=False, padding_mode="border")[0, 0]
