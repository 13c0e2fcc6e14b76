"""What RimNet learns from: strips along the sides of films, in clutter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_films import losses, subjects

from FilmRecoveryLib.networks import FilmNet
from FilmRecoveryLib.sides import DEEP, LONG, REACH
from FilmRecoveryLib.training import samples
from FilmRecoveryLib.training.clutter import draw_clutter
from FilmRecoveryLib.training.rims import RimLesson
from FilmRecoveryLib.training.samples import Strips


@pytest.mark.parametrize("seed", range(3))
def test_films_begin_in_the_middle_of_strips_where_they_are_known(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_ASTRAY", (0.0,))
    monkeypatch.setattr(samples, "between_sides", lambda truth: truth)
    draw = Strips(subjects())
    sample = draw._piece(draw._make(np.random.default_rng(seed)), np.random.default_rng(seed))
    assert sample["strips"].shape == (4, 4, DEEP, LONG)
    assert sample["mask"].shape == (4, 1, DEEP // 2, LONG // 2)
    at = (torch.arange(LONG // 2) + 0.5) / (LONG // 2) * (1 + 2 * REACH) - REACH
    there = torch.nn.functional.avg_pool2d(sample["strips"][:, 3:], 2) > 0.999  # in the photo
    there &= (at > 0.05) & (at < 0.95)
    rows, film = torch.arange(DEEP // 2)[:, None].expand_as(there), sample["mask"]
    outside, inside = there & (rows < DEEP // 4 - 3), there & (rows > DEEP // 4 + 3)
    assert outside.any()
    assert film[outside].max() < 0.05
    assert film[inside].min() > 0.95


def test_films_that_are_roughly_known_begin_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_ASTRAY", (0.05,))
    draw = Strips(subjects())
    made = draw._make(np.random.default_rng(1))
    found = torch.stack([draw._piece(made, np.random.default_rng(seed))["mask"] for seed in range(4)])
    begins = found[..., LONG // 4].mean(dim=-1)
    assert begins.std() > 0.05


def test_clutter_leaves_the_film_alone(monkeypatch: pytest.MonkeyPatch):
    photos = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(samples, "_CLUTTERED", share)
        photos.append(Strips(subjects())._make(np.random.default_rng(5)))
    plain, cluttered = photos
    film = plain.maps[..., 2] > 0.999
    near = torch.nn.functional.max_pool2d(-torch.from_numpy(film).float()[None], 9, 1, 4)[0].numpy() > -1
    off = np.abs(plain.photo.astype(int) - cluttered.photo).max(axis=-1)
    assert off[film & ~near].max() <= 1
    assert np.median(off[plain.maps[..., 2] == 0]) > 10


def test_some_clutter_is_as_light_as_the_film():
    rng, like = np.random.default_rng(0), np.array([0.2, 0.2, 0.22])
    found = np.stack([draw_clutter(rng, (90, 120), like) for _ in range(30)])
    assert found.shape == (30, 90, 120, 3)
    assert found.min() >= 0
    assert found.max() <= 1
    assert 0.2 < (np.abs(found.mean(axis=-1) - like.mean()) < 0.15).mean() < 0.7


def test_the_network_learns():
    torch.manual_seed(0)
    found = losses(RimLesson(FilmNet(), Strips(subjects())), "rim")
    assert found[-1] < 0.6 * found[0]
