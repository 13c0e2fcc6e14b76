"""From what a radiograph shows to how much the rays were attenuated, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

_GAMMAS = np.exp(np.linspace(np.log(0.4), np.log(2.5), 31))
_LEAST_CONTRAST = 0.6  # of the highest attenuation, between black and white
_BLACK = 0.02  # of a radiograph from 0 to 1
_AIR = 0.05  # attenuation below which a pixel tells nothing of how bodies are shown


@dataclass(frozen=True)
class Look:
    """shown = ((attenuation - offset) / scale) ** (1 / gamma), where attenuation is -log of the signal."""

    scale: float
    offset: float
    gamma: float

    def attenuation(self, shown: torch.Tensor) -> torch.Tensor:
        return (self.offset + self.scale * shown.clamp(min=0) ** self.gamma).clamp(min=0)

    def believable(self, shown: torch.Tensor, guess: torch.Tensor) -> torch.Tensor:
        """The same, but where the radiograph is black its attenuation may have been any lower, and a guess counts."""
        told = self.attenuation(shown)
        return torch.where(shown < _BLACK, torch.minimum(told, guess), told)

    def shown(self, attenuation: torch.Tensor) -> torch.Tensor:
        """Not cut at 1, since another view may attenuate more."""
        return ((attenuation - self.offset) / self.scale).clamp(min=0) ** (1 / self.gamma)


def fit_look(shown: torch.Tensor, attenuation: torch.Tensor, gamma: float = 0.0) -> Look:
    """The look under which an estimated attenuation (H, W) best gives the radiograph (H, W) from 0 to 1.

    Least squares of scale and offset at each of a range of gammas, or at the one given.
    """
    seen = (attenuation > _AIR) & (shown > 0.01) & (shown < 0.99)
    if int(seen.sum()) < 100:
        seen = torch.ones_like(seen)
    x, y = shown[seen].double().numpy(), attenuation[seen].double().numpy()
    best, found = np.inf, Look(1.0, 0.0, 1.0)
    for g in [gamma] if gamma > 0 else _GAMMAS:
        powers = x**g
        spread = powers.var()
        scale = ((powers - powers.mean()) * (y - y.mean())).mean() / spread if spread > 1e-12 else 0.0
        scale = max(scale, _LEAST_CONTRAST * max(float(y.max()), 0.1))
        offset = max(float(y.mean() - scale * powers.mean()), 0.0)
        error = float(((scale * powers + offset - y) ** 2).mean())
        if error < best:
            best, found = error, Look(float(scale), offset, float(g))
    return found
