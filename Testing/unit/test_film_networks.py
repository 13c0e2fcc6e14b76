"""CT Film Recovery's compact networks, and how they look at a photo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from FilmRecoveryLib import model
from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.looks import SIZE, around, film_frame, frame_of, pixels, seen_places, whole_frame
from FilmRecoveryLib.model import located
from FilmRecoveryLib.model import toned as toned_film
from FilmRecoveryLib.networks import (
    KNOTS,
    FilmNet,
    GridNet,
    Look,
    PlaceNet,
    RimNet,
    ToneNet,
    TurnNet,
    ValueNet,
    default_uv,
    toned,
)
from FilmRecoveryLib.photo import luminance_of
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.warp import places
from InverseImagingLib.errors import InputError
from InverseImagingLib.models import Weights

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def test_the_compact_weights_fit_into_a_bundle():
    assert 2 * sum(p.numel() for p in FilmNet().parameters()) < 16 * 2**20


@pytest.mark.parametrize("shape", [(256, 256), (128, 192)])
def test_a_network_that_has_learned_nothing_takes_the_film_to_fill_the_middle(shape: tuple[int, int]):
    look = PlaceNet().eval()(torch.rand(2, 4, *shape))
    height, width = (side // 4 for side in shape)
    assert look.uv.shape == (2, 2, height, width)
    assert look.mask.shape == look.doubt.shape == (2, 1, height, width)
    assert look.position.shape == look.normal.shape == (2, 3, height, width)
    assert look.depth.shape[1] == 1
    torch.testing.assert_close(look.uv, default_uv(look.uv).expand_as(look.uv), atol=0.1, rtol=0)


# Frames


@given(st.integers(40, 3000), st.integers(40, 3000))
def test_the_whole_photo_is_in_its_frame(height: int, width: int):
    rim = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    seen = transformed(rim, np.linalg.inv(whole_frame((height, width))))
    assert np.max(np.abs(seen - (SIZE - 1) / 2)) == pytest.approx(SIZE / 2)
    assert seen[0] + seen[1] == pytest.approx([SIZE - 1, SIZE - 1])


@settings(max_examples=20)
@given(st.lists(st.floats(-0.2, 0.2), min_size=8, max_size=8))
def test_a_film_lies_in_the_middle_of_its_frame(moves: list[float]):
    film = homography(SQUARE, 300 * (SQUARE + np.reshape(moves, (4, 2))) + 50)
    uv = transformed(transformed(seen_places(), film_frame(film)), np.linalg.inv(film))
    wanted = default_uv(torch.zeros(1, 1, SIZE // 4, SIZE // 4, dtype=torch.float64))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(uv, wanted, atol=1e-6)


def test_a_frame_is_black_beside_the_photo():
    frame = frame_of(np.full((100, 200, 3), 255, np.uint8), whole_frame((100, 200)))
    there = frame[3] == 1
    assert frame.shape == (4, SIZE, SIZE)
    assert there.mean() == pytest.approx(0.5)
    assert frame[:3, there].min() > 0.999
    assert (frame[:, ~there] == 0).all()


def test_a_bent_film_lies_flat_in_the_frame_around_it():
    backward = 40 + 300 * places((64, 64)) ** [1, 2]
    frame = film_frame(np.eye(3))
    inner = transformed(pixels(SIZE), frame)
    film = ((inner > 0.05) & (inner < 0.95)).all(axis=-1)
    np.testing.assert_allclose(around(backward)[film], (40 + 300 * inner ** [1, 2])[film], atol=0.1)


# Looking


class Reading(torch.nn.Module):
    """Takes the place on the film from the red and the green of the photo, and the film from its blue."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, frames: torch.Tensor) -> Look:
        seen = torch.nn.functional.avg_pool2d(frames, 4)
        uv, film = seen[:, :2] * 1.5 - 0.25, seen[:, 2:3]
        none = torch.zeros_like(film)
        return Look(uv, none - 6, 20 * (film - 0.95), uv, uv, none)


def photo_of(backward: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A photo whose red and green tell the place on a film with a homography's backward map."""
    matrix = homography(places((64, 64)).reshape(-1, 2), backward.reshape(-1, 2).astype(np.float64))
    rows, columns = np.indices(size)
    uv = transformed(np.stack([columns, rows], axis=-1), np.linalg.inv(matrix))
    film = ((uv > 0) & (uv < 1)).all(axis=-1)
    return (255 * np.dstack([((uv + 0.25) / 1.5).clip(0, 1), film])).round().astype(np.uint8)


def flat_nodes(corners: np.ndarray) -> np.ndarray:
    return transformed(places((64, 64)), homography(SQUARE, corners))


@pytest.mark.parametrize("scale", [1, 4])
def test_a_film_is_found_where_the_network_sees_it(scale: int):
    corners = scale * np.array([[120.0, 80], [520, 110], [500, 400], [90, 380]])
    photo = photo_of(flat_nodes(corners), (480 * scale, 640 * scale))
    sheet, _ = located(photo, Reading().eval(), RimNet().eval())
    np.testing.assert_allclose(sheet.backward, flat_nodes(corners), atol=2 * scale)  # bytes are coarse
    np.testing.assert_allclose(sheet.corners, corners, atol=5 * scale)
    assert sheet.source == "model"
    assert 1.2 < sheet.aspect < 1.6
    assert sheet.confidence.shape == sheet.backward.shape[:2]
    assert sheet.confidence[8:-8, 8:-8].min() > 0.95


def test_a_photo_without_film_is_refused():
    with pytest.raises(InputError, match="no film"):
        located(np.zeros((300, 400, 3), np.uint8), Reading().eval(), RimNet().eval())


def test_a_film_is_sought_by_one_thread_for_each_that_asks(monkeypatch: pytest.MonkeyPatch):
    """NumPy and PyTorch have one thread then, beside that which seeks, too, and afterwards as many as before."""

    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} | {
            torch.get_num_threads()
        }

    def look(*_: object) -> Sheet:
        with ThreadPoolExecutor(1) as pool:
            seen.update(threads(), pool.submit(threads).result())
        raise InputError("There is no film.")

    seen: set[int] = set()
    monkeypatch.setattr(model, "_networks", lambda weights: FilmNet())
    monkeypatch.setattr(model, "located", look)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threadpool_limits(2, "blas"):
            with pytest.raises(InputError):
                model.locate(np.zeros((300, 400, 3), np.uint8), Weights("film", Path("none"), ""))
            assert threads() == {2}
    finally:
        torch.set_num_threads(before)
    assert seen == {1}


# Tones


def test_a_curve_gives_each_luminance_its_gray():
    ramp = torch.linspace(0, 1, 101).reshape(1, 1, 1, 101).expand(1, 1, 7, 101)
    curve = torch.linspace(0, 1, KNOTS).reshape(1, KNOTS, 1, 1).expand(1, KNOTS, 3, 5)
    torch.testing.assert_close(toned(ramp, curve), ramp, atol=1e-5, rtol=0)
    torch.testing.assert_close(toned(ramp, 1 - curve), 1 - ramp, atol=1e-5, rtol=0)


def test_brighter_is_never_darker():
    curves, doubt = ToneNet().eval()(torch.rand(1, 3, 96, 64))
    assert curves.shape == (1, KNOTS, 12, 8)
    assert doubt.shape == (1, 1, 12, 8)
    assert (curves.diff(dim=1) > 0).all()


# Values and turns


def test_slices_of_any_size_keep_it():
    network = ValueNet()
    for values in network.layers[-1].parameters():
        torch.nn.init.zeros_(values)
    gray = torch.rand(2, 1, 31, 44)
    torch.testing.assert_close(network(gray), gray)


def test_there_are_eight_ways_to_turn_a_film():
    assert TurnNet().eval()(torch.rand(3, 1, 128, 128)).shape == (3, 8)


def test_a_film_gets_waves_down_and_along_it():
    assert GridNet().eval()(torch.rand(3, 1, 128, 64), torch.tensor([0.5, 1.0, 2.0])).shape == (3, 2, 2, 32, 16)
    assert pixels(8, 4).tolist() == [[[1.5, 1.5], [5.5, 1.5]], [[1.5, 5.5], [5.5, 5.5]]]


def test_the_light_of_a_finer_film_is_toned_as_its_colors_are(monkeypatch: pytest.MonkeyPatch):
    network = FilmNet().eval()
    monkeypatch.setattr("FilmRecoveryLib.model._networks", lambda weights: network)
    photo = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    colors = photo.astype(np.float32) / 255
    whole = toned_film(colors, None)
    for one, other in zip(whole, toned_film(colors, None, "cpu", luminance_of(photo)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    gray, doubt = toned_film(colors[::2, ::2], None, "cpu", luminance_of(photo))
    assert gray.shape == doubt.shape == (70, 90)


def test_what_is_burnt_out_is_known_only_where_the_film_is_white(monkeypatch: pytest.MonkeyPatch):
    gray = torch.tensor([0.5, 0.5, 1.0])
    monkeypatch.setattr("FilmRecoveryLib.model._networks", lambda weights: FilmNet().eval())
    monkeypatch.setattr("FilmRecoveryLib.model.by_curves", lambda seen, curves: gray.expand(seen.shape).clone())
    seen = np.array([0.5, 1.0, 1.0], np.float32)
    _, doubt = toned_film(np.tile(seen[:, None], (6, 1, 3)), None)
    assert (doubt[:, 1] == 1).all()
    assert (doubt[:, [0, 2]] < 1).all()


def test_the_gray_of_a_film_runs_from_black_to_white(monkeypatch: pytest.MonkeyPatch):
    network = FilmNet().eval()
    torch.nn.init.constant_(network.tone.head.bias, 9.0)
    monkeypatch.setattr("FilmRecoveryLib.model._networks", lambda weights: network)
    gray, doubt = toned_film(np.ones((40, 50, 3), np.float32), None)
    assert gray.shape == doubt.shape == (40, 50)
    assert gray.max() == 1
