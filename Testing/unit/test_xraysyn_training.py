"""Training data, losses, and a training run that can be stopped and gone on with."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from dicom_samples import write_series
from torch import nn
from xraysyn_samples import box_body, read_losses

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.training.bodies import SPACING, bodies, body_of, prepare
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.looks import random_look
from InverseImagingLib.training.trainer import CHECKPOINT, LOG, Lesson, Trainer, TrainingOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from XraySynLib.beam import Beam
from XraySynLib.frame import Frame
from XraySynLib.networks import DepthNet, network_input, planes_of
from XraySynLib.training.cubes import Cube, random_cube
from XraySynLib.training.first_stage import DepthLesson
from XraySynLib.training.losses import losses

TINY = TrainingOptions(steps=8, batch=1, pool=2, reuse=2, save_every=4)
ALONE = Team(torch.device("cpu"))


def depth_lesson(count: int = 1) -> DepthLesson:
    torch.manual_seed(0)
    return DepthLesson(DepthNet(), [box_body(seed=seed) for seed in range(count)], np.full(count, 1 / count))


def test_a_body_keeps_its_mass_whatever_its_grid():
    """Soft tissue of 1 g/cm3 in an oblique CT of 1 x 1.5 x 3 mm voxels."""
    hu = np.full((40, 90, 110), -1000, np.int16)
    hu[6:-6, 15:-15, 20:-20] = 0
    ijk_to_ras = np.diag([1.0, 1.5, 3.0, 1.0])
    turn = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]])
    ijk_to_ras[:3, :3] = turn @ ijk_to_ras[:3, :3]
    body = body_of(Image(hu, ijk_to_ras, Meaning.HU, "block"))
    grams = body.maps.astype(np.float64).sum() * SPACING**3 / 1000
    wanted = 28 * 60 * 70 * 1.5 * 3 / 1000
    assert grams == pytest.approx(wanted, rel=0.03)
    assert body.maps[0].max() < 0.01


def test_preparing_a_folder(tmp_path: Path):
    source, target = tmp_path / "cts", tmp_path / "data"
    source.mkdir()
    for number in range(5):
        write(phantom(Anatomy.LIMB, 32, number), source / f"knee_{number}.nrrd")
    (source / "notes.txt").write_text("no CT")
    write(Image(np.zeros((4, 8, 8), np.uint8), name="flat"), source / "flat.nrrd")
    said: list[str] = []
    prepare(source, target, say=said.append)
    assert any("flat.nrrd is left out" in line for line in said)
    train, weights = bodies(target, "train")
    test, _ = bodies(target, "test")
    assert len(train) == 4
    assert len(test) == 1
    assert not {body.name for body in train} & {body.name for body in test}
    assert weights.sum() == pytest.approx(1)
    with pytest.raises(InputError, match="holds no prepared data"):
        bodies(source, "train")


def test_of_a_patient_the_ct_series_with_most_images_is_taken(tmp_path: Path):
    """As in LIDC-IDRI, whose folders hold radiographs, too."""
    study = tmp_path / "cts" / "LIDC-IDRI-0001" / "study"
    study.mkdir(parents=True)
    limb = phantom(Anatomy.LIMB, 32, 0)
    stored, lps = (limb.array + 1024).astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]) @ limb.ijk_to_ras
    write_series(study / "radiograph", stored[:1], lps, Modality="DX", SeriesNumber=1)
    write_series(study / "few", stored[:4], lps, SeriesNumber=2)
    write_series(study / "all", stored, lps, SeriesNumber=3)
    prepare(tmp_path / "cts", tmp_path / "data", say=lambda line: None)
    found, _ = bodies(tmp_path / "data", "train")
    assert [body.name for body in found] == ["LIDC-IDRI-0001"]
    np.testing.assert_allclose(found[0].maps.astype(float), body_of(limb).maps.astype(float), atol=2e-3)


def test_a_cube_is_the_same_for_the_same_seed_and_holds_matter():
    one, again, other = (random_cube(box_body(), np.random.default_rng(seed)).coarser() for seed in (1, 1, 2))
    assert torch.equal(one.maps, again.maps)
    assert one.frame == again.frame
    assert not torch.equal(one.maps, other.maps)
    assert one.maps.shape == (2, 64, 32, 64)
    assert one.along.shape == (2, 128, 128)
    assert one.maps[0].max() > 1.0
    assert one.maps[1].max() > 0.8


def test_a_cube_and_its_rays_belong_together():
    cube = random_cube(box_body(), np.random.default_rng(5))
    for each in (cube, cube.mirrored(), cube.coarser(), cube.mirrored().coarser()):
        along = each.frame.projector([(0.0, 0.0)])(each.maps)[0] / 10
        pooled = torch.nn.functional.avg_pool2d(each.along, 128 // each.frame.size)
        assert (along - pooled).abs().mean() < 0.02 * pooled.mean()
    assert not torch.equal(cube.maps, cube.mirrored().maps)


def test_looks_are_radiographs():
    cube = random_cube(box_body(), np.random.default_rng(3))
    attenuation = Beam()(cube.along)
    for seed in range(20):
        shown = random_look(attenuation, np.random.default_rng(seed))
        assert torch.isfinite(shown).all()
        assert shown.min() >= 0
        assert shown.max() <= 1
        order = torch.corrcoef(torch.stack([shown.flatten(), attenuation.flatten()]))[0, 1]
        assert order > 0.5


def test_samples_come_from_a_pool_that_is_renewed_and_are_the_same_from_any_step_on():
    options = TrainingOptions(batch=2, pool=4, reuse=4)
    coming = depth_lesson().samples(options, 0, ALONE)
    seen = [next(coming) for _ in range(8)]
    from_there = depth_lesson().samples(options, 5, ALONE)
    for cubes, radiographs, angles in seen[5:]:
        others, again, turned = next(from_there)
        assert torch.equal(radiographs, again)
        assert turned == angles
        assert all(torch.equal(one.maps, other.maps) for one, other in zip(cubes, others, strict=True))
    kinds = {round(float(cube.maps.sum())) for cubes, _, _ in seen for cube in cubes}
    assert 4 <= len(kinds) <= 6  # of 16 draws; half a new cube every step


def test_the_truth_has_no_loss_but_that_of_its_soft_mask():
    truth = torch.zeros(1, 2, 64, 32, 64)
    truth[:, 1, 10:-10, 5:-5, 10:-10] = 1.0
    truth[:, 0, 30:34, 10:14] = 1.5
    truth[:, 1, 30:34, 10:14] = 0.0
    frame = Frame(300.0).coarser()
    cube = Cube(truth[0], Frame(300.0, frame.voxels).projector([(0.0, 0.0)])(truth[0])[0] / 10, frame)

    def of(mass: torch.Tensor, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        return losses(mass, maps, [cube], [(10.0, -5.0)], Beam())

    terms = of(cube.along[None], truth.clone())
    assert all(float(term) < (0.01 if name == "mask" else 1e-6) for name, term in terms.items())
    thinner = torch.tensor([1.0, 0.8])[:, None, None]
    more = of(cube.along[None] * thinner, truth * thinner[..., None])
    assert all(more[name] > terms[name] for name in terms if name != "mask")
    assert of(cube.along[None], truth.flip(1))["mask"] > 1


def test_planes_hold_the_mass_that_the_network_tells():
    """Through the cube's middle, where planes are crossed at right angles."""
    mass, places = torch.rand(1, 2, 128, 128), torch.randn(1, 2, 32, 64, 64)
    for frame in (Frame(250.0), Frame(250.0).coarser()):
        planes = planes_of(mass, places, [frame])
        count, size = frame.voxels[1], frame.size
        assert planes.shape == (1, 2, count, size, size)
        wanted = torch.nn.functional.avg_pool2d(mass, 128 // size)
        torch.testing.assert_close(planes.sum(dim=2) * 25.0 / count, wanted)
    even = torch.tensor([2.0, 6.0])[None, :, None, None].expand(1, 2, 128, 128)
    planes = planes_of(even, torch.zeros(1, 2, 32, 64, 64), [frame])
    along = frame.projector([(0.0, 0.0)])(frame.lift(planes)[0])[0] / 10
    torch.testing.assert_close(along[:, 32, 32], torch.tensor([2.0, 6.0]), rtol=0.02, atol=0)


def test_every_weight_learns():
    lesson = depth_lesson()
    cubes, radiographs, _ = sample = next(lesson.samples(TINY, 0, ALONE))
    network, frames = lesson.network, [cube.frame for cube in cubes]
    mass, places = network(network_input(radiographs, frames))
    assert mass.shape == (1, 2, 128, 128)
    assert mass.min() > 0
    assert places.shape == (1, 2, 32, 64, 64)
    torch.stack(list(lesson(sample).values())).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_loss_falls_and_a_run_that_is_gone_on_with_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)

    def trainer(folder: str) -> Trainer:
        options = dataclasses.replace(TINY, reuse=8, rate=5e-3, warm_up=2)
        return Trainer(tmp_path / folder, options, depth_lesson(2), ALONE)

    whole = trainer("whole")
    whole.run(lambda line: None)
    losses_seen = read_losses(tmp_path / "whole")
    assert np.mean(losses_seen[-2:]) < 0.9 * np.mean(losses_seen[:2])

    first = trainer("parts")
    stop = first.save

    class Stopped(Exception):
        pass

    def save() -> None:
        stop()
        raise Stopped

    first.save = save  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        first.run(lambda line: None)
    second = trainer("parts")
    second.resume()
    assert second.step == 4
    second.run(lambda line: None)
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], value, rtol=0, atol=0)
        torch.testing.assert_close(second.average[name], whole.average[name], rtol=0, atol=0)
    assert (tmp_path / "parts" / CHECKPOINT).exists()


def test_the_log_has_a_line_every_fifty_steps_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    Trainer(tmp_path, dataclasses.replace(TINY, steps=2), depth_lesson(), ALONE).run(lambda line: None)
    with (tmp_path / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert float(rows[0]["loss"]) > 0
    assert read(tmp_path / "log.png").array.std() > 0


def test_going_on_needs_a_checkpoint_of_the_same_networks(tmp_path: Path):
    with pytest.raises(InputError, match="no checkpoint"):
        Trainer(tmp_path, TINY, depth_lesson(), ALONE).resume()
    Trainer(tmp_path, dataclasses.replace(TINY, steps=1), depth_lesson(), ALONE).run(lambda line: None)
    with pytest.raises(InputError, match="has other networks"):
        Trainer(tmp_path, TINY, Lesson(nn.Linear(1, 1)), ALONE).resume()
