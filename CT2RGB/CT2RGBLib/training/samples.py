"""Random pieces of sections with a CT of them: what the networks of both presets learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import TrainingOptions

from ..options import ColorizeOptions
from ..palette import paint
from ..preprocessing import sobel_in_range
from .pairs import Section
from .synthesis import Scan, attenuation, noise
from .tissues import Region

PIXEL = 1.0  # mm, of what is drawn
_RANGES = ColorizeOptions().ranges
_NEAR = 8.0  # mm, at most, to a neighbor
_ALONE = 0.2  # of the sections are drawn without neighbors, as a CT of one slice has none
_TURN, _GROWTH, _MIRRORED = 12.0, 0.18, 0.1  # degrees, logarithm of the size, share


@dataclass(frozen=True)
class _Made:
    """A section between its neighbors: hu (3, J, I) without noise, rgb (3, J, I) from 0 to 1, body (J, I)."""

    hu: np.ndarray
    rgb: np.ndarray
    body: np.ndarray
    scan: Scan


class Drawing:
    """Draws pieces of size x size pixels of PIXEL mm. Called as AdversarialLesson's draw is."""

    def __init__(self, sections: Sequence[Section], size: int = 256) -> None:
        self.sections, self.size = sections, size
        regions = [Region.at(section.position) for section in sections]
        rarity = np.array([1 / np.sqrt(regions.count(region)) for region in regions])  # the legs are long
        self.weights = rarity / rarity.sum()

    def __call__(self, options: TrainingOptions, first: int, team: Team) -> Iterator[dict[str, torch.Tensor]]:
        for batch in drawn(self._make, options, first, team):
            pieces = [self._piece(made, rng) for made, rng in batch]
            yield {name: torch.stack([piece[name] for piece in pieces]) for name in pieces[0]}

    def _make(self, rng: np.random.Generator) -> _Made:
        """A section of another size, turned and perhaps mirrored, as a scanner without noise sees it."""
        index = int(rng.choice(len(self.sections), p=self.weights))
        section, scan = self.sections[index], Scan.random(rng)
        angle, growth = np.deg2rad(rng.normal(0, _TURN / 2)), np.exp(rng.normal(0, _GROWTH / 2, 2))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / growth
        if rng.random() < _MIRRORED:
            turn[:, 1] *= -1
        alone = rng.random() < _ALONE
        hu = [
            moved(found, turn, section.pixel, around=-1000.0)
            for found in (hu_of(near, scan, rng) for near in ([section] * 3 if alone else self._near(index)))
        ]
        shape = hu[1].shape
        rgb = np.stack([moved(channel, turn, section.pixel) for channel in np.moveaxis(section.rgb / 255.0, -1, 0)])
        body = moved(section.body.astype(np.float32), turn, section.pixel) > 0.5
        return _Made(np.stack([fitted(plane, shape, -1000.0) for plane in hu]), rgb, body, scan)

    def _near(self, index: int) -> list[Section]:
        """The section below, that one, and the one above; itself where there is none near."""
        own = self.sections[index]
        others = [self.sections[min(max(index + step, 0), len(self.sections) - 1)] for step in (1, -1)]
        below, above = (other if abs(other.position - own.position) < _NEAR else own for other in others)
        return [below, own, above]

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """A random part of what was made, noise added."""
        rows, columns = np.nonzero(made.body)
        center = int(rng.integers(len(rows)))
        corner = [int(n[center] - self.size * rng.uniform(0.25, 0.75)) for n in (rows, columns)]
        body = _cut(made.body, corner, self.size, False)
        hu = np.stack([_cut(plane, corner, self.size, -1000.0) for plane in made.hu])
        hu = np.where(body, hu + noise(hu.shape, made.scan, rng), -1000.0).astype(np.float32)
        rgb = np.stack([_cut(plane, corner, self.size, 0.0) for plane in made.rgb])
        return {
            "hu": torch.from_numpy(hu),
            "sobel": torch.from_numpy(sobel_in_range(hu[1:2], _RANGES, (PIXEL, PIXEL))),
            "body": torch.from_numpy(body[None].astype(np.float32)),
            "usual": torch.from_numpy(np.moveaxis(paint(hu[1], body, (PIXEL, PIXEL)), -1, 0)),
            "rgb": torch.from_numpy(np.where(body, rgb, 0).astype(np.float32)),
            "spacing": torch.full((1,), PIXEL),
        }


def hu_of(section: Section, scan: Scan, rng: np.random.Generator) -> np.ndarray:
    """HU (J, I) of a section without noise, float32: of its CT, where one is known, else as a scan would see it."""
    if section.hu is not None:
        return section.hu.astype(np.float32)
    return attenuation(section.rgb, section.tissues, section.pixel, scan, rng)


def moved(plane: np.ndarray, turn: np.ndarray, pixel: float, around: float = 0.0) -> np.ndarray:
    """A plane (J, I), turned about its middle by a matrix, on a grid of PIXEL as large as the plane was."""
    shape = np.array(plane.shape)
    size = np.ceil(shape * pixel / PIXEL).astype(int)
    step = turn * (PIXEL / pixel)
    blurred = ndimage.gaussian_filter(plane, 0.35 * PIXEL / pixel)
    start = (shape - 1) / 2 - step @ ((size - 1) / 2)
    return ndimage.affine_transform(blurred, step, start, tuple(size), order=1, cval=around)


def fitted(plane: np.ndarray, shape: tuple[int, ...], around: float) -> np.ndarray:
    """A plane with the middle where it was, in another shape."""
    corner = [(n - m) // 2 for n, m in zip(plane.shape, shape, strict=True)]
    return _window(plane, corner, shape, around)


def _cut(plane: np.ndarray, corner: Sequence[int], size: int, around: float) -> np.ndarray:
    return _window(plane, corner, (size, size), around)


def _window(plane: np.ndarray, corner: Sequence[int], shape: Sequence[int], around: float) -> np.ndarray:
    """A part of a plane, which may reach beyond it."""
    found = np.full(shape, around, plane.dtype)
    source = tuple(slice(max(c, 0), max(min(c + n, m), 0)) for c, n, m in zip(corner, shape, plane.shape, strict=True))
    target = tuple(slice(max(-c, 0), max(-c, 0) + s.stop - s.start) for c, s in zip(corner, source, strict=True))
    found[target] = plane[source]
    return found
