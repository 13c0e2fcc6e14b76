"""Simple ways to get a volume, which the model has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import Body, kind_of

from ..formation import integral_of_opacity, radiograph
from ..fusion import fuse
from ..guess import resized
from .scenes import SEEN, SIZE, SUBJECTS, Angles, Scene, densities, samples
from .scores import l2

Method = Callable[[Scene], torch.Tensor]  # densities (K, J, I), as fine as the cube or as the radiograph

TILTS = (-10.0, 0.0, 10.0)  # up or down from each view, in degrees
_PIXELS = 64  # along each side of the radiographs that are searched, and voxels of the mean volume
_VOXELS = 32  # along each side of the volumes that are searched


def fused(method: Method) -> Method:
    """The same, made to agree with the radiograph as the model's volumes are."""
    return lambda scene: fuse(method(scene), scene.radiograph).densities


def back_projected(scene: Scene) -> torch.Tensor:
    """What the radiograph tells, evenly along the rays."""
    integrals = integral_of_opacity(resized(scene.radiograph, (SIZE, SIZE)))
    return integrals[:, None].repeat(1, SIZE, 1)


class MeanVolume:
    """The mean of the training bodies of the scene's kind, or of all where there are none, in the scene's view."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies
        self._mean = lru_cache(maxsize=None)(self._mean_maps)

    def __call__(self, scene: Scene) -> torch.Tensor:
        kind = kind_of(scene.name)
        known = any(kind_of(body.name) == kind for body in self._bodies)
        mean = densities(self._mean(kind if known else "", scene.angles), SUBJECTS[scene.subject])
        return functional.interpolate(mean[None, None], (SIZE, SIZE, SIZE), mode="trilinear")[0, 0]

    def _mean_maps(self, kind: str, angles: Angles) -> torch.Tensor:
        chosen = [body for body in self._bodies if kind in ("", kind_of(body.name))]
        total = torch.zeros(2, _PIXELS, _PIXELS, _PIXELS)
        for body in chosen:
            total += next(samples(body, [angles], (_PIXELS, _PIXELS, _PIXELS)))
        return total / len(chosen)


class Pool:
    """Training bodies as memory alone would keep them: in every view of the scenes, straight and a little tilted, of
    bones alone and with soft tissue. It is searched in coarse copies; what is found is as fine as the scenes."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies
        self._entries: list[tuple[int, Angles, float]] = []
        volumes, radiographs = [], []
        directions = [(azimuth, elevation + tilt) for _, (azimuth, elevation) in SEEN for tilt in TILTS]
        for number, body in enumerate(bodies):
            cubes = samples(_smoothed(body), directions, (_PIXELS, _VOXELS, _PIXELS))
            for angles, maps in zip(directions, cubes, strict=True):
                for tissue in SUBJECTS.values():
                    volume = densities(maps, tissue)
                    self._entries.append((number, angles, tissue))
                    volumes.append(_reduced(volume).half())
                    radiographs.append(radiograph(volume).half())
        self._volumes = torch.stack(volumes).flatten(1)
        self._radiographs = torch.stack(radiographs).flatten(1)
        self._maps = lru_cache(maxsize=4)(self._sampled)
        self.nearest = lru_cache(maxsize=1)(self._nearest)

    def __len__(self) -> int:
        return len(self._entries)

    def _nearest(self, scene: Scene) -> torch.Tensor:
        """The volume whose radiograph is most like the scene's."""
        return self._volume(_closest(self._radiographs, resized(scene.radiograph, (_PIXELS, _PIXELS))))

    def oracle(self, scene: Scene) -> torch.Tensor:
        """The volume most like the truth, which takes knowing it."""
        found = [self.nearest(scene), self._volume(_closest(self._volumes, _reduced(scene.densities)))]
        return min(found, key=lambda volume: l2(volume, scene.densities))

    def _volume(self, entry: int) -> torch.Tensor:
        number, angles, tissue = self._entries[entry]
        return densities(self._maps(number, angles), tissue)

    def _sampled(self, number: int, angles: Angles) -> torch.Tensor:
        return next(samples(self._bodies[number], [angles], (SIZE, SIZE, SIZE)))


def _smoothed(body: Body) -> Body:
    """The same without what is too fine for the voxels that are searched."""
    maps = torch.from_numpy(body.maps.astype(np.float32))
    return replace(body, maps=functional.avg_pool3d(maps, 3, stride=1, padding=1).numpy())


def _reduced(volume: torch.Tensor) -> torch.Tensor:
    return functional.adaptive_avg_pool3d(volume[None], _VOXELS)[0]


def _closest(rows: torch.Tensor, wanted: torch.Tensor) -> int:
    """The row (N, D) whose squares of differences from the wanted values are least."""
    found = [(block.float() - wanted.flatten()).square().sum(dim=1) for block in rows.split(256)]
    return int(torch.cat(found).argmin())
