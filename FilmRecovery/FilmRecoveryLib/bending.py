"""Where a film lies between its sides: as that of a sheet that bends along one direction, and does not stretch.

What a photo shows of the rim tells how the sheet is bent and how it hangs before the camera. A spline between the sides
would not know that what is farther away, or turned away, looks shorter.
"""

from __future__ import annotations

from itertools import product as pairs

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from .gate import straightness
from .homography import aspect, homography, transformed
from .rim import bends, on_square
from .sheet import NODES, Sheet
from .warp import Picture, places

_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
_SIDE = np.linspace(0, 1, 13)
_RIM = np.concatenate(
    [np.stack(np.broadcast_arrays(*uv), axis=-1) for uv in ((_SIDE, 0), (_SIDE, 1), (0, _SIDE), (1, _SIDE))]
)
_ACROSS = (1, 1, 0, 0)  # the axis that each of these sides lies across
_ALONG = np.linspace(-1.2, 1.2, 97)  # places along the bend, by the film's height, from its middle
_FOCAL = np.log(0.85)  # of phones, by the photo's longer side
# Parameters of a sheet before a camera: logarithm of its focal length, of width by height, rotation vector, middle,
# direction of the bend, and curvature along it as Chebyshev polynomials of degree 0 to 2.
_PLACE = 8  # of these tell no bend
_CORNER = 3.1  # how much corners count beside other points of the sides
_USUAL = np.array([0.04, 0, 0, 0, 0, 0, 0, 0, 0, 0.00125, 0.0025, 0.0025])  # how much the focal length and bends count
_SCALES = np.array([0.3, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1, 0.3, 0.5, 0.5, 0.5, 0.5])
_STARTS = tuple(pairs(np.arange(4) * np.pi / 4, (-0.5, 0.5)))  # directions of the bend, and curvatures
_ROUNDS = 6, 30  # from each of these, and from the best
_STRAIGHT = 0.0015  # of the film: sides that are off by less tell no bend
_LEAST = 0.9  # as straight as lines are without, that they have to be


def bent(photo: Picture, backward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The backward map (NODES, NODES, 2) of a film in a photo (H, W, 3), right along its rim, as that of such a sheet;
    and the parameters of this, see in_space.

    It is given back as it was where its sides are straight, and where lines on the film are less straight then.
    """
    shape = photo.shape[:2]
    sheet = nearest(backward, shape)
    if not sheet[_PLACE:].any():
        return backward, sheet
    found = seen(sheet, shape)
    before, after = (straightness(photo, _sheet(each, shape)) for each in (backward, found))
    return found if after > _LEAST * before else backward, sheet


def seen(sheet: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The backward map (NODES, NODES, 2) of a sheet in a photo of that height and width."""
    return (np.array(shape[::-1]) - 1) / 2 + max(shape) * _seen(places((NODES, NODES)), sheet)


def nearest(backward: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Parameters of the sheet whose rim is nearest to that of a backward map (NODES, NODES, 2), by least squares.

    It is flat where all sides are straight. shape: height and width of the photo, at whose middle the camera looks.
    """
    film = _sheet(backward, shape)
    middle, longest = (np.array(shape[::-1]) - 1) / 2, max(shape)
    sides, square = on_square(film, len(_SIDE))
    to_square = np.linalg.inv(square)

    def off(sheet: np.ndarray) -> np.ndarray:
        seen = np.split(transformed(middle + longest * _seen(_RIM, sheet), to_square), 4)
        away = [
            ours[:, axis] - _across(side, ours, axis) for ours, side, axis in zip(seen, sides, _ACROSS, strict=True)
        ]
        ends = [_CORNER * (ours - side)[[0, -1]] for ours, side in zip(seen, sides, strict=True)]
        return np.concatenate([_USUAL * (sheet - flat), *away, np.ravel(ends)])

    flat = np.concatenate([_hung(film.corners - middle, longest, film.aspect), np.zeros(4)])
    if np.std(bends(film, len(_SIDE))) < _STRAIGHT:
        return flat
    found = (
        least_squares(off, np.concatenate([flat[:_PLACE], [turn, bend, 0, 0]]), x_scale=_SCALES, max_nfev=_ROUNDS[0])
        for turn, bend in _STARTS
    )
    best: np.ndarray = least_squares(
        off, min(found, key=lambda each: each.cost).x, x_scale=_SCALES, max_nfev=_ROUNDS[1]
    ).x
    return best


def _sheet(backward: np.ndarray, shape: tuple[int, int]) -> Sheet:
    sheet = Sheet(backward.astype(np.float32), np.ones(backward.shape[:2], np.float32), 1.0, "model")
    return Sheet(sheet.backward, sheet.confidence, aspect(sheet.corners, shape), sheet.source)


def _across(side: np.ndarray, points: np.ndarray, axis: int) -> np.ndarray:
    """Where a side (n, 2) runs across the axis, at the points' places along it."""
    return np.interp(points[:, 1 - axis], side[:, 1 - axis], side[:, axis])


def _hung(corners: np.ndarray, longest: int, width: float) -> np.ndarray:
    """Focal length, shape and place of a flat film by its corners (4, 2) from the photo's middle.

    Source: Z. Zhang, A flexible new technique for camera calibration, 2000, 3.1.
    """
    matrix = homography((_SQUARE - 0.5) * [width, 1], corners / longest / np.exp(_FOCAL))
    across, down, middle = (matrix / np.sqrt(np.prod(np.linalg.norm(matrix[:, :2], axis=0)))).T
    across = across / np.linalg.norm(across)
    down = down - (down @ across) * across
    down /= np.linalg.norm(down)
    turn = Rotation.from_matrix(np.stack([across, down, np.cross(across, down)], axis=1)).as_rotvec()
    return np.concatenate([[_FOCAL, np.log(width)], turn, middle])


def _seen(uv: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Where the camera sees places (..., 2) of a sheet, from the photo's middle, by its longer side."""
    points = in_space(uv, sheet)
    return np.exp(sheet[0]) * points[..., :2] / np.maximum(points[..., 2:], 1e-3)


def in_space(uv: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """Where places (..., 2) of a sheet lie before the camera (..., 3), by the film's height."""
    width, turn, middle, angle, bends = sheet[1], sheet[2:5], sheet[5:8], sheet[8], sheet[9:]
    x, y = (uv[..., 0] - 0.5) * np.exp(width), uv[..., 1] - 0.5
    cosine, sine = np.cos(angle), np.sin(angle)
    forward, deep = (np.interp(x * cosine + y * sine, _ALONG, each) for each in _profile(bends))
    side = y * cosine - x * sine
    flat = np.stack([forward * cosine - side * sine, forward * sine + side * cosine, deep], axis=-1)
    return flat @ Rotation.from_rotvec(turn).as_matrix().T + middle


def _profile(bends: np.ndarray) -> np.ndarray:
    """How far along and how deep (2, n) each place along the bend lies."""
    angle = _integral(np.polynomial.chebyshev.chebval(_ALONG, bends))
    return np.stack([_integral(np.cos(angle)), _integral(np.sin(angle))])


def _integral(values: np.ndarray) -> np.ndarray:
    """Of values along the bend, from the film's middle."""
    sums = np.concatenate([[0], np.cumsum((values[1:] + values[:-1]) / 2)]) * (_ALONG[1] - _ALONG[0])
    return sums - sums[len(_ALONG) // 2]
