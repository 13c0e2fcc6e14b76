"""The paper's training, with its ablations, of the paper's generator and of any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from training_samples import ALONE, read_losses

from CT2RGBLib.paper.features import FilterBank, ResNet50
from CT2RGBLib.paper.network import PaperGenerator, Sample
from CT2RGBLib.training.adversarial import PAPER, AdversarialLesson, Variant
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Trainer, TrainingOptions

OPTIONS = TrainingOptions(**PAPER | {"rate": 2e-3, "batch": 2}, steps=10)


def draw(options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
    """Blobs whose red is their HU, and whose Sobel is there all over."""
    step = first
    while True:
        rng = np.random.default_rng([options.seed, step])
        hu = torch.from_numpy(rng.uniform(-200, 300, (2, 3, 4, 4)).astype(np.float32))
        hu = nn.functional.interpolate(hu, size=(32, 32), mode="bilinear")
        body = torch.zeros(2, 1, 32, 32)
        body[..., 4:-4, 2:-2] = 1
        red = (hu[:, 1:2] + 200) / 500
        yield {
            "hu": hu,
            "sobel": torch.ones(2, 1, 32, 32),
            "body": body,
            "rgb": torch.cat([red, 0.5 * red, red], dim=1),
        }
        step += 1


class Tint(nn.Module):
    """A generator other than the paper's: the gray of the CT in a color, and its Sobel."""

    def __init__(self) -> None:
        super().__init__()
        self.tint = nn.Parameter(torch.full((3, 1, 1), 0.5))
        self.edge = nn.Parameter(torch.full((3, 1, 1), 0.1))

    def forward(self, sample: Sample) -> torch.Tensor:
        return ((sample["hu"][:, 1:2] + 200) / 500 * self.tint + self.edge * sample["sobel"]).clamp(0, 1)


def lesson(variant: Variant = Variant.FULL, generator: nn.Module | None = None) -> AdversarialLesson:
    torch.manual_seed(0)
    return AdversarialLesson(generator or PaperGenerator(width=8, downs=4), draw, FilterBank(), variant, width=4)


def test_settings_are_those_of_the_paper():
    options = TrainingOptions(**PAPER)
    assert (options.batch, options.rate, options.beta1, options.beta2) == (4, 1e-4, 0.5, 0.999)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("kind", [PaperGenerator, Tint])
def test_ablations_leave_out_what_they_are_named_for(variant: Variant, kind: type[nn.Module]):
    made = lesson(variant, Tint() if kind is Tint else None)
    sample = next(made.samples(OPTIONS, 0, ALONE))
    given = {name: value.clone() for name, value in sample.items()}
    terms = made(sample)
    assert set(terms) == {"colors", "features"} | ({"adversarial", "critic"} if variant != "supervised" else set())
    assert set(made.network) == {"generator"} | ({"critic"} if variant != "supervised" else set())
    assert all(torch.equal(sample[name], value) for name, value in given.items())
    made.eval()
    with torch.no_grad():
        without = made({**sample, "sobel": 0 * sample["sobel"]})
        changes = [float((term - without[name]).abs()) for name, term in made(sample).items()]
    assert (min(changes) > 0) if variant is Variant.FULL else (max(changes) == 0)


def test_structure_counts_where_it_is_wanted():
    torch.manual_seed(0)
    terms = [AdversarialLesson(Tint(), draw, FilterBank(), Variant.SUPERVISED, structure=each) for each in (0.0, 2.0)]
    sample = next(draw(OPTIONS, 0, ALONE))
    without, with_it = (each(sample) for each in terms)
    assert set(with_it) - set(without) == {"structure"}
    assert 0 < float(with_it["structure"]) < 4


def test_every_weight_of_both_learns():
    made = lesson()
    torch.stack(list(made(next(made.samples(OPTIONS, 0, ALONE))).values())).sum().backward()
    assert [name for name, p in made.network.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert made.product is made.network["generator"]


def test_features_of_a_network_are_not_trained():
    with torch.device("meta"):
        made = AdversarialLesson(Tint(), draw, ResNet50())
    assert not any(name.startswith("layer") for name, _ in made.network.named_parameters())
    assert {name.split(".")[0] for name, p in made.named_parameters() if p.requires_grad} == {"network"}


def test_the_colors_get_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 5)
    Trainer(tmp_path, OPTIONS, lesson(), ALONE).run(lambda line: None)
    first, last = read_losses(tmp_path)
    assert last < 0.9 * first
