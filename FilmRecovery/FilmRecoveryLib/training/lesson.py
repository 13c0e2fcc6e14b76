"""What lessons have in common: samples that are drawn, and of the compact networks one file of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..networks import FilmNet

Sample = Mapping[str, torch.Tensor]
Draw = Callable[[TrainingOptions, int, Team], Iterator[Sample]]


class DrawnLesson(Lesson):
    """A lesson from samples that are drawn. draw: endless ones, see Lesson.samples."""

    def __init__(self, network: nn.Module, draw: Draw) -> None:
        super().__init__(network)
        self.draw = draw

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """See the class."""
        return self.draw(options, first, team)

    def held(self, sample: Sample) -> dict[str, torch.Tensor]:
        """The sample on the lesson's device."""
        return {name: value.to(self.device) for name, value in sample.items()}


class FilmLesson(DrawnLesson):
    """A lesson of one of the compact networks; what it gives is all of them.

    part: which one learns, an attribute of FilmNet.
    """

    name = "film"

    def __init__(self, networks: FilmNet, part: str, draw: Draw) -> None:
        super().__init__(getattr(networks, part), draw)
        self._networks = (networks,)  # no module of this one: the others do not learn

    @property
    def product(self) -> nn.Module:
        return self._networks[0]
