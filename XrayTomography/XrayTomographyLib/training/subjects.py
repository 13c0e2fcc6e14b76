"""Random subjects in random poses, as densities behind an orthographic radiograph: what training sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import SPACING, Body, kind_of
from InverseImagingLib.training.parts import CPU, random_part

from ..formation import EXTINCTION, Frame, integral

VIEWS = {"front": (0.0, 0.0), "side": (90.0, 0.0), "top": (0.0, 90.0)}  # azimuth and elevation in degrees
_HEAD = 260.0  # mm from the vertex down that belong to a head
_SIDES = {True: (180.0, 270.0), False: (150.0, 460.0)}  # mm, of heads and of all else
_BARE = 0.5  # of the subjects are bones alone, as in a museum
_USUAL = 0.6  # of the radiographs are about frontal or lateral, as radiographs are


@dataclass(frozen=True)
class Subject:
    """Densities of a cube (K, J, I), in the units of formation, and the integrals along the rays of its radiograph,
    (2 K, 2 I)."""

    densities: torch.Tensor
    integrals: torch.Tensor

    def mirrored(self) -> Subject:
        """The same with left and right exchanged."""
        return replace(self, densities=self.densities.flip(-1), integrals=self.integrals.flip(-1))


def heads_of(bodies: Sequence[Body]) -> list[Body]:
    """The same bodies, of which those whose names begin with head have no more than their heads."""
    slices = round(_HEAD / SPACING)
    return [replace(body, maps=body.maps[:, -slices:]) if _is_head(body) else body for body in bodies]


def _is_head(body: Body) -> bool:
    return kind_of(body.name).startswith("head")


def random_subject(body: Body, rng: np.random.Generator, device: torch.device = CPU, size: int = 64) -> Subject:
    """A deformed part of a body, seen from a random direction of the hemisphere; of bones and soft tissue, or of bones
    alone; as opaque as a radiograph may show it. size: voxels along each side."""
    frame = Frame(float(rng.uniform(*_SIDES[_is_head(body)])), (2 * size, size, 2 * size))
    maps = random_part(body, frame.side, frame.voxels, frame.facing(*random_pose(rng)), rng, device)
    tissue = 0.0 if rng.random() < _BARE else rng.uniform(0.2, 0.8)  # of the attenuation of as much bone
    densities = maps[0] + tissue * maps[1]
    seen = integral(densities)
    densities *= rng.uniform(0.8, 4.5) / EXTINCTION / torch.quantile(seen.flatten(), 0.995).clamp(min=0.01)
    fine = functional.avg_pool3d(densities[None], (2, 1, 2))[0]
    return Subject(fine, integral(densities))


def random_pose(rng: np.random.Generator) -> tuple[float, float, float]:
    """Azimuth, elevation and roll in degrees, from the hemisphere in front of the subject.

    Parallel rays show the same from the other side, mirrored: without the convention that the face looks towards the
    viewer, nothing would tell which way depth runs.
    """
    if rng.random() < _USUAL:
        azimuth, elevation = abs(rng.choice([0.0, 90.0]) - abs(rng.normal(0, 12))), rng.normal(0, 10)
    else:
        azimuth, elevation = rng.uniform(0, 90), np.degrees(np.arcsin(rng.uniform(-1, 1)))
    return float(rng.choice([-1, 1]) * azimuth), float(elevation), float(rng.normal(0, 8))
