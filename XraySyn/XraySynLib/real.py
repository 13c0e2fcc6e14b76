"""How the model does on real radiographs, of which no other view is known: what can be said without the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib import files
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import read
from InverseImagingLib.xray.intake import take_in

from .baselines import spread
from .estimate import SIZE
from .evaluation import OURS
from .frame import Frame
from .frechet import FEATURES, features, frechet
from .options import SynthesisOptions
from .scores import interval
from .synthesize import synthesize

_WIDEST = 9.0  # degrees that views are turned by
_GOOD = 35.0  # dB
_FIELD = 400.0  # mm; a back projection from a fan of rays depends little on it


def evaluate_radiographs(folder: Path, options: SynthesisOptions, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Reprojection and likeness of a folder of radiographs, JSON-ready. Raises InputError.

    reprojection: PSNR in dB, {"mean", "low", "high", "count", "lowest", "share above 35 dB"}; radiographs: of each;
    refused: {name: why}. frechet: {whose pictures: {"to the inputs", "to other patients"}}, see frechet, of views
    turned at random by up to 9 degrees; features: of what. To other patients: from the first half of the names to the
    inputs of the second and the other way round, so that no patient is on both sides; the inputs' own is the least that
    can be reached.
    """
    rng = np.random.default_rng(0)
    psnrs: dict[str, float] = {}
    refused: dict[str, str] = {}
    sets: dict[str, list[torch.Tensor]] = {"inputs": [], OURS: [], "back projection": []}
    for path in _pictures(folder):
        azimuth = float(rng.uniform(-_WIDEST, _WIDEST))
        try:
            image = read(path)
            shown = _small(take_in(image, options.intake(), frontal_only=True).array)
            result = synthesize(image, replace(options, azimuth=azimuth, only="view", tries=1))
        except InputError as error:
            refused[path.name] = str(error)
            say(f"{path.name} is refused: {error}")
            continue
        psnrs[path.name] = result.report["reprojection PSNR"]
        say(f"{path.name}: {psnrs[path.name]:.2f} dB")
        pictures = (shown, _small(result.images["view 1"].array[0]), spread(shown, Frame(_FIELD), [azimuth])[0])
        for pile, picture in zip(sets.values(), pictures, strict=True):
            pile.append(picture.clamp(0, 1))
    if len(psnrs) < 4:
        raise InputError(f"'{folder}' holds {len(psnrs)} frontal radiographs; give at least 4.")
    values = list(psnrs.values())
    told = {name: features(torch.stack(pile)) for name, pile in sets.items()}
    return {
        "radiographs": psnrs,
        "refused": refused,
        "reprojection": {
            **interval(values),
            "lowest": min(values),
            f"share above {_GOOD:g} dB": float(np.mean([value > _GOOD for value in values])),
        },
        "frechet": {name: _distances(one, told["inputs"]) for name, one in told.items()},
        "features": FEATURES,
    }


def _distances(ours: np.ndarray, inputs: np.ndarray) -> dict[str, float]:
    half = len(inputs) // 2
    across = [frechet(ours[:half], inputs[half:]), frechet(ours[half:], inputs[:half])]
    return {"to the inputs": frechet(ours, inputs), "to other patients": float(np.mean(across))}


def _small(picture: np.ndarray) -> torch.Tensor:
    """(H, W) as (128, 128)."""
    whole = torch.from_numpy(np.ascontiguousarray(picture, np.float32))[None, None]
    return functional.interpolate(whole, (SIZE, SIZE), mode="area")[0, 0]


def _pictures(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'; check the path.")
    for path in sorted(folder.iterdir()):
        if path.is_file() and (files.is_known(path) or path.suffix.lower() in (".dcm", ".dicom", "")):
            yield path
