"""Signed distances of simple shapes, and the canvas that turns them into HU with partial-volume edges.

Points are three arrays x, y, z (mm, RAS) that broadcast against each other; distances are negative inside.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...errors import InputError

Points = tuple[np.ndarray, np.ndarray, np.ndarray]
Vector = Sequence[float] | np.ndarray

_FAR = np.float32(1e3)
_AT_ONCE = 2**22  # voxels on a canvas
_WORK = 2**29  # bytes that painting so many takes at its height
_BYTES_PER_VOXEL = 3  # of the finished volumes
_SMALL = 2**30  # bytes that are there without asking


def ellipsoid(p: Points, center: Vector, radii: Vector) -> np.ndarray:
    """Distance to an ellipsoid along the axes, right to first order (I. Quilez, "Ellipsoid SDF")."""
    q = [(axis - np.float32(c)) / np.float32(r) for axis, c, r in zip(p, center, radii, strict=True)]
    near = np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2)
    slope = np.sqrt(sum((axis / np.float32(r)) ** 2 for axis, r in zip(q, radii, strict=True)))
    return near * (near - 1) / np.maximum(slope, np.float32(1e-4))


def capsule(p: Points, a: Vector, b: Vector, r: float, r_end: float | None = None) -> np.ndarray:
    """Distance to a rod from a to b with round ends and a radius that goes from r to r_end."""
    return _flat_capsule(p, np.asarray(a, float), np.asarray(b, float), r, r if r_end is None else r_end, None, 1.0)


def _flat_capsule(
    p: Points, a: np.ndarray, b: np.ndarray, r: float, r_end: float, wide: np.ndarray | None, aspect: float
) -> np.ndarray:
    """A capsule that is `aspect` times as wide along the direction `wide` as its radius."""
    along = b - a
    q = [axis - np.float32(c) for axis, c in zip(p, a, strict=True)]
    reach = along / max(along @ along, 1e-6)
    share = sum(axis * np.float32(c) for axis, c in zip(q, reach, strict=True))
    np.clip(share, 0, 1, out=share)
    q = [axis - share * np.float32(c) for axis, c in zip(q, along, strict=True)]
    square = q[0] * q[0]
    square += q[1] * q[1]
    square += q[2] * q[2]
    if wide is not None:
        across = sum(axis * np.float32(c) for axis, c in zip(q, wide, strict=True))
        square -= across * across * np.float32(1 - aspect**-2)
        np.maximum(square, 0, out=square)
    return np.sqrt(square, out=square) - (np.float32(r) + share * np.float32(r_end - r))


def box(p: Points, center: Vector, half: Vector, rounding: float) -> np.ndarray:
    """Distance to a box along the axes with rounded edges."""
    q = [np.abs(axis - np.float32(c)) - np.float32(h - rounding) for axis, c, h in zip(p, center, half, strict=True)]
    outside = np.sqrt(sum(np.maximum(axis, 0) ** 2 for axis in q))
    return outside + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0) - np.float32(rounding)


def polygon(u: np.ndarray, v: np.ndarray, corners: Sequence[Vector] | np.ndarray) -> np.ndarray:
    """Distance in the plane of u and v to a polygon with (n, 2) corners."""
    near = np.full(np.broadcast_shapes(u.shape, v.shape), _FAR**2)
    inside = np.zeros(near.shape, bool)
    points = np.asarray(corners, float)
    for (au, av), (bu, bv) in zip(points, np.roll(points, -1, axis=0), strict=True):
        along, across = bu - au, bv - av
        share = np.clip(((u - au) * along + (v - av) * across) / (along**2 + across**2), 0, 1)
        np.minimum(near, (u - au - share * along) ** 2 + (v - av - share * across) ** 2, out=near)
        if across:
            inside ^= ((v >= av) != (v >= bv)) & (u < au + (v - av) * (along / across))
    return (np.sqrt(near) * np.where(inside, -1, 1)).astype(np.float32)


def union(a: np.ndarray, b: np.ndarray, blend: float = 0.0) -> np.ndarray:
    """What lies in either, with a fillet of about `blend` mm where they meet (polynomial smooth minimum)."""
    return np.minimum(a, b) - _fillet(a, b, blend) if blend else np.minimum(a, b)


def common(a: np.ndarray, b: np.ndarray, blend: float = 0.0) -> np.ndarray:
    """What lies in both; `common(a, -b)` is a without b."""
    return np.maximum(a, b) + _fillet(a, b, blend) if blend else np.maximum(a, b)


def _fillet(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    near = np.asarray(a - b)
    np.abs(near, out=near)
    np.subtract(np.float32(blend), near, out=near)
    np.maximum(near, 0, out=near)
    near *= near
    near *= np.float32(0.25 / blend)
    return near


def merged(parts: Iterable[np.ndarray], blend: float = 0.0) -> np.ndarray:
    """What lies in any of them."""
    return functools.reduce(lambda a, b: union(a, b, blend), parts)


def turned(p: Points, center: Vector, axes: np.ndarray) -> Points:
    """Points in a local frame: axes (3, 3) has its x, y and z direction as columns."""
    q = [axis - np.float32(c) for axis, c in zip(p, center, strict=True)]
    x, y, z = (sum(q[row] * np.float32(axes[row, column]) for row in range(3)) for column in range(3))
    return x, y, z


def rotation(axis: int, degrees: float) -> np.ndarray:
    """The (3, 3) right-handed rotation about x (0), y (1) or z (2)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix


def curve(points: Sequence[Vector] | np.ndarray, count: int) -> np.ndarray:
    """(count, n) points on a smooth line through (m, n) points; further columns, such as a radius, go along."""
    from scipy.interpolate import PchipInterpolator

    through = np.asarray(points, float)
    steps = np.linalg.norm(np.diff(through[:, :3], axis=0), axis=1)
    place = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-3))])
    return PchipInterpolator(place, through)(np.linspace(0, place[-1], count))


def profile(z: np.ndarray, *knots: tuple[float, float]) -> np.ndarray:
    """Values at z of a smooth curve through (z, value) knots of rising z, constant beyond the ends."""
    from scipy.interpolate import PchipInterpolator

    at, values = np.array(knots, float).T
    return PchipInterpolator(at, values)(np.clip(z, at[0], at[-1])).astype(np.float32)


@dataclass(frozen=True)
class Region:
    """A box of voxels: slices into (K, J, I) and the points of its voxel centers, open grids of x, y and z."""

    slices: tuple[slice, slice, slice]
    points: Points

    @property
    def shape(self) -> tuple[int, int, int]:
        x, y, z = self.points
        return z.shape[0], y.shape[1], x.shape[2]


class Canvas:
    """A volume in HU that shapes are painted into, one over the other; of a large one, some of its rows.

    hu: (rows, J, I) float32. bone: (rows, J, I) float32, the share of each voxel that is bone. counts: (3,) voxels of
    the whole volume along I, J, K; rows: which of the last this canvas holds.
    field: (3,) physical extent in mm along R, A, S; the longest gets `size` voxels. center: the point in its middle.
    scale: (3,) how much larger this body is than the standard one in whose mm all shapes are given.
    first: the row that the canvas begins with; it holds as many as are worth painting at once.
    Raises InputError when the memory is too small for the whole volume.
    """

    def __init__(self, field: Vector, size: int, center: Vector, scale: Vector = (1, 1, 1), first: int = 0) -> None:
        extent = np.asarray(field, float)
        self.spacing = float(extent.max() / size)
        self.counts = np.maximum(np.rint(extent / self.spacing).astype(int), 1)
        i, j, k = self.counts.tolist()
        if not first:
            _check_memory(i * j * k, size)
        self.rows = slice(first, min(first + max(_AT_ONCE // (i * j), 1), k))
        self._steps = self.spacing / np.asarray(scale, float)
        self.step = float(self._steps.mean())
        self.low = np.asarray(center, float) - extent / np.asarray(scale, float) / 2
        self.high = 2 * np.asarray(center, float) - self.low
        self._axes = [
            (c + (np.arange(n) - (n - 1) / 2) * s).astype(np.float32)
            for n, s, c in zip(self.counts, self._steps, center, strict=True)
        ]
        self._axes[2] = self._axes[2][self.rows]
        shape = (len(self._axes[2]), j, i)
        self.hu = np.full(shape, -1000, np.float32)
        self.bone = np.zeros(shape, np.float32)

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """The middle of the field is the origin of RAS."""
        matrix = np.diag([self.spacing] * 3 + [1.0])
        matrix[:3, 3] = [-(n - 1) / 2 * self.spacing for n in self.counts]
        return matrix

    def region(self, low: Vector | None = None, high: Vector | None = None, margin: float = 0.0) -> Region:
        """The voxels within low..high and a margin in mm (default: all of them); it may be empty."""
        low, high = self.low if low is None else low, self.high if high is None else high
        ranges = []
        for axis, a, b in zip(self._axes, low, high, strict=True):
            edge = margin + self.step
            ranges.append(slice(*np.searchsorted(axis, [a - edge, b + edge]).tolist()))
        x, y, z = (axis[s] for axis, s in zip(self._axes, ranges, strict=True))
        return Region((ranges[2], ranges[1], ranges[0]), (x[None, None, :], y[None, :, None], z[:, None, None]))

    def around(self, center: Vector, half: Vector) -> Region:
        """The voxels within a box."""
        return self.region(np.subtract(center, half), np.add(center, half))

    def cover(self, distance: np.ndarray) -> np.ndarray:
        """The share of each voxel that lies inside."""
        return np.clip(np.float32(0.5) - distance * np.float32(1 / self.step), 0, 1)

    def paint(self, at: Region, distance: np.ndarray, hu: float | np.ndarray, *, bone: bool = False) -> None:
        """Paint what lies inside."""
        self._blend(at, self.cover(distance), hu, bone)

    def paint_bone(
        self, at: Region, distance: np.ndarray, cortex: float | np.ndarray, marrow: float | np.ndarray, hard: float
    ) -> None:
        """Paint a bone: `hard` HU in its outer `cortex` mm, `marrow` HU within."""
        whole = self.cover(distance)
        inner = np.minimum(self.cover(distance + cortex), whole)
        self._blend(at, whole, hard + (marrow - hard) * inner / np.maximum(whole, np.float32(1e-3)), True)

    def _blend(self, at: Region, share: np.ndarray, hu: float | np.ndarray, bone: bool) -> None:
        view = self.hu[at.slices]
        view += share * (hu - view)
        part = self.bone[at.slices]
        part += share * (np.float32(bone) - part)

    def tube(
        self, line: np.ndarray, *, wide: np.ndarray | None = None, aspect: float = 1.0
    ) -> tuple[Region, np.ndarray]:
        """The distance to a tube along (n, 4) points and radii, in the region around it.

        wide: (n, 3) directions in which its section is `aspect` times the radius.
        """
        line = np.asarray(line, float)
        reach = line[:, 3].max() * max(aspect, 1) + 3 * self.step
        at = self.region(line[:, :3].min(0), line[:, :3].max(0), reach)
        distance = np.full(at.shape, _FAR)
        for n, (start, end) in enumerate(pairwise(line)):
            part = self.region(np.minimum(start, end)[:3], np.maximum(start, end)[:3], reach)
            d = _flat_capsule(
                part.points, start[:3], end[:3], start[3], end[3], None if wide is None else wide[n], aspect
            )
            inside = tuple(
                slice(p.start - whole.start, p.stop - whole.start)
                for p, whole in zip(part.slices, at.slices, strict=True)
            )
            np.minimum(distance[inside], d, out=distance[inside])
        return at, distance

    def paint_threads(self, segments: np.ndarray, hu: float) -> None:
        """Paint many straight vessels: (n, 8) start, end (mm) and the radius at both.

        Those thinner than a voxel are drawn as points that carry the volume, so that coarse grids keep the amount.
        """
        thick = segments[:, 6] > 0.8 * self.step
        for row in segments[thick]:
            line = np.array([[*row[:3], row[6]], [*row[3:6], row[7]]])
            at, distance = self.tube(line)
            self._blend(at, self.cover(distance), hu, False)
        thin = segments[~thick]
        length = np.linalg.norm(thin[:, 3:6] - thin[:, :3], axis=1)
        count = np.maximum(np.ceil(2 * length / self.step).astype(int), 1)
        row = np.repeat(np.arange(len(thin)), count)
        share = (np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[row]
        points = thin[row, :3] + share[:, None] * (thin[row, 3:6] - thin[row, :3])
        radius = thin[row, 6] + share * (thin[row, 7] - thin[row, 6])
        volume = np.pi * radius**2 * length[row] / count[row] / self.step**3
        part = np.clip(self._splat(points, volume), 0, 1)
        self._blend(self.region(), part, hu, False)

    def _splat(self, points: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of (n, 3) points shared out among the eight voxels around each, (K, J, I) float32."""
        first = np.array([axis[0] for axis in self._axes])
        place = (points - first) / self._steps
        corner = np.floor(place).astype(int)
        part = place - corner
        shape = np.array(self.hu.shape[::-1])
        total = np.zeros(self.hu.size, np.float32)
        for offset in np.ndindex(2, 2, 2):
            ijk = corner + offset
            weight = values * np.prod(np.where(offset, part, 1 - part), axis=1)
            ok = ((ijk >= 0) & (ijk < shape)).all(1)
            i, j, k = ijk[ok].T
            total += np.bincount((k * shape[1] + j) * shape[0] + i, weight[ok], total.size).astype(np.float32)
        return total.reshape(self.hu.shape)

    def noise(self, rng: np.random.Generator, grain: float) -> np.ndarray:
        """Band-limited noise of standard deviation about 1 with details of `grain` mm, the same at every size."""
        from scipy.interpolate import BSpline

        spline = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)
        counts = np.ceil((self.high - self.low) / grain).astype(int) + 4
        lattice = rng.standard_normal(counts[::-1], dtype=np.float32)
        weights = [
            np.nan_to_num(spline(((axis - low) / grain)[:, None] + 1.5 - np.arange(n))).astype(np.float32)
            for axis, low, n in zip(self._axes, self.low, counts, strict=True)
        ]
        values = np.einsum("kc,jb,ia,cba->kji", weights[2], weights[1], weights[0], lattice, optimize=True)
        return values * np.float32(1.0 / 0.479**1.5)


def _check_memory(voxels: int, size: int) -> None:
    needed = _WORK + _BYTES_PER_VOXEL * voxels
    if needed < _SMALL:
        return
    import torch

    from ...device import free_memory

    free = free_memory(torch.device("cpu"))
    if free is not None and needed > free:
        raise InputError(
            f"A phantom of {size} voxels needs about {needed / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free; "
            "choose a smaller size."
        )
