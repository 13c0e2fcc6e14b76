"""The MONAI bundles do the very same as the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ct2rgb_sections
import film_cases
import film_samples
import numpy as np
import PIL.Image
import pytest
import tomography_samples
import torch
import training_samples
import xraysyn_samples
from ct2rgb_samples import thigh
from monai.bundle import run
from safetensors import safe_open
from safetensors.torch import load_file

from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.models import CARD, LICENSE, shipped_folder
from InverseImagingLib.training.trainer import CHECKPOINT

SAMPLES = {
    "XraySyn": xraysyn_samples,
    "XrayTomography": tomography_samples,
    "CT2RGB": ct2rgb_sections,
    "FilmRecovery": film_cases,
}
PREPARED = {
    "XraySyn": training_samples,
    "XrayTomography": training_samples,
    "CT2RGB": ct2rgb_sections,
    "FilmRecovery": film_cases,
}

each_bundle = pytest.mark.parametrize("bundle", SAMPLES)


def config(bundle: str, name: str) -> str:
    return str(shipped_folder(bundle) / "configs" / f"{name}.json")


def run_config(bundle: str, name: str, **overrides: object) -> None:
    run(config_file=config(bundle, name), **overrides)


def command(*arguments: object) -> None:
    assert cli.main([str(argument) for argument in arguments]) == 0


def write_radiograph(path: Path) -> Path:
    y, x = np.mgrid[:96, :80] / 40 - 1
    picture = np.exp(-(x**2) - y**2) * 200 + 20 * np.sin(9 * x)
    images.write(Image(picture.clip(0).astype(np.uint8)[None], meaning=Meaning.DISPLAY), path)
    return path


@each_bundle
def test_a_bundle_has_a_card_and_the_license_of_the_repository(bundle: str):
    folder = shipped_folder(bundle)
    assert (folder / LICENSE).read_bytes() == (folder.parents[3] / "LICENSE.txt").read_bytes()
    assert "research only" in (folder / CARD).read_text(encoding="utf-8")


@each_bundle
def test_training(bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("FilmRecoveryLib.training.lessons._PHANTOMS", 0)  # which take seconds to make
    data = PREPARED[bundle].write_prepared(tmp_path / "data")
    run_config(bundle, "train", data=str(data), folder=str(tmp_path / "ours"), steps=1, batch=1)
    command("train", bundle.lower(), "--data", data, "--out", tmp_path / "theirs", "--steps", 1, "--batch", 1)
    ours, theirs = (load_file(tmp_path / name / CHECKPOINT) for name in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
@each_bundle
def test_torchrun_scales_training(bundle: str, tmp_path: Path):
    data = PREPARED[bundle].write_prepared(tmp_path / "data")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = ["-m", "monai.bundle", "run", "--config_file", config(bundle, "train"), "--data", str(data)]
    overrides = ["--folder", str(tmp_path / "run"), "--batch", "2", "--steps", "1"]
    done = subprocess.run([*torchrun, *words, *overrides], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    with safe_open(tmp_path / "run" / CHECKPOINT, "pt") as file:
        assert file.metadata()["step"] == "1"


@each_bundle
def test_evaluation(bundle: str, tmp_path: Path):
    data, weights = (
        PREPARED[bundle].write_prepared(tmp_path / "data"),
        SAMPLES[bundle].write_untrained(tmp_path / "w.safetensors"),
    )
    run_config(bundle, "evaluate", data=str(data), weights=str(weights), scores=str(tmp_path / "ours.json"))
    command("evaluate", bundle.lower(), "--data", data, "--weights", weights, "--json", tmp_path / "theirs.json")
    ours, theirs = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ours", "theirs"))
    assert ours == theirs
    assert len(ours["bodies"]) == 1


def test_synthesis(tmp_path: Path):
    weights = xraysyn_samples.write_untrained(tmp_path / "w.safetensors")
    radiograph = write_radiograph(tmp_path / "chest.png")
    chosen = {"settings#weights": str(weights), "settings#azimuth": 5, "settings#tries": 1}
    run_config("XraySyn", "inference", radiograph=str(radiograph), folder=str(tmp_path / "ours"), **chosen)
    flags = ("--weights", weights, "--azimuth", 5, "--tries", 1)
    command("synthesize", radiograph, tmp_path / "theirs", *flags)
    ours, theirs = (sorted((tmp_path / name).iterdir()) for name in ("ours", "theirs"))
    assert [path.name for path in ours] == [path.name for path in theirs]
    for one, other in zip(ours, theirs, strict=True):
        if one.suffix != ".json":
            np.testing.assert_array_equal(images.read(one).array, images.read(other).array)


def test_tomography(tmp_path: Path):
    weights = tomography_samples.write_untrained(tmp_path / "w.safetensors")
    radiograph = write_radiograph(tmp_path / "skull.png")
    chosen = {"settings#weights": str(weights), "settings#size": 64}
    run_config("XrayTomography", "inference", radiograph=str(radiograph), volume=str(tmp_path / "ours.nrrd"), **chosen)
    command("tomography", radiograph, tmp_path / "theirs.nrrd", "--weights", weights, "--size", 64)
    ours, theirs = (images.read(tmp_path / f"{name}.nrrd").array for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours, theirs)


def test_colors(tmp_path: Path):
    weights = ct2rgb_sections.write_untrained(tmp_path / "w.safetensors")
    images.write(thigh(), tmp_path / "ct.nrrd")
    chosen = {"part": "body", "settings#weights": str(weights), "settings#rgba": True}
    run_config("CT2RGB", "inference", ct=str(tmp_path / "ct.nrrd"), colors=str(tmp_path / "ours.nrrd"), **chosen)
    command("colorize", tmp_path / "ct.nrrd", tmp_path / "theirs.nrrd", "--weights", weights, "--rgba")
    ours, theirs = (images.read(tmp_path / f"{name}.nrrd").array for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == (3, 96, 96, 4)


def test_film(tmp_path: Path):
    weights = film_cases.write_untrained(tmp_path / "w.safetensors")
    photo = film_samples.photo()
    PIL.Image.fromarray(photo.array[0]).save(tmp_path / "photo.png")
    corners = " ".join(f"{x:.0f},{y:.0f}" for x, y in film_samples.CORNERS)
    chosen = {"weights": str(weights), "flattening#corners": corners, "extracting#layout": "3x4"}
    window = {"extracting#level": film_samples.LEVEL, "extracting#width": film_samples.WIDTH}
    paths = {"photo": str(tmp_path / "photo.png"), "slices": str(tmp_path / "ours.nrrd")}
    run_config("FilmRecovery", "inference", **paths, **chosen, **window)
    flags = ("--corners", corners, "--layout", "3x4", "--window", film_samples.LEVEL, film_samples.WIDTH)
    command("film", tmp_path / "photo.png", tmp_path / "theirs.nrrd", "--weights", weights, *flags)
    ours, theirs = (images.read(tmp_path / f"{name}.nrrd") for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours.array, theirs.array)
    assert ours.meaning is Meaning.HU
    assert len(ours.array) == 12


def test_a_configuration_that_cannot_be_is_refused_before_the_work(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RuntimeError) as caught:
        run_config("XraySyn", "inference", folder=str(tmp_path / "full"))
    assert "is not empty" in str(caught.value.__cause__)
