"""Bent films: surfaces whose points, tangents and normals are known exactly.

A film lies flat in the plane of x (right) and y (down), one unit wide, its middle at the origin; z points away from
whoever looks at it. Bends are applied one after the other: each turns the space around lines of one direction by an
angle that changes along the film, which keeps lengths along the film as paper and film do (developable surfaces). A low
swell, which stretches the film a little, comes last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

REACH, _KNOTS = 2.0, 4096  # film widths from the middle that a bend is known for, and in how many steps
_STRONGEST = 2.7  # times as strong as the bends below
_STEEPEST = 65.0  # degrees between any normal and the mean one, at most


@dataclass(frozen=True)
class Points:
    """Places on a sheet: at, and how they move with u and v, each (3, ...)."""

    at: torch.Tensor
    along_u: torch.Tensor
    along_v: torch.Tensor

    @cached_property
    def normals(self) -> torch.Tensor:
        """Unit vectors (3, ...) toward whoever looks at the flat film."""
        return unit(torch.linalg.cross(self.along_v, self.along_u, dim=0))


def dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Of vectors (2 or 3, ...), faster than a sum: (...)."""
    first, *rest = (a * b for a, b in zip(one, other, strict=True))
    for product in rest:
        first = first + product
    return first


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Vectors (3, ...) of length 1."""
    return vectors * dot(vectors, vectors).clamp(min=1e-12).rsqrt()


@dataclass(frozen=True)
class Bend:
    """A bend along a direction in the plane (degrees from x to y), by its curvature (n,) from -REACH to REACH."""

    direction: float
    curvature: np.ndarray
    table: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        step = 2 * REACH / (len(self.curvature) - 1)
        angle = _summed(self.curvature, step)
        angle -= angle[len(angle) // 2]  # the middle stays as it is
        along, away = _summed(np.cos(angle), step), _summed(np.sin(angle), step)
        rows = [along - along[len(along) // 2], away - away[len(away) // 2], angle, self.curvature]
        object.__setattr__(self, "table", torch.from_numpy(np.stack(rows, axis=1)))

    def __call__(self, points: Points) -> Points:
        cosine, sine = math.cos(math.radians(self.direction)), math.sin(math.radians(self.direction))
        x, y, z = points.at
        place = cosine * x + sine * y
        along, away, angle, curvature = self._at(place).unbind(-1)
        c, s = torch.cos(angle), torch.sin(angle)
        stretch = 1 - z * curvature
        forward = along - z * s - place

        def moved(tangent: torch.Tensor) -> torch.Tensor:
            dx, dy, dz = tangent
            d = cosine * dx + sine * dy
            further = (stretch * c - 1) * d - s * dz
            return torch.stack([dx + cosine * further, dy + sine * further, stretch * s * d + c * dz])

        at = torch.stack([x + cosine * forward, y + sine * forward, away + z * c])
        return Points(at, moved(points.along_u), moved(points.along_v))

    def _at(self, place: torch.Tensor) -> torch.Tensor:
        """The table, linear between its rows."""
        table = self.table.to(place)
        row = (place + REACH).mul_((len(table) - 1) / (2 * REACH)).clamp_(0, len(table) - 1.001)
        first = row.long()
        return torch.lerp(table[first], table[first + 1], (row - first).unsqueeze(-1))


def _summed(values: np.ndarray, step: float) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2) * step])


@dataclass(frozen=True)
class Sheet:
    """A film of a shape. aspect: width / height. swell: amplitudes (n, n) in film widths of cosines over the film."""

    aspect: float
    bends: tuple[Bend, ...] = ()
    swell: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))

    def at(self, u: torch.Tensor, v: torch.Tensor) -> Points:
        """The places of film coordinates, of any shape."""
        zero, one = torch.zeros_like(u), torch.ones_like(u)
        down = one / self.aspect
        points = Points(
            torch.stack([u - 0.5, (v - 0.5) / self.aspect, zero]),
            torch.stack([one, zero, zero]),
            torch.stack([zero, down, zero]),
        )
        for bend in self.bends:
            points = bend(points)
        return points if not self.swell.any() else self._swollen(points, u, v)

    def _swollen(self, points: Points, u: torch.Tensor, v: torch.Tensor) -> Points:
        n = torch.arange(len(self.swell), device=u.device)
        swell = torch.from_numpy(self.swell).to(u)
        waves = [(math.pi * n * place.clamp(-0.2, 1.2).unsqueeze(-1)) for place in (u, v)]
        (cu, su), (cv, sv) = ((wave.cos(), -math.pi * n * wave.sin()) for wave in waves)
        inner = cv @ swell.T
        height, slope_u = (cu * inner).sum(-1), (su * inner).sum(-1)
        slope_v = (cu * (sv @ swell.T)).sum(-1)

        def raised(vector: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
            return torch.stack([vector[0], vector[1], vector[2] + by])

        return Points(raised(points.at, height), raised(points.along_u, slope_u), raised(points.along_v, slope_v))

    def is_open(self) -> bool:
        """Whether no part hides another: no normal is far from the mean one."""
        u, v = torch.meshgrid(torch.linspace(0, 1, 33), torch.linspace(0, 1, 33), indexing="xy")
        normals = self.at(u, v).normals.reshape(3, -1)
        mean = unit(normals.mean(dim=1))
        return bool((mean @ normals).min() > math.cos(math.radians(_STEEPEST)))


def draw_sheet(rng: np.random.Generator, aspect: float) -> Sheet:
    """A film from nearly flat to strongly bent."""
    strength = _STRONGEST * rng.beta(1.0, 1.3)
    while True:
        kinds = rng.choice(4, rng.choice([1, 2, 3], p=[0.3, 0.45, 0.25]), p=[0.4, 0.3, 0.1, 0.2])
        bends = tuple((_arc, _wave, _fold, _curl)[kind](rng, aspect, strength) for kind in kinds)
        n = np.arange(4)
        fading = 1 / (1 + n[:, None] ** 2 + n[None] ** 2)
        swell = 0.02 * strength * fading * rng.normal(size=(4, 4)) * (rng.random() < 0.6)
        sheet = Sheet(aspect, bends, swell)
        if sheet.is_open():
            return sheet
        strength *= 0.8


def _places() -> np.ndarray:
    return np.linspace(-REACH, REACH, _KNOTS + 1)


def _sign(rng: np.random.Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))


def _along_an_edge(rng: np.random.Generator) -> float:
    """A direction, more often than not nearly that of an edge: films are held by their edges."""
    return float(rng.choice([0, 90]) + rng.normal(0, 8)) if rng.random() < 0.6 else float(rng.uniform(0, 180))


def _arc(rng: np.random.Generator, aspect: float, strength: float) -> Bend:
    """As films hang and are held: one wide curve, stronger here than there."""
    middle, width = rng.uniform(-0.4, 0.4), rng.uniform(0.3, 1.5)
    curve = np.exp(-(((_places() - middle) / width) ** 2))
    return Bend(_along_an_edge(rng), _sign(rng) * strength * rng.uniform(0.3, 1.8) * curve)


def _wave(rng: np.random.Generator, aspect: float, strength: float) -> Bend:
    period = rng.uniform(0.6, 2.0)
    curve = np.cos(2 * np.pi * (_places() / period + rng.random())) * np.exp(-((_places() / 1.2) ** 4))
    return Bend(_along_an_edge(rng), strength * rng.uniform(1.0, 8.0) / period**0.5 * curve * 0.6)


def _fold(rng: np.random.Generator, aspect: float, strength: float) -> Bend:
    """One or two soft creases, as of a film that was folded for an envelope."""
    curve = np.zeros(_KNOTS + 1)
    for _ in range(rng.integers(1, 3)):
        width = rng.uniform(0.01, 0.05)
        angle = _sign(rng) * math.radians(strength * rng.uniform(4, 28))
        curve += angle / (width * math.sqrt(math.pi)) * np.exp(-(((_places() - rng.uniform(-0.35, 0.35)) / width) ** 2))
    return Bend(_along_an_edge(rng), curve)


def _curl(rng: np.random.Generator, aspect: float, strength: float) -> Bend:
    """A corner or an edge that stands up."""
    corner = math.degrees(math.atan2(1 / aspect, 1)) + rng.normal(0, 12)
    direction = float(rng.choice([corner, -corner]) if rng.random() < 0.7 else _along_an_edge(rng))
    half = 0.5 * (abs(math.cos(math.radians(direction))) + abs(math.sin(math.radians(direction))) / aspect)
    start, length = half * rng.uniform(0.4, 0.85), half * rng.uniform(0.1, 0.4)
    rise = 0.5 * (1 + np.tanh((_places() * _sign(rng) - start) / (0.25 * length)))
    fall = np.exp(-((np.abs(_places()) / (half * 1.4)) ** 6))
    return Bend(direction, _sign(rng) * math.radians(strength * rng.uniform(20, 60)) / length * rise * fall)
