"""What the networks of both presets are trained for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from InverseImagingLib.training.bodies import Body
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..formation import integral_of_opacity, opacity
from ..networks import VolumeNet, densities_of
from ..paper.network import TomographyNet
from .subjects import Subject, heads_of, random_subject

_DENSITY = 0.02  # root mean square below which a subject counts less
_SPREAD = 0.05  # weight of the spread's likelihood
_MATTER = 1e-3  # integral above which a ray has something to tell

Sample = tuple[torch.Tensor, torch.Tensor]


class SubjectLesson(Lesson):
    """Subjects of bodies, which have weights whose sum is 1, and radiographs of them."""

    def __init__(
        self, network: VolumeNet | TomographyNet, bodies: Sequence[Body], weights: np.ndarray, size: int = 64
    ) -> None:
        super().__init__(network)
        self.bodies, self.weights, self.size = heads_of(bodies), weights, size

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """Densities (B, K, J, I) and radiographs of them, as opacity (B, 2 K, 2 I)."""
        for batch in drawn(lambda rng: self._subject(rng, team.device), options, first, team):
            subjects = [(made.mirrored() if rng.integers(2) else made, rng) for made, rng in batch]
            taken = [random_exposure(subject.integrals, rng) for subject, rng in subjects]
            yield torch.stack([subject.densities for subject, _ in subjects]), torch.stack(taken)

    def _subject(self, rng: np.random.Generator, device: torch.device) -> Subject:
        body = self.bodies[rng.choice(len(self.bodies), p=self.weights)]
        return random_subject(body, rng, device, self.size)


class VolumeLesson(SubjectLesson):
    """For the compact preset: squares of the errors of densities and of their integrals from the side and from above,
    as shares of each subject's own, and how likely the magnitudes of errors are."""

    name = "volume"

    def __init__(self, network: VolumeNet, bodies: Sequence[Body], weights: np.ndarray) -> None:
        super().__init__(network.to(memory_format=torch.channels_last), bodies, weights)  # type: ignore[call-overload]

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth, radiographs = (part.to(self.device) for part in sample)
        shares, spread = self.network(integral_of_opacity(radiographs))
        integrals = truth.mean(dim=2)
        densities, spread = densities_of(shares, spread, integrals, truth.shape[2])
        apart = (densities - truth).abs()
        seen = (integrals > _MATTER).float()[:, :, None].expand_as(apart)
        likely = torch.log(spread.clamp(min=1e-6)) + apart.detach() / spread.clamp(min=1e-6)
        return {
            "volume": _relative(densities, truth),
            "other views": _relative(densities.mean(dim=3), truth.mean(dim=3))
            + _relative(densities.mean(dim=1), truth.mean(dim=1)),
            "spread": _SPREAD * (likely * seen).sum() / seen.sum().clamp(min=1),
        }


class TomographyLesson(SubjectLesson):
    """For the paper's: squares of the densities' errors, as shares of each subject's own."""

    name = "tomography"

    def __init__(self, network: TomographyNet, bodies: Sequence[Body], weights: np.ndarray, size: int = 128) -> None:
        super().__init__(network, bodies, weights, size)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth, radiographs = (part.to(self.device) for part in sample)
        return {"volume": _relative(self.network(radiographs[:, None]), truth)}


def _relative(guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of the error's mean square, as a share of that of the truth."""
    errors, own = ((one**2).flatten(1).mean(dim=1) for one in (guess - truth, truth))
    return (errors / (own + _DENSITY**2)).mean()


def random_exposure(integrals: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A radiograph, as opacity, of the integrals of density (H, W): with noise, and with what an unknown gamma and an
    unknown background leave behind."""
    shown = opacity(integrals)
    if rng.random() < 0.5:
        shown = shown.pow(float(np.exp(rng.normal(0, 0.15))))
    if rng.random() < 0.3:
        shown = shown + (1 - shown) * rng.uniform(0, 0.05)
    noise = torch.from_numpy(rng.standard_normal(tuple(shown.shape))).to(shown)
    return (shown + noise * rng.uniform(0, 0.02)).clamp(0, 1)
