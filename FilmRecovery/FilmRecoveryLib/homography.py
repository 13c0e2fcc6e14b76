"""Flat films in photos: homographies of points, and what the perspective tells of a film's shape. Needs no torch."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.errors import InputError

_TILTED = 0.002  # product of the perspective along both sides from which the focal length is sure
_FOCAL = (0.6, 0.85, 2.5)  # of phones, by the photo's longer side: shortest, usual, longest


def transformed(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) through a homography (3, 3)."""
    x, y, w = np.moveaxis(points @ matrix[:, :2].T + matrix[:, 2], -1, 0)
    return np.stack([x / w, y / w], axis=-1)


def homography(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None, rounds: int = 0
) -> np.ndarray:
    """The homography (3, 3) that takes points (N, 2) to others best, by the normalized direct linear transformation.

    weights (N,): how much each counts. rounds: how often those far off then count less, as Cauchy's weights have it.
    Raises InputError where less than four count, or all lie on a line.
    Source: R. Hartley, A. Zisserman, Multiple View Geometry, 4.4.
    """
    given = np.ones(len(source)) if weights is None else np.sqrt(weights)
    matrix = _homography(source, target, given)
    for _ in range(rounds):
        off = np.linalg.norm(transformed(source, matrix) - target, axis=1)
        usual = max(float(np.median(off[given > 0])), 1e-9)
        matrix = _homography(source, target, given / np.sqrt(1 + (off / usual) ** 2))
    return matrix


def _homography(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    to_source, to_target = _normalizing(source), _normalizing(target)
    (x, y), (a, b) = transformed(source, to_source).T, transformed(target, to_target).T
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = np.stack(
        [[x, y, one, none, none, none, -a * x, -a * y, -a], [none, none, none, x, y, one, -b * x, -b * y, -b]]
    )
    rows = np.moveaxis(rows * weights, 1, 2).reshape(-1, 9)
    _, sizes, vectors = np.linalg.svd(rows.T @ rows)
    if np.count_nonzero(weights) < 4 or sizes[-2] < 1e-12 * sizes[0]:
        raise InputError("Four points of the film are needed, of which no three lie on a line; move its corners apart.")
    matrix = np.linalg.inv(to_target) @ vectors[-1].reshape(3, 3) @ to_source
    return matrix / matrix[2, 2]


def aspect(corners: np.ndarray, shape: tuple[int, int]) -> float:
    """Width by height of a flat film with these corners (4, 2), clockwise from its top left, in a photo (H, W).

    By the right angles between its sides, which tell the focal length of a camera that looks at the photo's middle; a
    phone's where they tell none. Source: Z. Zhang, L.-W. He, Whiteboard scanning and image enhancement, 2007.
    """
    longest = max(shape)
    middle = np.array([shape[1] - 1, shape[0] - 1]) / 2
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    across, down, _ = homography(square, (corners - middle) / longest).T
    tilt = across[2] * down[2]
    focal = -(across[:2] @ down[:2]) / tilt if abs(tilt) > _TILTED else 0.0
    if not _FOCAL[0] ** 2 <= focal <= _FOCAL[2] ** 2:
        focal = _FOCAL[1] ** 2
    depths = np.array([1, 1, focal])
    return float(np.sqrt((across**2 @ depths) / (down**2 @ depths)))


def _normalizing(points: np.ndarray) -> np.ndarray:
    middle, spread = points.mean(axis=0), max(float(points.std()), 1e-12)
    return np.array([[1 / spread, 0, -middle[0] / spread], [0, 1 / spread, -middle[1] / spread], [0, 0, 1]])
