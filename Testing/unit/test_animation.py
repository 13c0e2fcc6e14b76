"""The words on exported pictures, and animations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from InverseImagingLib.animation import write_animation
from InverseImagingLib.errors import InputError
from InverseImagingLib.labels import labelled, note


def ramp(height: int, width: int) -> np.ndarray:
    return np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_words_are_in_the_lower_right_corner_alone(kind: type):
    picture = (ramp(200, 300) * 200).astype(kind)
    result = labelled(picture)
    assert result.dtype == kind
    changed = np.argwhere(result != picture)
    assert changed.min(axis=0)[0] > 180
    assert changed.min(axis=0)[1] > 200
    corner = result[-8:, -40:]
    assert set(np.unique(corner)) == {picture.min(), picture.max()}
    assert (result[-12:, -2:] == picture.min()).all()  # no letter is cut
    assert labelled(picture[:4, :6]).shape == (4, 6)


def test_the_words_on_colors_are_gray():
    picture = np.stack([ramp(60, 90), ramp(60, 90) / 2, np.full((60, 90), 0.1, np.float32)], axis=-1)
    changed = labelled(picture)[(labelled(picture) != picture).any(axis=-1)]
    assert {tuple(color) for color in changed} == {(0.0,) * 3, (1.0,) * 3}


def test_a_note_leaves_the_pixels(tmp_path: Path):
    path, picture = tmp_path / "x.png", (ramp(40, 50) * 65535).astype(np.uint16)
    Pillow.fromarray(picture).save(path)
    note(path)
    with Pillow.open(path) as noted:
        np.testing.assert_array_equal(np.asarray(noted), picture)
        assert noted.text["Comment"].startswith("Synthesized")
    path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="is no PNG file"):
        note(path)


def test_an_animation_turns_to_and_fro(tmp_path: Path):
    path = tmp_path / "turn.gif"
    write_animation([ramp(900, 600) * brightness for brightness in (0.2, 0.6, 1.0)], path)
    with Pillow.open(path) as gif:
        assert gif.size == (341, 512)
        assert gif.info["loop"] == 0
        means = []
        for number in range(gif.n_frames):
            gif.seek(number)
            means.append(float(np.asarray(gif.convert("L"))[:400].mean()))
    assert len(means) == 4
    assert means[0] < means[1] < means[2]
    assert means[3] == pytest.approx(means[1], abs=1)


def test_an_animation_turns_around(tmp_path: Path):
    path = tmp_path / "around.gif"
    write_animation([ramp(40, 40) * brightness for brightness in (0.2, 0.6, 1.0)], path, around=True)
    with Pillow.open(path) as gif:
        assert gif.n_frames == 3


def test_what_no_animation_can_be_made_of_is_said(tmp_path: Path):
    views = [ramp(50, 50)] * 2
    for wanted, path, words in (
        (views[:1], tmp_path / "x.gif", "take a sweep first"),
        (views, tmp_path / "x.mp4", "must end in .gif"),
        (views, tmp_path / "no" / "x.gif", "There is no folder"),
    ):
        with pytest.raises(InputError, match=words):
            write_animation(wanted, path)
