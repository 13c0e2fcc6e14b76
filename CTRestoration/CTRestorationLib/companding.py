"""HU to network units and back: a window becomes 0..1, values outside are compressed but kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_TAIL = 0.15


@dataclass(frozen=True)
class Companding:
    """Maps the HU window (low, high) linearly to 0..1 and what lies outside logarithmically, smoothly, invertibly."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low

    def compress(self, hu: torch.Tensor) -> torch.Tensor:
        """HU to network units, any shape."""
        unit = (hu - self.low) / self.width
        inside = unit.clamp(0.0, 1.0)
        outside = unit - inside
        return inside + _TAIL * torch.sign(outside) * torch.log1p(outside.abs() / _TAIL)

    def expand(self, unit: torch.Tensor) -> torch.Tensor:
        """The inverse of compress."""
        inside = unit.clamp(0.0, 1.0)
        outside = (unit - inside).clamp(-1.5, 1.5)
        return (inside + _TAIL * torch.sign(outside) * torch.expm1(outside.abs() / _TAIL)) * self.width + self.low
