"""What is printed on a film tells where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from film_sheets import sheet as printed
from torch.nn import functional

from FilmRecoveryLib import content
from FilmRecoveryLib.likening import likened
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.spacing import evenly_spaced, likeness
from FilmRecoveryLib.straightening import straightened
from FilmRecoveryLib.warp import centers, places, resampled
from FilmRecoveryLib.waves import evened, tiled

RIM = 40  # pixels around the film


def photo_of(film: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, Sheet]:
    """A photo of a film (h, w) whose places u, v (64, 64, 2) are seen where others would be, and its true sheet."""
    height, width = film.shape
    x, y = (np.arange(n + 2 * RIM) - RIM + 0.5 for n in (width, height))
    seen = base = np.stack(np.meshgrid(x / width, y / height), axis=-1)
    for _ in range(20):  # what is moved there
        seen = base - at(moved - places((64, 64)), seen)
    inside = ((seen > 0) & (seen < 1)).all(axis=-1)
    gray = resampled(film, (seen * (width, height) - 0.5).astype(np.float32)) * inside
    backward = moved * (width, height) - 0.5 + RIM
    pixels = np.repeat((gray[..., None] * 255).round().astype(np.uint8), 3, axis=-1)
    return pixels, Sheet(backward.astype(np.float32), np.ones((64, 64), np.float32), width / height, "user")


def at(values: np.ndarray, uv: np.ndarray) -> np.ndarray:
    return resampled(values.astype(np.float32), (uv * 64 - 0.5).astype(np.float32))


def flat(film: np.ndarray) -> Sheet:
    return photo_of(film, places((64, 64)))[1]


def off(one: Sheet, other: Sheet) -> float:
    return float(np.linalg.norm(one.backward - other.backward, axis=-1).mean())


def test_bent_rows_become_straight():
    film, _ = printed(4, 5)
    v, u = np.moveaxis(places((64, 64))[..., ::-1], -1, 0)
    moved = places((64, 64)) + np.stack([0 * u, 0.08 * v * (1 - v) * (2 * u - 1)], axis=-1)
    pixels, truth = photo_of(film, moved)
    before = flat(film)
    after = straightened(pixels, before)
    down = [np.abs(each.backward - truth.backward)[..., 1].mean() for each in (before, after)]
    assert down[0] > 3
    assert down[1] < 0.2 * down[0]


@pytest.mark.parametrize("amounts", [(0.03, 0.0), (-0.03, 0.0)])
def test_tiles_become_equally_large(amounts: tuple[float, float]):
    film, _ = printed(4, 5)
    u = centers(64)
    column = u + 4 * u * (1 - u) * (amounts[0] + amounts[1] * (2 * u - 1))
    pixels, truth = photo_of(film, np.stack(np.meshgrid(column, u), axis=-1))
    before = flat(film)
    bent = Sheet(before.backward + sagging(before), before.confidence, before.aspect, "user")
    tall = Sheet(truth.backward + sagging(before), before.confidence, before.aspect, "user")
    after = evenly_spaced(pixels, bent)
    assert off(bent, tall) > 4
    assert off(after, tall) < 0.4 * off(bent, tall)


def test_tiles_become_alike():
    film = np.tile(printed(4, 5)[0][:125, :124], (4, 5))
    v, u = np.moveaxis(places((64, 64))[..., ::-1], -1, 0)
    aside = np.stack([4 * u * (1 - u) * (v - 0.3), 4 * v * (1 - v) * (0.7 - u)], axis=-1)
    pixels, truth = photo_of(film, places((64, 64)) + 0.008 * aside)
    before = flat(film)
    assert off(before, truth) > 1
    assert off(likened(pixels, before), truth) < 0.4 * off(before, truth)


def sagging(sheet: Sheet) -> np.ndarray:
    """What bends the upper side of a sheet outwards, where there is nothing to be seen."""
    v, u = np.moveaxis(places((64, 64))[..., ::-1], -1, 0)
    return np.stack([0 * u, -24 * u * (1 - u) * (1 - 8 * v).clip(0)], axis=-1).astype(np.float32)


class Reading(torch.nn.Module):
    """Takes a column of four from the gray of a film, and a row of three from its own."""

    def __init__(self) -> None:
        super().__init__()
        self.none = torch.nn.Parameter(torch.zeros(1))

    def forward(self, film: torch.Tensor, aspect: torch.Tensor) -> torch.Tensor:
        across = 4 * functional.avg_pool2d(film, 4)[:, 0]
        down = (3 * torch.from_numpy(centers(across.shape[1])).float()[:, None]).expand_as(across)
        turns = 2 * torch.pi * torch.stack([down, across], dim=1)
        return torch.stack([turns.cos(), turns.sin()], dim=2)


class Silent(Reading):
    """Sees no waves."""

    def forward(self, film: torch.Tensor, aspect: torch.Tensor) -> torch.Tensor:
        return 0 * super().forward(film, aspect)


@pytest.mark.parametrize("amount", [0.0, 0.03, -0.03, 0.12, -0.12])
def test_cells_become_even(amount: float):
    film = np.tile(centers(400).astype(np.float32), (300, 1))
    v, u = np.moveaxis(places((64, 64))[..., ::-1], -1, 0)
    pixels, truth = photo_of(film, places((64, 64)) + np.stack([4 * u * (1 - u) * (0.5 + v) * amount, 0 * u], axis=-1))
    before = flat(film)
    assert off(evened(pixels, before, Reading()), truth) < 0.25 * off(before, truth) + 0.5


def test_tiles_are_told_from_what_has_none():
    film = np.tile(centers(400).astype(np.float32), (300, 1))
    tiles, none = (photo_of(each, places((64, 64))) for each in (film, np.zeros_like(film)))
    assert tiled(*tiles, Reading()) > 2.5
    assert tiled(*none, Silent()) == 0


def test_what_lies_right_stays_there():
    film, _ = printed(3, 4)
    pixels, truth = photo_of(film, places((64, 64)))
    assert straightened(pixels, truth) is truth
    assert off(evenly_spaced(pixels, truth), truth) < 1
    assert off(likened(pixels, truth), truth) < 2  # slices differ, and are taken for ones that do not


def test_nothing_to_be_seen_moves_nothing():
    film = np.zeros((400, 500), np.float32)
    pixels, truth = photo_of(film, places((64, 64)))
    assert straightened(pixels, truth) is truth
    assert off(evenly_spaced(pixels, truth), truth) < 1
    assert off(likened(pixels, truth), truth) < 0.1


@pytest.mark.parametrize(("stretch", "even", "taken"), [(1.2, 1.3, True), (1.2, 1.05, False), (0.8, 1.3, False)])
def test_a_film_has_stretched_where_it_becomes_clearly_more_even(
    monkeypatch: pytest.MonkeyPatch, stretch: float, even: float, taken: bool
):
    """Of films that hardly stretch it is not asked."""

    @dataclass(frozen=True)
    class Hanging:
        stretch: float
        gives: float = 0.0

    def moved(_: object, sheet: object, surface: Hanging, *networks: object) -> content._Lying:
        return content._Lying("stretched" if surface.gives else sheet, surface, even if surface.gives else 1.0, 1.0)

    monkeypatch.setattr(content, "_moved", moved)
    found = content.by_content(np.zeros((9, 9, 3)), [("stiff", Hanging(stretch))], None, None)
    assert found == ("stretched" if taken else "stiff")


def test_likeness_changes_as_its_slope_says():
    films = torch.randn(2, 5, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    assert torch.autograd.gradcheck(likeness, films)
