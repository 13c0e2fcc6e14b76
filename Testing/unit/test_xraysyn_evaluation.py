"""The evaluation of X-ray Synthesis: scenes with a known truth, scores, baselines, and real radiographs."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import ndimage
from training_samples import box_body, write_prepared
from xraysyn_samples import untrained, write_untrained

from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.scores import psnr
from InverseImagingLib.evaluation.tables import markdown
from InverseImagingLib.image import Image, write
from InverseImagingLib.training.bodies import body_of
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import radiograph
from XraySynLib.evaluation.baselines import MeanBody, ViewNet, back_projected, drawn, spread, unchanged, view_input
from XraySynLib.evaluation.evaluate import OURS, evaluate, synthesized
from XraySynLib.evaluation.frechet import features, frechet
from XraySynLib.evaluation.guesses import Guess, Method, scores
from XraySynLib.evaluation.real import evaluate_radiographs
from XraySynLib.evaluation.scenes import ANGLES, FAR, VIEWS, Scene, lung, render, scene
from XraySynLib.evaluation.tables import by_angle, scored, summary
from XraySynLib.frame import Frame
from XraySynLib.options import SynthesisOptions


@functools.lru_cache
def chest() -> Scene:
    return scene(body_of(phantom(Anatomy.THORAX, 64, 3)))


@functools.lru_cache
def box() -> Scene:
    return scene(box_body())


def blurred(picture: torch.Tensor, width: float = 2.0) -> torch.Tensor:
    return torch.from_numpy(ndimage.gaussian_filter(picture.numpy(), (0,) * (picture.ndim - 2) + (width, width)))


def truth(one: Scene) -> Guess:
    return Guess(one.shown, one.along, one.free)


def worse(one: Scene) -> Guess:
    shown, along = ({a: blurred(picture) for a, picture in part.items()} for part in (one.shown, one.along))
    return Guess(shown, along, blurred(one.free))


def test_scenes_are_rendered_as_the_projector_does_but_otherwise():
    body, frame = box_body(), Frame(160.0)
    maps = torch.from_numpy(body.maps.astype(np.float32))
    along = render(maps, frame, 9.0)
    assert along[1].max() == pytest.approx(15.0 - 3.5, abs=0.8)  # 110 mm of tissue, seen a little askew
    assert chest().radiograph.min() == 0
    assert chest().radiograph.max() == 1
    assert psnr(chest().radiograph, chest().shown[0.0]) > 35  # they differ by noise alone
    bone = chest().along[0.0][0]
    assert (chest().free <= chest().shown[0.0] + 1e-5).all()
    assert (chest().shown[0.0] - chest().free)[bone > 1].mean() > 0.02


def test_lungs_are_found_where_they_are():
    hu = phantom(Anatomy.THORAX, 64, 3)
    body = body_of(hu)
    liters = lung(body.maps).sum() * 2.5**3 / 1e6
    wanted = ((hu.array > -950) & (hu.array < -600)).sum() * np.prod(hu.spacing) / 1e6
    assert liters == pytest.approx(wanted, rel=0.2)
    rays = chest().lungs
    assert 0.15 < rays.float().mean() < 0.5
    assert rays[40, 30]
    assert rays[40, 98]
    assert not rays[40, 62:66].any()  # the spine
    assert not box().lungs.any()


def test_the_truth_scores_best_and_a_blurred_one_less():
    best, less = scores(chest(), truth(chest())), scores(chest(), worse(chest()))
    assert set(best) == set(less)
    assert {"input view", "view -9", "novel views", "18 degrees", "bone, novel views", "tissue, input view"} <= set(
        best
    )
    assert best["novel views"] == (100.0, pytest.approx(1.0))
    assert best["bone suppression, lungs"][0] == 100.0
    for what in best:
        assert less[what][0] < best[what][0] - 3, what
        assert less[what][1] < best[what][1], what
    each = [less[f"view {angle:+g}"][0] for angle in ANGLES]
    assert less["novel views"][0] == pytest.approx(np.mean(each))
    assert "bone suppression, lungs" not in scores(box(), truth(box()))


def test_baselines_agree_with_the_radiograph():
    """And what is known of the body helps: its own mean is the best of all."""
    own = MeanBody([body_of(phantom(Anatomy.THORAX, 64, 3))])
    network = ViewNet().eval()
    found = {
        "mean": scores(chest(), own(chest())),
        "back": scores(chest(), back_projected(chest())),
        "drawn": scores(chest(), drawn(network, chest())),
    }
    assert all(row["input view"][0] > 35 for row in found.values())
    assert found["mean"]["18 degrees"][0] > found["back"]["18 degrees"][0] + 5
    assert found["mean"]["bone suppression"][0] > scores(chest(), unchanged(chest()))["bone suppression"][0] + 3
    assert "bone suppression" not in found["back"]


def test_the_mean_body_is_that_of_the_kind_or_of_all():
    bodies = [box_body("box0", 0), box_body("box1", 1), body_of(phantom(Anatomy.LIMB, 32, 0))]
    mean = MeanBody(bodies)
    wrong = MeanBody(bodies[2:])
    boxes = MeanBody(bodies[:2])
    assert torch.equal(mean(box()).shown[9.0], boxes(box()).shown[9.0])
    nameless = dataclasses.replace(box(), name="other")
    everyone = mean(nameless).shown[9.0]
    assert not torch.equal(everyone, boxes(box()).shown[9.0])
    assert not torch.equal(everyone, wrong(nameless).shown[9.0])


def test_the_drawing_network_is_told_the_angles():
    network, frames = ViewNet(), [Frame(300.0), Frame(300.0)]
    given, other = network(view_input(torch.rand(1, 128, 128).expand(2, -1, -1), frames, [(0.0, 0.0), (18.0, -9.0)]))
    assert given.shape == (2, 2, 128, 128)
    assert other.shape == (2, 2, 64, 64)
    assert min(given.min(), other.min()) >= 0
    assert not torch.equal(other[0], other[1])


def test_an_evaluation_tells_by_how_much_ours_is_better():
    methods: dict[str, Method] = {"blurred": worse, "unchanged": unchanged}
    bodies = [box_body("one_1", 0), box_body("one_2", 1), box_body("two_1", 2)]
    found = evaluate(bodies, truth, methods, lambda line: None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found["bodies"]) == ["one_1", "one_2", "two_1"]
    novel = [rows["blurred"]["novel views"]["PSNR"] for rows in found["bodies"].values()]
    assert found["means"]["blurred"]["novel views"]["PSNR"]["mean"] == pytest.approx(np.mean(novel))
    gain = found["gains"]["blurred"]["novel views"]["PSNR"]
    assert gain["mean"] == pytest.approx(100 - np.mean(novel))
    assert gain["low"] > 0
    assert gain["count"] == 3
    assert {kind: rows[OURS]["novel views"]["PSNR"]["count"] for kind, rows in found["kinds"].items()} == {
        "one": 2,
        "two": 1,
    }
    assert "input view" not in found["gains"]["unchanged"]
    text = summary(found)
    assert all(len(line) <= 160 for line in text.splitlines())
    assert f"{gain['mean']:+.2f} ({gain['low']:.2f} to {gain['high']:.2f})" in text
    angles = by_angle(found["means"])
    assert angles[0][1:] == [f"{angle:g}" for angle in sorted((*ANGLES, *FAR))]
    assert [row[0] for row in angles[1:]] == [OURS, *methods]
    assert "| blurred |" in markdown(scored(found["means"], ["novel views"]))


def test_the_model_is_evaluated_as_synthesize_computes():
    guess = synthesized(untrained(), chest())
    assert set(guess.shown) == set(VIEWS)
    assert psnr(guess.shown[0.0], chest().radiograph) > 35
    assert guess.along[9.0].shape == (2, 128, 128)


def test_the_distance_of_sets_that_look_alike():
    pictures = torch.stack([blurred(torch.rand(128, 128, generator=torch.manual_seed(n)), 1.0) for n in range(12)])
    sharp = features(pictures)
    assert sharp.shape == (12, 64)
    assert frechet(sharp, sharp) == pytest.approx(0, abs=1e-6)
    little, much = (
        frechet(sharp, features(torch.stack([blurred(p, width) for p in pictures]))) for width in (0.5, 2.0)
    )
    assert 0.1 < little < much
    assert frechet(sharp, sharp + 0.5) == pytest.approx(64 * 0.25)
    with pytest.raises(InputError, match="at least two pictures"):
        frechet(sharp[:1], sharp)


def test_the_distance_is_that_of_normal_distributions():
    rng = np.random.default_rng(0)
    ones, others = rng.normal(0, 2, (20000, 3)), rng.normal(1, 3, (20000, 3))
    assert frechet(ones, others) == pytest.approx(3 * (1 + (3 - 2) ** 2), rel=0.05)


def test_features_tell_directions_and_scales():
    rows = torch.arange(128.0)[:, None].expand(128, 128)
    stripes = torch.stack([0.5 + 0.4 * torch.sin(2 * torch.pi * rows / wave) for wave in (8.0, 16.0)])
    told = features(torch.cat([stripes, stripes.transpose(1, 2)])).reshape(4, 4, 4, -1).mean(axis=-1)
    strongest = [tuple(int(n) for n in np.unravel_index(one.argmax(), one.shape)) for one in told]
    assert strongest == [(1, 2), (2, 2), (1, 0), (2, 0)]  # scale, direction


@pytest.mark.slow
def test_the_command_with_real_radiographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "radiographs"
    folder.mkdir()
    for seed in range(4):
        options = RadiographOptions(width=96, height=96)
        image = radiograph(phantom(Anatomy.THORAX, 48, seed), options).images["radiograph"]
        write(image.with_array((image.array * 16).astype(np.uint16)), folder / f"patient{seed}.png")
    write(Image(np.zeros((3, 96, 96), np.uint8)), folder / "volume.nrrd")
    (folder / "notes.txt").write_text("no radiograph")
    data, weights = write_prepared(tmp_path / "data"), write_untrained(tmp_path / "own.safetensors")
    save_file(ViewNet().state_dict(), tmp_path / "unet.safetensors")
    command = ["evaluate", "xraysyn", "--data", str(data), "--weights", str(weights), "--json", str(tmp_path / "all")]
    more = ["--radiographs", str(folder), "--projection", "ap", "--unet", str(tmp_path / "unet.safetensors"), "--quiet"]
    assert cli.main([*command, *more]) == 0
    text = capsys.readouterr().out
    found = json.loads((tmp_path / "all").read_text())
    assert found["weights"] == "own.safetensors"
    assert set(found["means"]) == {OURS, "back projection", "mean body", "unchanged", "2D U-Net"}
    real = found["real"]
    assert set(real["radiographs"]) == {f"patient{seed}.png" for seed in range(4)}
    assert list(real["refused"]) == ["volume.nrrd"]
    again = real["reprojection"]
    assert again["low"] <= again["mean"] <= again["high"]
    assert again["lowest"] == min(real["radiographs"].values()) > 35
    assert again["share above 35 dB"] == 1
    distances = real["frechet"]
    assert distances["inputs"]["to the inputs"] == pytest.approx(0, abs=1e-6)
    assert distances["inputs"]["to other patients"] > 0
    assert distances[OURS]["to the inputs"] > 0
    assert 0.5 < real["full size"]["SSIM"]["mean"] <= 1
    assert "4 real radiographs, 1 refused" in text


def test_too_few_radiographs_are_said(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no radiograph")
    with pytest.raises(InputError, match="holds 0 frontal radiographs; give at least 4"):
        evaluate_radiographs(tmp_path, SynthesisOptions())
    with pytest.raises(InputError, match="There is no folder"):
        evaluate_radiographs(tmp_path / "none", SynthesisOptions())


def test_a_back_projection_gives_the_radiograph_back():
    shown = chest().radiograph
    given, turned = spread(shown, Frame(400.0), [0.0, 9.0])
    assert psnr(given, shown) > 40
    assert psnr(turned, shown) < 30
