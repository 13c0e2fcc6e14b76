"""A training run that can be stopped and gone on with, of any network and by any number of processes."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from ..errors import InputError
from ..method import Choice, option
from .distributed import Team
from .plot import draw_log

CHECKPOINT, LOG = "checkpoint.safetensors", "log.csv"
_EVERY = 50  # steps in a line of the log


class Preset(Choice):
    """Whose networks: small ones that a computer without a GPU trains in hours, or those of the paper."""

    COMPACT = "compact"
    PAPER = "paper"


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training run."""

    preset: Preset = option(Preset.COMPACT, "Whose networks.")
    steps: int = option(9000, "Steps in all.", low=1)
    batch: int = option(4, "Samples in a step, of all processes together.", low=1, high=256)
    pool: int = option(384, "Things made, such as cubes of bodies, that samples are drawn from.", low=1)
    reuse: int = option(20, "Samples that are drawn from each of these.", low=1, high=1000)
    rate: float = option(1e-3, "Highest learning rate.", low=1e-7, high=1)
    beta1: float = option(0.9, "Share of the mean gradient that a step of Adam keeps.", low=0, high=1)
    beta2: float = option(0.99, "Share of the mean square that a step of Adam keeps.", low=0, high=1)
    warm_up: int = option(200, "Steps in which the rate rises.", low=1)
    last_rate: float = option(0.02, "Share of the rate that is left at the end.", low=0, high=1)
    clip: float = option(1.0, "Largest norm of the gradient; 0 means any.", low=0)
    average: float = option(0.999, "Share of the average weights that a step keeps.", low=0, high=1)
    save_every: int = option(250, "Steps between checkpoints.", low=1)
    seed: int = option(0, "Seed of the data.", low=0, high=2**31 - 1)


class Lesson(nn.Module):
    """What a network learns from and for: called with a sample, it gives the terms of the loss, to be minimized.

    network: all that learns. name: of its weights in a bundle. Terms are means over the samples, so that the loss of
    several processes is the mean of theirs.
    """

    name = ""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @property
    def product(self) -> nn.Module:
        """What is used afterwards."""
        return self.network

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Any]:
        """Endless samples for this process, from a step on; the same for the same seed, wherever it starts."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device


def _ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items, each made while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items)
        while True:
            item = coming.result()
            coming = pool.submit(next, items)
            yield item


class Trainer:
    """One training run in a folder: its checkpoint, and its log as CSV and PNG. average: the weights to be used.

    Raises InputError when the processes cannot share the batch evenly.
    """

    def __init__(self, folder: Path, options: TrainingOptions, lesson: Lesson, team: Team) -> None:
        if options.batch % team.size:
            raise InputError(
                f"A batch of {options.batch} cannot be shared by {team.size} processes; choose a multiple of that."
            )
        self.folder, self.options, self.team = folder, options, team
        self.lesson = lesson.to(team.device)
        self.network = lesson.network
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=options.rate, betas=(options.beta1, options.beta2)
        )
        self.step, self.seconds = 0, 0.0

    def run(self, say: Callable[[str], None] = print) -> None:
        """Train until all steps are done, from where it stands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shared, rows = self.team.shared(self.lesson), list[dict[str, torch.Tensor]]()
        coming, began = _ahead(self.lesson.samples(self.options, self.step, self.team)), time.monotonic()
        while self.step < self.options.steps:
            rows.append(self._train(shared, next(coming)))
            done = self.step == self.options.steps
            if done or self.step % _EVERY == 0:
                self.seconds, began = self.seconds + time.monotonic() - began, time.monotonic()
                means = self.team.means(torch.tensor([list(row.values()) for row in rows]).mean(dim=0).tolist())
                self._log(dict(zip(rows[0], means, strict=True)), say)
                rows = []
            if done or self.step % self.options.save_every == 0:
                self.save()

    def _train(self, lesson: nn.Module, sample: Any) -> dict[str, torch.Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        terms = lesson(sample)
        loss = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.options.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        keep = min(self.options.average, (self.step + 1) / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
            else:
                self.average[name].copy_(value)
        self.step += 1
        return {name: term.detach() for name, term in {"loss": loss, **terms}.items()}

    def _rate(self) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * min(self.step / self.options.steps, 1.0)))
        last = self.options.last_rate
        return self.options.rate * min((self.step + 1) / self.options.warm_up, 1.0) * (last + (1 - last) * cosine)

    def _log(self, means: dict[str, float], say: Callable[[str], None]) -> None:
        if not self.team.leads:
            return
        row = {"step": self.step, "seconds": round(self.seconds)} | {n: round(v, 5) for n, v in means.items()}
        path = self.folder / LOG
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows([list(row), list(row.values())] if new else [list(row.values())])
        draw_log(path, path.with_suffix(".png"))
        say(f"step {self.step} of {self.options.steps}: " + ", ".join(f"{n} {v:.4g}" for n, v in means.items()))

    def save(self) -> None:
        """Write the checkpoint, beside and then renamed, so that there is never half a one."""
        if not self.team.leads:
            return
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
        facts = {"step": str(self.step), "seconds": str(self.seconds), "options": json.dumps(asdict(self.options))}
        beside = self.folder / f".{CHECKPOINT}"
        save_file({name: value.contiguous() for name, value in tensors.items()}, beside, metadata=facts)
        beside.replace(self.folder / CHECKPOINT)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder. Raises InputError when there is none, or that of other networks."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            raise InputError(f"There is no checkpoint in '{self.folder}' to go on from; leave --resume out.")
        parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        with safe_open(path, "pt", device=str(self.team.device)) as file:
            facts = file.metadata()
            for key in file.keys():  # noqa: SIM118
                part, name = key.split(".", 1)
                parts[part][name] = file.get_tensor(key)
        if parts["network"].keys() != self.average.keys():
            raise InputError(f"The run in '{self.folder}' has other networks; choose what it was begun with.")
        self.step, self.seconds = int(facts["step"]), float(facts["seconds"])
        self.network.load_state_dict(parts["network"])
        self.average = parts["average"]
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in parts["optimizer"].items():
            number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
