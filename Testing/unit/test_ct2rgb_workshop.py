"""From cryosections to a trained model of CT2RGB by the commands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ct2rgb_sections import write_pictures, write_prepared, write_untrained
from safetensors import safe_open
from safetensors.torch import load_file
from training_samples import read_losses

from CT2RGBLib.networks import ColorNet
from CT2RGBLib.options import Part
from CT2RGBLib.paper.network import PaperGenerator
from CT2RGBLib.training import lessons
from CT2RGBLib.training.adversarial import PAPER, Variant
from CT2RGBLib.training.lessons import lesson_of, training_options
from CT2RGBLib.training.pairs import sections
from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.models import load_weights, own_weights
from InverseImagingLib.training.run import WEIGHTS
from InverseImagingLib.training.trainer import CHECKPOINT, Preset

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small_samples_and_every_step_in_the_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("CT2RGBLib.training.lessons._SIZES", {Preset.COMPACT: 64, Preset.PAPER: 32})
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)


def command(*words: object) -> int:
    return cli.main([str(word) for word in words])


def train(data: Path, run: Path, steps: int, *more: object) -> int:
    return command("train", "ct2rgb", "--data", data, "--out", run, "--steps", steps, "--batch", 1, "--quiet", *more)


def test_preparing_and_training_by_the_commands(tmp_path: Path):
    pictures = write_pictures(tmp_path / "pictures")
    assert command("prepare", "ct2rgb", pictures, tmp_path / "data", "--pixel", 1, "--posterior-up", "--quiet") == 0
    assert len(sections(tmp_path / "data", "train", "body")) == 3
    assert train(tmp_path / "data", tmp_path / "run", 2, "--part", "body") == 0
    assert len(read_losses(tmp_path / "run")) == 2
    load_weights(ColorNet(), own_weights(tmp_path / "run" / WEIGHTS))


def test_a_run_that_is_gone_on_with_is_the_same(tmp_path: Path):
    data = write_prepared(tmp_path / "data")
    assert train(data, tmp_path / "whole", 4) == 0
    assert train(data, tmp_path / "parts", 4, "--resume") == 2  # there is nothing yet
    options = training_options(steps=4, batch=1, save_every=2)

    def broken_off(line: str) -> None:
        if line.startswith("step 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lessons.train(data, tmp_path / "parts", options, say=broken_off)
    with safe_open(tmp_path / "parts" / CHECKPOINT, "pt") as file:
        assert file.metadata()["step"] == "2"
    assert train(data, tmp_path / "parts", 4, "--resume") == 0
    whole, parts = (load_file(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_colors_come_nearer(tmp_path: Path):
    data = write_prepared(tmp_path / "data")
    options = training_options(variant="supervised", steps=12, batch=1, rate=3e-3, warm_up=1, pool=1, reuse=100)
    lessons.train(data, tmp_path / "run", options, say=lambda line: None)
    losses = read_losses(tmp_path / "run")
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_a_run_can_start_with_weights(tmp_path: Path):
    data, weights = write_prepared(tmp_path / "data"), write_untrained(tmp_path / "w.safetensors")
    lesson = lesson_of(training_options(), data, str(weights), CPU)
    for name, value in load_file(weights).items():
        assert torch.equal(lesson.product.state_dict()[name], value)
    assert lesson.name == "body"


def test_the_paper_preset_has_the_papers_network_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("CT2RGBLib.training.lessons.PaperGenerator", lambda: PaperGenerator(8, 4))
    options = training_options("paper", variant="direct")
    assert {name: getattr(options, name) for name in PAPER} == PAPER
    assert options.variant is Variant.DIRECT
    lesson = lesson_of(options, write_prepared(tmp_path / "data"), "", CPU)
    assert isinstance(lesson.product, PaperGenerator)


def test_options_are_those_chosen():
    options = training_options(part="head", rate=None, steps=7)
    assert (options.part, options.steps, options.preset) == (Part.HEAD, 7, Preset.COMPACT)
    with pytest.raises(InputError, match="for the head or for the body"):
        training_options(part="auto")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--phantoms", 3), "Phantoms have no colors"),
        (("--pixel", 0), "--pixel must be above 0 mm, not 0"),
        (("--pixel", "nan"), "--pixel must be above 0 mm, not nan"),
    ],
)
def test_what_cannot_be_prepared_is_refused(
    tmp_path: Path, words: tuple[object, ...], sentence: str, capsys: pytest.CaptureFixture[str]
):
    pictures = write_pictures(tmp_path / "pictures")
    assert command("prepare", "ct2rgb", pictures, tmp_path / "data", *words) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_model_that_is_not_there_is_named_by_its_part(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("InverseImagingLib.models.shipped_folder", lambda method: tmp_path / method)
    monkeypatch.setenv("INVERSE_IMAGING_MODELS", str(tmp_path / "none"))
    assert command("evaluate", "ct2rgb", "--data", tmp_path, "--part", part) != 0
    assert f"no weights '{part}' for CT2RGB" in capsys.readouterr().err


def test_a_ct_of_the_same_body_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr("CT2RGBLib.workshop.prepare_registered", lambda *given: asked.append(given[:5]))
    pictures = write_pictures(tmp_path / "pictures")
    words = ("--ct", tmp_path / "ct.nrrd", "--pixel", 0.5, "--quiet")
    assert command("prepare", "ct2rgb", pictures, tmp_path / "data", *words) == 0
    assert asked == [(pictures, tmp_path / "data", tmp_path / "ct.nrrd", 0.5, False)]
