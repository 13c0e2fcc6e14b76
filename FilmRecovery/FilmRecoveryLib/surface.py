"""A film as a surface in space that hardly stretches, before a camera that looks at the photo's middle.

Films bend, but what is printed on them keeps its distances. So where the sides run in a photo, and where some of what
lies between is about, tells how the whole of it hangs in space, how wide it is, and how long the camera's lens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np
from numpy.polynomial import chebyshev

from .bending import in_space
from .sheet import NODES, Sheet
from .warp import centers, places

_ALONG = 8  # polynomials along each axis
_DEGREES = np.add.outer(np.arange(_ALONG), np.arange(_ALONG)).ravel()  # of their products
_ORDER = np.argsort(_DEGREES, kind="stable")
TERMS = len(_ORDER)
_STRETCH = 0.003  # how much films are stretched or sheared at most, about
_BEND = 0.1  # how much it costs to bend, which only settles what nothing else tells
_FOCAL = np.log(0.95), 0.25  # of phones, by the photo's longer side: usual, and how far from that
_DAMPING, _LESS, _MORE = 1e-3, 0.1, 8.0
_STEPS, _TRIES, _SETTLED = 25, 6, 1e-4  # of the fit, of each step, and by how little the last one improves it
_WAYS = 40  # in which a surface is moved
POINTS = np.linspace(0, 1, 17)  # along each side of the film, where a surface is fitted
_BENDS = np.where((_DEGREES > 1) & (_DEGREES < 5), 0.1 / _DEGREES.clip(1), 0)[_ORDER]  # usual, of the film's height


@dataclass(frozen=True, eq=False)
class Surface:
    """A film before a camera, in units of its height; never changed in place.

    values: terms (3, n) of x, y and z, products of polynomials down and across the film, those of lower degrees first;
    then the logarithm of the focal length, by the photo's longer side, and that of the film's width. shape: height and
    width of the photo. gives: how much it may be stretched or sheared, about.
    """

    values: np.ndarray
    shape: tuple[int, int]
    gives: float = _STRETCH

    @classmethod
    def bent(cls, sheet: np.ndarray, shape: tuple[int, int]) -> Surface:
        """One that bends along one direction, by the parameters of bending."""
        points = in_space(places((NODES, NODES)).reshape(-1, 2), sheet)
        terms, *_ = np.linalg.lstsq(_at_nodes(TERMS), points, rcond=None)
        return cls(np.concatenate([terms.T.ravel(), sheet[:2]]), shape)

    @property
    def aspect(self) -> float:
        """Width / height of the film."""
        return float(np.exp(self.values[-1]))

    @cached_property
    def backward(self) -> np.ndarray:
        """The backward map (NODES, NODES, 2), float32."""
        seen, _ = _seen(self.values, _at_nodes(self.terms))
        return (self._middle + max(self.shape) * seen).reshape(NODES, NODES, 2).astype(np.float32)

    @property
    def terms(self) -> int:
        """How many products make up each of x, y and z."""
        return (self.values.size - 2) // 3

    def with_terms(self, count: int) -> Surface:
        """The same of so many products; those of higher degrees become or are none."""
        terms = np.zeros((3, count))
        kept = min(count, self.terms)
        terms[:, :kept] = self.values[:-2].reshape(3, -1)[:, :kept]
        return replace(self, values=np.concatenate([terms.ravel(), self.values[-2:]]))

    def of(self, sheet: Sheet) -> Sheet:
        """That sheet, lying as this surface does."""
        return replace(sheet, backward=self.backward, aspect=self.aspect)

    def fitted(self, wanted: np.ndarray, sure: np.ndarray) -> Surface:
        """The surface nearest to points wanted of it (n, n, 2) in a photo, that hardly stretches: see fit."""
        return self.fit(wanted, sure)[0]

    def fit(self, wanted: np.ndarray, sure: np.ndarray) -> tuple[Surface, float]:
        """The same, and what is made small by it.

        Wanted are n points along each axis, at even distances from the film's corner to its corner. sure (n, n, 2, 2):
        what their distance (2,) is multiplied with, by the photo's longer side, before it is squared and summed. By
        K. Levenberg's and D. Marquardt's method.
        """
        at = _Places.even(len(wanted), self.terms)
        target = (wanted - self._middle).reshape(-1, 2) / max(self.shape)
        weights, stiff = sure.reshape(-1, 2, 2), np.zeros((self.values.size, self.values.size))
        for axis in range(3):
            own = slice(axis * self.terms, (axis + 1) * self.terms)
            stiff[own, own] = at.stiff

        def cost_of(values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            off, slopes = _off(values, target, weights, at, self.gives)
            held = stiff @ values
            return float(off @ off + values @ held), slopes.T @ off + held, slopes

        values, damping = self.values, _DAMPING
        cost, down, slopes = cost_of(values)
        for _ in range(_STEPS):
            bend = slopes.T @ slopes + stiff
            for _ in range(_TRIES):
                moved = values - np.linalg.solve(bend + damping * np.diag(np.diag(bend) + 1e-9), down)
                less, *rest = cost_of(moved)
                if less < cost:
                    break
                damping *= _MORE
            else:
                break
            gained, cost, values, damping = 1 - less / cost, less, moved, damping * _LESS
            down, slopes = rest
            if gained < _SETTLED:
                break
        return replace(self, values=values), cost

    @cached_property
    def stretch(self) -> float:
        """How much it is stretched and sheared, by what films are at most."""
        at = _Places.even(len(POINTS), self.terms)
        none = np.zeros((len(at.basis), 2))
        off, _ = _off(self.values, none, np.zeros((*none.shape, 2)), at, _STRETCH)
        return float(np.linalg.norm(off[:-1]) / 3**0.5)

    def bent_otherwise(self, random: np.random.Generator) -> Surface:
        """One that is bent otherwise, as films may be."""
        values = self.values.copy()
        deep = values[2 * self.terms : -2]
        deep += _BENDS[: self.terms] * random.lognormal(sigma=0.7) * random.normal(size=deep.size)
        return replace(self, values=values)

    def moved(self, by: np.ndarray) -> Surface:
        """The surface whose values differ by so much."""
        return replace(self, values=self.values + by)

    def ways(self, sure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How the surface may be moved, each way by as much as is usual when its points are as sure as for a fit.

        Changes of its values (_WAYS, n), and places u, v of the film, less their own, that move to each node then
        (_WAYS, 2, NODES, NODES).
        """
        at = _Places.even(len(sure), self.terms)
        seen, _ = _seen(self.values, at.basis)
        _, slopes = _off(self.values, seen, sure.reshape(-1, 2, 2), at, self.gives)
        bend = slopes.T @ slopes
        sizes, vectors = np.linalg.eigh(bend + 1e-6 * np.diag(np.diag(bend)))
        usual = vectors / np.sqrt(sizes)
        basis = _at_nodes(self.terms)
        seen, moves = _seen(self.values, basis)
        nodes = self.backward.astype(np.float64)
        axes = np.stack([np.gradient(nodes, axis=axis).reshape(-1, 2) * NODES for axis in (1, 0)], axis=-1)
        to_film = max(self.shape) * np.linalg.inv(axes)
        each = np.einsum("nab,bnc->acn", to_film, moves)
        moved = (np.einsum("nab,nb->an", to_film, seen)[..., None] * usual[-2]).reshape(2 * NODES**2, -1)
        for axis in range(3):
            own = slice(axis * self.terms, (axis + 1) * self.terms)
            moved += (each[:, axis, :, None] * (basis @ usual[own])).reshape(moved.shape)
        _, mixed = np.linalg.eigh(moved.T @ moved)
        mixed = mixed[:, : -_WAYS - 1 : -1].T
        return mixed @ usual.T, (mixed @ moved.T).reshape(-1, 2, NODES, NODES)

    @property
    def _middle(self) -> np.ndarray:
        return (np.array(self.shape[::-1]) - 1) / 2


def _basis(at: np.ndarray, terms: int, down: int = 0, across: int = 0) -> np.ndarray:
    """Products of polynomials (n * n, terms) at places down and across the film, derived so often along each."""
    each = [chebyshev.chebval(2 * at - 1, chebyshev.chebder(np.eye(_ALONG), order, scl=2)) for order in (down, across)]
    products = np.einsum("iy,jx->yxij", *each).reshape(len(at) ** 2, -1)
    return products.take(_ORDER[:terms], axis=1)


@cache
def _at_nodes(terms: int) -> np.ndarray:
    """The same at those of a sheet (NODES * NODES, terms)."""
    return _basis(centers(NODES), terms)


@dataclass(frozen=True, eq=False)
class _Places:
    """Products of polynomials at places of the film (n, terms), their slopes across and down it, and what it costs to
    bend there (terms, terms)."""

    basis: np.ndarray
    across: np.ndarray
    down: np.ndarray
    stiff: np.ndarray

    @classmethod
    @cache
    def even(cls, count: int, terms: int) -> _Places:
        """So many along each axis, at even distances."""
        basis = partial(_basis, np.linspace(0, 1, count), terms)
        bends = np.concatenate([basis(across=2), 2**0.5 * basis(1, 1), basis(down=2)])
        return cls(basis(), basis(across=1), basis(down=1), (_BEND / count) ** 2 * bends.T @ bends)


def _seen(values: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the camera sees points (n, 2), from the photo's middle by its longer side, and how that changes with where
    they are, (2, n, 3)."""
    points = basis @ values[:-2].reshape(3, -1).T
    deep = np.maximum(points[:, 2:], 1e-3)
    focal = np.exp(values[-2])
    seen = focal * points[:, :2] / deep
    moves = np.zeros((2, len(basis), 3))
    moves[0, :, 0] = moves[1, :, 1] = focal / deep[:, 0]
    moves[:, :, 2] = -(seen / deep).T
    return seen, moves


def _off(
    values: np.ndarray, target: np.ndarray, weights: np.ndarray, at: _Places, gives: float
) -> tuple[np.ndarray, np.ndarray]:
    """What a fit makes small (m,), and how it changes with the values (m, len(values))."""
    seen, moves = _seen(values, at.basis)
    width, count, size = np.exp(values[-1]), at.basis.shape[1], len(at.basis)
    terms = values[:-2].reshape(3, count)
    across, down = at.across @ terms.T, at.down @ terms.T
    longer, higher, sheared = (across**2).sum(1) / width**2, (down**2).sum(1), (across * down).sum(1) / width
    share = 1 / (gives * np.sqrt(size))
    off = [
        np.einsum("nab,nb->an", weights, seen - target).ravel(),
        share * np.concatenate([(longer - 1) / 2, (higher - 1) / 2, sheared]),
        [(values[-2] - _FOCAL[0]) / _FOCAL[1]],
    ]
    slopes = np.zeros((5 * size + 1, values.size))
    told, stretch = slopes[: 2 * size].reshape(2, size, -1), slopes[2 * size : -1].reshape(3, size, -1)
    for axis in range(3):
        own = slice(axis * count, (axis + 1) * count)
        told[:, :, own] = np.einsum("nab,bn->an", weights, moves[:, :, axis])[..., None] * at.basis
        along, below = share / width * across[:, [axis]], share * down[:, [axis]]
        stretch[0, :, own] = along / width * at.across
        stretch[1, :, own] = below * at.down
        stretch[2, :, own] = along * at.down + below / width * at.across
    told[:, :, -2] = np.einsum("nab,nb->an", weights, seen)
    stretch[0, :, -1], stretch[2, :, -1] = -share * longer, -share * sheared
    slopes[-1, -2] = 1 / _FOCAL[1]
    return np.concatenate(off), slopes
