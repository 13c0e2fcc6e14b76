"""Small bodies and networks for the tests of X-ray Synthesis."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from InverseImagingLib.training.bodies import SPACING, Body
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Trainer, TrainingOptions
from XraySynLib.networks import DepthNet
from XraySynLib.training.first_stage import DepthLesson


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


def untrained(seed: int = 0) -> DepthNet:
    """A network that has learned nothing but finds much the same everywhere."""
    torch.manual_seed(seed)
    network = DepthNet()
    with torch.no_grad():
        network.mass.weight *= 0.05
        network.places.weight *= 0.05
        network.mass.bias[:] = torch.tensor([0.0, 1.5])
    return network.eval()


def write_untrained(path: Path) -> Path:
    save_file(untrained().state_dict(), path)
    return path


def write_prepared(folder: Path) -> Path:
    """Data as inverse-imaging prepare makes them: two bodies for training, one for tests."""
    folder.mkdir()
    for seed in range(3):
        np.savez_compressed(folder / f"box{seed}.npz", maps=box_body(seed=seed).maps)
    with (folder / "split.csv").open("w", newline="") as file:
        rows = [("name", "split", "weight"), ("box0", "train", 1), ("box1", "train", 1), ("box2", "test", 1)]
        csv.writer(file).writerows(rows)
    return folder


def small_trainer(folder: Path, steps: int, team: Team) -> Trainer:
    """A run of the first stage whose rate stays as it is, of a small network with one cube for each of two places."""
    torch.manual_seed(0)
    lesson = DepthLesson(DepthNet((8, 8, 16), depth=4), [box_body(seed=seed) for seed in range(2)], np.full(2, 0.5))
    options = TrainingOptions(steps=steps, batch=2, pool=2, reuse=8, warm_up=1, last_rate=1.0, save_every=2)
    return Trainer(folder, options, lesson, team)


def read_losses(folder: Path) -> list[float]:
    """The loss in each line of the log of a run."""
    with (folder / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]
