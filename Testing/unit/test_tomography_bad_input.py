"""What comes to tomography as users have it: what is no radiograph of a head, odd files, and what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dicom_samples import write_series
from model_samples import network
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydicom import Dataset
from safetensors.torch import save_file
from tomography_samples import skull, write_untrained

from InverseImagingLib import cli
from InverseImagingLib.device import Device
from InverseImagingLib.errors import Cancelled, InputError
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.method import Progress
from InverseImagingLib.models import own_weights
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from XrayTomographyLib import case
from XrayTomographyLib.formation import radiograph
from XrayTomographyLib.fusion import fuse
from XrayTomographyLib.intake import prepare
from XrayTomographyLib.networks import VolumeNet
from XrayTomographyLib.options import TomographyOptions
from XrayTomographyLib.tomograph import tomograph

GRAY = skull().array[0]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return str(write_untrained(tmp_path / "own.safetensors"))


def doubts(weights: str, gray: np.ndarray, **header: str) -> str:
    """The warnings about a picture, of which a volume is made nevertheless."""
    dicom = Dataset()
    for name, value in header.items():
        setattr(dicom, name, value)
    image = Image(gray[None], meaning=Meaning.DISPLAY, name="picture", dicom=dicom if header else None)
    result = tomograph(image, TomographyOptions(weights=weights, size=48, field=200.0))
    assert np.isfinite(result.images["volume"].array).all()
    assert result.report["reprojection PSNR"] > 60
    return " ".join(result.report["warnings"])


def page() -> np.ndarray:
    paper = Pillow.new("L", (300, 400), 255)
    for row in range(20, 370, 24):
        ImageDraw.Draw(paper).text((20, row), "The quick brown fox jumps over", fill=0, font=ImageFont.load_default(16))
    return np.asarray(paper)


# What is no radiograph of a head


def test_a_radiograph_of_a_head_raises_no_doubt(weights: str):
    assert doubts(weights, GRAY) == ""
    assert doubts(weights, GRAY, BodyPartExamined="SKULL", Modality="DX") == ""


@pytest.mark.parametrize("text", [page(), 255 - page()], ids=["black", "white"])
def test_a_page_of_text(weights: str, text: np.ndarray):
    assert "full of sharp edges" in doubts(weights, text)


def test_a_chest_is_doubted_by_its_header(weights: str):
    assert "The header says CHEST" in doubts(weights, GRAY, BodyPartExamined="CHEST")


def test_a_chest_is_doubted_by_its_look(weights: str):
    chest = phantom(Anatomy.THORAX, 96).array[::-1].astype(np.float32) / 1000 + 1
    middle = chest[12:-12, :, 20:-20]  # as detectors show them, without air beside the arms
    gray = np.log1p(-radiograph(torch.from_numpy(middle.clip(0) * 0.2)).numpy())
    assert "if it shows a chest" in doubts(weights, (4000 * gray / gray.min()).astype(np.uint16))


def test_a_gray_photograph_that_has_no_air(weights: str):
    y, x = np.mgrid[:120, :160]
    photo = (128 + 60 * np.sin(x / 20) + 60 * np.cos(y / 15)).astype(np.uint8)
    assert "No air was found" in doubts(weights, photo)


def test_what_is_all_white_in_the_middle(weights: str):
    assert "are pure white" in doubts(weights, np.minimum(GRAY, 1500))


def test_a_strip(weights: str):
    assert "a strip, of which a volume is hardly to be guessed" in doubts(weights, np.tile(GRAY[60:100], (1, 8)))


def test_padding_counts_as_air(weights: str):
    padded = np.full((200, 200), -2000, np.int16)
    padded[20:180, 20:180] = GRAY
    padded[100, 0] = 3000  # which keeps the crop from taking it all
    image = Image(padded[None], meaning=Meaning.DISPLAY, name="padded")
    opacity = tomograph(image, TomographyOptions(weights=weights, field=200.0)).images["opacity"].array[0]
    assert opacity.max() > 0.8
    assert (opacity[:10] < 0.01).mean() > 0.95


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image(np.zeros((1, 90, 90), np.uint8), name="x"), "'x' has the same value everywhere"),
        (Image(np.full((1, 90, 90), 255, np.uint8), name="x"), "'x' has the same value everywhere"),
        (Image(np.ones((1, 1, 1), np.uint8), name="x"), "'x' has 1 x 1 pixels, but a radiograph needs 32 a side"),
        (Image(np.tile(GRAY[None], (3, 1, 1)), name="x"), "'x' is a volume of 3 slices, not a radiograph"),
        (Image(GRAY[None] - 1000.0, meaning=Meaning.HU, name="x"), "'x' holds HU, as a slice of a CT does"),
        (Image(GRAY[None].astype(np.uint8), meaning=Meaning.LABEL, name="x"), "'x' is a label image"),
        (Image(np.full((1, 90, 90), np.nan), name="x"), "'x' holds NaN"),
    ],
    ids=["black", "white", "one pixel", "many frames", "HU", "label", "NaN"],
)
def test_what_cannot_be_one_is_refused(weights: str, image: Image, words: str):
    with pytest.raises(InputError, match=words):
        tomograph(image, TomographyOptions(weights=weights))


def test_files_of_something_else_are_refused_and_nothing_is_written(
    tmp_path: Path, weights: str, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "files"
    source.mkdir()
    colors = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Pillow.fromarray(colors).save(source / "photo.jpg")
    frames = [Pillow.fromarray((GRAY // 16).astype(np.uint8))] * 2
    frames[0].save(source / "frames.tif", save_all=True, append_images=frames[1:])
    frames[0].save(source / "turn.gif", save_all=True, append_images=frames[1:])
    write_series(source / "ct", np.zeros((1, 40, 40), np.int16), np.eye(4))
    for name, words in (
        ("photo.jpg", "is a color picture"),
        ("frames.tif", "is a volume of 2 slices"),
        ("turn.gif", "turn.gif"),
        ("ct", "is a CT image, not a radiograph"),
    ):
        assert cli.main(["tomography", str(source / name), str(tmp_path / "out.nrrd"), "--weights", weights]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"files", "own.safetensors"}


# What cannot be done


def test_weights_that_are_none_are_named(tmp_path: Path, weights: str):
    damaged, other = tmp_path / "damaged.safetensors", tmp_path / "other.safetensors"
    damaged.write_bytes(Path(weights).read_bytes()[:1000])
    save_file(network().state_dict(), other)
    for path, words in (
        (damaged, r"'damaged\.safetensors' cannot be read as safetensors"),
        (other, r"'other\.safetensors' holds another architecture"),
        (tmp_path / "gone.safetensors", r"gone\.safetensors"),
        (tmp_path / "pickle.pt", "is no .safetensors file"),
    ):
        with pytest.raises(InputError, match=words):
            tomograph(skull(), TomographyOptions(weights=str(path)))


def test_without_a_model_the_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write(skull(), tmp_path / "skull.png")
    monkeypatch.setattr("InverseImagingLib.models.bundles", lambda method="": [])
    assert cli.main(["tomography", str(tmp_path / "skull.png"), str(tmp_path / "out.nrrd")]) == 2
    error = capsys.readouterr().err
    assert "There are no weights 'volume' for X-ray Tomography; import a bundle" in error
    assert error.count("\n") == 1


def test_a_lack_of_memory_is_said(weights: str, monkeypatch: pytest.MonkeyPatch):
    def forward(self: VolumeNet, integrals: torch.Tensor) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(VolumeNet, "forward", forward)
    with pytest.raises(InputError, match="does not fit into this computer's memory"):
        tomograph(skull(70), TomographyOptions(weights=weights, device=Device.CPU))


NOWHERE = torch.device("meta")  # a device that is there on every computer, and has no memory


def out_of_memory_at_first(run: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter([True])

    def fails_once(*arguments: Any) -> Any:
        if next(calls, False):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(*arguments)

    return fails_once


def test_without_memory_on_the_device_the_cpu_guesses(weights: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(VolumeNet, "to", lambda self, device: self)
    monkeypatch.setattr(case, "guess", out_of_memory_at_first(case.guess))
    found, notes = case._guessed(prepare(skull(72)), own_weights(weights), NOWHERE)
    assert found.densities.isfinite().all()
    assert notes == ["Device meta ran out of memory; the run was made on the CPU."]


def test_without_memory_on_the_device_the_cpu_fuses(weights: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(VolumeNet, "to", lambda self, device: self)
    monkeypatch.setattr("InverseImagingLib.device.choose", lambda name="auto": NOWHERE)
    monkeypatch.setattr("XrayTomographyLib.tomograph.fuse", out_of_memory_at_first(fuse))
    result = tomograph(skull(72), TomographyOptions(weights=weights, field=200.0))
    assert result.report["reprojection PSNR"] > 60
    assert result.report["warnings"] == ["Device meta ran out of memory; the run was made on the CPU."]


def test_cancelling_leaves_nothing(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def cancel(progress: Progress) -> None:
        if progress.fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        tomograph(skull(), TomographyOptions(weights=weights), cancel)

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    source = tmp_path / "skull.png"
    write(skull(), source)
    before = set(tmp_path.iterdir())
    monkeypatch.setattr("XrayTomographyLib.case.Case.report", interrupted)
    command = ["tomography", str(source), str(tmp_path / "out.nrrd"), "--weights", weights]
    assert cli.main(command) == 130
    assert cli.main([*command, "--turntable", str(tmp_path / "t.gif")]) == 130
    monkeypatch.undo()
    monkeypatch.setattr("XrayTomographyLib.tomograph.fused_rows", interrupted)
    assert cli.main(command) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_what_is_out_of_limits_is_named(weights: str):
    for options, words in (
        ({"size": 9000}, "'size' must be at most 8192"),
        ({"beta": 0.5}, "'beta' must be at least 1"),
        ({"elevation": 91.0}, "'elevation' must be at most 90"),
        ({"densest": 1.0}, "'densest' must be at most 0.9999"),
        ({"field": float("nan")}, "'field' needs a finite number"),
    ):
        with pytest.raises(InputError, match=words):
            tomograph(skull(), TomographyOptions(weights=weights, **options))


# The command


def test_the_command_writes_all_that_is_asked_for(tmp_path: Path, weights: str, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("vtk")
    source, out = tmp_path / "skull.png", tmp_path / "out"
    write(skull(), source)
    out.mkdir()
    names = {
        **{name: f"{name}.nrrd" for name in ("uncertainty", "residual", "opacity")},
        **{"mesh": "skull.ply", "view": "view.png", "colored": "colors.png", "anaglyph": "both.png"},
        **{"wiggle": "wiggle.gif", "turntable": "around.gif", "report": "report.json"},
    }
    flags = [word for name, file in names.items() for word in (f"--{name}", str(out / file))]
    own = ["--weights", weights, "--size", "64", "--azimuth", "-30", "--field", "200"]
    assert cli.main(["tomography", str(source), str(out / "volume.nrrd"), *flags, *own]) == 0
    assert "gives the radiograph back at" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"volume.nrrd", *names.values()}
    assert read(out / "volume.nrrd").array.shape == (64, 128, 64)
    assert read(out / "view.png").array.dtype == np.uint16
    for name in ("both.png", "colors.png"):
        assert read(out / name).meaning is Meaning.RGB
    for name in ("view.png", "both.png", "colors.png"):
        assert "For research only" in Pillow.open(out / name).text["Comment"]
    assert Pillow.open(out / "wiggle.gif").n_frames == 8
    assert Pillow.open(out / "around.gif").n_frames == 48
    flags = ["--colored", str(tmp_path / "colors.gif"), "--colors", "heat", "--size", "24", "--quiet"]
    assert cli.main(["tomography", str(source), str(tmp_path / "small.nrrd"), *own, *flags]) == 0
    with Pillow.open(tmp_path / "colors.gif") as turned:
        red, green, blue = np.moveaxis(np.asarray(turned.convert("RGB"))[:18].astype(int), -1, 0)
        assert turned.n_frames == 48
        assert red.sum() > green.sum() > blue.sum()
    before = read(out / "volume.nrrd").array
    assert cli.main(["tomography", str(source), str(tmp_path / "volume.mha"), *own, "--quiet"]) == 0
    np.testing.assert_allclose(read(tmp_path / "volume.mha").array, before, rtol=1e-4, atol=1e-6)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["out.png"], "names no format that holds densities"),
        (["out.dcm"], "'out.dcm' can hold one slice; name a folder"),
        (["out.nrrd", "--mesh", "x.vtk"], r"must end in .stl, .obj, .ply"),
        (["out.nrrd", "--view", "x.jpg"], "'x.jpg' must end in .png"),
        (["out.nrrd", "--anaglyph", "x.gif"], "'x.gif' must end in .png"),
        (["out.nrrd", "--wiggle", "x.mp4"], "'x.mp4' must end in .gif"),
        (["out.nrrd", "--uncertainty", "x.png"], "names no format that holds such values"),
        (["out.nrrd", "--residual", "out.nrrd"], "Two of the outputs have the same name"),
        (["out.nrrd", "--turntable", "no/x.gif"], "there is no folder"),
        (["out.nrrd", "--mesh", "x.stl", "--level", "9"], "has no surface at 9"),
    ],
)
def test_outputs_that_cannot_be_written_are_named_before_the_work(
    tmp_path: Path,
    weights: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    words: str,
):
    if "--mesh" in flags:
        pytest.importorskip("vtk")
    monkeypatch.chdir(tmp_path)
    write(skull(), tmp_path / "skull.png")
    assert cli.main(["tomography", "skull.png", *flags, "--weights", weights, "--size", "32"]) == 2
    assert words in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"skull.png", "own.safetensors"}
