"""The compact preset's second stage: views of estimates beside the true ones, for a network that corrects them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import Body
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..beam import Beam
from ..estimate import Estimate, agreeing
from ..frame import Frame
from ..refiner import Refiner
from ..views import refiner_input, sources_of
from .cubes import random_angles, random_cube
from .first_stage import random_radiograph
from .losses import refined_losses

_TRIES = (1, 4)  # of the estimates: a user's choices
_STEPS = 4  # of making the truth agree with the radiograph, as estimate does

Find = Callable[..., Estimate]
Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class RefineLesson(Lesson):
    """Estimates behind simulated radiographs of bodies, which have weights whose sum is 1.

    find: estimate with the network of the first stage. The truth is made to agree with the radiograph, as the estimate
    is: how a radiograph is shown hides how much there is along its rays, and no view from aside tells that.
    """

    name = "refiner"

    def __init__(self, refiner: Refiner, find: Find, bodies: Sequence[Body], weights: np.ndarray) -> None:
        super().__init__(refiner.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self.find, self.bodies, self.weights = find, bodies, weights

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """What a Refiner takes, and the maps that it should give, (B, 2, N, N) in g/cm2."""
        for batch in drawn(self._found, options, first, team):
            with torch.no_grad():
                views = [_view(*made, *random_angles(rng)) for made, rng in batch]
            maps, moved, facts, truth = (torch.stack(part) for part in zip(*views, strict=True))
            yield maps, moved, facts, truth

    def _found(self, rng: np.random.Generator) -> tuple[Estimate, torch.Tensor]:
        """An estimate, and the true densities (2, K, J, I) in its frame."""
        cube = random_cube(self.bodies[rng.choice(len(self.bodies), p=self.weights)], rng)
        if rng.integers(2):
            cube = cube.mirrored()
        frame, beam = Frame(cube.frame.side, from_behind=cube.frame.from_behind), Beam()
        found = self.find(random_radiograph(cube, rng), frame, tries=int(rng.choice(_TRIES)))
        with torch.no_grad():
            truth = functional.avg_pool3d(cube.maps, (1, cube.frame.voxels[1] // frame.voxels[1], 1))
            return replace(found, others=()), agreeing(truth, frame, beam(found.given), beam, _STEPS)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        *seen, truth = (part.to(self.device) for part in sample)
        return refined_losses(self.network(*seen), truth, Beam())


def _view(found: Estimate, truth: torch.Tensor, azimuth: float, elevation: float) -> Sample:
    theirs = found.frame.projector([(azimuth, elevation)])(truth)[0] / 10
    return *refiner_input(found, azimuth, elevation, sources_of(found, azimuth, elevation)), theirs
