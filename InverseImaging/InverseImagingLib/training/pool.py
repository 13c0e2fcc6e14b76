"""Batches of what takes long to make and can be used several times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

import numpy as np

from .distributed import Team
from .trainer import TrainingOptions

T = TypeVar("T")


def drawn(
    make: Callable[[np.random.Generator], T], options: TrainingOptions, first: int, team: Team
) -> Iterator[list[tuple[T, np.random.Generator]]]:
    """Endless batches for a process, from a step on, of made things and a generator for each of their uses.

    Every place in the batch draws from a pool of its own, so that a process makes nothing for the others; the pool is
    renewed so that each thing is drawn options.reuse times on average.
    """
    several = max(options.pool // options.batch, 1)
    pool: dict[tuple[int, int], T] = {}
    for step in count(first):
        oldest = step // options.reuse
        pool = {number: made for number, made in pool.items() if number[0] >= oldest}
        batch = []
        for place in range(team.rank, options.batch, team.size):
            rng = np.random.default_rng([options.seed, 1, step, place])
            number = oldest + int(rng.integers(several)), place
            if number not in pool:
                pool[number] = make(np.random.default_rng([options.seed, 2, *number]))
            batch.append((pool[number], rng))
        yield batch
