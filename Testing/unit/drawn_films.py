"""Patients, films and scenes that tests of what FilmRecovery learns from share."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch

from FilmRecoveryLib.training.camera import facing
from FilmRecoveryLib.training.lesson import FilmLesson
from FilmRecoveryLib.training.lessons import training_options
from FilmRecoveryLib.training.lighting import draw_lights
from FilmRecoveryLib.training.render import Scene, draw_scene
from FilmRecoveryLib.training.sheets import Sheet
from FilmRecoveryLib.training.subjects import Plane, Scan, Subject
from FilmRecoveryLib.training.textures import Film, draw_film
from InverseImagingLib.training.distributed import team

ASPECT = 14 / 17


def subjects() -> list[Subject]:
    """A body with bones as many slices and as few, and a picture of one that is no axial slice."""
    k, j, i = np.mgrid[-1:1:70j, -1:1:60j, -1:1:80j]
    body = np.where(k**2 / 4 + j**2 + i**2 < 0.7, 40, -1000) + np.where((j - 0.3) ** 2 + i**2 < 0.03, 700, 0)
    hu = body.astype(np.int16)
    return [
        Subject("many", (Scan(hu, (2.0, 3.0, 3.0)),)),
        Subject("skull_few", (Scan(hu[30:40], (5.0, 3.0, 3.0)), Scan(hu[35:36], (5.0, 3.0, 3.0), Plane.CORONAL))),
    ]


def film(seed: int, pixels: int = 512) -> Film:
    return draw_film(np.random.default_rng(seed), subjects(), pixels)


def scene(seed: int, aspect: float = ASPECT) -> Scene:
    return draw_scene(np.random.default_rng(seed), aspect)


def flat_scene(size: tuple[int, int] = (85, 70)) -> Scene:
    """A flat film that fills a sharp photo."""
    sheet = Sheet(size[1] / size[0])
    return Scene(sheet, facing(sheet, size), draw_lights(np.random.default_rng(0), sheet.aspect))


def ramp(across: bool, pixels: int = 256) -> torch.Tensor:
    """A film (n, n) whose gray is u, or v."""
    u = ((torch.arange(pixels) + 0.5) / pixels).expand(pixels, pixels)
    return u if across else u.T


def losses(lesson: FilmLesson, task: str) -> list[float]:
    """Of a few steps on one and the same batch."""
    optimizer = torch.optim.Adam(lesson.network.parameters(), 2e-3)
    with team() as alone:
        (batch,) = islice(lesson.samples(training_options(task=task, batch=2, pool=2), 0, alone), 1)
    found = []
    for _ in range(8):
        loss = torch.stack(list(lesson(batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found
