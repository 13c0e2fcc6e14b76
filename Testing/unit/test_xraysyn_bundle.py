"""The MONAI bundle does the very same as the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import run
from safetensors import safe_open
from safetensors.torch import load_file
from training_samples import write_prepared
from xraysyn_samples import write_untrained

from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.models import CARD, LICENSE, shipped_folder
from InverseImagingLib.training.trainer import CHECKPOINT

BUNDLE = shipped_folder("XraySyn")


def run_config(name: str, **overrides: object) -> None:
    run(config_file=str(BUNDLE / "configs" / f"{name}.json"), **overrides)


def command(*arguments: object) -> None:
    assert cli.main([str(argument) for argument in arguments]) == 0


def test_the_bundle_has_a_card_and_the_license_of_the_repository():
    assert (BUNDLE / LICENSE).read_bytes() == (BUNDLE.parents[3] / "LICENSE.txt").read_bytes()
    assert "research only" in (BUNDLE / CARD).read_text(encoding="utf-8")


def test_training(tmp_path: Path):
    data = write_prepared(tmp_path / "data")
    run_config("train", data=str(data), folder=str(tmp_path / "ours"), steps=1, batch=1)
    command("train", "xraysyn", "--data", data, "--out", tmp_path / "theirs", "--steps", 1, "--batch", 1)
    ours, theirs = (load_file(tmp_path / name / CHECKPOINT) for name in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_torchrun_scales_training(tmp_path: Path):
    data, config = write_prepared(tmp_path / "data"), BUNDLE / "configs" / "train.json"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    bundle = ["-m", "monai.bundle", "run", "--config_file", str(config), "--data", str(data)]
    overrides = ["--folder", str(tmp_path / "run"), "--batch", "2", "--steps", "1"]
    done = subprocess.run([*torchrun, *bundle, *overrides], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    with safe_open(tmp_path / "run" / CHECKPOINT, "pt") as file:
        assert file.metadata()["step"] == "1"


def test_evaluation(tmp_path: Path):
    data, weights = write_prepared(tmp_path / "data"), write_untrained(tmp_path / "w.safetensors")
    run_config("evaluate", data=str(data), weights=str(weights), scores=str(tmp_path / "ours.json"))
    command("evaluate", "xraysyn", "--data", data, "--weights", weights, "--json", tmp_path / "theirs.json")
    ours, theirs = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ours", "theirs"))
    assert ours == theirs
    assert len(ours["bodies"]) == 1


def test_inference(tmp_path: Path):
    weights, radiograph = write_untrained(tmp_path / "w.safetensors"), tmp_path / "chest.png"
    y, x = np.mgrid[:96, :80] / 40 - 1
    picture = np.exp(-(x**2) - y**2) * 200 + 20 * np.sin(9 * x)
    images.write(Image(picture.clip(0).astype(np.uint8)[None], meaning=Meaning.DISPLAY), radiograph)
    chosen = {"settings#weights": str(weights), "settings#azimuth": 5, "settings#tries": 1}
    run_config("inference", radiograph=str(radiograph), folder=str(tmp_path / "ours"), **chosen)
    flags = ("--weights", weights, "--azimuth", 5, "--tries", 1)
    command("synthesize", radiograph, tmp_path / "theirs", *flags)
    ours, theirs = (sorted((tmp_path / name).iterdir()) for name in ("ours", "theirs"))
    assert [path.name for path in ours] == [path.name for path in theirs]
    for one, other in zip(ours, theirs, strict=True):
        if one.suffix != ".json":
            np.testing.assert_array_equal(images.read(one).array, images.read(other).array)


def test_a_configuration_that_cannot_be_is_refused_before_the_work(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RuntimeError) as caught:
        run_config("inference", folder=str(tmp_path / "full"))
    assert "is not empty" in str(caught.value.__cause__)
