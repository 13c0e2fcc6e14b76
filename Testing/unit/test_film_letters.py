"""Which way up a flat film is, by its letters; and what LetterNet learns from."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from drawn_films import film, losses, subjects

from FilmRecoveryLib import model
from FilmRecoveryLib.letters import likelihoods
from FilmRecoveryLib.networks import LetterNet
from FilmRecoveryLib.training.lessons import training_options
from FilmRecoveryLib.training.lettering import LetterLesson, Parts
from FilmRecoveryLib.training.samples import turned_away
from FilmRecoveryLib.weights import weights_of_letters
from InverseImagingLib.training.distributed import team


@pytest.fixture(scope="module")
def network() -> LetterNet:
    return model._letters(weights_of_letters())


@pytest.fixture(scope="module")
def lettered() -> torch.Tensor:
    """A film (1, h, w) with text on many tiles."""
    drawn = next(each for each in (film(seed, 1536) for seed in range(20)) if len(each.texts) > 60)
    return torch.from_numpy(drawn.texture)[None]


@pytest.mark.parametrize("turn", range(8))
def test_letters_tell_how_a_film_was_turned(turn: int, network: LetterNet, lettered: torch.Tensor):
    turned = turned_away(lettered, turn)[0].contiguous().numpy()
    assert int(likelihoods(turned, network).argmax()) == turn


@pytest.mark.parametrize("size", [(80, 60), (700, 500), (3000, 2000)])
def test_a_film_without_letters_tells_little(size: tuple[int, int], network: LetterNet):
    noise = 0.3 + 0.02 * np.random.default_rng(0).standard_normal(size, np.float32)
    assert float(likelihoods(noise, network).softmax(dim=0).max()) < 0.9


def test_parts_of_films_show_letters_and_more():
    with team() as alone:
        (sample,) = islice(Parts(subjects())(training_options(task="letters", batch=8, pool=8), 0, alone), 1)
    films = sample["film"]
    assert films.shape == (8, 1, 64, 64)
    assert 0 <= float(films.min()) < float(films.max()) <= 1
    assert len({float(each.mean()) for each in films}) == 8


def test_the_network_learns():
    torch.manual_seed(0)
    found = losses(LetterLesson(LetterNet(), Parts(subjects())), "letters")
    assert found[-1] < 0.6 * found[0]
