"""Photos of films that FilmRecovery's networks learn from, and their truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from drawn_films import flat_scene, ramp, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from FilmRecoveryLib.training.render import backward_map, render, whole
from FilmRecoveryLib.training.sheets import Sheet, draw_sheet
from FilmRecoveryLib.training.spoil import Spoiling, spoiled, to_srgb
from FilmRecoveryLib.warp import resampled

SEEDS = st.integers(0, 10**6)
few = settings(max_examples=12, deadline=None)


def rendered(seed: int, size: int = 96, **changes: object) -> dict[str, torch.Tensor]:
    return render(ramp(True), dataclasses.replace(scene(seed), **changes), size)


@few
@given(SEEDS)
def test_the_gray_of_a_ramp_is_its_film_coordinate(seed: int):
    for across in (True, False):
        found = render(ramp(across), scene(seed), 96)
        film = found["mask"][0] == 1
        assert film.sum() > 300
        off = (found["albedo"][0] - found["uv"][1 - across])[film].abs()
        assert off.quantile(0.99) < 3e-3  # at the rim of a curled corner a pixel sees much of the film


@few
@given(SEEDS)
def test_uv_and_the_backward_map_lead_back(seed: int):
    taken = scene(seed)
    backward = backward_map(taken, (24, 20)).numpy()
    own = (backward - whole(taken, (128, 128))[:2, 2]) / np.diag(whole(taken, (128, 128)))[:2]
    uv = render(ramp(True), taken, 128)["uv"].permute(1, 2, 0).numpy()
    u, v = np.meshgrid((np.arange(20) + 0.5) / 20, (np.arange(24) + 0.5) / 24)
    inside = ((own > 1) & (own < 126)).all(axis=-1)
    off = np.abs(resampled(uv, own.astype(np.float32)) - np.stack([u, v], axis=-1))[inside]
    assert np.quantile(off, 0.99) < 0.02  # at the rim of a curled corner two pixels may be far apart on the film
    assert np.median(off) < 5e-4


@few
@given(SEEDS)
def test_a_photo_is_light_through_the_film_and_glare(seed: int):
    found = rendered(seed)
    plain = (found["mask"] == 1) & (found["seen"] == 1)
    sum_ = found["transmittance"] * found["light"] + found["glare"]
    assert plain.any()
    torch.testing.assert_close(found["linear"][:, plain[0]], sum_[:, plain[0]])
    exact = spoiled(found["linear"].clamp(0, 0.8), torch.zeros(2, 96, 96), 96, Spoiling())
    torch.testing.assert_close(exact, to_srgb(found["linear"].clamp(0, 0.8)))


@few
@given(SEEDS)
def test_photos_and_their_truth_are_finite_and_within_bounds(seed: int):
    found = rendered(seed)
    assert {name: bool(values.isfinite().all()) for name, values in found.items()} == dict.fromkeys(found, True)
    assert found["photo"].min() >= 0
    assert found["photo"].max() <= 1
    for name in ("mask", "seen", "transmittance"):
        assert 0 <= found[name].min() <= found[name].max() <= 1
    film = found["mask"][0] > 0.5
    torch.testing.assert_close(found["normal"].square().sum(dim=0)[film], torch.ones(int(film.sum())))
    torch.testing.assert_close(found["depth"], found["position"][2:])
    toward = -(found["normal"] * found["position"]).sum(dim=0)[film]
    assert toward.min() > 0, "the film's face is what is seen"
    assert 0.05 < found["photo"].mean() < 0.98


def test_a_flat_film_that_fills_the_photo_stays_as_it_is():
    texture = torch.rand(85, 70, generator=torch.Generator().manual_seed(0))
    found = render(texture, flat_scene(), (85, 70))
    assert found["deformation"].abs().max() < 1e-5
    torch.testing.assert_close(found["albedo"][0], texture, atol=1e-3, rtol=0)
    inner = found["mask"][0, 1:-1, 1:-1]
    assert inner.min() == 1
    torch.testing.assert_close(found["normal"][:, 40, 30], torch.tensor([0.0, 0.0, -1.0]))


@few
@given(SEEDS)
def test_a_frame_shows_what_the_whole_photo_shows(seed: int):
    taken = scene(seed)
    half = np.array([[0.5, 0, 20], [0, 0.5, 30], [0, 0, 1.0]])
    large = render(ramp(True), taken, 128)
    part = render(ramp(True), taken, 64, whole(taken, (128, 128)) @ half)
    at = np.stack(np.meshgrid(np.arange(64) * 0.5 + 20, np.arange(64) * 0.5 + 30), axis=-1).astype(np.float32)
    for name in ("uv", "depth"):
        expected = resampled(large[name].permute(1, 2, 0).numpy(), at)
        film = resampled(large["mask"].permute(1, 2, 0).numpy(), at)[..., 0] > 0.999
        np.testing.assert_allclose(part[name].permute(1, 2, 0).numpy()[film], expected[film], atol=0.02)


@few
@given(SEEDS)
def test_bends_keep_lengths_and_tangents_are_derivatives(seed: int):
    drawn = draw_sheet(np.random.default_rng(seed), 0.8)
    sheet = Sheet(0.8, drawn.bends[:1])  # one alone is developable
    u, v = torch.rand(2, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    points = sheet.at(u, v)
    torch.testing.assert_close(points.along_u.norm(dim=0), torch.ones(200, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(points.along_v.norm(dim=0), torch.full((200,), 1.25).double(), atol=1e-4, rtol=0)
    step = 1e-4
    ahead, behind = drawn.at(u + step, v).at, drawn.at(u - step, v).at
    torch.testing.assert_close((ahead - behind) / (2 * step), drawn.at(u, v).along_u, atol=0.02, rtol=0)


def test_sheets_differ_and_some_are_nearly_flat():
    depths = []
    for seed in range(40):
        u, v = torch.meshgrid(torch.linspace(0, 1, 9), torch.linspace(0, 1, 9), indexing="xy")
        away = draw_sheet(np.random.default_rng(seed), 0.8).at(u, v).at[2]
        depths.append(float(away.max() - away.min()))
    assert np.quantile(depths, 0.1) < 0.06
    assert np.quantile(depths, 0.9) > 0.15


def test_the_same_seed_gives_the_same_photo():
    one, other = (rendered(5) for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["photo"], rendered(6)["photo"])


@pytest.mark.parametrize(
    "how",
    [
        {"exposure": 0.5},
        {"balance": (1.2, 1.0, 0.8)},
        {"vignetting": 0.3},
        {"flare": 0.05},
        {"blur": 0.02},
        {"motion": 0.03, "angle": 30.0},
        {"noise": 0.05},
        {"grain": 0.05},
        {"contrast": 0.5},
        {"moire": (0.05, 9.0, 4.0, 1.0)},
        {"quality": 30},
    ],
)
def test_each_fault_of_a_camera_changes_the_photo_a_little(how: dict):
    clean, spoilt = (rendered(3, spoiling=Spoiling(**each))["photo"] for each in ({}, how))
    change = (clean - spoilt).abs().mean()
    assert 1e-4 < change < 0.2


def test_fingers_and_clips_hide_the_film_but_not_its_place():
    seed = next(seed for seed in range(50) if scene(seed).things)
    bare, held = rendered(seed, things=()), rendered(seed)
    hidden = held["seen"][0] < 0.5
    assert hidden.any()
    assert torch.equal(bare["uv"], held["uv"])
    assert torch.equal(bare["mask"], held["mask"])
    assert torch.equal(bare["linear"][:, held["seen"][0] == 1], held["linear"][:, held["seen"][0] == 1])
