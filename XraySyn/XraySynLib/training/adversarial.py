"""The paper's second stage: a network that gives views of real radiographs the detail that real radiographs have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from InverseImagingLib.training.adversary import judged_by_still
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..beam import Beam
from ..estimate import SIZE, resized
from ..frame import Frame
from ..look import Look, fit_look
from ..paper.losses import discriminator_loss, refiner_losses
from ..paper.networks import Discriminator, PriorNet3D, RefineNet2D
from ..paper.prior import back_projected, densities_of
from .cubes import random_angles
from .radiographs import Film

_DARKEST = 1e-3  # of a look's scale; below, the slope of a power has no bounds

Guess = Callable[[torch.Tensor, Frame], tuple[torch.Tensor, Look]]
Sample = tuple[torch.Tensor, torch.Tensor, list[Look]]


def guess_by_prior(network: PriorNet3D, size: int = SIZE) -> Guess:
    """Densities (2, K, J, I) of a radiograph in a frame, and its look, as 3DPN finds them. size: voxels a side."""

    def guess(shown: torch.Tensor, frame: Frame) -> tuple[torch.Tensor, Look]:
        small, fine = resized(shown, size), Frame(frame.side, (size, size, size), size, frame.from_behind)
        spread = back_projected(small[None], [fine]).to(next(network.parameters()))
        maps = densities_of(network(spread))[0].cpu()
        return maps, fit_look(small, Beam()(fine.projector([(0.0, 0.0)])(maps)[0] / 10))

    return guess


class CriticLesson(Lesson):
    """Real radiographs, and the views of them that a frozen first stage gives, for a refiner and its critic.

    Both learn in the same step: the critic is held still where the refiner is judged, and the views where it learns.
    """

    name = "refiner"

    def __init__(self, refiner: RefineNet2D, critic: Discriminator, films: Sequence[Film], guess: Guess) -> None:
        super().__init__(nn.ModuleDict({"refiner": refiner, "critic": critic}))
        self.films, self.guess = films, guess

    @property
    def product(self) -> nn.Module:
        return self.network["refiner"]  # type: ignore[index]

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """Radiographs (B, 2 N, 2 N), coarse maps of bone and tissue in g/cm2 of the given and of another view of each,
        (B, 2, 2, N, N), and how they are shown."""
        for batch in drawn(lambda rng: self._guessed(rng, team.device), options, first, team):
            radiographs, views, looks = [], [], []
            for (shown, frame, maps, look), rng in batch:
                with torch.no_grad():
                    views.append(frame.projector([(0.0, 0.0), random_angles(rng)])(maps) / 10)
                radiographs.append(resized(shown, 2 * frame.size))
                looks.append(look)
            yield torch.stack(radiographs), torch.stack(views), looks

    def _guessed(
        self, rng: np.random.Generator, device: torch.device
    ) -> tuple[torch.Tensor, Frame, torch.Tensor, Look]:
        film = self.films[int(rng.integers(len(self.films)))]
        shown = film.shown.flip(-1) if rng.integers(2) else film.shown
        with torch.no_grad():
            maps, look = self.guess(shown, Frame(film.side, from_behind=film.from_behind))
        rows, planes, columns = maps.shape[1:]
        frame = Frame(film.side, (rows, planes, columns), rows, film.from_behind)
        return shown, frame, maps.to(device), look

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        radiographs, views, looks = sample
        real = radiographs.to(self.device)[:, None]
        coarse = views.to(self.device).transpose(0, 1).flatten(0, 1)
        refined = self.product(coarse, real.repeat(2, 1, 1, 1))
        pictures = [_shown(look, one) for look, one in zip(2 * looks, Beam()(refined), strict=True)]
        given, other = torch.stack(pictures)[:, None].chunk(2)
        critic = self.network["critic"]  # type: ignore[index]
        terms = refiner_losses(given, real, judged_by_still(critic, other), refined, coarse)
        return {**terms, "critic": discriminator_loss(critic(real), critic(other.detach()))}


def _shown(look: Look, attenuation: torch.Tensor) -> torch.Tensor:
    return look.shown(attenuation.clamp(min=look.offset + _DARKEST * look.scale))
