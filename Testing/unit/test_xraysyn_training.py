"""The first stage: cubes of bodies, losses, and a run of the compact preset."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from training_samples import ALONE, box_body, read_losses

from InverseImagingLib.training.trainer import Trainer, TrainingOptions
from XraySynLib.beam import Beam
from XraySynLib.frame import Frame
from XraySynLib.networks import DepthNet, network_input, planes_of
from XraySynLib.training.cubes import Cube, random_cube
from XraySynLib.training.first_stage import DepthLesson
from XraySynLib.training.losses import losses

TINY = TrainingOptions(steps=8, batch=1, pool=2, reuse=2, save_every=4)


def depth_lesson(count: int = 1) -> DepthLesson:
    torch.manual_seed(0)
    return DepthLesson(DepthNet(), [box_body(seed=seed) for seed in range(count)], np.full(count, 1 / count))


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


def test_samples_are_the_same_from_any_step_on():
    coming = depth_lesson(2).samples(TINY, 0, ALONE)
    next(coming)
    (cubes, radiographs, angles), (others, again, turned) = next(coming), next(depth_lesson(2).samples(TINY, 1, ALONE))
    assert torch.equal(radiographs, again)
    assert turned == angles
    assert all(torch.equal(one.maps, other.maps) for one, other in zip(cubes, others, strict=True))


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


def test_the_loss_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    options = dataclasses.replace(TINY, reuse=8, rate=5e-3, warm_up=2)
    Trainer(tmp_path, options, depth_lesson(2), ALONE).run(lambda line: None)
    losses_seen = read_losses(tmp_path)
    assert np.mean(losses_seen[-2:]) < 0.9 * np.mean(losses_seen[:2])
