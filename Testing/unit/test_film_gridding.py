"""What GridNet learns from: films that are about flat, and the waves of their cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_films import film, losses, subjects

from FilmRecoveryLib.cells import best_cells
from FilmRecoveryLib.flags import FLAGS
from FilmRecoveryLib.networks import FilmNet
from FilmRecoveryLib.paper.variants import Variant
from FilmRecoveryLib.training import samples
from FilmRecoveryLib.training.gridding import GridLesson
from FilmRecoveryLib.training.lessons import Task
from FilmRecoveryLib.training.samples import GriddedFilms

SEEDS = range(6)


@pytest.fixture
def flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films without bends, none of which is one picture."""
    monkeypatch.setattr(samples, "_UNEVEN", (0.0,))
    monkeypatch.setattr(samples, "_ALONE", 0.0)


def drawn(seed: int, alone: bool = False) -> tuple[tuple[int, int], dict[str, torch.Tensor]]:
    """Rows and columns of a film, and a sample of it."""
    draw = GriddedFilms(subjects())
    made = draw._make(np.random.default_rng(seed))
    rows, columns = (1, 1) if alone else (int(count) for count in made.cells[:, 2])
    return (rows, columns), draw._piece(made, np.random.default_rng(seed))


def cells_of(sample: dict[str, torch.Tensor]) -> tuple:
    waves = sample["waves"].numpy()
    return best_cells(waves[:, 0] + 1j * waves[:, 1], (100, 100 * float(sample["aspect"])))


@pytest.mark.parametrize("seed", SEEDS)
def test_cells_of_a_film_hold_its_tiles(seed: int):
    printed = film(seed)
    boxes = np.array([*printed.tiles, *printed.others]) / ([*printed.texture.shape[::-1]] * 2)
    for (start, pitch, count), low in zip(printed.cells, (1, 0), strict=True):
        places = (boxes[:, [low, low + 2]] - start) / pitch
        assert places.min() > -0.01
        assert places.max() < count + 0.01
        assert (places.mean(axis=1) % 1).round(2) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("flat")
def test_the_waves_of_a_film_tell_its_rows_and_columns(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_UPRIGHT", 1.0)
    grid, sample = drawn(seed)
    rows, columns, _ = cells_of(sample)
    assert (rows.count, columns.count) == grid


@pytest.mark.usefixtures("flat")
def test_films_that_are_turned_have_waves_that_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_UPRIGHT", 0.0)
    found = []
    for seed in SEEDS:
        grid, sample = drawn(seed)
        rows, columns, _ = cells_of(sample)
        assert (rows.count, columns.count) in (grid, grid[::-1])
        found.append((rows.count, columns.count) == grid)
    assert len(set(found)) == 2  # some lie on their sides


def test_a_film_may_be_one_picture(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_ALONE", 1.0)
    _, sample = drawn(0, alone=True)
    rows, columns, _ = cells_of(sample)
    assert (rows.count, columns.count) == (1, 1)


def test_the_network_learns():
    torch.manual_seed(0)
    found = losses(GridLesson(FilmNet(), GriddedFilms(subjects())), "grid")
    assert found[-1] < 0.6 * found[0]


@pytest.mark.parametrize(("flag", "choice"), [("task", Task), ("variant", Variant)])
def test_all_that_can_learn_can_be_asked_for(flag: str, choice: type[Task] | type[Variant]):
    assert set(FLAGS["train"][flag]["choices"]) == {each.value for each in choice}
