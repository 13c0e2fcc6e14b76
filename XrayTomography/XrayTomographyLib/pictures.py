"""Densities seen from elsewhere: views from any direction, and pairs of them for two eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from InverseImagingLib.animation import Angles
from InverseImagingLib.xray.projector import Projector

from .formation import Frame, integral_of_opacity, opacity
from .guess import resized
from .transfer import KNOWN_TO_GUESSED, channels

_LEAST = 1e-3  # integral of the density that is seen


def views(densities: torch.Tensor, angles: Sequence[Angles]) -> torch.Tensor:
    """The opacity (V, N, N) of densities (K, J, I) in turned views, whose N is the longer side of the given picture.

    From aside one sees their whole depth, which is as long as that side, so that pictures are always square.
    """
    frame = Frame(1.0, (densities.shape[0], densities.shape[1], densities.shape[2]))
    longer = max(frame.voxels[0], frame.voxels[2])
    geometries = [replace(frame.view(*turned), width=longer, height=longer) for turned in angles]
    return opacity(Projector(frame.voxels, frame.ijk_to_ras, geometries)(densities[None])[:, 0] / frame.side)


def eyes(azimuth: float, elevation: float, parallax: float) -> tuple[Angles, Angles]:
    """Where the left and the right eye of a viewer are that look from there, so many degrees apart."""
    return (azimuth - parallax / 2, elevation), (azimuth + parallax / 2, elevation)


def wiggle(azimuth: float, elevation: float, parallax: float, count: int = 5) -> list[Angles]:
    """Views from the left eye to the right one."""
    return [(azimuth + float(turn), elevation) for turn in np.linspace(-parallax / 2, parallax / 2, count)]


def anaglyph(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two pictures (H, W), 0 to 1, as one (H, W, 3) for glasses that are red on the left and cyan on the right, of
    uint8."""
    return np.stack([_gray(left), _gray(right), _gray(right)], axis=-1)


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two pictures (H, W) as one (H, 2 W), each for the eye on its side."""
    return np.concatenate([left, right], axis=1)


def guessed(densities: torch.Tensor, spread: torch.Tensor, angles: Angles) -> np.ndarray:
    """A view of densities (K, J, I) as (N, N, 3) of uint8, the redder the less is known of where it lies.

    spread: the mean absolute error to be expected of them, as fine or coarser. What is turned away from the given view
    shows its depth, which is guessed, as the sine of the angle between; the given view is known.
    """
    (view,), (errors,) = views(densities, [angles]), views(spread, [angles])
    azimuth, elevation = np.deg2rad(angles)
    turned = float(np.sqrt(max(1 - (np.cos(azimuth) * np.cos(elevation)) ** 2, 0.0)))
    shares = resized(integral_of_opacity(errors), view.shape) / integral_of_opacity(view).clamp(min=_LEAST)
    colors = channels(turned * shares.clamp(max=1).numpy(), KNOWN_TO_GUESSED)
    return (view.clamp(0, 1).numpy()[..., None] * colors * 255).round().astype(np.uint8)


def _gray(picture: np.ndarray) -> np.ndarray:
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)
