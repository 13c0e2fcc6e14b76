"""Fingers, clips and magnets that hold a film, over its rim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

_SKIN = ((0.75, 0.45, 0.33), (0.6, 0.33, 0.22), (0.35, 0.18, 0.11), (0.15, 0.07, 0.045))
_SOFT = 0.006  # film widths over which the rim of a thing fades


@dataclass(frozen=True)
class Thing:
    """A bar in the plane of the flat film, from a place (x, y) to another, in film widths. half: its half width;
    color (3,): linear; rounded: with a round end, and darker at its sides, as a finger is."""

    start: tuple[float, float]
    end: tuple[float, float]
    half: float
    color: np.ndarray
    rounded: bool

    def at(self, spot: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Its color (3, H, W) and how much it covers (1, H, W), where spots (2, H, W) are in the film's plane."""
        (x, y), (ex, ey) = self.start, self.end
        length = math.hypot(ex - x, ey - y)
        along = ((spot[0] - x) * (ex - x) + (spot[1] - y) * (ey - y)) / length
        across = ((spot[0] - x) * (ey - y) - (spot[1] - y) * (ex - x)) / length
        beyond = torch.maximum((along - length).clamp(min=0), (-along).clamp(min=0))
        off = torch.hypot(across, beyond) if self.rounded else torch.maximum(across.abs(), beyond)
        cover = (0.5 + (self.half - off) / _SOFT).clamp(0, 1)
        shade = (1 - 0.75 * (off / self.half).clamp(0, 1) ** 2) if self.rounded else 1 + 0.2 * across / self.half
        return torch.from_numpy(self.color).to(spot).reshape(3, 1, 1) * shade, cover[None]


def covered(things: Sequence[Thing], light: torch.Tensor, spot: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Light (3, H, W) with things in front of it, and how much of it is still to be seen (1, H, W)."""
    seen = torch.ones_like(light[:1])
    for thing in things:
        color, cover = thing.at(spot)
        light = torch.lerp(light, color, cover)
        seen = seen * (1 - cover)
    return light, seen


def draw_things(rng: np.random.Generator, aspect: float, in_hand: bool) -> tuple[Thing, ...]:
    """What holds a film of an aspect: hands at its sides, clips or magnets along its top, or nothing."""
    if rng.random() > (0.6 if in_hand else 0.3):
        return ()
    if rng.random() < (0.8 if in_hand else 0.35):
        color = np.array(_SKIN[rng.integers(len(_SKIN))]) * rng.uniform(0.1, 1.0)
        return tuple(part for _ in range(rng.integers(1, 4)) for part in _hand(rng, aspect, color))
    return tuple(_clip(rng, aspect) for _ in range(rng.integers(1, 4)))


def _hand(rng: np.random.Generator, aspect: float, color: np.ndarray) -> Iterator[Thing]:
    """The palm beside the film, or not, and one or two fingers before it."""
    side, along = float(rng.choice([-1.0, 1.0])), rng.uniform(-0.45, 0.45)
    rim, out = np.array([0.5 * side, along / aspect]), np.array([side, 0.0])
    if rng.random() < 0.3:  # from above or below
        rim, out = np.array([along, 0.5 * side / aspect]), np.array([0.0, side])
    aside, half = out[::-1], rng.uniform(0.02, 0.045)
    if rng.random() < 0.6:
        palm = rng.uniform(2.5, 4.0) * half
        start, end = rim + out * palm, rim + out * 0.8 + aside * rng.normal(0, 0.3)
        yield Thing((start[0], start[1]), (end[0], end[1]), float(palm), 0.9 * color, True)
    for finger in range(rng.integers(1, 3)):
        beside = aside * finger * 2 * half
        tip = rim - out * rng.uniform(0.0, 0.1) + beside
        root = rim + out * rng.uniform(0.1, 0.4) + aside * rng.normal(0, 0.08) + beside
        yield Thing((tip[0], tip[1]), (root[0], root[1]), float(half), color, True)


def _clip(rng: np.random.Generator, aspect: float) -> Thing:
    x, top = rng.uniform(-0.45, 0.45), -0.5 / aspect
    gray = np.full(3, rng.choice([0.02, 0.15, 0.5])) * rng.uniform(0.8, 1.2, 3)
    ends = (x, top + rng.uniform(0.01, 0.06)), (x, top - rng.uniform(0.02, 0.2))
    return Thing(*ends, float(rng.uniform(0.015, 0.08)), gray, bool(rng.random() < 0.2))
