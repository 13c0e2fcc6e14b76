"""What CT2RGB's networks learn from."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import torch
from ct2rgb_sections import sections
from training_samples import ALONE

from CT2RGBLib.evaluation.methods import RANGES
from CT2RGBLib.preprocessing import sobel_in_range
from CT2RGBLib.training.samples import PIXEL, Drawing, fitted, hu_of, moved
from CT2RGBLib.training.synthesis import Scan
from InverseImagingLib.training.trainer import TrainingOptions

OPTIONS = TrainingOptions(batch=2, pool=4, reuse=4)


def drawn(count: int, first: int = 0, size: int = 64) -> list[dict[str, torch.Tensor]]:
    return list(itertools.islice(Drawing(sections()[:3], size)(OPTIONS, first, ALONE), count))


def test_samples_have_what_both_networks_need():
    for sample in drawn(4):
        assert {name: tuple(value.shape) for name, value in sample.items()} == {
            "hu": (2, 3, 64, 64),
            "sobel": (2, 1, 64, 64),
            "body": (2, 1, 64, 64),
            "usual": (2, 3, 64, 64),
            "rgb": (2, 3, 64, 64),
            "spacing": (2, 1),
        }
        assert all(value.dtype == torch.float32 for value in sample.values())
        outside = (sample["body"] == 0).expand(-1, 3, -1, -1)
        assert (sample["hu"][outside] == -1000).all()
        assert not sample["rgb"][outside].any()
        assert sample["body"].mean() > 0.05
        assert 0.3 < sample["rgb"].max() <= 1
        edges = sobel_in_range(sample["hu"][:, 1:2].numpy(), RANGES, (PIXEL, PIXEL))
        np.testing.assert_allclose(sample["sobel"].numpy(), edges, atol=1e-6)


def test_samples_are_the_same_from_any_step_on():
    whole, part = drawn(4), drawn(2, first=2)
    for one, other in zip(whole[2:], part, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_colors_lie_where_the_ct_shows_their_tissue():
    """Red is muscle and yellow is fat, however a section was turned and stretched."""
    for sample in drawn(6):
        hu, (red, green, _) = sample["hu"][:, 1], sample["rgb"].unbind(dim=1)
        fat, muscle = (hu > -140) & (hu < -60) & (sample["body"][:, 0] > 0), (hu > 30) & (hu < 90)
        if fat.sum() > 50 and muscle.sum() > 50:
            assert green[fat].median() > 0.6
            assert green[muscle].median() < 0.3
            assert red[muscle].median() > 0.35


def test_a_known_ct_is_taken_instead_of_a_synthetic_one():
    section = sections()[0]
    known = dataclasses.replace(section, hu=np.full(section.tissues.shape, 77, np.int16))
    scan = Scan.random(np.random.default_rng(0))
    assert (hu_of(known, scan, np.random.default_rng(0)) == 77).all()
    assert hu_of(section, scan, np.random.default_rng(0)).std() > 100


def test_a_plane_keeps_its_middle_when_it_is_turned_and_fitted():
    plane = np.zeros((41, 61))
    plane[19:22, 29:32] = 1
    turned = moved(plane, np.array([[0.0, -1.0], [1.0, 0.0]]), 2.0)
    assert turned.shape == (82, 122)
    for found in (turned, fitted(turned, (60, 200), 0.0), fitted(turned, (100, 80), 0.0)):
        middle = [float((found * at).sum() / found.sum()) for at in np.indices(found.shape)]
        np.testing.assert_allclose(middle, (np.array(found.shape) - 1) / 2, atol=0.6)
