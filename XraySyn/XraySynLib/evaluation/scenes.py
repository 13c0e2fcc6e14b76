"""Held-out bodies as radiographs whose truth is known.

They are rendered otherwise than in training: samples of the trilinearly interpolated body every 1.5 mm instead of
Joseph's method, another spectrum, scatter, and noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from InverseImagingLib.training.bodies import SPACING, Body
from InverseImagingLib.training.parts import SIDES

from ..beam import Beam
from ..frame import Frame

ANGLES = (-9.0, -7.0, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0, 9.0)  # of Table 4 of the paper
FAR = (-18.0, 18.0)
VIEWS = (0.0, *ANGLES, *FAR)
_STEP = 1.5  # mm between samples
_BEAM = (100.0, 4.0)  # kVp, mm of aluminum
_SCATTER = 0.15  # of the mean signal
_PHOTONS = 1e5  # of a pixel without a body
_SHARE = 0.8  # of the body's width that the radiograph shows
_LUNG = (0.05, 0.5)  # g/cm3, between air and tissue
_DEPTH_OF_LUNG = 3.0  # cm that a ray crosses at least


@dataclass(frozen=True, eq=False)
class Scene:
    """A body's radiograph, (128, 128) from 0 to 1, and what there is to be found from it.

    shown: its views without noise, by azimuth; along: bone and tissue along their rays in g/cm2, (2, 128, 128); free:
    the given view with as much soft tissue in place of its bone; lungs: whether its rays cross them.
    """

    name: str
    frame: Frame
    radiograph: torch.Tensor
    shown: dict[float, torch.Tensor]
    along: dict[float, torch.Tensor]
    free: torch.Tensor
    lungs: torch.Tensor


def scene(body: Body) -> Scene:
    """The frontal radiograph of the middle of a body."""
    frame, beam = frame_of(body), Beam(*_BEAM)
    maps = torch.from_numpy(body.maps.astype(np.float32))
    along = {azimuth: render(maps, frame, azimuth) for azimuth in VIEWS}
    given = torch.exp(-beam(along[0.0]))
    scatter = _SCATTER * given.mean()
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(given.shape).astype(np.float32))
    taken = -torch.log((given + scatter + noise * ((given + scatter) / _PHOTONS).sqrt()).clamp(min=1e-5))
    low, high = taken.min(), torch.quantile(taken, 0.995)

    def shown(attenuation: torch.Tensor) -> torch.Tensor:
        return ((-torch.log(torch.exp(-attenuation) + scatter) - low) / (high - low)).clamp(0, 1)

    fill = beam(torch.stack([torch.zeros_like(given), along[0.0].sum(dim=0)]))
    crossed = render(torch.from_numpy(lung(body.maps)[None].astype(np.float32)), frame, 0.0)[0]
    return Scene(
        name=body.name,
        frame=frame,
        radiograph=((taken - low) / (high - low)).clamp(0, 1),
        shown={azimuth: shown(beam(one)) for azimuth, one in along.items()},
        along=along,
        free=shown(fill),
        lungs=crossed > _DEPTH_OF_LUNG,
    )


def frame_of(body: Body) -> Frame:
    return Frame(float(np.clip(_SHARE * SPACING * body.maps.shape[3], *SIDES)))


def render(maps: torch.Tensor, frame: Frame, azimuth: float) -> torch.Tensor:
    """Densities (C, K, J, I) in g/cm3 of a body in the middle of the frame, summed along the rays of a view in g/cm2,
    (C, 128, 128)."""
    geometry = frame.view(azimuth)
    rows, columns = np.mgrid[: geometry.height, : geometry.width]
    pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)], -1) @ geometry.pixel_to_ras.T
    beams = pixels[..., :3] - geometry.source
    beams = torch.from_numpy(beams / np.linalg.norm(beams, axis=-1, keepdims=True)).float()
    source = torch.from_numpy(geometry.source).float()
    reach = frame.side / 2 * np.sqrt(3.0)
    middle = np.linalg.norm(geometry.source)
    extent = torch.tensor(maps.shape[:0:-1]) * (SPACING / 2)
    total = torch.zeros(len(maps), geometry.height, geometry.width)
    for distances in torch.arange(middle - reach, middle + reach, _STEP).split(32):
        points = source + distances[:, None, None, None] * beams
        within = (points.abs().amax(dim=-1) <= frame.side / 2).float()
        found = functional.grid_sample(maps[None], (points / extent)[None], align_corners=False)[0]
        total += (found * within).sum(dim=1) * (_STEP / 10)
    return total


def lung(maps: np.ndarray) -> np.ndarray:
    """Which voxels (K, J, I) of a body's maps (2, K, J, I) are lung: light, but no air, and within its axial slice."""
    density = maps.astype(np.float32).sum(axis=0)
    body = np.stack([ndimage.binary_fill_holes(one) for one in density > _LUNG[1]])
    found: np.ndarray = body & (density > _LUNG[0]) & (density < _LUNG[1])
    return found
