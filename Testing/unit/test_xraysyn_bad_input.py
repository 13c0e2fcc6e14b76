"""What comes to a radiograph's synthesis as users have it: DICOM of many kinds, odd sizes, and what cannot be done."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from xraysyn_samples import write_untrained

from InverseImagingLib import cli
from InverseImagingLib.device import Device
from InverseImagingLib.errors import Cancelled, InputError
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.method import Progress
from InverseImagingLib.xray.dx import write_radiograph
from InverseImagingLib.xray.geometry import Geometry, pose
from InverseImagingLib.xray.intake import Crop
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import radiograph
from XraySynLib.networks import DepthNet
from XraySynLib.options import Projection, SynthesisOptions
from XraySynLib.synthesize import synthesize

SIDE = 160


@functools.lru_cache
def chest() -> np.ndarray:
    taken = radiograph(phantom(Anatomy.THORAX, 64, 3), RadiographOptions(width=SIDE, height=SIDE))
    return taken.images["radiograph"].array[0]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return str(write_untrained(tmp_path / "own.safetensors"))


def dicom(path: Path, stored: np.ndarray, **attributes: Any) -> Path:
    geometry = Geometry(SIDE, SIDE, 2.5, 1800.0, 1600.0, pose())
    source = Image(stored[None], geometry.pixel_to_ras, Meaning.DISPLAY, "chest", Dataset())
    write_radiograph(source, path, {"method": "test", "settings": {}}, geometry=geometry)
    header = pydicom.dcmread(path)
    for name, value in attributes.items():
        setattr(header, name, value)
    header.save_as(path)
    return path


def test_a_negative_dicom_and_a_picture_give_the_same(tmp_path: Path, weights: str):
    options = SynthesisOptions(weights=weights, azimuth=9.0, tries=1, field=360.0)
    negative = dicom(
        tmp_path / "negative.dcm",
        4095 - chest(),
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
    )
    picture = tmp_path / "picture.png"
    write(Image((chest() * 16).astype(np.uint16)[None]), picture)
    one, other = (synthesize(read(path), options) for path in (negative, picture))
    for name in ("view 1", "bone map", "suppressed"):
        high = other.images[name].array.max()
        np.testing.assert_allclose(one.images[name].array, other.images[name].array, atol=0.01 * high)
    np.testing.assert_allclose(one.images["CT"].ijk_to_ras, other.images["CT"].ijk_to_ras)


def test_the_field_comes_from_the_pixels(tmp_path: Path, weights: str):
    report = synthesize(read(dicom(tmp_path / "dx.dcm", chest())), SynthesisOptions(weights=weights, tries=1)).report
    assert report["field"] == pytest.approx(SIDE * 2.5 * 0.9, rel=0.02)


@pytest.mark.parametrize(
    ("told", "chosen", "used", "words"),
    [
        ("AP", Projection.AUTO, "ap", []),
        ("XY", Projection.AUTO, "pa", []),
        ("AP", Projection.AP, "ap", []),
        ("AP", Projection.PA, "pa", ["The header says AP, but the view chosen is PA"]),
        ("PA", Projection.AP, "ap", ["The header says PA, but the view chosen is AP"]),
    ],
)
def test_the_header_decides_the_projection_or_is_contradicted(
    tmp_path: Path, weights: str, told: str, chosen: Projection, used: str, words: list[str]
):
    image = read(dicom(tmp_path / "dx.dcm", chest(), ViewPosition=told))
    result = synthesize(image, SynthesisOptions(weights=weights, tries=1, projection=chosen))
    assert result.report["projection"] == used
    assert [text.split(";")[0] for text in result.report["warnings"]] == words
    _right, towards_the_front, _up = result.images["CT"].ijk_to_ras[:3, 1]  # from the source to the detector
    assert (towards_the_front > 0) == (used == "pa")


@pytest.mark.parametrize("shape", [(40, 33), (700, 60), (1100, 1300)])
def test_pictures_of_any_size_keep_it(weights: str, shape: tuple[int, int]):
    small = torch.from_numpy(chest().astype(np.float32))[None, None]
    picture = torch.nn.functional.interpolate(small, shape, mode="bilinear")[0].numpy().astype(np.uint16)
    result = synthesize(Image(picture, name="odd"), SynthesisOptions(weights=weights, tries=1, crop=Crop.NONE))
    for name in ("view 1", "bone map", "tissue map", "suppressed", "uncertainty", "residual"):
        assert result.images[name].array.shape == (1, *shape)
        assert np.isfinite(result.images[name].array).all()


def test_a_photograph_and_a_lateral_view_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photo = tmp_path / "photo.jpg"
    Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(photo)
    assert cli.main(["synthesize", str(photo), str(tmp_path / "out")]) == 2
    assert "is a color picture" in capsys.readouterr().err
    lateral = dicom(tmp_path / "lateral.dcm", chest(), ViewPosition="LL")
    assert cli.main(["suppress-bone", str(lateral), str(tmp_path / "free.png")]) == 2
    assert "is a lateral view (LL), but this needs a frontal one" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "lateral.dcm"}


def test_damaged_and_missing_weights_are_named(tmp_path: Path, weights: str):
    whole = Path(weights).read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(whole[: len(whole) // 2])
    image = Image(chest()[None], name="chest")
    with pytest.raises(InputError, match=r"'damaged\.safetensors' cannot be read as safetensors"):
        synthesize(image, SynthesisOptions(weights=str(damaged)))
    with pytest.raises(InputError, match=r"gone\.safetensors"):
        synthesize(image, SynthesisOptions(weights=str(tmp_path / "gone.safetensors")))


def test_a_lack_of_memory_is_said(weights: str, monkeypatch: pytest.MonkeyPatch):
    def forward(self: DepthNet, x: torch.Tensor) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(DepthNet, "forward", forward)
    with pytest.raises(InputError, match="does not fit into this computer's memory"):
        synthesize(Image(chest()[None], name="crowded"), SynthesisOptions(weights=weights, device=Device.CPU))


def test_cancelling_leaves_nothing(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def cancel(progress: Progress) -> None:
        if progress.fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        synthesize(Image(chest()[None]), SynthesisOptions(weights=weights, sweep="-9:9:3"), cancel)

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    source = tmp_path / "chest.png"
    write(Image(chest()[None]), source)
    before = set(tmp_path.iterdir())
    monkeypatch.setattr("XraySynLib.synthesize.uncertainty", interrupted)
    command = ["synthesize", str(source), str(tmp_path / "out"), "--weights", weights]
    assert cli.main(command) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before
