from __future__ import annotations

import numpy as np
import pytest
import torch

from CTRestorationLib.stopping import HeldOutStop, VarianceStop


def test_variance_stop_finds_the_steady_stretch() -> None:
    """Outputs that settle, rest from 150 to 250 and then start to follow noise."""
    rng = np.random.default_rng(0)
    stop = VarianceStop(patience=100)
    for t in range(1, 1000):
        spread = 2.0 * np.exp(-t / 40) + 0.02 + (max(t - 250, 0) / 100) ** 2
        stop.update(torch.from_numpy(rng.normal(0, spread, (1, 1, 32, 32))))
        if stop.stop:
            break
    assert 130 < stop.best_update < 290
    assert stop.updates - stop.best_update == 100


def test_variance_stop_takes_no_calm_of_the_warm_up_for_the_best() -> None:
    """Outputs that hardly move at first, then learn, and come to rest at 300."""
    rng = np.random.default_rng(0)
    found = {}
    for warm_up in (0, 100):
        stop = VarianceStop(patience=150, warm_up=warm_up)
        for t in range(1, 500):
            spread = 0.01 if t < 60 else 0.02 + abs(t - 300) / 100
            stop.update(torch.from_numpy(rng.normal(0, spread, (1, 1, 32, 32))))
            if stop.stop:
                break
        found[warm_up] = stop.best_update
    assert found[0] < 60
    assert 290 < found[100] < 320


def test_variance_follows_the_recursion() -> None:
    stop = VarianceStop(patience=10, rate=0.1)
    stop.update(torch.tensor([1.0]))
    stop.update(torch.tensor([3.0]))
    assert stop.variance == pytest.approx(0.9 * 0.1 * 4.0)
    stop.update(torch.tensor([1.2]))  # the mean is 1.2 by now
    assert stop.variance == pytest.approx(0.9 * 0.9 * 0.1 * 4.0)


def test_held_out_stop_gives_the_best_weights_back() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    stop = HeldOutStop(network, patience=2)
    for iteration, error in enumerate([3.0, 1.0, 2.0, 2.5]):
        network.weight.data.fill_(iteration)
        assert not stop.stop
        stop.check(error, iteration)
    assert stop.stop
    assert stop.best_iteration == 1
    stop.restore()
    assert float(network.weight.detach()) == 1.0
