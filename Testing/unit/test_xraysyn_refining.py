"""The second stage: radiographs made alike, the compact refiner, and runs of both presets."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from dicom_samples import write_series
from safetensors.torch import load_file
from training_samples import ALONE, box_body, read_losses, write_prepared
from xraysyn_samples import untrained, write_untrained

from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, write
from InverseImagingLib.training.looks import random_look
from InverseImagingLib.training.run import WEIGHTS
from InverseImagingLib.training.trainer import LOG, Lesson, Trainer, TrainingOptions
from XraySynLib.beam import Beam
from XraySynLib.estimate import SIZE, estimate, resized
from XraySynLib.frame import Frame
from XraySynLib.look import Look
from XraySynLib.paper.networks import Discriminator, PriorNet3D, RefineNet2D
from XraySynLib.refiner import Refiner
from XraySynLib.training.adversarial import CriticLesson, Guess, guess_by_prior
from XraySynLib.training.cubes import random_cube
from XraySynLib.training.lessons import training_options
from XraySynLib.training.losses import refined_losses
from XraySynLib.training.radiographs import Film, films, prepare_radiographs
from XraySynLib.training.second_stage import RefineLesson

OPTIONS = training_options("paper", 2, steps=12, batch=1, rate=3e-2, save_every=4)
COMPACT = training_options(stage=2, steps=8, batch=1, rate=5e-3, warm_up=1, pool=1, reuse=100, save_every=4)


def film() -> Film:
    cube = random_cube(box_body(), np.random.default_rng(4))
    shown = random_look(Beam()(cube.along), np.random.default_rng(4))
    return Film(resized(shown, 256).clamp(0, 1), cube.frame.side, cube.frame.from_behind)


def too_thin(guess: Guess) -> Guess:
    """A first stage that leaves something to be learned."""

    def thin(shown: torch.Tensor, frame: Frame) -> tuple[torch.Tensor, Look]:
        maps, look = guess(shown, frame)
        return 0.6 * maps, look

    return thin


def compact() -> RefineLesson:
    torch.manual_seed(0)
    return RefineLesson(Refiner((8, 16)), partial(estimate, network=untrained()), [box_body()], np.ones(1))


def paper() -> CriticLesson:
    torch.manual_seed(0)
    refiner = RefineNet2D(blocks=1, convolutions=2, growth=4, features=4, filters=(4, 4, 4, 4, 4))
    prior = PriorNet3D((4, 8)).eval()
    guess = too_thin(guess_by_prior(prior, size=32))
    return CriticLesson(refiner, Discriminator(width=4, layers=2), [film()], guess)


def columns(folder: Path) -> dict[str, list[float]]:
    with (folder / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


# Radiographs


def picture(seed: int) -> np.ndarray:
    y, x = np.mgrid[:96, :80] / 40 - 1
    shown = 200 * np.exp(-(x**2) - y**2) + 20 * np.sin((5 + seed) * x)
    return shown.clip(0, 255).astype(np.uint8)


def test_preparing_a_folder_of_radiographs(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    for patient in range(4):
        for visit in range(2):
            image = Image(picture(2 * patient + visit)[None], meaning=Meaning.DISPLAY)
            write(image, source / f"chest_{patient}_{visit}.png")
    (source / "notes.txt").write_text("no radiograph")
    write(Image(np.zeros((1, 64, 64), np.uint8), meaning=Meaning.DISPLAY), source / "black.png")
    header = {"Modality": "DX", "ViewPosition": "AP", "PatientID": "P7", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"}
    write_series(source / "bedside", picture(9).astype(np.int16)[None], np.diag([0.5, 0.5, 1, 1]), **header)
    assert cli.main(["prepare", "xraysyn", str(source), str(target), "--radiographs", "--quiet"]) == 0
    with (target / "radiographs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["patient"] for row in rows} == {"chest_0", "chest_1", "chest_2", "chest_3", "P7"}
    splits = {row["patient"]: {r["split"] for r in rows if r["patient"] == row["patient"]} for row in rows}
    assert all(len(split) == 1 for split in splits.values())
    assert sum(split == {"test"} for split in splits.values()) == 1
    with (target / "left-out.csv").open(newline="") as file:
        assert {row["file"]: bool(row["why"]) for row in csv.DictReader(file)} == {"black.png": True, "notes.txt": True}
    train, test = films(target, "train"), films(target, "test")
    assert (len(train), len(test)) == (7, 2)
    assert all(each.shown.shape == (256, 256) and 0 <= each.shown.min() < each.shown.max() <= 1 for each in train)
    bedside = next(each for each in train if each.from_behind)
    assert bedside.side == pytest.approx(96 * 0.5 * 0.9)
    assert all(each.side == 400 for each in train if not each.from_behind)


def test_what_is_no_radiograph_is_said(tmp_path: Path):
    with pytest.raises(InputError, match="no radiograph in"):
        prepare_radiographs(tmp_path, tmp_path / "data")
    with pytest.raises(InputError, match="holds no prepared radiographs"):
        films(write_prepared(tmp_path / "bodies"), "train")


# The compact refiner


def seen(azimuth: float, elevation: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    maps, moved = torch.rand(2, 1, 2, 32, 32, generator=torch.manual_seed(0))
    return maps, moved, torch.tensor([[azimuth / 18, elevation / 18, 0.1, 0.0]])


def loud() -> Refiner:
    torch.manual_seed(0)
    refiner = Refiner()
    torch.nn.init.normal_(refiner.last.weight, std=0.1)
    return refiner


def test_the_refiner_changes_nothing_at_first_and_is_small():
    assert sum(p.numel() for p in Refiner().parameters()) < 600_000
    assert torch.equal(Refiner()(*seen(18.0)), seen(18.0)[0])


def test_a_refiner_adds_more_the_further_a_view_is_turned_and_nothing_to_the_given_one():
    refiner, maps = loud(), seen(0.0)[0]
    changes = [(refiner(*seen(*turned)) - maps).abs().mean().item() for turned in ((0, 0), (3, 0), (0, 9), (-18, 9))]
    assert changes[0] == 0
    assert changes == sorted(changes)
    assert changes[1] > 0


def test_what_the_given_view_shows_tells_the_refiner():
    maps, moved, facts = seen(9.0)
    assert (loud()(maps, moved, facts) - loud()(maps, 2 * moved, facts)).abs().max() > 1e-3


# Training of the compact preset


def test_samples_are_views_of_an_estimate_and_of_a_truth_that_agrees_with_it():
    lesson = compact()
    found, truth = lesson._found(np.random.default_rng(0))
    beam, projector = Beam(), found.frame.projector([(0.0, 0.0)])
    ours, theirs = (beam(projector(maps)[0] / 10) for maps in (found.maps, truth))
    body = theirs > 0.5
    assert (ours - theirs)[body].abs().mean() < 0.02 * ours[body].mean()
    assert (found.maps[0] - truth[0]).abs().max() > 0.5  # the bone is elsewhere
    maps, moved, facts, target = next(lesson.samples(COMPACT, 0, ALONE))
    assert maps.shape == moved.shape == target.shape == (1, 2, SIZE, SIZE)
    assert facts.shape == (1, 4)
    assert facts[:, :2].abs().max() <= 1


def test_the_true_maps_have_no_loss():
    maps = 5 * torch.rand(1, 2, 32, 32)
    assert all(float(term) == 0 for term in refined_losses(maps, maps, Beam()).values())
    assert all(float(term) > 0 for term in refined_losses(0.9 * maps, maps, Beam()).values())


def test_the_refiner_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    lesson = compact()
    Trainer(tmp_path, COMPACT, lesson, ALONE).run(lambda line: None)
    losses = read_losses(tmp_path)
    assert np.mean(losses[-2:]) < 0.9 * np.mean(losses[:2])
    assert [name for name, p in lesson.network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_command_trains_what_evaluation_and_synthesis_use(tmp_path: Path):
    data, weights = write_prepared(tmp_path / "data"), write_untrained(tmp_path / "depth.safetensors")
    flags = ["--stage", "2", "--weights", str(weights), "--steps", "1", "--batch", "1", "--quiet"]
    assert cli.main(["train", "xraysyn", "--data", str(data), "--out", str(tmp_path / "run"), *flags]) == 0
    Refiner().load_state_dict(load_file(tmp_path / "run" / WEIGHTS))


# Training of the paper's


def test_refiner_and_critic_learn_each_for_itself():
    made = paper()
    sample = next(made.samples(OPTIONS, 0, ALONE))
    refiner, critic = made.network["refiner"], made.network["critic"]
    assert made.product is refiner
    terms = made(sample)
    own = terms.pop("critic")
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is None for p in critic.parameters())
    assert any(p.grad is not None and p.grad.any() for p in refiner.parameters())
    made.zero_grad()
    own.backward()
    assert all(p.grad is None for p in refiner.parameters())
    assert all(torch.isfinite(p.grad).all() for p in critic.parameters())


def test_the_loss_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    Trainer(tmp_path, OPTIONS, paper(), ALONE).run(lambda line: None)
    terms = columns(tmp_path)
    assert np.mean(terms["reconstruction"][-2:]) < 0.95 * np.mean(terms["reconstruction"][:2])
    assert terms["critic"][-1] < terms["critic"][0]


@pytest.mark.parametrize(("lesson", "options"), [(compact, COMPACT), (paper, OPTIONS)])
def test_a_run_that_is_gone_on_with_is_the_same(lesson: Callable[[], Lesson], options: TrainingOptions, tmp_path: Path):
    for name, steps in (("straight", 4), ("parts", 2), ("parts", 4)):
        chosen = dataclasses.replace(options, steps=steps, last_rate=1.0)
        trainer = Trainer(tmp_path / name, chosen, lesson(), ALONE)
        if steps == 4 and name == "parts":
            trainer.resume()
        trainer.run(lambda line: None)
        if name == "straight":
            expected = trainer.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in trainer.network.state_dict().items())


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--preset", "paper", "--stage", "2"), "needs its first"),
        (("--preset", "paper", "--bundle", "."), "too large for a bundle"),
    ],
)
def test_what_cannot_be_trained_is_said(
    flags: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = write_prepared(tmp_path / "data")
    assert cli.main(["train", "xraysyn", "--data", str(data), "--out", str(tmp_path / "run"), *flags]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
