"""Small bodies, prepared data, and a run that takes no time, for the tests of training."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from InverseImagingLib.training.bodies import SPACING, Body
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import Lesson, Trainer, TrainingOptions

ALONE = Team(torch.device("cpu"))


def box_body(name: str = "box", seed: int = 0) -> Body:
    """A block of soft tissue, 200 x 150 x 200 mm, with a rod of bone somewhere in it."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((2, 80, 60, 80), np.float16)
    maps[1, 5:-5, 8:-8, 8:-8] = 1.0
    j, i = rng.integers(15, 45), rng.integers(20, 60)
    maps[0, 5:-5, j - 4 : j + 4, i - 4 : i + 4] = 1.6
    maps[1, 5:-5, j - 4 : j + 4, i - 4 : i + 4] = 0.0
    assert SPACING == 2.5
    return Body(name, maps)


def write_prepared(folder: Path) -> Path:
    """Data as inverse-imaging prepare makes them: two bodies for training, one for tests."""
    folder.mkdir()
    for seed in range(3):
        np.savez_compressed(folder / f"box{seed}.npz", maps=box_body(seed=seed).maps)
    with (folder / "split.csv").open("w", newline="") as file:
        rows = [("name", "split", "weight"), ("box0", "train", 1), ("box1", "train", 1), ("box2", "test", 1)]
        csv.writer(file).writerows(rows)
    return folder


class LineLesson(Lesson):
    """Random points, and their sums, which a layer has to find."""

    name = "line"

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(nn.Linear(3, 1))

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Points (B, 3), of which several draws differ by noise, and their sums (B, 1)."""
        for batch in drawn(lambda rng: torch.from_numpy(rng.random(3)).float(), options, first, team):
            points = torch.stack([point + 0.01 * float(rng.random()) for point, rng in batch])
            yield points, points.sum(dim=1, keepdim=True)

    def forward(self, sample: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
        points, sums = sample
        return {"sums": (self.network(points) - sums).abs().mean()}


def line_trainer(folder: Path, steps: int, team: Team = ALONE) -> Trainer:
    """A run with a batch of two whose rate stays as it is."""
    options = TrainingOptions(steps=steps, batch=2, pool=4, reuse=4, rate=0.05, warm_up=1, last_rate=1.0, save_every=2)
    return Trainer(folder, options, LineLesson(), team)


def read_losses(folder: Path) -> list[float]:
    """The loss in each line of the log of a run."""
    with (folder / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]
