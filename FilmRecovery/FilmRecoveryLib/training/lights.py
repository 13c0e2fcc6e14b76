"""The light behind, on and around a film, and what the film lets through of it. All light is linear, in RGB, and 1 is
about what comes through clear film.

A photo of a film shows its gray as transmittance(gray) * light + glare: light is what comes through clear film from
behind, or from the paper below it that the film is lit through; glare is what the film's face mirrors and scatters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.method import Choice

from .camera import Camera
from .sheets import Points, dot, unit

EXTENT = 2.0  # film widths from the film's middle over which fields are known
_SHARP = 0.004  # film widths over which the rim of a light box or of paper fades


class Place(Choice):
    """Where a film is when its photo is taken."""

    BOX = "box"  # on a light box, or a white screen
    WINDOW = "window"  # in the hand or at the pane, with daylight or lamps far behind
    TABLE = "table"  # on paper or a table, lit from the front


@dataclass(frozen=True)
class Lights:
    """The light of a scene.

    place: what is behind. gamma, floor: of the film's tone, transmittance = floor + (1 - floor) gray^gamma. tint (3,):
    color of clear film. face: middle and half sides, x, y, in film widths, of the light box's face, or of the paper
    below. bright (3,): of the face. field (1, n, n): how bright it is from -EXTENT to EXTENT film widths. table
    (3, n, n): what is beside it there. beyond (3, n, 2n): the surroundings, an equirectangular picture whose middle is
    behind the film. mirrored: share of them that the film's face mirrors. lamp (3,): direction to a lamp, in
    the camera's space; scattered, shine, polish: how much of it the face scatters and mirrors, and how sharply. shadow
    (1, n, n): share of the light from the front that comes through, over the photo.
    """

    place: Place
    gamma: float
    floor: float
    tint: np.ndarray
    face: tuple[float, float, float, float]
    bright: np.ndarray
    field: np.ndarray
    table: np.ndarray
    beyond: np.ndarray
    mirrored: float
    lamp: np.ndarray
    scattered: float
    shine: float
    polish: float
    shadow: np.ndarray

    def transmittance(self, gray: torch.Tensor) -> torch.Tensor:
        """Share of the light that comes through film of a gray, against clear film."""
        return self.floor + (1 - self.floor) * gray**self.gamma

    def around(self, camera: Camera, pixels: torch.Tensor) -> torch.Tensor:
        """What photo pixels (2, H, W) show where there is no film, (3, H, W)."""
        if self.place is Place.WINDOW:
            return self._beyond(camera.rays(pixels))
        spot = camera.on_table(pixels)
        found = _sampled(self.table, spot / EXTENT)
        x, y, wide, high = self.face
        off = torch.maximum((spot[0] - x).abs() - wide, (spot[1] - y).abs() - high)
        on_face = (0.5 - off / _SHARP).clamp(0, 1)
        found = torch.lerp(found, _color(self.bright, found), on_face) * _sampled(self.field, spot / EXTENT)
        return found * self._lit(camera, pixels) if self.place is Place.TABLE else found

    def through(self, camera: Camera, pixels: torch.Tensor, points: Points) -> torch.Tensor:
        """The light that comes through clear film, (3, H, W)."""
        if self.place is Place.WINDOW:
            return self._beyond(camera.rays(pixels)) * _color(self.tint, pixels)
        spot = camera.on_table(pixels)
        light = _color(self.bright * self.tint, pixels) * _sampled(self.field, spot / EXTENT)
        if self.place is Place.BOX:
            return light
        slope = dot(points.normals, _color(self.lamp, pixels)).clamp(min=0.1)
        return light * self._lit(camera, pixels) * slope / max(float(-self.lamp[2]), 0.3)

    def glare(self, camera: Camera, pixels: torch.Tensor, points: Points) -> torch.Tensor:
        """What the face of the film adds to the photo, (3, H, W)."""
        normals, ray, toward = points.normals, unit(points.at), _color(self.lamp, pixels)
        mirror = ray - 2 * dot(ray, normals) * normals
        slope = dot(normals, toward).clamp(min=0)
        spot = dot(mirror, toward).clamp(min=0) ** self.polish
        front = (self.scattered * slope + self.shine * spot) * self._lit(camera, pixels)
        return self.mirrored * self._beyond(mirror) + front

    def _lit(self, camera: Camera, pixels: torch.Tensor) -> torch.Tensor:
        """Share of the light from the front that is not in shadow, (1, H, W)."""
        height, width = camera.size
        return _sampled(self.shadow, torch.stack([2 * pixels[0] / (width - 1) - 1, 2 * pixels[1] / (height - 1) - 1]))

    def _beyond(self, rays: torch.Tensor) -> torch.Tensor:
        """What is seen in directions (3, H, W) of the camera's space."""
        x, y, z = rays
        longitude = torch.atan2(x, z) / math.pi
        latitude = torch.atan2(y, torch.hypot(x, z)) / (math.pi / 2)
        return _sampled(self.beyond, torch.stack([longitude, latitude]))


def _color(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(like).reshape(3, 1, 1)


def _sampled(field: np.ndarray, places: torch.Tensor) -> torch.Tensor:
    """A field (C, n, m) at places (2, H, W), from -1 to 1 over its pixels."""
    source = torch.from_numpy(field).to(places)
    return functional.grid_sample(
        source[None], places.permute(1, 2, 0)[None], padding_mode="border", align_corners=False
    )[0]
