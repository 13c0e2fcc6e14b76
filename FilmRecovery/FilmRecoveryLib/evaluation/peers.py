"""Other ways to find a film, as they are usual for documents. They need OpenCV."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator

from InverseImagingLib.errors import InputError

from ..homography import aspect, homography, transformed
from ..sheet import NODES, Sheet
from ..warp import places

_LONGEST = 500  # pixels of the photo that contours are sought in
_ON_A_SIDE = 12  # points of the outline that the thin plate meets
_CORNER_LIKE = np.arange(0.01, 0.1, 0.005)  # of a contour's length, by which its corners may be off
_LEAST = 0.05  # area, by the photo's


def contour(photo: np.ndarray) -> Sheet:
    """The four corners of the largest contour of a photo (H, W, 3) of bytes, and the perspective that they tell.

    Edges by Canny, contours and polygons by OpenCV, as in scanners of documents. Raises InputError when there is none.
    """
    corners, _ = _outlined(photo)
    return Sheet.of_corners(corners, aspect(corners, photo.shape[:2]), "outline")


def thin_plate(photo: np.ndarray) -> Sheet:
    """The same contour, whose sides become straight: a thin plate spline takes points along them to the film's rim, as
    far from its corners as the perspective tells.

    Source: F. L. Bookstein, Principal warps: thin-plate splines and the decomposition of deformations, 1989.
    """
    corners, outline = _outlined(photo)
    starts = [int(np.linalg.norm(outline - corner, axis=1).argmin()) for corner in corners]
    rim, film = [], []
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    flat = homography(corners, square)
    for side in range(4):
        start, end = starts[side], starts[(side + 1) % 4]
        way = square[(side + 1) % 4] - square[side]
        path = np.roll(outline, -start, axis=0)[: (end - start) % len(outline) + 1]
        along = np.maximum.accumulate((transformed(path, flat) - square[side]) @ way)
        share = np.arange(_ON_A_SIDE) / _ON_A_SIDE
        rim.append(np.stack([np.interp(share, along, path[:, axis]) for axis in (0, 1)], axis=-1))
        film.append(square[side] + share[:, None] * way)
    plate = RBFInterpolator(np.concatenate(film), np.concatenate(rim), kernel="thin_plate_spline")
    backward = plate(places((NODES, NODES)).reshape(-1, 2)).reshape(NODES, NODES, 2).astype(np.float32)
    return Sheet(backward, np.ones((NODES, NODES), np.float32), aspect(corners, photo.shape[:2]), "outline")


def _outlined(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (4, 2), clockwise from the top left, and the whole outline (n, 2), clockwise, in photo pixels."""
    cv2 = importlib.import_module("cv2")
    scale = min(_LONGEST / max(photo.shape), 1.0)
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    edges = cv2.dilate(cv2.Canny(gray, 30, 90), np.ones((5, 5), np.uint8))
    found, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in sorted(found, key=cv2.contourArea, reverse=True):
        if cv2.contourArea(outline) < _LEAST * gray.size:
            break
        corners = _corners(cv2, outline)
        if corners is not None:
            corners, points = _clockwise(corners), _clockwise(outline[:, 0].astype(np.float64))
            corners = np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)
            return (corners + 0.5) / scale - 0.5, (points + 0.5) / scale - 0.5
    raise InputError("There is no contour with four corners in the photo; mark them by hand.")


def _clockwise(points: np.ndarray) -> np.ndarray:
    x, y = points.T
    return points if np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0 else points[::-1]


def _corners(cv2: Any, outline: np.ndarray) -> np.ndarray | None:
    hull = cv2.convexHull(outline)
    for off in _CORNER_LIKE:
        polygon = cv2.approxPolyDP(hull, off * cv2.arcLength(hull, True), True)
        if len(polygon) == 4:
            return polygon[:, 0].astype(np.float64)
    return None
