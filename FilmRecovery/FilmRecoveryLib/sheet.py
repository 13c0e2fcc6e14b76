"""Sheet: where a film lies in a photo, how it bends, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from InverseImagingLib.errors import InputError

from .homography import homography, transformed
from .warp import centers, places, resampled

NODES = 64  # of a sheet, along each side
_FINE = 512  # places along each side, from which others are taken
_ROUNDS = 4  # until points that were moved are met, far below a pixel


@dataclass(frozen=True, eq=False)
class Sheet:
    """A film in a photo, never changed in place.

    backward: float32 (h, w, 2), photo pixels x, y of nodes of the film at u = (j + 0.5) / w, v = (i + 0.5) / h.
    confidence: (h, w) from 0 to 1. aspect: width of the film by its height. source: "model", "outline" or "user".
    """

    backward: np.ndarray
    confidence: np.ndarray
    aspect: float
    source: str

    @classmethod
    def of_corners(cls, corners: np.ndarray, aspect: float, source: str, confidence: float = 1.0) -> Sheet:
        """A flat film with these corners (4, 2) in the photo, clockwise from its top left. Raises InputError."""
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
        backward = transformed(places((NODES, NODES)), homography(square, checked(corners)))
        return cls(backward.astype(np.float32), np.full((NODES, NODES), confidence, np.float32), aspect, source)

    @property
    def corners(self) -> np.ndarray:
        """Photo pixels (4, 2), clockwise from the film's top left."""
        return self.points(2, 2)[[0, 0, 1, 1], [0, 1, 1, 0]]

    def points(self, rows: int, columns: int) -> np.ndarray:
        """Photo pixels (rows, columns, 2) at even distances on the film, from its corner to its corner."""
        return self.seen(np.linspace(0, 1, rows), np.linspace(0, 1, columns))

    def at(self, height: int, width: int) -> np.ndarray:
        """The backward map of a film of that many pixels (height, width, 2)."""
        return self.seen(centers(height), centers(width))

    def confidence_at(self, height: int, width: int) -> np.ndarray:
        """The confidence (height, width), linear between nodes."""
        down, across = (linear(n, m) for n, m in zip(self.confidence.shape, (height, width), strict=True))
        return down @ self.confidence.astype(np.float32) @ across.T

    def size(self, longest: int = 0) -> tuple[int, int]:
        """Height and width in pixels of a film as fine as the photo, or with so many along its longer side."""
        down, across = (np.linalg.norm(np.diff(self.backward, axis=axis), axis=-1).sum(axis=axis) for axis in (0, 1))
        rows, columns = self.backward.shape[:2]
        width = max(float(across.max()) * columns / (columns - 1), float(down.max()) * rows / (rows - 1) * self.aspect)
        if longest:
            width = longest * min(1.0, self.aspect)
        return max(round(width / self.aspect), 1), max(round(width), 1)

    def through(self, points: np.ndarray) -> Sheet:
        """The sheet with its points moved to these (rows, columns, 2), at least two by two; see points.

        A homography takes the corners there, which keeps the bend; what is left is corrected smoothly, near the points
        that it is left at. Raises InputError when the corners are not those of a film.
        """
        rows, columns = points.shape[:2]
        corners = checked(points[[0, 0, -1, -1], [0, -1, -1, 0]])
        moved = replace(self, backward=transformed(self.backward, homography(self.corners, corners)), source="user")
        down = _local(np.linspace(0, 1, rows), centers(self.backward.shape[0]))
        across = _local(np.linspace(0, 1, columns), centers(self.backward.shape[1]))
        for _ in range(_ROUNDS):
            off = points - moved.points(rows, columns)
            moved = replace(moved, backward=moved.backward + product(down, off, across))
        return replace(moved, backward=moved.backward.astype(np.float32))

    def moved(self, at: np.ndarray) -> Sheet:
        """The sheet whose nodes lie where places u, v (h, w, 2) of this one do."""
        fine = self.at(_FINE, _FINE)
        return replace(self, backward=resampled(fine, (at * _FINE - 0.5).astype(np.float32)))

    def shrunk(self, factor: float) -> Sheet:
        """The same in the photo when squares of so many of its pixels along each side are made one."""
        return replace(self, backward=(self.backward + 0.5) / factor - 0.5)

    def straight(self) -> Sheet:
        """The flat film nearest to it."""
        own, uv = self.backward.reshape(-1, 2), places(self.backward.shape[:2])
        flat = transformed(uv, homography(uv.reshape(-1, 2), own.astype(np.float64)))
        return replace(self, backward=flat.astype(np.float32))

    def turned(self, quarters: int) -> Sheet:
        """The same when the flat film is turned clockwise by so many quarters."""
        aspect = 1 / self.aspect if quarters % 2 else self.aspect
        backward, confidence = (np.rot90(each, -quarters) for each in (self.backward, self.confidence))
        return replace(self, backward=backward, confidence=confidence, aspect=aspect)

    def mirrored(self) -> Sheet:
        """The same when the film is seen from behind."""
        return replace(self, backward=self.backward[:, ::-1], confidence=self.confidence[:, ::-1])

    def seen(self, v: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Photo pixels (len(v), len(u), 2) of the film's places down and across."""
        down, across = (spline(n)(each) for n, each in zip(self.backward.shape, (v, u), strict=False))
        return product(down.astype(np.float32), self.backward, across.astype(np.float32))


def checked(corners: np.ndarray) -> np.ndarray:
    """Corners (4, 2) that are those of a convex quadrilateral. Raises InputError."""
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if not np.isfinite(corners).all() or not (np.all(turns > 1) or np.all(turns < -1)):
        raise InputError("The corners of the film do not form a convex quadrilateral; give them in order around it.")
    return np.asarray(corners, np.float64)


def product(down: np.ndarray, values: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Values (R, C, 2) between nodes: (h, R) @ values @ (w, C)^T."""
    rows = np.ascontiguousarray((across @ values).astype(values.dtype, copy=False))
    return (down @ rows.reshape(len(rows), -1)).astype(values.dtype, copy=False).reshape(len(down), len(across), 2)


@cache
def spline(count: int) -> CubicSpline:
    """What values at so many nodes count (n, count) for those at places (n,): a cubic spline through them."""
    return CubicSpline(centers(count), np.eye(count))


def _local(knots: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The same at knots for a curve that only the four nearest bend (len(at), len(knots)), as E. Catmull and R. Rom
    have it."""
    each = np.eye(len(knots))
    return CubicHermiteSpline(knots, each, np.gradient(each, knots, axis=0))(at)


def linear(count: int, wanted: int) -> np.ndarray:
    """What values at so many nodes count for those at pixels (wanted, count): lines between them."""
    rows = [np.interp(centers(wanted), centers(count), one) for one in np.eye(count)]
    return np.stack(rows, axis=-1).astype(np.float32)
