"""One slice as the solvers see it, and what they give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .companding import Companding
from .options import Task
from .resampling import project

# step(fraction of this slice, message, picture so far in HU, curve values); True means: finish now.
Step = Callable[..., bool]


def no_step(fraction: float, message: str = "", values: Any = None, curve: Any = None) -> bool:
    """The Step of a caller who does not care."""
    return False


@dataclass(frozen=True)
class Problem:
    """A slice to restore.

    values: (H, W) float32 HU. missing: (H, W) bool, for inpainting and restoration. factors: enlargement of H and W.
    kernel: how a coarse slice came about ("lanczos" or "box"). neighbors: slices (H, W) beside it, for denoising.
    """

    task: Task
    values: np.ndarray
    companding: Companding
    missing: np.ndarray | None = None
    factors: tuple[int, int] = (1, 1)
    kernel: str = "lanczos"
    neighbors: tuple[np.ndarray, ...] = ()

    @property
    def output_shape(self) -> tuple[int, int]:
        return self.values.shape[0] * self.factors[0], self.values.shape[1] * self.factors[1]

    def consistent(self, estimate: np.ndarray) -> np.ndarray:
        """The estimate (float32) with what was measured exactly put back: known pixels, the coarse slice."""
        if self.missing is not None:
            return np.where(self.missing, estimate, self.values).astype(np.float32)
        if self.factors != (1, 1):
            estimate = project(estimate, self.values, self.factors, self.kernel)
        return estimate.astype(np.float32)


@dataclass
class Estimate:
    """A restored slice (H, W) float32 HU, the spread of its estimates (the same shape) if known, facts to report."""

    values: np.ndarray
    spread: np.ndarray | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Solver(Protocol):
    """Restores slices one after the other and may learn on the way."""

    def solve(self, problem: Problem, step: Step) -> Estimate: ...

    def quick(self, problem: Problem) -> Estimate:
        """An estimate without further learning, for the slices left when the user wants to finish now."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the report says about the run as a whole."""
        ...
