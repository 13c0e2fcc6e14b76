"""Training by two processes is that of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from xraysyn_samples import read_losses, small_trainer, write_prepared

from InverseImagingLib.errors import InputError
from InverseImagingLib.models import shipped_folder
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import CHECKPOINT

HERE = Path(__file__).parent


def torchrun(*arguments: object) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, encoding="utf-8", cwd=HERE)
    assert done.returncode == 0, done.stderr


def team_of(rank: int, size: int) -> Team:
    return Team(torch.device("cpu"), rank, size)


def test_each_process_has_its_share_of_the_samples(tmp_path: Path):
    whole, first, second = (
        next(trainer.lesson.samples(trainer.options, 7, trainer.team))
        for trainer in (small_trainer(tmp_path, 1, team_of(*which)) for which in ((0, 1), (0, 2), (1, 2)))
    )
    assert torch.equal(whole[1], torch.cat([first[1], second[1]]))
    assert not torch.equal(first[1], second[1])
    assert whole[2] == [*first[2], *second[2]]
    assert all(torch.equal(a.maps, b.maps) for a, b in zip(whole[0], [*first[0], *second[0]], strict=True))


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="batch of 2 cannot be shared by 3 processes"):
        small_trainer(tmp_path, 1, team_of(0, 3))


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_can_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torchrun(HERE / "two_processes.py", tmp_path)
    for name in ("whole", "parts"):
        first, second = (load_file(tmp_path / f"{name}-{rank}.safetensors") for rank in range(2))
        assert all(torch.equal(first[key], second[key]) for key in first)
    whole, parts = (load_file(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    small_trainer(tmp_path / "alone", 4, team_of(0, 1)).run(lambda line: None)
    losses = read_losses(tmp_path / "whole")
    assert len(losses) == 4
    assert losses == pytest.approx(read_losses(tmp_path / "alone"), rel=1e-3)
    assert losses == read_losses(tmp_path / "parts")


@pytest.mark.slow
def test_torchrun_scales_the_bundle(tmp_path: Path):
    data = write_prepared(tmp_path / "data")
    config = shipped_folder("XraySyn") / "configs" / "train.json"
    overrides = ("--data", data, "--folder", tmp_path / "run", "--batch", 2, "--steps", 1)
    torchrun("-m", "monai.bundle", "run", "--config_file", config, *overrides)
    with safe_open(tmp_path / "run" / CHECKPOINT, "pt") as file:
        assert file.metadata()["step"] == "1"
