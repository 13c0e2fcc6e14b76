"""When to stop: the variance of the outputs, and the error on what was held out."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


class VarianceStop:
    """Stops when the moving variance of the outputs has had no new minimum for `patience` updates.

    Source: Wang et al., Early Stopping for Deep Image Prior, TMLR 2023, the exponential form (EMV), which keeps no
    buffer: m <- m + a (x - m), v <- (1 - a) (v + a |x - m|^2).
    """

    def __init__(self, patience: int, rate: float = 0.1, warm_up: int = 0) -> None:
        self._patience, self._rate, self._warm_up = patience, rate, warm_up
        self._mean: torch.Tensor | None = None
        self.variance = 0.0
        self.updates = 0
        self.best_update = 0
        self._least = float("inf")

    def update(self, output: torch.Tensor) -> bool:
        """Take the next output; True when it is the steadiest so far."""
        self.updates += 1
        output = output.detach()
        if self._mean is None:
            self._mean = output.clone()
            return False
        difference = output - self._mean
        self.variance = (1.0 - self._rate) * (self.variance + self._rate * float(difference.square().mean()))
        self._mean += self._rate * difference
        if self.updates <= max(self._warm_up, round(1.0 / self._rate)):  # the start has no past to differ from
            return False
        if self.variance < self._least:
            self._least, self.best_update = self.variance, self.updates
            return True
        return False

    @property
    def stop(self) -> bool:
        return self.best_update > 0 and self.updates - self.best_update >= self._patience


class HeldOutStop:
    """Keeps the weights with the least error on held-out targets; stops after `patience` checks without a new best."""

    def __init__(self, network: nn.Module, patience: int) -> None:
        self._network, self._patience = network, patience
        self._weights: dict[str, Any] = copy.deepcopy(network.state_dict())
        self.error = float("inf")
        self.best_iteration = 0
        self._checks_since = 0

    def check(self, error: float, iteration: int) -> bool:
        """True when it is the best so far."""
        self._checks_since += 1
        if error < self.error:
            self.error, self.best_iteration, self._checks_since = error, iteration, 0
            self._weights = copy.deepcopy(self._network.state_dict())
            return True
        return False

    @property
    def stop(self) -> bool:
        return self._checks_since >= self._patience

    def restore(self) -> None:
        """Give the network the best weights again."""
        self._network.load_state_dict(self._weights)
