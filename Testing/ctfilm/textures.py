"""Films before they are photographed: what is printed on them, and the truth about it. Needs FilmRecoveryLib."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from FilmRecoveryLib.training.subjects import Subject
from FilmRecoveryLib.training.textures import Film, draw_film

from . import folders

FINER = 1.6  # times as many pixels as the photo


def write_films(missing: Sequence[Path], seed: int, pixels: int, subjects: Sequence[Subject]) -> None:
    """The films of these folders, which are named by their numbers; pixels: along a film's longer side."""
    for folder in missing:
        folder.mkdir(parents=True, exist_ok=True)
        write(draw_film(np.random.default_rng([seed, int(folder.name)]), subjects, pixels), folder)


def write(film: Film, folder: Path) -> None:
    """A film's files in its folder; the one that tells what the others are comes last."""
    Picture.fromarray(np.rint(film.texture * 255).astype(np.uint8)).save(folder / folders.TEXTURE)
    hu = np.rint(film.hu).astype(np.int16)
    np.savez_compressed(folder / folders.PAGE, hu=hu, ink=film.ink.astype(np.float16))
    truth = {
        "size": film.texture.shape,
        "mm": film.mm,
        "subject": film.subject,
        "rows": film.rows,
        "columns": film.columns,
        "order": film.order.value,
        "plane": film.plane.value,
        "tiles": film.tiles,
        "others": film.others,
        "level": film.level,
        "width": film.width,
        "spacing": film.spacing,
        "texts": [asdict(text) for text in film.texts],
    }
    (folder / folders.FILM).write_text(json.dumps(truth, indent=1, default=_plain) + "\n", encoding="utf-8")


def _plain(number: np.generic) -> float:
    return number.item()
