"""What X-ray Tomography's networks learn from, and that they learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_samples import ALONE, box_body, read_losses, write_prepared

from InverseImagingLib.training.bodies import Body
from InverseImagingLib.training.run import WEIGHTS
from InverseImagingLib.training.trainer import Preset, TrainingOptions
from XrayTomographyLib.formation import Frame, integral, opacity
from XrayTomographyLib.networks import VolumeNet, densities_of
from XrayTomographyLib.paper.network import TomographyNet
from XrayTomographyLib.training.lesson import TomographyLesson, VolumeLesson, random_exposure
from XrayTomographyLib.training.lessons import train, training_options
from XrayTomographyLib.training.subjects import heads_of, random_pose, random_subject

TINY = TrainingOptions(steps=4, batch=1, pool=1, reuse=100, rate=3e-3, warm_up=1)


def test_densities_are_as_much_as_the_radiograph_tells():
    torch.manual_seed(0)
    integrals = torch.rand(2, 64, 96) * (torch.rand(2, 64, 96) > 0.3)
    shares, spread = VolumeNet(depth=16)(integrals)
    assert shares.shape == spread.shape == (2, 16, 32, 48)
    for planes in (16, 40):
        densities, apart = densities_of(shares, spread, integrals, planes)
        assert densities.shape == apart.shape == (2, 64, planes, 96)
        torch.testing.assert_close(integral(densities), integrals, rtol=1e-4, atol=1e-6)
        assert densities.min() >= 0
        assert not apart.amax(dim=2)[integrals == 0].any()
        assert apart[densities > 0].min() > 0


def test_the_compact_weights_fit_into_a_bundle():
    assert 2 * sum(p.numel() for p in VolumeNet().parameters()) < 16 * 2**20


def test_the_papers_network_has_its_shapes():
    with torch.inference_mode():
        found = TomographyNet()(torch.rand(1, 1, 256, 256))
    assert found.shape == (1, 128, 128, 128)
    small = TomographyNet((2, 4, 8), planes=6)
    low = []
    small.down[-1].register_forward_hook(lambda module, given, made: low.append(made.shape))
    assert small(torch.rand(1, 1, 32, 64)).shape == (1, 16, 6, 32)
    assert low == [(1, 8, 8, 16)]


def test_no_view_and_its_opposite_are_both_shown():
    """Parallel rays could not tell them apart."""
    poses = np.array([random_pose(np.random.default_rng(seed)) for seed in range(400)])
    around, up = np.deg2rad(poses[:, 0]), np.deg2rad(poses[:, 1])
    front, above = np.cos(around) * np.cos(up), np.sin(up)
    assert (front + above > -1e-9).all()
    assert front.max() > 0.98
    assert above.max() > 0.98
    assert abs(np.sin(around) * np.cos(up)).max() > 0.98


def test_a_subject_and_its_radiograph_belong_together():
    for seed in range(4):
        subject, again = (random_subject(box_body(), np.random.default_rng(seed), size=32) for _ in range(2))
        assert torch.equal(subject.densities, again.densities)
        assert subject.densities.shape == (32, 32, 32)
        assert subject.integrals.shape == (64, 64)
        for each in (subject, subject.mirrored()):
            pooled = torch.nn.functional.avg_pool2d(each.integrals[None], 2)[0]
            torch.testing.assert_close(integral(each.densities), pooled, rtol=1e-3, atol=1e-5)
        assert 0.5 < opacity(subject.integrals).max() <= 1


def test_a_turned_cube_shows_what_the_projector_shows_from_there():
    """Its given view is that of the frame's own turned by as much."""
    frame = Frame(100.0, (48, 48, 48))
    blob = torch.zeros(48, 48, 48)
    blob[10:20, 20:40, 8:16] = 1.0
    where = torch.nonzero(blob).double().mean(dim=0).flip(0)  # (I, J, K)
    for azimuth, elevation in ((0.0, 0.0), (90.0, 0.0), (30.0, -20.0), (0.0, 90.0)):
        seen = frame.radiographs(0.1 * blob, [(azimuth, elevation)])[0]
        rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
        middle = (float((seen * columns).sum() / seen.sum()), float((seen * rows).sum() / seen.sum()))
        back = np.linalg.inv(frame.facing(azimuth, elevation)) @ frame.ijk_to_ras @ [*where.tolist(), 1.0]
        assert middle == pytest.approx((back[0], back[2]), abs=0.6)


def test_a_head_is_no_more_than_a_head():
    tall = np.zeros((2, 200, 4, 4), np.float16)
    tall[1, -1] = 1.0
    head, limb = heads_of([Body("headneck_1", tall), Body("limb_1", tall)])
    assert head.maps.shape == (2, 104, 4, 4)
    assert head.maps[1, -1].all()
    assert limb.maps.shape == tall.shape


def test_exposures_are_radiographs():
    integrals = random_subject(box_body(), np.random.default_rng(0), size=32).integrals
    for seed in range(20):
        shown = random_exposure(integrals, np.random.default_rng(seed))
        assert shown.min() >= 0
        assert shown.max() <= 1
        assert torch.corrcoef(torch.stack([shown.flatten(), opacity(integrals).flatten()]))[0, 1] > 0.9


def test_every_weight_learns():
    torch.manual_seed(0)
    for lesson in (
        VolumeLesson(VolumeNet((8, 16), depth=16), [box_body()], np.ones(1)),
        TomographyLesson(TomographyNet((8, 16, 32), planes=16), [box_body()], np.ones(1), size=16),
    ):
        sample = next(lesson.samples(TINY, 0, ALONE))
        torch.stack(list(lesson(sample).values())).sum().backward()
        assert [name for name, p in lesson.network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_loss_falls_and_the_weights_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    monkeypatch.setattr("XrayTomographyLib.training.lessons.VolumeNet", lambda: VolumeNet((8, 16)))
    options = training_options(steps=10, batch=1, pool=1, reuse=100, rate=1e-2, warm_up=1)
    assert options.preset is Preset.COMPACT
    train(write_prepared(tmp_path / "data"), tmp_path / "run", options, say=lambda line: None)
    seen = read_losses(tmp_path / "run")
    assert np.mean(seen[-2:]) < np.mean(seen[:2])
    assert (tmp_path / "run" / WEIGHTS).is_file()
