"""Where a film lies between its sides: as that of a sheet that bends along one direction, and does not stretch.

What a photo shows of the rim tells how the sheet is bent and how it hangs before the camera. A spline between the sides
would not know that what is farther away, or turned away, looks shorter.
"""

from __future__ import annotations

from functools import partial
from itertools import product as pairs

import numpy as np
from numpy.polynomial import chebyshev
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
_BETWEEN = _ALONG[1] - _ALONG[0]
_STEP = 1e-7  # by which slopes are told
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
    seen = _seen(places((NODES, NODES)).reshape(-1, 2), sheet).reshape(NODES, NODES, 2)
    return (np.array(shape[::-1]) - 1) / 2 + max(shape) * seen


def nearest(backward: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Parameters of the sheet whose rim is nearest to that of a backward map (NODES, NODES, 2), by least squares.

    It is flat where all sides are straight. shape: height and width of the photo, at whose middle the camera looks.
    """
    film = _sheet(backward, shape)
    middle, longest = (np.array(shape[::-1]) - 1) / 2, max(shape)
    sides, square = on_square(film, len(_SIDE))
    to_square = np.linalg.inv(square)

    def off(sheets: np.ndarray) -> np.ndarray:
        seen = np.split(transformed(middle + longest * _seen(_RIM, sheets), to_square), 4, axis=-2)
        away = [
            ours[..., axis] - _across(side, ours, axis) for ours, side, axis in zip(seen, sides, _ACROSS, strict=True)
        ]
        ends = [_CORNER * (ours - side)[..., [0, -1], :] for ours, side in zip(seen, sides, strict=True)]
        ends = [each.reshape(*sheets.shape[:-1], -1) for each in ends]
        return np.concatenate([_USUAL * (sheets - flat), *away, *ends], axis=-1)

    def slopes(sheet: np.ndarray) -> np.ndarray:
        here, *there = off(sheet + _STEP * np.eye(len(sheet) + 1, len(sheet), -1))
        return (np.stack(there, axis=-1) - here[:, None]) / _STEP

    flat = np.concatenate([_hung(film.corners - middle, longest, film.aspect), np.zeros(4)])
    if np.std(bends(film, len(_SIDE))) < _STRAIGHT:
        return flat
    fit = partial(least_squares, off, jac=slopes, x_scale=_SCALES)
    starts = (np.concatenate([flat[:_PLACE], [turn, bend, 0, 0]]) for turn, bend in _STARTS)
    nearest = min((fit(start, max_nfev=_ROUNDS[0]) for start in starts), key=lambda each: each.cost)
    best: np.ndarray = fit(nearest.x, max_nfev=_ROUNDS[1]).x
    return best


def _sheet(backward: np.ndarray, shape: tuple[int, int]) -> Sheet:
    sheet = Sheet(backward.astype(np.float32), np.ones(backward.shape[:2], np.float32), 1.0, "model")
    return Sheet(sheet.backward, sheet.confidence, aspect(sheet.corners, shape), sheet.source)


def _across(side: np.ndarray, points: np.ndarray, axis: int) -> np.ndarray:
    """Where a side (n, 2) runs across the axis, at the points' (..., 2) places along it."""
    return np.interp(points[..., 1 - axis], side[:, 1 - axis], side[:, axis])


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


def _seen(uv: np.ndarray, sheets: np.ndarray) -> np.ndarray:
    """Where the camera sees places (n, 2) of sheets (..., n, 2), from the photo's middle, by its longer side."""
    points = in_space(uv, sheets)
    return np.exp(sheets[..., :1, None]) * points[..., :2] / np.maximum(points[..., 2:], 1e-3)


def in_space(uv: np.ndarray, sheets: np.ndarray) -> np.ndarray:
    """Where places (n, 2) of sheets (...,) by their parameters lie before the camera (..., n, 3), by the film's
    height."""
    width, turn, middle, angle, bends = np.split(sheets, [2, 5, 8, 9], axis=-1)
    x, y = (uv[:, 0] - 0.5) * np.exp(width[..., 1:]), uv[:, 1] - 0.5
    cosine, sine = np.cos(angle), np.sin(angle)
    along, deep = _bent(x * cosine + y * sine, bends)
    side = y * cosine - x * sine
    flat = np.stack([along * cosine - side * sine, along * sine + side * cosine, deep], axis=-1)
    turns = Rotation.from_rotvec(turn.reshape(-1, 3)).as_matrix().reshape(*turn.shape, 3)
    return flat @ np.swapaxes(turns, -1, -2) + middle[..., None, :]


def _bent(at: np.ndarray, bends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far along and how deep (..., n) places along the bends (..., 3) lie."""
    angles = _integral(chebyshev.chebval(_ALONG, np.moveaxis(bends, -1, 0)))
    where = ((at - _ALONG[0]) / _BETWEEN).clip(0, len(_ALONG) - 1)
    rows = where.astype(int).clip(max=len(_ALONG) - 2)

    def found(values: np.ndarray) -> np.ndarray:
        here, after = (np.take_along_axis(values, rows + step, axis=-1) for step in (0, 1))
        return here + (where - rows) * (after - here)

    return found(_integral(np.cos(angles))), found(_integral(np.sin(angles)))


def _integral(values: np.ndarray) -> np.ndarray:
    """Of values (..., n) along the bend, from the film's middle."""
    sums = np.cumsum(values[..., 1:] + values[..., :-1], axis=-1) * _BETWEEN / 2
    return np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1) - sums[..., len(_ALONG) // 2 - 1, None]
