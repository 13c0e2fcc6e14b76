"""The truth of each pixel of a photo, from what Blender says of the points that it sees."""

from __future__ import annotations

import numpy as np

from .view import Camera


def photo_maps(
    place: np.ndarray, position: np.ndarray, normal: np.ndarray, texture: np.ndarray, camera: Camera, width: float
) -> dict[str, np.ndarray]:
    """The maps of a photo, (H, W) or (H, W, n), 0 beside the film.

    place: (H, W, 3), Blender's texture coordinates, and 1 where the film is. position, normal: (H, W, 3), in the
    scene's space. texture: (h, w), 0 to 1. width: the film's, in the scene's units.
    """
    mask = place[..., 2] > 0.5
    uv = np.stack([place[..., 0], 1 - place[..., 1]], axis=-1)
    at = camera.seen(position) / width
    facing = normal @ camera.turn.T
    maps = {
        "uv": uv.astype(np.float32),
        "mask": mask,
        "position": at.astype(np.float32),
        "normal": facing.astype(np.float16),
        "depth": at[..., 2].astype(np.float32),
        "albedo": sampled(texture, uv).astype(np.float16),
        "deformation": (uv - own_places(mask.shape)).astype(np.float32),
    }
    for values in maps.values():
        values[~mask] = 0
    return maps


def exposed(linear: np.ndarray, maps: dict[str, np.ndarray], white: float, balance: float) -> np.ndarray:
    """A linear photo (H, W, 3) as a camera takes it: white film is so bright in the median, and a share of what the
    light's color adds to gray is taken away."""
    albedo = linear_of(maps["albedo"].astype(np.float32))
    clear = albedo > min(0.1, float(albedo.max()) / 2)
    light = np.median(linear[clear] / albedo[clear][:, None], axis=0)
    gray = float(light.mean())
    return linear * (white / gray) * (gray / np.maximum(light, 0.05 * gray)) ** balance


def linear_of(display: np.ndarray) -> np.ndarray:
    """What sRGB values 0 to 1 stand for."""
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def own_places(size: tuple[int, int]) -> np.ndarray:
    """(H, W, 2): x and y of pixels' centers as shares of a photo's width and height."""
    y, x = np.meshgrid(*((np.arange(n) + 0.5) / n for n in size), indexing="ij")
    return np.stack([x, y], axis=-1)


def sampled(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """A texture (h, w) at u and v (..., 2), linearly between the centers of its pixels, held beyond."""
    sides = np.array(texture.shape[::-1])
    at = (uv * sides - 0.5).clip(0, sides - 1)
    corner = np.minimum(at.astype(int), np.maximum(sides - 2, 0))
    (x, y), (right, down) = np.moveaxis(corner, -1, 0), np.moveaxis(at - corner, -1, 0)
    x1, y1 = np.minimum(x + 1, sides[0] - 1), np.minimum(y + 1, sides[1] - 1)
    above = texture[y, x] * (1 - right) + texture[y, x1] * right
    below = texture[y1, x] * (1 - right) + texture[y1, x1] * right
    return above * (1 - down) + below * down
