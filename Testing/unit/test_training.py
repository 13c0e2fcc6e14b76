"""A training run that can be stopped and gone on with, by one process or several."""

from __future__ import annotations

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from model_samples import write_bundle
from safetensors.torch import load_file
from torch import nn
from training_samples import ALONE, LineLesson, line_trainer, read_losses

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import read
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.run import WEIGHTS, run
from InverseImagingLib.training.trainer import CHECKPOINT, LOG, Lesson, Preset, Trainer, TrainingOptions

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _every_step_is_logged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)


def of_rank(rank: int, size: int) -> Team:
    return Team(torch.device("cpu"), rank, size)


def test_samples_come_from_a_pool_that_is_renewed_and_are_the_same_from_any_step_on():
    options = TrainingOptions(batch=2, pool=4, reuse=4)
    coming = LineLesson().samples(options, 0, ALONE)
    seen = [next(coming)[0] for _ in range(8)]
    from_there = LineLesson().samples(options, 5, ALONE)
    assert all(torch.equal(points, next(from_there)[0]) for points in seen[5:])
    kinds = {tuple((point[1:] - point[:-1]).mul(1e3).round().tolist()) for points in seen for point in points}
    assert 4 <= len(kinds) <= 6  # of 16 draws; half a new point every step


def test_each_process_has_its_share_of_the_samples():
    whole, first, second = (
        next(LineLesson().samples(TrainingOptions(batch=4), 7, team))[0]
        for team in (ALONE, of_rank(0, 2), of_rank(1, 2))
    )
    assert torch.equal(whole, torch.stack([first[0], second[0], first[1], second[1]]))
    assert not torch.equal(first, second)


def test_the_loss_falls_and_a_run_that_is_gone_on_with_is_the_same(tmp_path: Path):
    whole = line_trainer(tmp_path / "whole", 40)
    whole.run(lambda line: None)
    losses = read_losses(tmp_path / "whole")
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    line_trainer(tmp_path / "parts", 20).run(lambda line: None)
    second = line_trainer(tmp_path / "parts", 40)
    second.resume()
    assert second.step == 20
    second.run(lambda line: None)
    assert read_losses(tmp_path / "parts") == losses
    for name, value in whole.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], value)
        assert torch.equal(second.average[name], whole.average[name])


def test_a_run_that_was_broken_off_goes_on_from_its_last_checkpoint(tmp_path: Path):
    def broken_off(line: str) -> None:
        if line.startswith("step 5"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        line_trainer(tmp_path, 40).run(broken_off)
    again = line_trainer(tmp_path, 40)
    again.resume()
    assert again.step == 4


def test_the_log_has_a_line_for_each_fifty_steps_and_a_picture(tmp_path: Path):
    line_trainer(tmp_path, 2).run(lambda line: None)
    with (tmp_path / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert rows[0]["loss"] == rows[0]["sums"] > "0"
    assert read(tmp_path / "log.png").array.std() > 0


def test_going_on_needs_a_checkpoint_of_the_same_networks(tmp_path: Path):
    with pytest.raises(InputError, match="no checkpoint"):
        line_trainer(tmp_path, 1).resume()
    line_trainer(tmp_path, 1).run(lambda line: None)
    other = Lesson(nn.Sequential(nn.Linear(3, 1)))
    with pytest.raises(InputError, match="has other networks"):
        Trainer(tmp_path, TrainingOptions(), other, ALONE).resume()


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="batch of 2 cannot be shared by 3 processes"):
        line_trainer(tmp_path, 1, of_rank(0, 3))


def test_a_run_ends_with_the_average_weights_in_its_folder_and_in_a_bundle(tmp_path: Path):
    bundle, folder = write_bundle(tmp_path / "bundle"), tmp_path / "run"
    options = TrainingOptions(steps=8, batch=2, rate=0.05, average=0.5)
    run(folder, options, lambda device: LineLesson().to(device), bundle=str(bundle), say=lambda line: None)
    weights, checkpoint = load_file(folder / WEIGHTS), load_file(folder / CHECKPOINT)
    assert set(weights) == {"weight", "bias"}
    assert all(torch.equal(value, checkpoint[f"average.{name}"]) for name, value in weights.items())
    assert not torch.equal(weights["weight"], checkpoint["network.weight"])
    entry = json.loads((bundle / "configs" / "metadata.json").read_text())["weights"]["line"]
    assert entry["settings"]["steps"] == 8
    with pytest.raises(InputError, match="holds a training run; go on with --resume"):
        run(folder, options, lambda device: LineLesson())
    more = dataclasses.replace(options, steps=9)
    run(folder, more, lambda device: LineLesson(), resume=True, say=lambda line: None)
    assert len(read_losses(folder)) == 9
    assert (torch.tensor([1e-40]) * 1).item() > 0  # subnormal numbers are off while training only


def test_weights_of_the_paper_are_no_part_of_a_bundle(tmp_path: Path):
    with pytest.raises(InputError, match="too large for a bundle"):
        run(tmp_path / "run", TrainingOptions(preset=Preset.PAPER), lambda device: LineLesson(), bundle=str(tmp_path))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_can_be_gone_on_with(tmp_path: Path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command += [str(HERE / "two_processes.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=HERE)
    assert done.returncode == 0, done.stderr
    for name in ("whole", "parts"):
        first, second = (load_file(tmp_path / f"{name}-{rank}.safetensors") for rank in range(2))
        assert all(torch.equal(first[key], second[key]) for key in first)
    whole, parts = (load_file(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    line_trainer(tmp_path / "alone", 4).run(lambda line: None)
    losses = read_losses(tmp_path / "whole")
    assert len(losses) == 4
    assert losses == pytest.approx(read_losses(tmp_path / "alone"), rel=1e-3)
    assert losses == read_losses(tmp_path / "parts")
