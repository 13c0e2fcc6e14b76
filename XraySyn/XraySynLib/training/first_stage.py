"""The first stage: networks that find the densities behind simulated radiographs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from InverseImagingLib.training.bodies import Body
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.looks import random_look
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..beam import Beam
from ..networks import DepthNet, network_input, planes_of
from ..paper.losses import prior_losses
from ..paper.networks import PriorNet3D
from ..paper.prior import back_projected
from .cubes import Cube, random_angles, random_cube
from .losses import losses

_KVP = (60.0, 75.0, 90.0, 105.0, 120.0)

Sample = tuple[list[Cube], torch.Tensor, list[tuple[float, float]]]
Maker = Callable[[Body, np.random.Generator, torch.device], Cube]


def random_radiograph(cube: Cube, rng: np.random.Generator) -> torch.Tensor:
    """The given view of a cube, (H, W) from 0 to 1, of a random spectrum and shown in a random way."""
    return random_look(Beam(_KVP[rng.integers(len(_KVP))])(cube.along), rng)


class CubeLesson(Lesson):
    """Cubes of bodies, which have weights whose sum is 1, and radiographs of them."""

    def __init__(
        self, network: DepthNet | PriorNet3D, bodies: Sequence[Body], weights: np.ndarray, make: Maker
    ) -> None:
        super().__init__(network)
        self.bodies, self.weights, self.make = bodies, weights, make

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """Cubes, their radiographs (B, H, W), and the angles of another view of each."""
        for batch in drawn(lambda rng: self._cube(rng, team.device), options, first, team):
            cubes, radiographs, angles = [], [], []
            for made, rng in batch:
                cube = made.mirrored() if rng.integers(2) else made
                cubes.append(cube)
                radiographs.append(random_radiograph(cube, rng))
                angles.append(random_angles(rng))
            yield cubes, torch.stack(radiographs), angles

    def _cube(self, rng: np.random.Generator, device: torch.device) -> Cube:
        return self.make(self.bodies[rng.choice(len(self.bodies), p=self.weights)], rng, device)


class DepthLesson(CubeLesson):
    """For the compact preset."""

    name = "depth"

    def __init__(self, network: DepthNet, bodies: Sequence[Body], weights: np.ndarray) -> None:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(network, bodies, weights, lambda *drawn: random_cube(*drawn).coarser())

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        cubes, radiographs, angles = sample
        frames = [cube.frame for cube in cubes]
        mass, places = self.network(network_input(radiographs.to(self.device), frames))
        maps = frames[0].lift(planes_of(mass, places, frames))
        return losses(mass, maps, cubes, angles, Beam())


class PriorLesson(CubeLesson):
    """For the paper's: 3DPN."""

    def __init__(
        self, network: PriorNet3D, bodies: Sequence[Body], weights: np.ndarray, make: Maker = random_cube
    ) -> None:
        super().__init__(network, bodies, weights, make)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        cubes, radiographs, angles = sample
        volumes = back_projected(radiographs.to(self.device), [cube.frame for cube in cubes])
        return prior_losses(self.network(volumes), cubes, angles, Beam())
