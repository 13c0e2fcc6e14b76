"""The rows of the paper's Table 2: what their networks learn, and where they find a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_films import subjects
from film_cases import write_ct
from film_photos import CORNERS, SQUARE
from safetensors.torch import load_file
from torch import nn

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.looks import SIZE, pixels, whole_frame
from FilmRecoveryLib.paper.cascade import Cascade
from FilmRecoveryLib.paper.dewarping import deformation_of
from FilmRecoveryLib.paper.sheets import located
from FilmRecoveryLib.paper.variants import Variant, network_of
from FilmRecoveryLib.sheet import NODES
from FilmRecoveryLib.training import lessons
from FilmRecoveryLib.training.cascading import CascadeLesson
from FilmRecoveryLib.training.dewarping import DewarpingLesson
from FilmRecoveryLib.training.lesson import Sample
from FilmRecoveryLib.training.lessons import training_options
from FilmRecoveryLib.training.samples import BareFilms, FlatFilms, Maps
from FilmRecoveryLib.warp import places, resampled
from InverseImagingLib import cli
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.run import WEIGHTS
from InverseImagingLib.training.trainer import CHECKPOINT

ALONE = Team(torch.device("cpu"))
GIVEN = {
    Variant.BACKWARD: {"backward"},
    Variant.UV: {"position", "mask", "uv"},
    Variant.MAPS: {"position", "normal", "depth", "mask", "uv"},
    Variant.FULL: {"position", "normal", "depth", "mask", "uv", "deformation"},
}

each_variant = pytest.mark.parametrize("variant", Variant)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return next(Maps(subjects())(training_options("paper", batch=1), 0, ALONE))


class Telling(nn.Module):
    """Gives the same maps of any photo."""

    def __init__(self, **maps: torch.Tensor) -> None:
        super().__init__()
        self.maps, self.unused = maps, nn.Parameter(torch.zeros(1))

    def forward(self, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.maps


def lesson(network: nn.Module) -> DewarpingLesson:
    def none(*_: object) -> Iterator[Sample]:
        return iter(())

    return DewarpingLesson(network, none)


def test_the_two_maps_of_a_sample_are_the_inverse_of_each_other(sample: Sample):
    uv, mask, backward = (sample[name][0].permute(1, 2, 0).numpy() for name in ("uv", "mask", "backward"))
    there = (backward * SIZE - 0.5).astype(np.float32)
    inside = resampled(mask[..., 0], there) > 0.999
    assert inside.mean() > 0.8
    np.testing.assert_allclose(resampled(uv, there)[inside], places((SIZE, SIZE))[inside], atol=1e-3)


@each_variant
def test_a_variant_learns_the_maps_that_it_gives(variant: Variant, sample: Sample):
    """A step on small pieces of maps makes what it has learned from less wrong."""
    torch.manual_seed(0)
    piece = {name: values[..., 96:128, 96:128] for name, values in sample.items()}
    learner = lesson(network_of(variant, 2))
    steps = torch.optim.Adam(learner.parameters(), 1e-3)
    terms = learner(piece)
    assert terms.keys() == GIVEN[variant]
    before = torch.stack(list(terms.values())).sum()
    before.backward()
    assert all(each.grad is not None for each in learner.parameters())
    steps.step()
    assert torch.stack(list(learner(piece).values())).sum() < before


def test_true_maps_cost_nothing(sample: Sample):
    uv = 2 * sample["uv"] - 1
    shape = {name: sample[name] for name in ("position", "normal", "depth")}
    terms = lesson(Telling(**shape, uv=uv, deformation=deformation_of(uv), backward=2 * sample["backward"] - 1))(sample)
    assert all(float(term) == pytest.approx(0, abs=1e-5) for term in terms.values())
    wrong = lesson(Telling(uv=uv + 0.5, backward=2 * sample["backward"]))(sample)
    assert float(wrong["uv"]) == pytest.approx(0.5, abs=0.01)
    assert float(wrong["backward"]) == pytest.approx(1, abs=1e-5)


def maps_of_film(shape: tuple[int, int]) -> dict[str, torch.Tensor]:
    """The uv map, the mask and the backward map of a flat film with CORNERS in a photo of that shape."""
    frame, film = whole_frame(shape), homography(SQUARE, CORNERS)
    uv = transformed(transformed(pixels(SIZE), frame), np.linalg.inv(film))
    there = transformed(transformed(places((SIZE, SIZE)), film), np.linalg.inv(frame))
    mask = np.where(((uv > 0) & (uv < 1)).all(axis=-1, keepdims=True), 9.0, -9.0)
    maps = {"uv": 2 * uv - 1, "mask": mask, "backward": 2 * (there + 0.5) / SIZE - 1}
    return {name: torch.from_numpy(values).float().permute(2, 0, 1)[None] for name, values in maps.items()}


@pytest.mark.parametrize("given", [("uv", "mask"), ("backward",)])
def test_a_film_is_found_by_either_map(given: tuple[str, ...]):
    maps = maps_of_film((480, 640))
    sheet = located(np.zeros((480, 640, 3), np.uint8), Telling(**{name: maps[name] for name in given}))
    flat = transformed(places((NODES, NODES)), homography(SQUARE, CORNERS))
    np.testing.assert_allclose(sheet.backward, flat, atol=0.1)
    assert sheet.confidence[8:-8, 8:-8].min() == 1


def test_a_cascade_learns():
    """A step on a small piece of a film makes all of it less wrong."""
    torch.manual_seed(0)
    film = next(FlatFilms(subjects())(training_options("paper", task="tone", batch=1), 0, ALONE))
    piece = {name: values[..., 96:128, 96:128] for name, values in film.items()}
    learner = CascadeLesson(Cascade(3, 3, 2), lambda *_: iter(()))
    steps = torch.optim.Adam(learner.parameters(), 1e-3)
    before = learner(piece)["squares"]
    before.backward()
    assert all(each.grad is not None for each in learner.parameters())
    steps.step()
    assert learner(piece)["squares"] < before


def test_values_are_those_of_slices_without_their_text():
    """The same films in the same light: beside slices there is nothing then, nor what was written on them."""
    options = training_options("paper", task="values", batch=2, seed=3)
    printed, bare = (next(draw(subjects())(options, 0, ALONE)) for draw in (FlatFilms, BareFilms))
    assert torch.equal(printed["film"], bare["film"])
    gone = printed["gray"] - bare["gray"]
    assert gone.max() > 0.5
    assert (gone.abs() < 0.01).float().mean() > 0.5


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "network_of", lambda variant: network_of(variant, 2))
    monkeypatch.setattr(lessons, "light_cascade", lambda: Cascade(3, 3, 2))
    monkeypatch.setattr(lessons, "_PHANTOMS", 0)


def trained(folder: Path, *words: str) -> int:
    """The command's exit status of a training of one step, into folder/run."""
    write_ct(folder / "skull.nrrd")
    told = ["--data", str(folder), "--out", str(folder / "run"), "--steps", "1", "--batch", "1", "--quiet"]
    return cli.main(["train", "filmrecovery", "--preset", "paper", *words, *told])


@pytest.mark.parametrize(
    ("words", "network"),
    [
        ([], network_of(Variant.FULL, 2)),
        (["--variant", "uv"], network_of(Variant.UV, 2)),
        (["--task", "tone"], Cascade(3, 3, 2)),
    ],
)
def test_training_from_the_command_line(tiny: None, words: list[str], network: nn.Module, tmp_path: Path):
    assert trained(tmp_path, *words) == 0
    assert (tmp_path / "run" / CHECKPOINT).exists()
    assert load_file(tmp_path / "run" / WEIGHTS).keys() == network.state_dict().keys()


def test_the_paper_has_no_network_for_turns(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert trained(tmp_path, "--task", "turn") != 0
    assert "no network for the task 'turn'; choose place, tone or values" in capsys.readouterr().err
