"""What a method tells of a scene, and how near that is to the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from InverseImagingLib.evaluation.scores import psnr, ssim

from ..beam import Beam
from ..look import Look
from ..views import suppressed
from .scenes import ANGLES, FAR, Scene

_LEAST = 200  # pixels that lungs have at least to be counted
_MATERIALS = ("bone", "tissue")

Scores = dict[str, tuple[float, float]]  # PSNR and SSIM by what is scored


@dataclass(frozen=True, eq=False)
class Guess:
    """Pictures as the radiograph is shown, and bone and tissue along their rays in g/cm2, (2, 128, 128), by azimuth;
    and the radiograph without bone. Empty where the method tells nothing."""

    shown: Mapping[float, torch.Tensor]
    along: Mapping[float, torch.Tensor] = field(default_factory=dict)
    free: torch.Tensor | None = None


Method = Callable[[Scene], Guess]


def guess_of(scene: Scene, along: Mapping[float, torch.Tensor], look: Look) -> Guess:
    """What follows from material maps, under one look."""
    beam, (bone, tissue) = Beam(), along[0.0]
    shown = {azimuth: look.shown(beam(one)) for azimuth, one in along.items()}
    return Guess(shown, along, suppressed(scene.radiograph, bone, tissue, look, 1.0))


def scores(scene: Scene, guess: Guess) -> Scores:
    """Of the input view, each novel view and their means; of the material maps, as shares of the body's most; and of
    the radiograph without bone, overall and inside the lungs."""
    found = {_name(a): _score(one, scene.shown[a] if a else scene.radiograph) for a, one in guess.shown.items()}
    for number, material in enumerate(_MATERIALS):
        most = scene.along[0.0][number].max().clamp(min=1.0)
        for a, one in guess.along.items():
            found[f"{material}, {_name(a)}"] = _score(one[number] / most, scene.along[a][number] / most)
    for prefix in ("", *(f"{material}, " for material in _MATERIALS)):
        for name, azimuths in {"novel views": ANGLES, "18 degrees": FAR}.items():
            each = [found[prefix + _name(a)] for a in azimuths if prefix + _name(a) in found]
            if each:
                found[prefix + name] = (float(np.mean([p for p, _ in each])), float(np.mean([s for _, s in each])))
    if guess.free is not None:
        found["bone suppression"] = _score(guess.free, scene.free)
        if int(scene.lungs.sum()) >= _LEAST:
            found["bone suppression, lungs"] = _score(guess.free, scene.free, scene.lungs)
    return found


def _name(azimuth: float) -> str:
    return f"view {azimuth:+g}" if azimuth else "input view"


def _score(image: torch.Tensor, truth: torch.Tensor, region: torch.Tensor | None = None) -> tuple[float, float]:
    return psnr(image, truth, region), ssim(image, truth, region)
