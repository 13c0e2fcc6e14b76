"""Densities in colors: what is before hides what is behind, from every side."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from XrayTomographyLib.pictures import views
from XrayTomographyLib.rendering import rendered
from XrayTomographyLib.transfer import Colors, Look, Transfer, channels

RED_TO_BLUE: Transfer = ((0.0, (1, 0, 0, 0.0)), (1.0, (1, 0, 0, 0.99)), (2.0, (0, 0, 1, 0.99)))


def test_channels_are_interpolated_and_end_where_the_function_does():
    found = channels(np.array([-1.0, 0.5, 1.5, 9.0]), RED_TO_BLUE)
    np.testing.assert_allclose(found, [[1, 0, 0, 0], [1, 0, 0, 0.495], [0.5, 0, 0.5, 0.99], [0, 0, 1, 0.99]])


def test_what_is_before_hides_what_is_behind():
    densities = torch.zeros(8, 8, 8)
    densities[2:6, 1, 2:6], densities[2:6, 6, 2:6] = 1.0, 2.0  # red near the viewer, blue far
    front, back = (rendered(densities, (azimuth, 0.0), Look(RED_TO_BLUE)) for azimuth in (0.0, 180.0))
    np.testing.assert_allclose(front[3:5, 3:5], [[[1, 0, 0]] * 2] * 2, atol=0.02)
    np.testing.assert_allclose(back[3:5, 3:5], [[[0, 0, 1]] * 2] * 2, atol=0.02)
    assert not front[0].any()


@pytest.mark.parametrize("depth", [16, 64])
def test_how_much_is_hidden_does_not_depend_on_the_number_of_planes(depth: int):
    white = Look(((0.0, (1, 1, 1, 0.01)), (1.0, (1, 1, 1, 0.01))))
    haze = rendered(torch.full((4, depth, 4), 1.0), (0.0, 0.0), white)
    np.testing.assert_allclose(haze, 1 - 0.99**100, atol=1e-4)


def test_what_faces_the_viewer_is_brighter_under_a_lamp():
    opaque: Transfer = ((0.0, (1, 1, 1, 0.0)), (1.0, (1, 1, 1, 0.9)))
    cube = torch.zeros(48, 48, 48)
    cube[14:34, 14:34, 14:34] = 1.0
    shaded, plain = (rendered(cube, (60.0, 0.0), Look(opaque, shaded))[24, :, 0] for shaded in (True, False))
    seen = np.flatnonzero(plain > 0.9)
    sides = sorted((shaded[seen[4]], shaded[seen[-5]]))
    np.testing.assert_allclose(sides, [0.3 + 0.7 * np.cos(np.pi / 3), 0.3 + 0.7 * np.cos(np.pi / 6)], atol=0.1)


@pytest.mark.parametrize("colors", Colors)
def test_colors_are_a_transfer_function_that_begins_with_nothing(colors: Colors):
    densities, rows = zip(*colors.look.transfer, strict=True)
    assert list(densities) == sorted(set(densities))
    assert rows[0][3] == 0
    assert np.shape(rows) == (len(rows), 4)
    assert np.min(rows) >= 0
    assert np.max(rows) <= 1


@pytest.mark.parametrize("shape", [(24, 16, 24), (24, 16, 10), (10, 30, 24)])
@pytest.mark.parametrize("angles", [(0.0, 0.0), (90.0, 0.0), (-30.0, 20.0), (0.0, 90.0)])
def test_things_are_where_the_radiograph_shows_them(shape: tuple[int, int, int], angles: tuple[float, float]):
    densities = torch.zeros(shape)
    k, j, i = (count // 3 for count in shape)
    densities[k : k + 3, j : j + 4, i : i + 3] = 0.2
    rows, columns = np.mgrid[:24, :24]

    def middle(picture: np.ndarray) -> np.ndarray:
        return np.array([(picture * rows).sum(), (picture * columns).sum()]) / picture.sum()

    shown = views(densities, [angles])[0].numpy()
    np.testing.assert_allclose(middle(rendered(densities, angles, Colors.BONE.look)[..., 0]), middle(shown), atol=0.6)
