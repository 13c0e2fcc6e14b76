"""The gray of films in uneven light."""

from __future__ import annotations

import numpy as np
import pytest
from film_photos import film

from FilmRecoveryLib.light import relight
from FilmRecoveryLib.warp import places

TONE = 2.2


def seen(gray: np.ndarray, light: np.ndarray | float, glare: np.ndarray | float = 0.0) -> np.ndarray:
    """A flat film (h, w, 3) in sRGB, nearly."""
    linear = gray**TONE * light + glare
    return np.repeat((linear.clip(0, 1) ** (1 / TONE))[..., None], 3, axis=-1).astype(np.float32)


def error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


@pytest.mark.parametrize("glare", [0.0, 0.08])
def test_uneven_light_and_glare_are_taken_out(glare: float):
    u, v = np.moveaxis(places((300, 400)), -1, 0)
    picture = seen(film(), 0.75 - 0.5 * u + 0.15 * v, glare * (0.5 + u * v))
    found, doubt = relight(picture)
    assert found.shape == doubt.shape == (300, 400)
    assert error(found, film()) < 0.6 * error(picture[..., 0], film())
    assert error(found, relight(seen(film(), 1.0))[0]) < 0.05
    assert doubt.max() < 0.1


def test_a_film_in_even_light_hardly_changes():
    found, _ = relight(seen(film(), 1.0))
    assert error(found, film()) < 0.07


def test_what_is_burnt_out_or_in_the_dark_is_doubtful():
    u, _ = np.moveaxis(places((300, 400)), -1, 0)
    burnt = seen(film(), 0.6, (u > 0.9) * 1.0)
    _, doubt = relight(burnt)
    assert doubt[:, 370:].min() == 1
    _, doubt = relight(seen(film(), 1e-3))
    assert doubt.mean() > 0.9


def test_an_empty_film_is_dark_and_doubtful():
    found, doubt = relight(np.zeros((64, 80, 3), np.float32))
    assert found.max() < 0.05
    assert doubt.min() > 0.9
