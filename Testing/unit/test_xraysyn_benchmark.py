"""The benchmark of X-ray Synthesis: tables beside the paper's, and the 2D U-Net that it trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from benchmarks import synthesis
from safetensors.torch import load_file
from training_samples import read_losses, write_prepared

from InverseImagingLib.training.bodies import bodies
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.run import WEIGHTS
from InverseImagingLib.training.trainer import Trainer, TrainingOptions
from XraySynLib.evaluation.baselines import ViewNet, back_projected, unchanged
from XraySynLib.evaluation.evaluate import OURS, evaluate
from XraySynLib.evaluation.scenes import ANGLES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_prepared(tmp_path / "data")


def test_tables_stand_beside_those_of_the_paper(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = evaluate(bodies(data, "test")[0], back_projected, {"unchanged": unchanged}, lambda line: None)
    within = {"mean": 40.0, "low": 39.0, "high": 41.0, "count": 4}
    found["real"] = {
        "reprojection": {**within, "lowest": 36.0, "share above 35 dB": 1.0},
        "full size": {"PSNR": within, "SSIM": {**within, "mean": 0.9}},
        "refused": {},
        "frechet": {"inputs": {"to the inputs": 0.0, "to other patients": 1.5}},
        "features": "energies",
    }
    (tmp_path / "scores.json").write_text(json.dumps(found))
    synthesis.main(["tables", str(tmp_path / "scores.json")])
    lines = capsys.readouterr().out.splitlines()
    table_4 = next(n for n, line in enumerate(lines) if line.startswith("|  | -9 | -7 |"))
    names = [lines[table_4 + 2 + n].split("|")[1].strip() for n in range(6)]
    assert names == ["*2D Refiner*", "*X2CT*", "*3DPN-DRR*", "*3DPN*", OURS, "unchanged"]
    for start in (table_4, next(n for n, line in enumerate(lines) if "tissue, novel views" in line)):
        assert len({lines[start + n].count("|") for n in range(8)}) == 1
    assert lines[table_4 + 5].split("|")[2].strip() == "25.37 / 0.904"
    each = [found["means"]["unchanged"][f"view {angle:+g}"]["PSNR"]["mean"] for angle in ANGLES]
    assert lines[table_4 + 7].split("|")[2].strip().startswith(f"{each[0]:.2f} / ")
    assert "| ours | 40.00 / 0.900 |" in lines


def test_the_unet_learns_from_the_models_samples(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And its weights are those of the baseline."""
    torch.manual_seed(0)
    lesson = synthesis.ViewLesson(ViewNet(), *bodies(data, "train"))
    options = TrainingOptions(steps=6, batch=1, pool=1, reuse=100, rate=5e-3, warm_up=1)
    trainer = Trainer(tmp_path / "run", options, lesson, Team(torch.device("cpu")))
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    trainer.run(lambda line: None)
    losses = read_losses(tmp_path / "run")
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, p in trainer.network.named_parameters() if p.grad is None or not p.grad.any()] == []
    arguments = ["unet", "--data", str(data), "--out", str(tmp_path / "other"), "--steps", "1", "--batch", "1"]
    synthesis.main(arguments)
    ViewNet().load_state_dict(load_file(tmp_path / "other" / WEIGHTS))
