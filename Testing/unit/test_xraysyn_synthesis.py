"""Views, material maps and bone suppression from one radiograph; with a network that knows nothing."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from training_samples import box_body
from xraysyn_samples import untrained, write_untrained

from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.scores import psnr
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.xray.intake import Crop, Invert
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import radiograph
from XraySynLib.beam import Beam
from XraySynLib.estimate import SIZE, estimate, resized
from XraySynLib.frame import Frame
from XraySynLib.look import Look, fit_look
from XraySynLib.options import SynthesisOptions
from XraySynLib.refiner import Refiner
from XraySynLib.synthesize import DRAFT_SIZE, synthesize
from XraySynLib.training.cubes import random_cube
from XraySynLib.views import suppressed, uncertainty, view


@functools.lru_cache
def chest(size: int = 200) -> Image:
    options = RadiographOptions(width=size, height=size)
    return radiograph(phantom(Anatomy.THORAX, 64, 3), options).images["radiograph"]


@functools.lru_cache
def found(size: int = 200):
    shown = torch.from_numpy(chest(size).array[0].astype(np.float32) / 4095)
    return estimate(shown, Frame(400.0), untrained())


def test_a_small_radiograph_with_a_sharp_black_edge_is_estimated():
    shown = torch.linspace(0.2, 1, 64).repeat(64, 1)
    shown[:, :20] = 0
    small = estimate(shown, Frame(400.0), untrained())
    for numbers in (small.maps, small.detail, small.depth, view(small, 9.0, 0.0).shown):
        assert torch.isfinite(numbers).all()


def test_a_look_is_found_again():
    attenuation = torch.rand(64, 64) * 4 + 0.2
    true = Look(5.0, 0.1, 1.4)
    again = fit_look(true.shown(attenuation), attenuation)
    assert again.gamma == pytest.approx(1.4, rel=0.05)
    torch.testing.assert_close(again.attenuation(true.shown(attenuation)), attenuation, rtol=0.02, atol=0.05)
    torch.testing.assert_close(true.shown(true.attenuation(torch.full((3,), 0.5))), torch.full((3,), 0.5))


def test_where_it_is_black_a_radiograph_tells_only_that_there_is_little():
    look = Look(4.0, 0.5, 1.0)
    shown, guess = torch.tensor([0.0, 0.0, 0.5]), torch.tensor([0.1, 2.0, 0.1])
    torch.testing.assert_close(look.believable(shown, guess), torch.tensor([0.1, 0.5, 2.5]))
    torch.testing.assert_close(look.shown(look.believable(shown, guess)), shown)


def test_the_estimate_gives_the_radiograph_back():
    """At least 35 dB, whatever the network says."""
    shown = found().shown
    again = view(found(), 0.0, 0.0, SIZE).shown
    assert psnr(again, resized(shown, SIZE)) > 35
    whole = view(found(), 0.0, 0.0).shown
    assert whole.shape == shown.shape
    assert psnr(whole, shown) > 35


def test_finer_views_have_the_details_of_the_radiograph():
    """Stripes of 6 rows, which 128 x 128 pixels cannot hold, turn with the body."""
    stripes = 0.03 * torch.sin(torch.arange(400.0) * 2 * np.pi / 6)[:, None]
    shown = (resized(found().shown, 400) + stripes).clamp(0, 1)
    striped = estimate(shown, Frame(400.0), untrained(), tries=1)

    def rows(picture: torch.Tensor) -> torch.Tensor:
        inner = picture[100:300, 150:250].mean(dim=1)
        return torch.fft.rfft(inner - inner.mean()).abs()[33]

    turned = view(striped, 5.0, 0.0)
    assert turned.shown.shape == (400, 400)
    assert rows(turned.shown) > 0.5 * rows(shown)
    assert rows(resized(view(striped, 5.0, 0.0, SIZE).shown, 400)) < 0.3 * rows(shown)


def test_a_view_from_the_left_is_the_mirrored_view_from_the_right_of_a_mirrored_body():
    shown = found().shown
    network = untrained()
    mirrored = estimate(shown.flip(1), Frame(400.0), network, tries=2)
    own = estimate(shown, Frame(400.0), network, tries=2)
    left, right = view(own, 8.0, 0.0, SIZE).shown, view(mirrored, -8.0, 0.0, SIZE).shown.flip(1)
    assert psnr(left, right) > 45


def test_a_refiner_corrects_other_views_and_leaves_the_radiograph():
    shown, refiner = resized(found().shown, 400), Refiner().eval()
    plain, silent = (estimate(shown, Frame(400.0), untrained(), each, tries=1) for each in (None, refiner))
    assert psnr(view(silent, 9.0, 0.0).shown, view(plain, 9.0, 0.0).shown) > 70
    torch.manual_seed(0)
    torch.nn.init.normal_(refiner.last.weight, std=0.5)
    for size in (SIZE, 400):
        ours, theirs = (view(each, 9.0, 0.0, size) for each in (silent, plain))
        assert psnr(ours.shown, theirs.shown) < 40
        assert (ours.bone - theirs.bone).abs().max() > 0.1
        given, same = (view(each, 0.0, 0.0, size).shown for each in (silent, plain))
        torch.testing.assert_close(given, same, rtol=0, atol=1e-5)


def test_uncertainty_is_there_and_zero_for_one_try():
    spread = uncertainty(found(), 6.0, 3.0)
    assert spread.shape == (200, 200)
    assert spread.max() > 0
    one = estimate(found().shown, Frame(400.0), untrained(), tries=1)
    assert not uncertainty(one, 6.0, 3.0).any()


def test_suppression_takes_away_bone_only_and_as_much_as_asked():
    shown = found().shown
    bone, tissue = torch.zeros(200, 200), torch.full((200, 200), 15.0)
    bone[60:90, 50:120] = 2.0
    none, half, full = (suppressed(shown, bone, tissue, found().look, strength) for strength in (0.0, 0.5, 1.0))
    torch.testing.assert_close(none, shown, rtol=0, atol=1e-5)
    assert torch.equal(full[bone == 0], shown[bone == 0])
    inside = bone > 0
    assert full[inside].mean() < half[inside].mean() < shown[inside].mean()


def test_suppression_of_a_known_body_is_the_body_without_bone():
    """With the true maps, the corrected Algorithm 1 gives what the beam makes of so much soft tissue."""
    cube = random_cube(box_body(), np.random.default_rng(0)).coarser()
    along = cube.frame.projector([(0.0, 0.0)])(cube.maps)[0] / 10
    beam, look = Beam(), Look(8.0, 0.0, 1.0)
    bone, tissue = along
    wanted = look.shown(beam(torch.stack([torch.zeros_like(bone), bone + tissue])))
    free = suppressed(look.shown(beam(along)), bone, tissue, look, 1.0)
    torch.testing.assert_close(free, wanted, rtol=0, atol=1e-5)


def test_synthesize_gives_everything_where_it_belongs(tmp_path: Path):
    weights = str(write_untrained(tmp_path / "own.safetensors"))
    options = SynthesisOptions(weights=weights, sweep="-9:9:3", tries=2)
    result = synthesize(chest(), options)
    pictures = {"view 1", "view 2", "view 3", "uncertainty", "bone map", "tissue map", "suppressed", "residual"}
    assert set(result.images) == {*pictures, "CT", "bone mask"}
    height, width = result.images["suppressed"].array.shape[1:]
    for name in pictures:
        image = result.images[name]
        assert image.array.shape == (1, height, width)
        np.testing.assert_allclose(image.ijk_to_ras[:3, :3], chest().ijk_to_ras[:3, :3])
    ct, mask = result.images["CT"], result.images["bone mask"]
    assert ct.meaning is Meaning.HU
    assert mask.meaning is Meaning.LABEL
    np.testing.assert_allclose(ct.ijk_to_ras, mask.ijk_to_ras)
    report = result.report
    assert report["weights"] == "own.safetensors"
    assert len(report["sha256"]) == 64
    assert report["reprojection PSNR"] > 35
    assert report["angles"] == [[-9.0, 0.0], [0.0, 0.0], [9.0, 0.0]]
    json.dumps(report)
    np.testing.assert_allclose(result.images["view 2"].array, take(chest()), atol=0.03)


@pytest.mark.parametrize("shape", [(600, 900), (900, 600), (120, 100)])
def test_a_draft_of_one_picture_lies_where_the_whole_does(tmp_path: Path, shape: tuple[int, int]):
    weights = str(write_untrained(tmp_path / "own.safetensors"))
    rng = np.random.default_rng(0)
    small = torch.from_numpy(rng.random((1, 1, 8, 8), np.float32))
    array = torch.nn.functional.interpolate(small, shape, mode="bicubic")[0].numpy()
    image = Image(array, np.array([[-0.2, 0, 0, 9], [0, -0.2, 0, 8], [0, 0, 1, 7], [0, 0, 0, 1.0]]), Meaning.DISPLAY)
    own = SynthesisOptions(weights=weights, crop=Crop.NONE, invert=Invert.NO, tries=1)
    whole = synthesize(image, replace(own, only="suppressed")).images["suppressed"]
    result = synthesize(image, replace(own, only="suppressed", draft=True))
    draft = result.images["suppressed"]
    assert set(result.images) == {"suppressed"}
    assert whole.array.shape[1:] == shape
    assert max(draft.array.shape) == min(max(shape), DRAFT_SIZE)

    def at(image: Image, fraction: float) -> tuple[float, np.ndarray]:
        row, column = (round(fraction * (side - 1)) for side in image.array.shape[1:])
        return float(image.array[0, row, column]), (image.ijk_to_ras @ [column, row, 0, 1])[:3]

    for fraction in (0.0, 0.3, 1.0):
        (value, place), (other, other_place) = at(draft, fraction), at(whole, fraction)
        np.testing.assert_allclose(place, other_place, atol=0.4)  # two pixels
        assert value == pytest.approx(other, abs=0.05)


def take(image: Image) -> np.ndarray:
    from InverseImagingLib.xray.intake import take_in

    return take_in(image).array[None]


def test_what_is_no_frontal_radiograph_is_said(tmp_path: Path):
    weights = str(write_untrained(tmp_path / "own.safetensors"))
    with pytest.raises(InputError, match="is a volume of"):
        synthesize(phantom(Anatomy.THORAX, 64, 0), SynthesisOptions(weights=weights))
    with pytest.raises(InputError, match="must be at most 18"):
        synthesize(chest(), SynthesisOptions(weights=weights, azimuth=30.0))
    with pytest.raises(InputError, match="There is no picture 'bones'; known are view"):
        synthesize(chest(), SynthesisOptions(weights=weights, only="bones"))
    with pytest.raises(InputError, match="up to 18 degrees"):
        synthesize(chest(), SynthesisOptions(weights=weights, sweep="-30:30:3"))
    other = tmp_path / "other.safetensors"
    from safetensors.torch import save_file

    save_file({"first.weight": torch.zeros(3, 3)}, other)
    with pytest.raises(InputError, match="another architecture"):
        synthesize(chest(), SynthesisOptions(weights=str(other)))


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights, source = str(write_untrained(tmp_path / "own.safetensors")), tmp_path / "chest.png"
    write(chest().with_array((chest().array * 16).astype(np.uint16)), source)
    out = tmp_path / "out"
    own, turning = ["--weights", weights, "--tries", "1"], tmp_path / "turn.gif"
    command = ["synthesize", str(source), str(out), "--animation", str(turning)]
    assert cli.main([*command, *own]) == 2
    assert "An animation needs several views" in capsys.readouterr().err
    assert cli.main([*command[:-1], "turn.mp4", "--azimuth", "-9:9:2", *own]) == 2
    assert "must end in .gif" in capsys.readouterr().err
    assert cli.main([*command, "--azimuth", "-9:9:2", *own]) == 0
    assert Pillow.open(turning).n_frames == 2
    names = {path.name for path in out.iterdir()}
    assert {"view-01.png", "view-02.png", "suppressed.png", "bone-map.nrrd", "ct.nrrd", "report.json"} <= names
    free = tmp_path / "free.png"
    assert cli.main(["suppress-bone", str(source), str(free), "--strength", "0.5", "--weights", weights]) == 0
    assert read(free).array.dtype == np.uint16
    for path in (free, out / "suppressed.png", out / "view-01.png"):
        assert "For research only" in Pillow.open(path).text["Comment"]
    capsys.readouterr()
    assert cli.main(["synthesize", str(source), str(out), "--azimuth", "x"]) == 2
    assert "--azimuth needs degrees" in capsys.readouterr().err
    assert cli.main(["suppress-bone", str(source), str(tmp_path / "free.xyz")]) == 2
    assert "names no format" in capsys.readouterr().err
