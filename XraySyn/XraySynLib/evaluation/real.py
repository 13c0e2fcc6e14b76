"""How the model does on real radiographs, of which no other view is known: what can be said without the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib import files
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.scores import interval, psnr, ssim
from InverseImagingLib.image import Image, read
from InverseImagingLib.xray.intake import take_in

from ..estimate import SIZE
from ..frame import Frame
from ..options import SynthesisOptions
from ..synthesize import synthesize
from .baselines import spread
from .evaluate import OURS
from .frechet import FEATURES, features, frechet

_WIDEST = 9.0  # degrees that views are turned by
_GOOD = 35.0  # dB
_LEAST = 4  # radiographs, two in each half
_FIELD = 400.0  # mm; a back projection from a fan of rays does not depend on it


@dataclass(frozen=True, eq=False)
class _Case:
    """One radiograph: PSNR in dB of its reprojection at 128 x 128; PSNR and SSIM in full size; and pictures (128, 128)
    from 0 to 1 of itself, and turned by the model and by back projection."""

    reprojection: float
    full_size: tuple[float, float]
    pictures: tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def evaluate_radiographs(folder: Path, options: SynthesisOptions, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Reprojection and likeness of a folder of radiographs, JSON-ready. Raises InputError.

    radiographs: {name: PSNR in dB of the reprojection at 128 x 128 pixels}; reprojection: {"mean", "low", "high",
    "count", "lowest", "share above 35 dB"} of these; full size: {"PSNR", "SSIM": {"mean", "low", "high", "count"}};
    refused: {name: why}. frechet: {whose pictures: {"to the inputs", "to other patients"}}, of views turned at random
    by up to 9 degrees, with the features named. To other patients is from the first half of the names to the inputs of
    the second, and the other way round; that of the inputs themselves is the least that can be reached.
    """
    rng = np.random.default_rng(0)
    cases: dict[str, _Case] = {}
    refused: dict[str, str] = {}
    for path in _files(folder):
        try:
            cases[path.name] = _case(read(path), options, float(rng.uniform(-_WIDEST, _WIDEST)))
            say(f"{path.name}: {cases[path.name].reprojection:.2f} dB")
        except InputError as error:
            refused[path.name] = str(error)
            say(f"{path.name} is refused: {error}")
    if len(cases) < _LEAST:
        raise InputError(f"'{folder}' holds {len(cases)} frontal radiographs; give at least {_LEAST}.")
    psnrs = {name: case.reprojection for name, case in cases.items()}
    values = list(psnrs.values())
    piles = zip(*(case.pictures for case in cases.values()), strict=True)
    inputs, ours, naive = (features(torch.stack(pile)) for pile in piles)
    return {
        "radiographs": psnrs,
        "refused": refused,
        "reprojection": {
            **interval(values),
            "lowest": min(values),
            f"share above {_GOOD:g} dB": float(np.mean([value > _GOOD for value in values])),
        },
        "full size": {
            metric: interval([case.full_size[number] for case in cases.values()])
            for number, metric in enumerate(("PSNR", "SSIM"))
        },
        "frechet": {
            name: _distances(one, inputs)
            for name, one in {"inputs": inputs, OURS: ours, "back projection": naive}.items()
        },
        "features": FEATURES,
    }


def _case(image: Image, options: SynthesisOptions, azimuth: float) -> _Case:
    taken = torch.from_numpy(take_in(image, options.intake(), frontal_only=True).array)
    given, turned = (
        synthesize(image, replace(options, azimuth=angle, only="view", tries=1)) for angle in (0.0, azimuth)
    )
    again, other = (torch.from_numpy(one.images["view 1"].array[0]) for one in (given, turned))
    small = _small(taken)
    naive = spread(small, Frame(_FIELD), [azimuth])[0]
    return _Case(
        given.report["reprojection PSNR"],
        (psnr(again, taken), ssim(again, taken)),
        (small, _small(other.clamp(0, 1)), naive.clamp(0, 1)),
    )


def _small(picture: torch.Tensor) -> torch.Tensor:
    """(H, W) as (128, 128)."""
    return functional.interpolate(picture[None, None], (SIZE, SIZE), mode="area")[0, 0]


def _distances(ones: np.ndarray, inputs: np.ndarray) -> dict[str, float]:
    half = len(inputs) // 2
    across = [frechet(ones[:half], inputs[half:]), frechet(ones[half:], inputs[:half])]
    return {"to the inputs": frechet(ones, inputs), "to other patients": float(np.mean(across))}


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'; check the path.")
    for path in sorted(folder.iterdir()):
        if path.is_file() and (files.is_known(path) or path.suffix.lower() in (".dcm", "")):
            yield path
