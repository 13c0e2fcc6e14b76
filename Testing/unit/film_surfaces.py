"""Films before a camera, black before white, and a network that sees them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from FilmRecoveryLib.bending import seen
from FilmRecoveryLib.sheet import NODES, Sheet

SHAPE = (480, 640)
HANGING = (np.log(0.9), np.log(0.85), 0.5, -0.6, 0.1, 0.02, -0.03, 1.7)  # see bending


def truth(*bends: float) -> Sheet:
    """A film before a camera, by the direction of its bend and its curvatures."""
    backward = seen(np.array([*HANGING, *bends]), SHAPE)
    return Sheet(backward.astype(np.float32), np.ones((NODES, NODES), np.float32), 0.85, "model")


def photo_of(sheet: Sheet, film: np.ndarray | None = None) -> np.ndarray:
    """A film (h, w) from 0 to 1, by default dark with brighter squares, before white (H, W, 3)."""
    film = 0.1 + 0.2 * (np.indices((8, 8)).sum(axis=0) % 2) if film is None else film
    shown, fine = np.full((*SHAPE, 3), 255, np.uint8), np.linspace(0, 1, 1200)
    x, y = np.moveaxis(sheet.seen(fine, fine).round().astype(int), -1, 0)
    rows, columns = ((fine * side).astype(int).clip(max=side - 1) for side in film.shape)
    gray = (200 * film[rows][:, columns]).astype(np.uint8)
    shown[y.clip(0, SHAPE[0] - 1), x.clip(0, SHAPE[1] - 1)] = gray[..., None]
    return shown


def off(one: Sheet, other: Sheet) -> float:
    return float(np.linalg.norm(one.backward - other.backward, axis=-1).mean())


class Dark(nn.Module):
    """All that is dark in the photo is film."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(60.0))

    def forward(self, strips: torch.Tensor) -> torch.Tensor:
        light, there = functional.avg_pool2d(strips, 2)[:, [0, 3]].split(1, dim=1)
        return self.weight * (there - 0.5 - light)
