"""The way back from a pixel of a photo to the film, by Newton's method on the sheet itself."""

from __future__ import annotations

import torch
from torch.nn import functional

from .camera import Camera
from .sheets import Points, Sheet, dot

_NODES = 33  # along the film: a coarse grid to start from
_CELLS, _ROUNDS = (32, 96), (8, 2, 1)  # along a picture, coarse to fine, and how many steps there, and for all pixels
_AROUND = 0.15  # of the film's sides, beyond its rim, that are looked up, too
_FAR = 0.1  # u and v that a step goes at most
_MISSED = 0.02  # photo pixels


def look_up(sheet: Sheet, camera: Camera, pixels: torch.Tensor) -> tuple[torch.Tensor, Points, torch.Tensor]:
    """What of a film is seen at photo pixels (2, H, W): u and v (2, H, W), the points in the camera's space, and by how
    many photo pixels these are missed (H, W): far from 0 where there is no film.

    Starts from a coarse grid of pixels, whose own start is the nearest of the film's nodes.
    """
    nodes = _nodes(sheet, camera, pixels)
    levels = [_resized(pixels, (cells, cells)) for cells in _CELLS] + [pixels]
    uv, near = _nearest(nodes, levels[0])
    for level, rounds in zip(levels, _ROUNDS, strict=True):
        uv, points, missed = _solved(sheet, camera, level, _resized(uv, level.shape[1:]), rounds)
    near = functional.interpolate(functional.max_pool2d(near[None, None].float(), 3, 1, 1), pixels.shape[1:])[0, 0] > 0
    lost = (missed > _MISSED) & near
    if lost.any():
        _find_lost(sheet, camera, pixels, nodes, lost, (uv, points.at, points.along_u, points.along_v, missed[None]))
    return uv, points, missed


def _resized(field: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    return functional.interpolate(field[None], size, mode="bilinear", align_corners=True)[0]


def _find_lost(
    sheet: Sheet,
    camera: Camera,
    pixels: torch.Tensor,
    nodes: tuple[torch.Tensor, torch.Tensor],
    lost: torch.Tensor,
    found: tuple[torch.Tensor, ...],
) -> None:
    """Look pixels up again from the nearest node on, those that have one."""
    start, near = _nearest(nodes, pixels[:, lost])
    lost = lost.clone()
    lost[lost.clone()] = near
    uv, points, missed = _solved(sheet, camera, pixels[:, lost], start[:, near], _ROUNDS[0])
    for whole, part in zip(found, (uv, points.at, points.along_u, points.along_v, missed[None]), strict=True):
        whole[:, lost] = part


def _nodes(sheet: Sheet, camera: Camera, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """u and v, and photo pixels, (2, N) each, of a grid on the film."""
    ticks = torch.linspace(-_AROUND, 1 + _AROUND, _NODES, device=like.device)
    uv = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy")).reshape(2, -1)
    return uv, camera.project(camera.seen(sheet.at(*uv)).at)


def _nearest(nodes: tuple[torch.Tensor, torch.Tensor], pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """u and v (2, ...) of the node nearest to each photo pixel (2, ...), and whether it is near (...)."""
    uv, places = nodes
    parts = [torch.cdist(part, places.T).min(dim=1) for part in pixels.reshape(2, -1).T.split(8192)]
    distance, index = (torch.cat(found) for found in zip(*parts, strict=True))
    apart = (places[:, 1:] - places[:, :-1]).square().sum(dim=0).sqrt().median()
    return uv[:, index].reshape(pixels.shape), (distance < 3 * apart).reshape(pixels.shape[1:])


def _solved(
    sheet: Sheet, camera: Camera, pixels: torch.Tensor, uv: torch.Tensor, rounds: int
) -> tuple[torch.Tensor, Points, torch.Tensor]:
    """Newton's method for photo pixels (2, ...) from u and v (2, ...) on."""
    for _ in range(rounds):
        points = camera.seen(sheet.at(*uv))
        away = pixels - camera.project(points.at)
        uv = (uv + _step(camera, points, away)).clamp_(-2 * _AROUND, 1 + 2 * _AROUND)
    points = camera.seen(sheet.at(*uv))
    away = pixels - camera.project(points.at)
    return uv, points, dot(away, away).sqrt()


def _step(camera: Camera, points: Points, away: torch.Tensor) -> torch.Tensor:
    """Change of u and v (2, ...) that moves the points by photo pixels (2, ...), to first order."""
    (xu, yu), (xv, yv) = (camera.moved(points.at, along) for along in (points.along_u, points.along_v))
    area = xu * yv - xv * yu
    area = area.where(area.abs() > 1e-6, torch.full_like(area, 1e-6))
    step = torch.stack([yv * away[0] - xv * away[1], xu * away[1] - yu * away[0]]) / area
    return step.clamp_(-_FAR, _FAR)
