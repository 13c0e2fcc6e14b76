"""The evaluation of X-ray Tomography: scenes with a known truth, scores, baselines, and how true the spread is."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tomography_samples import write_untrained
from training_samples import box_body, write_prepared

from InverseImagingLib import cli
from InverseImagingLib.evaluation.tables import markdown
from InverseImagingLib.training.bodies import Body
from XrayTomographyLib.evaluation import calibration, evaluate, scenes
from XrayTomographyLib.evaluation.baselines import MeanVolume, Pool, back_projected, fused
from XrayTomographyLib.evaluation.scenes import SUBJECTS, Scene
from XrayTomographyLib.evaluation.scores import by_depth, difference, dssim, l2, reprojection, seen
from XrayTomographyLib.evaluation.surfaces import SurfaceCamera
from XrayTomographyLib.evaluation.tables import summary
from XrayTomographyLib.formation import integral, opacity
from XrayTomographyLib.guess import Guess
from XrayTomographyLib.training.subjects import VIEWS


@functools.lru_cache
def views() -> list[Scene]:
    return list(scenes.scenes(box_body("box_2", seed=2)))


@functools.lru_cache
def camera() -> SurfaceCamera:
    return SurfaceCamera()


@functools.lru_cache
def pool() -> Pool:
    return Pool([box_body("box_0", seed=0), box_body("box_1", seed=1)])


def flat(densities: torch.Tensor) -> torch.Tensor:
    """Stands in for pictures of surfaces where it matters little what they show."""
    return densities.amax(dim=1).clamp(0, 1)


def test_scenes_are_of_all_views_and_subjects_and_always_the_same():
    assert {scene.view for scene in views()} == {*VIEWS, "other"}
    assert {scene.subject for scene in views()} == set(SUBJECTS)
    assert len({(scene.angles, scene.subject) for scene in views()}) == len(views())
    again = next(scenes.scenes(box_body("box_2", seed=2)))
    assert torch.equal(again.radiograph, views()[0].radiograph)
    assert torch.equal(again.densities, views()[0].densities)


def test_a_radiograph_shows_the_densities_but_for_noise():
    for scene in views():
        shown = torch.nn.functional.avg_pool2d(scene.radiograph[None], 2)[0]
        apart = shown - opacity(integral(scene.densities))
        assert scene.radiograph.shape == (256, 256)
        assert 0.002 < apart.std() < 0.02
        assert apart.mean().abs() < 0.005
    assert views()[0].densities.max() == pytest.approx(1.6 / 1.9, abs=0.01)  # g/cm3 of the rod by those of dense bone


def test_the_side_view_is_from_the_left_side():
    """The rod is 25 mm to the left of the middle of the body, and 25 mm in front of it."""
    for view, column in (("front", 63.5 + 16), ("side", 63.5 - 16)):
        scene = next(scene for scene in views() if (scene.view, scene.subject) == (view, "bones"))
        middle = (scene.densities[64] > 0.3).nonzero().float().mean(dim=0)
        assert middle.tolist() == pytest.approx([63.5 - 16, column], abs=0.5)  # J, I


def test_the_camera_sees_surfaces_where_they_are():
    densities = torch.zeros(128, 128, 128)
    densities[10:30, 40:60, 20:50] = 0.2  # above, on the left
    densities[80:100, 40:60, 70:120] = 0.05  # too thin
    picture = camera()(densities)
    assert picture.shape == (128, 128)
    assert picture[14:26, 24:46].min() > 0.9
    picture[9:31, 19:51] = 0
    assert not picture.any()
    assert not camera()(torch.zeros(128, 128, 128)).any()


def test_surfaces_shade_each_other():
    """The floor of a pit is darker than one that lies open."""
    densities = torch.zeros(128, 128, 128)
    densities[20:108, 60:100, 20:108] = 1
    open_floor = camera()(densities)[64, 64]
    densities[20:108, 40:60, 20:108] = 1
    densities[58:70, 40:60, 58:70] = 0
    assert camera()(densities)[64, 64] < open_floor - 0.1


def test_a_picture_is_the_same_again():
    densities = views()[0].densities
    first = camera()(densities)
    camera()(views()[1].densities)
    assert torch.equal(camera()(densities), first)


def test_the_truth_scores_perfectly_and_others_less():
    scene = views()[0]
    truth = seen(scene.densities, camera())
    moved = seen(scene.densities.roll(6, dims=2), camera())
    assert difference(truth, truth) == {"L2": 0, "DSSIM": pytest.approx(0, abs=1e-9)}
    assert difference(moved, truth)["L2"] > 0.05
    assert difference(moved, truth)["DSSIM"] > 0.02
    assert l2(torch.full((8, 8, 8), 0.3), torch.full((8, 8, 8), 0.1)) == pytest.approx(0.2)
    assert reprojection(scene.densities, scene.radiograph) > reprojection(moved.densities, scene.radiograph) + 10
    dark, half = torch.zeros(128, 128), torch.full((128, 128), 0.5)
    assert dssim(dark, half) == pytest.approx(0.5, abs=0.001)


def test_fewer_planes_change_more():
    truth = seen(views()[0].densities, flat)
    found = by_depth(truth, truth, flat)
    assert list(found) == [8, 16, 32, 64, 128]
    each = [scores["L2"] for scores in found.values()]
    assert each == sorted(each, reverse=True)
    assert each[0] > 0.02
    assert each[-1] == 0


def test_back_projection_spreads_the_radiograph_evenly():
    scene = views()[0]
    volume = back_projected(scene)
    assert (volume == volume[:, :1]).all()
    assert reprojection(volume, scene.radiograph) > 30


def test_the_mean_volume_is_that_of_the_kind_and_view():
    bodies = [box_body("box_0", 0), box_body("box_1", 1), Body("limb_1", np.zeros((2, 80, 60, 80), np.float16))]
    front, side = (next(s for s in views() if (s.view, s.subject) == (v, "bones")) for v in ("front", "side"))
    mean = MeanVolume(bodies)
    own = (MeanVolume(bodies[:1])(front) + MeanVolume(bodies[1:2])(front)) / 2
    torch.testing.assert_close(mean(front), own, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(mean(side), mean(front), atol=0.01)
    torch.testing.assert_close(mean(dataclasses.replace(front, name="other_1")), own * 2 / 3, rtol=1e-4, atol=1e-5)


def test_a_fused_baseline_projects_to_the_radiograph():
    scene = views()[1]
    assert reprojection(fused(back_projected)(scene), scene.radiograph) > 60


def test_memory_finds_what_it_holds():
    own = Pool([box_body("box_0", seed=0), box_body("box_2", seed=2)])
    assert len(own) == 2 * 5 * 3 * len(SUBJECTS)
    for scene in views():
        assert l2(own.oracle(scene), scene.densities) == 0
        if scene.view != "side":  # from where the rods of both bodies are at the same place
            assert l2(own.nearest(scene), scene.densities) == 0


def test_the_oracle_is_never_worse_than_the_nearest_neighbor():
    for scene in views()[:4]:
        nearest, best = (l2(find(scene), scene.densities) for find in (pool().nearest, pool().oracle))
        assert 0 < best <= nearest


def laplace(spread: float, factor: float = 1.0, seed: int = 0) -> np.ndarray:
    """Counts of errors that are the stated spread times a factor in the mean, as Laplace has them."""
    errors = torch.from_numpy(np.random.default_rng(seed).laplace(0, factor * spread, (128, 128, 128))).float()
    truth = torch.ones(128, 128, 128)
    truth[:, :, :64] = 0
    errors[:, :, :64] = 100  # in rays without matter, which do not count
    return calibration.counted(truth + errors, torch.full((128, 128, 128), spread), truth)


def test_a_true_spread_is_found_to_be_true():
    counts = laplace(0.03)
    assert counts.sum() == 128 * 128 * 64
    assert calibration.coverage(counts) == pytest.approx(calibration.LEVELS, abs=0.005)
    assert calibration.factor_of([counts]) == pytest.approx(1, rel=0.02)


def test_one_factor_sets_right_what_is_wrong_by_one_factor():
    wrong, other = laplace(0.03, factor=2.5), laplace(0.1, factor=2.5, seed=1)
    assert calibration.coverage(wrong)[4] < 0.3
    found = calibration.calibration({"other": other}, {"wrong": wrong})
    assert found["factor"] == pytest.approx(2.5, rel=0.03)
    assert found["found on"] == ["wrong"]
    assert found["intervals"] == pytest.approx({"50": 1.73, "80": 4.02, "90": 5.76, "95": 7.49}, rel=0.03)
    for way in ("scaled", "fitted"):
        assert [share["mean"] for share in found[way]] == pytest.approx(calibration.LEVELS, abs=0.01)


def test_multiples_set_right_what_no_factor_does():
    error = torch.rand(128, 128, 128, generator=torch.Generator().manual_seed(0))
    counts = calibration.counted(1 + error, torch.ones(128, 128, 128), torch.ones(128, 128, 128))
    found = calibration.calibration({"even": counts}, {"even": counts})
    miss = {
        way: np.abs([share["mean"] - level for share, level in zip(found[way], found["levels"], strict=True)]).max()
        for way in ("stated", "scaled", "fitted")
    }
    assert miss["fitted"] < 0.01 < 0.05 < miss["scaled"]


@pytest.fixture
def few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scenes", "baselines"):
        monkeypatch.setattr(f"XrayTomographyLib.evaluation.{module}.SEEN", (("front", (0.0, 0.0)),))
    monkeypatch.setattr("XrayTomographyLib.evaluation.tables._GROUPS", ("front", *SUBJECTS))


def test_an_evaluation_tells_by_which_share_ours_is_lower(few_views: None):
    def even(radiograph: torch.Tensor) -> Guess:
        volume = back_projected(dataclasses.replace(views()[0], radiograph=radiograph))
        return Guess(radiograph, volume, torch.full_like(volume, 0.05))

    bodies = [box_body(f"box_{seed}", seed) for seed in (2, 3)]
    baselines = {"nothing": lambda scene: torch.zeros(128, 128, 128), "truth": lambda scene: scene.densities}
    found = evaluate.evaluate(bodies, [box_body("box_0", 0)], even, baselines, flat, lambda line: None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    means = found["means"]
    assert means["truth"]["all"]["L2"]["mean"] == 0
    assert means["truth"]["all"]["PSNR"]["mean"] < means[evaluate.OURS]["all"]["PSNR"]["mean"]
    assert means[evaluate.OURS]["all"]["PSNR"]["mean"] > 60 > means[evaluate.UNFUSED]["all"]["PSNR"]["mean"]
    shares = [1 - rows[evaluate.OURS]["all"]["L2"] / rows["nothing"]["all"]["L2"] for rows in found["bodies"].values()]
    assert found["margins"]["nothing"]["L2"]["mean"] == pytest.approx(np.mean(shares))
    assert means[evaluate.OURS]["depth 128"]["L2"] == means[evaluate.OURS]["all"]["L2"]
    assert found["calibration"]["found on"] == ["box_0"]
    assert list(found["calibration"]["bodies"]) == ["box_2", "box_3"]


def test_the_command_tells_and_draws(few_views: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, weights = write_prepared(tmp_path / "data"), write_untrained(tmp_path / "own.safetensors")
    command = ["evaluate", "xraytomography", "--data", str(data), "--weights", str(weights)]
    assert cli.main([*command, "--json", str(tmp_path / "all"), "--curve", str(tmp_path / "curve.png"), "--quiet"]) == 0
    found = json.loads((tmp_path / "all").read_text())
    assert found["weights"] == "own.safetensors"
    assert found["pool"] == 2 * 3 * len(SUBJECTS)
    assert set(found["means"]) > {evaluate.OURS, "nearest neighbor", "oracle", "mean volume", "back projection"}
    assert found["calibration"]["found on"] == ["box0", "box1"]
    text = capsys.readouterr().out
    assert text.strip() == summary(found)
    assert f"| {evaluate.OURS} | " in summary(found, markdown)
    assert Image.open(tmp_path / "curve.png").format == "PNG"


def test_a_curve_that_could_not_be_written_is_said_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = write_untrained(tmp_path / "own.safetensors")
    command = ["evaluate", "xraytomography", "--data", str(tmp_path), "--weights", str(weights)]
    assert cli.main([*command, "--curve", str(tmp_path / "none" / "curve.png")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_training_starts_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started = []
    monkeypatch.setattr("XrayTomographyLib.workshop.train", lambda *arguments, **more: started.append(arguments))
    assert cli.main(["train", "xraytomography", "--data", "data", "--out", str(tmp_path), "--steps", "7"]) == 0
    (data, folder, options), *_ = started
    assert (data, folder, options.steps) == (Path("data"), tmp_path, 7)
