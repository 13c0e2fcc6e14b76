"""Which way up a flat film is, by its letters, however high they are."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from .networks import LetterNet

_LONGEST = 1536  # pixels of the film that is looked at
_SIZES = 3  # each half of the one before, in which letters are looked for
_COUNTS = 0.1  # of what each part tells, as they err alike
_PART, _PARTS = 64, 16  # pixels of the sides of a part, and those that are looked at: what has most detail


def likelihoods(film: np.ndarray, network: LetterNet) -> torch.Tensor:
    """The logarithms (8,) of how likely the letters of a flat film (h, w), 0 to 1, are for each of TurnNet's turns."""
    seen = torch.from_numpy(film)[None, None]
    factor = max(film.shape) / _LONGEST
    if factor > 1:
        size = [round(side / factor) for side in film.shape]
        seen = functional.interpolate(seen, size, mode="bilinear", antialias=True)
    parts = []
    for _ in range(_SIZES):
        parts.append(_parts(seen))
        seen = functional.avg_pool2d(seen, 2, ceil_mode=True)
    chosen = torch.cat(parts).to(next(network.parameters()).device)
    with torch.inference_mode():
        scores = torch.stack([network(_turned(chosen, turn)) for turn in range(8)])
    return _COUNTS * scores.log_softmax(dim=0).sum(dim=1).cpu()


def _parts(film: torch.Tensor) -> torch.Tensor:
    """The parts (n, 1, _PART, _PART) of a film (1, 1, h, w) that have most detail."""
    rest = [size % _PART if size > _PART else size - _PART for size in (film.shape[3], film.shape[2])]
    film = functional.pad(film, [-side for each in rest for side in (each // 2, each - each // 2)])  # cut, most often
    parts = film.unfold(2, _PART, _PART).unfold(3, _PART, _PART).flatten(0, 3)[:, None]
    detail = (parts - functional.avg_pool2d(parts, 3, 1, 1, count_include_pad=False)).abs().mean(dim=(1, 2, 3))
    return parts[detail.topk(min(len(parts), _PARTS)).indices]


def _turned(parts: torch.Tensor, turn: int) -> torch.Tensor:
    """Parts (n, 1, h, w) of a film, turned as TurnNet tells: mirrored or not, and then by quarters clockwise."""
    return (parts.flip(-1) if turn >= 4 else parts).rot90(-(turn % 4), (-2, -1))
