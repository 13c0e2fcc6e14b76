"""Slices of any kind become training data of X-ray Tomography."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, write
from InverseImagingLib.training.bodies import SPACING, bodies
from XrayTomographyLib.training.slices import body_of_slices, prepare_slices

AXIAL = np.diag([-1.0, -1.0, 1.0, 1.0])


def subject() -> np.ndarray:
    """24 slices from the feet up, 40 x 48, of a gray ground and a block, at the top and in front with a bright rod at
    the right."""
    slices = np.full((24, 40, 48), 20, np.uint8)
    slices[4:20, 8:32, 6:42] = 120
    slices[12:20, 8:14, 6:12] = 220
    return slices


def write_pictures(folder: Path) -> None:
    folder.mkdir()
    for number, each in enumerate(subject()):
        PIL.Image.fromarray(np.stack([each] * 3, axis=-1)).save(folder / f"slice-{number:03d}.png")


def write_pages(folder: Path) -> None:
    first, *others = map(PIL.Image.fromarray, subject())
    first.save(folder.with_suffix(".tif"), save_all=True, append_images=others)


def write_video(folder: Path) -> None:
    with av.open(str(folder.with_suffix(".mp4")), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.bit_rate = 48, 40, 4_000_000
        for each in subject():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.stack([each] * 3, axis=-1), format="rgb24")))
        container.mux(stream.encode())


def write_volume(folder: Path) -> None:
    place = np.diag([0.3, -0.3, -0.3, 1.0])  # from the head down, the left side first
    write(Image(subject()[::-1, :, ::-1].astype(np.int16), place), folder.with_suffix(".nrrd"))


@pytest.mark.parametrize("written", [write_pictures, write_pages, write_video, write_volume])
def test_stacks_of_all_kinds_lie_as_the_patient_does(written: Callable[[Path], None], tmp_path: Path):
    (tmp_path / "stacks").mkdir()
    written(tmp_path / "stacks" / "lion_1")
    (tmp_path / "stacks" / "notes.txt").write_text("no slices")
    said: list[str] = []
    prepare_slices(tmp_path / "stacks", tmp_path / "data", said.append)
    assert any("notes.txt is left out: it holds no slices" in line for line in said)
    (body,), _ = bodies(tmp_path / "data", "train")
    assert body.name == "lion_1"
    bone, tissue = body.maps.astype(float)
    assert not tissue.any()
    assert bone.max() == pytest.approx(1.9, abs=0.01)
    lengths = SPACING * np.array(bone.shape[::-1])
    np.testing.assert_allclose(lengths, [240, 160, 107], atol=6)
    rod = np.argwhere(bone > 1.5).mean(axis=0) / bone.shape
    assert rod[0] > 0.6  # at the top
    assert rod[1] > 0.7  # in front
    assert rod[2] > 0.7  # at the right


def test_what_shows_nothing_is_left_out(tmp_path: Path):
    with pytest.raises(InputError, match="nothing that is brighter"):
        body_of_slices(np.full((4, 8, 8), 7, np.uint8), AXIAL, "gray")
    stacks = tmp_path / "stacks"
    (stacks / "one").mkdir(parents=True)
    PIL.Image.fromarray(np.zeros((8, 8), np.uint8)).save(stacks / "one" / "slice.png")
    (stacks / "broken.mp4").write_bytes(b"no video")
    said: list[str] = []
    with pytest.raises(InputError, match="There are no slices in"):
        prepare_slices(stacks, tmp_path / "data", said.append)
    assert any("fewer than two" in line for line in said)
    assert any("broken.mp4 cannot be read" in line for line in said)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "stacks").mkdir()
    write_pictures(tmp_path / "stacks" / "lion_1")
    arguments = ["prepare", "xraytomography", str(tmp_path / "stacks")]
    assert cli.main([*arguments, str(tmp_path / "data"), "--slices"]) == 0
    assert "lion_1: " in capsys.readouterr().out
    assert cli.main([*arguments, str(tmp_path / "more"), "--slices", "--phantoms", "2"]) == 2
    assert "leave --phantoms or --slices out" in capsys.readouterr().err
