"""Colors in 3D: what is before hides what is behind, from every side, and only what is chosen is seen."""

from __future__ import annotations

import numpy as np
import pytest

from CT2RGBLib.opacity import Opacity, code
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

pytest.importorskip("vtk")
from CT2RGBLib import rendering
from CT2RGBLib.rendering import rendered

SIZE = 64
FRONT, BACK, LEFT, RIGHT, TOP = (0.0, 0.0), (180.0, 0.0), (90.0, 0.0), (-90.0, 0.0), (0.0, 90.0)
SKIN, BONE = 30.0, 1000.0  # HU


def block(mirrored: bool = True) -> Image:
    """Skin of 16 mm in each direction, red in front, green behind, darker to the patient's right, around blue bone."""
    matrix = np.diag([-1.0 if mirrored else 1.0, -1.0, 2.0, 1.0])
    matrix[:3, 3] = 300.0, -70.0, 12.0
    k, j, i = np.mgrid[:16, :32, :32]
    body = (abs(k - 7.5) < 4.5) & (abs(j - 15.5) < 8.5) & (abs(i - 15.5) < 8.5)
    bone = (abs(k - 7.5) < 2) & (abs(j - 15.5) < 4) & (abs(i - 15.5) < 4)
    array = np.zeros((16, 32, 32, 4), np.uint8)
    to_the_right = (i > 15) != mirrored
    for where, color in ((j < 16, (240, 20, 20)), (j >= 16, (20, 240, 20))):
        array[..., :3][body & where] = color
    array[..., :3][body & to_the_right] //= 2
    array[..., :3][bone] = (20, 20, 240)
    array[..., 3] = code(np.where(bone, BONE, SKIN), body)
    return Image(array, matrix, Meaning.RGB, "block")


def middle(picture: np.ndarray) -> np.ndarray:
    return picture[SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8].mean(axis=(0, 1))


@pytest.mark.parametrize("mirrored", [True, False])
def test_the_side_that_faces_the_viewer_hides_the_others(mirrored: bool):
    front, back, left, right, top = rendered(block(mirrored), Opacity.SKIN, (FRONT, BACK, LEFT, RIGHT, TOP), SIZE)
    assert front.shape == (SIZE, SIZE, 3)
    assert 0 <= front.min() <= front.max() <= 1
    assert not front[0, 0].any()
    assert middle(front).argmax() == 0
    assert middle(back).argmax() == 1
    half = SIZE // 2
    rows = slice(half - 6, half + 6)
    for picture, right_half in ((front, slice(half - 12, half)), (back, slice(half, half + 12))):
        other = slice(half, half + 12) if right_half.stop == half else slice(half - 12, half)
        assert picture[rows, right_half].sum() < 0.7 * picture[rows, other].sum()
    assert right.sum() < 0.7 * left.sum()
    above, below = top[half - 10 : half - 2, half + 2 : half + 10], top[half + 2 : half + 10, half + 2 : half + 10]
    assert above.mean(axis=(0, 1)).argmax() == 1  # as if bent over from in front: the back is above
    assert below.mean(axis=(0, 1)).argmax() == 0


def test_bone_is_seen_through_the_skin_where_it_is_chosen_and_fills_the_picture():
    skin, bone = (next(rendered(block(), opacity, (FRONT,), SIZE)) for opacity in (Opacity.SKIN, Opacity.BONE))
    assert middle(skin).argmax() == 0
    assert middle(bone).argmax() == 2
    assert (bone.max(axis=-1) > 0.1).mean() > 0.2


@pytest.mark.parametrize("axes", [(1, 1, 1), (-1, -1, 1), (-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("angles", [FRONT, LEFT, (0.0, 45.0)])
def test_light_comes_from_above_the_viewer_however_voxels_run(axes: tuple[int, ...], angles: tuple[float, float]):
    away = np.linalg.norm(np.mgrid[:24, :24, :24] - 11.5, axis=0)
    gray = np.full((24, 24, 24, 4), 200, np.uint8)
    gray[..., 3] = code(np.full(away.shape, SKIN), away < 9)
    ball = Image(gray, np.diag([*axes, 1.0]), Meaning.RGB, "ball")
    brightness = next(rendered(ball, Opacity.SKIN, (angles,), SIZE)).mean(axis=-1) ** 8
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    assert (brightness * rows).sum() / brightness.sum() < -5
    assert (brightness * columns).sum() / brightness.sum() < -3


def test_a_large_volume_is_drawn_coarser_in_the_same_place(monkeypatch: pytest.MonkeyPatch):
    (fine,) = rendered(block(), Opacity.SKIN, (FRONT,), SIZE)
    monkeypatch.setattr(rendering, "_VOXELS", 16 * 32 * 32 / 8)
    (coarse,) = rendered(block(), Opacity.SKIN, (FRONT,), SIZE)
    assert 0 < np.abs(fine - coarse).mean() < 0.08


def test_what_cannot_be_seen_is_said():
    for image, opacity, words in (
        (block().with_array(block().array[..., :3]), Opacity.SKIN, "has no transparency"),
        (block().with_array(np.zeros_like(block().array)), Opacity.SKIN, "has nothing to show as skin"),
        (block().with_array(block().array.clip(max=[255, 255, 255, 90])), Opacity.BONE, "has nothing to show as bone"),
    ):
        with pytest.raises(InputError, match=words):
            next(rendered(image, opacity, (FRONT,), SIZE))
