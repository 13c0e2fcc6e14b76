"""Training of the first stage: a network that finds the densities behind simulated radiographs."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from InverseImagingLib.errors import InputError
from InverseImagingLib.method import option

from .bodies import Body
from .cubes import Beam, Cube, random_angles, random_cube, random_look
from .losses import losses
from .networks import DepthNet, network_input, planes_of

CHECKPOINT, LOG = "checkpoint.safetensors", "log.csv"
_KVP = (60.0, 75.0, 90.0, 105.0, 120.0)
_EVERY = 50  # steps in a line of the log
_WARM_UP = 200  # steps
_LAST_RATE = 0.02  # of the highest


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training run."""

    steps: int = option(20000, "Steps in all.", low=1)
    batch: int = option(4, "Cubes in a step.", low=1, high=256)
    pool: int = option(256, "Cubes that those of a step are drawn from.", low=1)
    reuse: int = option(12, "Radiographs that are made of each cube.", low=1, high=1000)
    rate: float = option(1e-3, "Highest learning rate.", low=1e-7, high=1)
    average: float = option(0.999, "Share of the average weights that a step keeps.", low=0, high=1)
    save_every: int = option(250, "Steps between checkpoints.", low=1)
    seed: int = option(0, "Seed of the data.", low=0, high=2**31 - 1)


Sample = tuple[list[Cube], torch.Tensor, list[tuple[float, float]]]


def samples(bodies: Sequence[Body], weights: np.ndarray, options: TrainingOptions, first: int) -> Iterator[Sample]:
    """Endless cubes, their radiographs (B, H, W) and the angles of another view, from a step on.

    The same for the same seed, wherever it starts.
    """
    beams = [Beam(kvp) for kvp in _KVP]
    pool: dict[int, Cube] = {}
    for step in count(first):
        oldest = step * options.batch // options.reuse
        pool = {number: cube for number, cube in pool.items() if number >= oldest}
        rng = np.random.default_rng([options.seed, 1, step])
        chosen = oldest + rng.choice(max(options.pool, options.batch), options.batch, replace=False)
        cubes, radiographs, angles = [], [], []
        for number in chosen.tolist():
            if number not in pool:
                own = np.random.default_rng([options.seed, 2, number])
                pool[number] = random_cube(bodies[own.choice(len(bodies), p=weights)], own)
            cube = pool[number].mirrored() if rng.integers(2) else pool[number]
            cubes.append(cube)
            radiographs.append(random_look(beams[rng.integers(len(beams))](cube.along), rng))
            angles.append(random_angles(rng))
        yield cubes, torch.stack(radiographs), angles


def _ahead(items: Iterator[Sample]) -> Iterator[Sample]:
    """The same items, each made while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items)
        while True:
            item = coming.result()
            coming = pool.submit(next, items)
            yield item


class Trainer:
    """One training run in a folder: its checkpoint, and its log as CSV. average: the weights to be used."""

    def __init__(self, folder: Path, options: TrainingOptions, network: DepthNet, device: torch.device) -> None:
        self.folder, self.options, self.device = folder, options, device
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.optimizer = torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.99))
        self.step, self.seconds = 0, 0.0

    def run(self, bodies: Sequence[Body], weights: np.ndarray, say: Callable[[str], None] = print) -> None:
        """Train until all steps are done, from where it stands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        sums: dict[str, float] = {}
        coming, began = _ahead(samples(bodies, weights, self.options, self.step)), time.monotonic()
        while self.step < self.options.steps:
            for name, value in self._train(next(coming)).items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % _EVERY == 0:
                self.seconds, began = self.seconds + time.monotonic() - began, time.monotonic()
                self._log({name: value / _EVERY for name, value in sums.items()}, say)
                sums = {}
            if self.step % self.options.save_every == 0:
                self.save()
        self.save()

    def _train(self, sample: Sample) -> dict[str, float]:
        cubes, radiographs, angles = sample
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        frames = [cube.frame for cube in cubes]
        mass, places = self.network(network_input(radiographs.to(self.device), frames))
        maps = frames[0].lift(planes_of(mass, places, frames))
        terms = losses(mass, maps, cubes, angles, Beam())
        loss = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        keep = min(self.options.average, (self.step + 1) / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)
        self.step += 1
        return {name: float(term.detach()) for name, term in {"loss": loss, **terms}.items()}

    def _rate(self) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * min(self.step / self.options.steps, 1.0)))
        return self.options.rate * min((self.step + 1) / _WARM_UP, 1.0) * (_LAST_RATE + (1 - _LAST_RATE) * cosine)

    def _log(self, means: dict[str, float], say: Callable[[str], None]) -> None:
        row = {"step": self.step, "seconds": round(self.seconds)} | {n: round(v, 5) for n, v in means.items()}
        path = self.folder / LOG
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows([list(row), list(row.values())] if new else [list(row.values())])
        say(f"step {self.step} of {self.options.steps}: " + ", ".join(f"{n} {v:.4g}" for n, v in means.items()))

    def save(self) -> None:
        """Write the checkpoint, beside and then renamed, so that there is never half a one."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
        facts = {"step": str(self.step), "seconds": str(self.seconds), "options": json.dumps(asdict(self.options))}
        beside = self.folder / f".{CHECKPOINT}"
        save_file({name: value.contiguous() for name, value in tensors.items()}, beside, metadata=facts)
        beside.replace(self.folder / CHECKPOINT)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder. Raises InputError when there is none."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            raise InputError(f"There is no checkpoint in '{self.folder}' to go on from; leave --resume out.")
        parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        with safe_open(path, "pt", device=str(self.device)) as file:
            facts = file.metadata()
            for key in file.keys():  # noqa: SIM118
                part, name = key.split(".", 1)
                parts[part][name] = file.get_tensor(key)
        self.step, self.seconds = int(facts["step"]), float(facts["seconds"])
        self.network.load_state_dict(parts["network"])
        self.average = parts["average"]
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in parts["optimizer"].items():
            number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
