"""Photos of films that are drawn by chance, as frames and as flat films: what the compact networks learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import TrainingOptions

from ..assemble import unstack
from ..homography import homography, transformed
from ..looks import SIZE, around, film_frame, frame_of, pixels, seen_at, whole_frame
from ..networks import STRIDE, luminance
from ..rim import between_sides
from ..sheet import Sheet
from ..sides import strips
from ..warp import places, resampled
from ..window import to_gray
from .clutter import draw_clutter
from .render import backward_map, draw_scene, render
from .subjects import Subject
from .textures import Film, draw_film

_LONG = 512  # pixels along the longer side of a photo
_WHOLE = 0.25  # of the frames show the whole photo, as the first look does
_THROUGH = 0.5  # of them show the film through a rough sheet, as the last look does
_LEFT = (0.001, 0.004, 0.012)  # of the film: how far such a sheet usually is off besides, one of which is drawn
_ASTRAY = (0.004, 0.012, 0.03, 0.05)  # the same where its rim is looked for
_CLUTTERED, _SOFT = 0.7, 1.5  # of these photos have clutter around the film; pixels, by which its rim is blurred most
_AMISS = (0.003, 0.01, 0.03)  # of the film: how far the corners of a frame usually are off, one of which is drawn
_TURN, _ZOOM, _SHIFT = 8.0, 0.12, 0.04  # degrees, logarithm, share of a whole frame: usual changes
_TONES = 256  # pixels of the sides of a flat film whose light is taken out
_PART = 128  # pixels of the sides of a part of a slice
_FLAT = 0.02  # luminance, from dark to bright: less tells no curve
_BENT = 0.002  # of the film: how far its pixels usually are off then
_UNEVEN = (0.0, 0.006, 0.012, 0.025, 0.045)  # the same where its grid is looked for, one of which is drawn
_ROUGH = 0.5  # of these films are seen through a rough sheet
_ALONE, _UPRIGHT = 0.08, 0.5  # of the films are one picture, and lie as they are read for sure
_BACKWARDS = torch.tensor([1.0, -1.0])[:, None, None]  # a wave that runs to the other side


@dataclass(frozen=True, eq=False)
class _Made:
    """A photo (H, W, 3) uint8 of a film (h, w), 0 to 1, and maps (H, W, C) of it: uv, mask, position, normal, depth;
    backward: the photo pixels (n, n, 2) of nodes of the film. cells: see textures.Film."""

    photo: np.ndarray
    film: np.ndarray
    maps: np.ndarray
    backward: np.ndarray
    cells: np.ndarray


_MAPS = {"uv": 2, "mask": 1, "position": 3, "normal": 3, "depth": 1}


class _Photos:
    """Draws films of these subjects, and photos of them. surroundings: see render.draw_scene."""

    def __init__(self, subjects: Sequence[Subject], surroundings: Sequence[np.ndarray] = ()) -> None:
        self.subjects, self.surroundings = subjects, surroundings

    def __call__(self, options: TrainingOptions, first: int, team: Team) -> Iterator[dict[str, torch.Tensor]]:
        """Endless samples; see Lesson.samples."""
        for batch in drawn(self._make, options, first, team):
            pieces = [self._piece(made, rng) for made, rng in batch]
            yield {name: torch.stack([piece[name] for piece in pieces]) for name in pieces[0]}

    def _make(self, rng: np.random.Generator) -> _Made:
        film = draw_film(rng, self.subjects)
        scene = draw_scene(rng, film.aspect, self.surroundings)
        scale = _LONG / max(scene.size)
        height, width = (round(side * scale) for side in scene.size)
        found = render(torch.from_numpy(film.texture), scene, (height, width))
        maps = torch.cat([found[name] for name in _MAPS]).permute(1, 2, 0).numpy().astype(np.float16)
        photo = (255 * found["photo"]).round().byte().permute(1, 2, 0).numpy()
        backward = (backward_map(scene, (64, 64)).numpy() + 0.5) * scale - 0.5
        return _Made(photo, self._wanted(film).astype(np.float16), maps, backward, film.cells)

    def _wanted(self, film: Film) -> np.ndarray:
        """What of a film is to be found, gray (h, w)."""
        return film.texture

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        raise NotImplementedError


class Frames(_Photos):
    """Draws what PlaceLesson takes."""

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        kind = rng.random()
        if kind < _THROUGH:
            every = around(_rough(made, rng)).astype(np.float32)
        else:
            frame = self._whole(made, rng) if kind < _THROUGH + _WHOLE else self._film(made, rng)
            every = transformed(pixels(SIZE), frame).clip(-1e6, 1e6).astype(np.float32)
        frames = seen_at(made.photo, every)
        frames[:3] = _recolored(frames[:3], rng) * frames[3:]
        there = every.reshape(SIZE // STRIDE, STRIDE, SIZE // STRIDE, STRIDE, 2).mean(axis=(1, 3))
        found = torch.from_numpy(resampled(made.maps, there)).permute(2, 0, 1)
        maps = dict(zip(_MAPS, found.split(list(_MAPS.values())), strict=True))
        cover = resampled(made.maps[..., 2:3], every)[..., 0] * frames[3]
        maps["mask"] = functional.avg_pool2d(torch.from_numpy(cover)[None], STRIDE)
        return {"frames": torch.from_numpy(frames), **_centered(maps)}

    def _whole(self, made: _Made, rng: np.random.Generator) -> np.ndarray:
        turn, zoom = np.deg2rad(rng.normal(0, _TURN / 2)), np.exp(rng.normal(0, _ZOOM / 2))
        cosine, sine = np.cos(turn) * zoom, np.sin(turn) * zoom
        middle, shift = (SIZE - 1) / 2, rng.normal(0, _SHIFT / 2, 2) * SIZE
        matrix = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        matrix[:2, 2] = middle + shift - matrix[:2, :2] @ [middle, middle]
        return whole_frame(made.photo.shape[:2]) @ matrix

    def _film(self, made: _Made, rng: np.random.Generator) -> np.ndarray:
        uv = places(made.backward.shape[:2]).reshape(-1, 2)
        flat = homography(uv, _rough(made, rng).reshape(-1, 2))
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
        off = square + rng.normal(0, rng.choice(_AMISS), (4, 2))
        return film_frame(flat @ homography(square, off))


class Strips(_Photos):
    """Draws what RimLesson takes."""

    def _make(self, rng: np.random.Generator) -> _Made:
        """A photo, most often with clutter around its film."""
        made = super()._make(rng)
        if rng.random() > _CLUTTERED:
            return made
        blur = rng.uniform(0, _SOFT)
        film = ndimage.gaussian_filter(made.maps[..., 2].astype(np.float32), blur)[..., None]
        color = np.median(made.photo[film[..., 0] > 0.5], axis=0) / 255
        clutter = draw_clutter(rng, made.photo.shape[:2], color)
        return replace(made, photo=(film * made.photo + (1 - film) * 255 * clutter).round().astype(np.uint8))

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        sides, masks = [], []
        for every in strips(_rough(made, rng, _ASTRAY)):
            seen = seen_at(made.photo, every)
            seen[:3] = _recolored(seen[:3], rng) * seen[3:]
            sides.append(torch.from_numpy(seen))
            cover = resampled(made.maps[..., 2:3], every)[..., 0] * seen[3]
            masks.append(functional.avg_pool2d(torch.from_numpy(cover)[None], 2))
        return {"strips": torch.stack(sides), "mask": torch.stack(masks)}


def _rough(made: _Made, rng: np.random.Generator, left: tuple[float, ...] = _LEFT) -> np.ndarray:
    """A film (n, n, 2) as it is known before it is looked at closely: about right along its rim, and roughly between.

    left: see _LEFT.
    """
    truth = made.backward.astype(np.float64)
    side = np.sqrt(np.prod(np.ptp(truth.reshape(-1, 2), axis=0)))
    share = min(rng.uniform(0, 2), 1)  # from what is true to what the rim alone tells
    rough = truth + share * (between_sides(truth) - truth)
    off = torch.from_numpy(rng.normal(0, rng.choice(left) * side, (1, 2, 4, 4)))
    return rough + functional.interpolate(off, rough.shape[:2], mode="bicubic")[0].permute(1, 2, 0).numpy()


def _misread(made: _Made, uv: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The film coordinates (h, w, 2) of what is seen where such a film has these."""
    rough = _rough(made, rng).astype(np.float32)
    return resampled(made.maps[..., :2], resampled(rough, (uv * len(rough) - 0.5).astype(np.float32)))


def _centered(maps: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Maps whose position and depth are those from the film's middle: how far away it is, no picture tells."""
    film = maps["mask"] > 0.999
    away = {
        name: maps[name] - (maps[name] * film).sum((1, 2), keepdim=True) / film.sum().clamp(min=1)
        for name in ("position", "depth")
    }
    return maps | away


class Maps(Frames):
    """Draws what DewarpingLesson takes: whole photos, and maps of all their pixels and of the film's."""

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        frame = self._whole(made, rng)
        frames = frame_of(made.photo, frame)
        there = transformed(pixels(SIZE), frame).astype(np.float32)
        found = torch.from_numpy(resampled(made.maps, there)).permute(2, 0, 1)
        maps = dict(zip(_MAPS, found.split(list(_MAPS.values())), strict=True))
        maps["mask"] = maps["mask"] * torch.from_numpy(frames[3:])
        sheet = Sheet(made.backward, np.ones(made.backward.shape[:2], np.float32), 1.0, "user")
        backward = transformed(sheet.at(SIZE, SIZE), np.linalg.inv(frame)).astype(np.float32)
        maps["backward"] = torch.from_numpy((backward + 0.5) / SIZE).permute(2, 0, 1)
        return {"photo": torch.from_numpy(_recolored(frames[:3], rng) * frames[3:]), **_centered(maps)}


class FlatFilms(_Photos):
    """Draws what ToneLesson takes."""

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        uv = places((_TONES, _TONES)).astype(np.float32)
        film, gray = _seen(made, uv + _bends(_BENT, rng), rng), _printed(made, uv)
        return {"film": torch.from_numpy(film), "gray": torch.from_numpy(gray)[None]}


class BareFilms(FlatFilms):
    """Draws the same of films whose gray is that of the slices alone, as the CT has them, and black beside these."""

    def _wanted(self, film: Film) -> np.ndarray:
        return unstack(to_gray(film.hu, film.level, film.width), np.zeros_like(film.texture), film.tiles)


class TurnedFilms(FlatFilms):
    """Draws what TurnLesson takes."""

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        sample = super()._piece(made, rng)
        share = float(rng.random())  # from the light as it was to none
        film = torch.lerp(luminance(sample["film"][None])[0], sample["gray"], share)
        turn = int(rng.integers(8))
        return {"film": turned_away(film, turn), "turn": torch.tensor(turn)}


def turned_away(film: torch.Tensor, turn: int) -> torch.Tensor:
    """Films (..., H, W) that one of TurnNet's turns brings back."""
    film = film.rot90(turn % 4, (-2, -1))
    return film.flip(-1) if turn >= 4 else film


class GriddedFilms(_Photos):
    """Draws what GridLesson takes."""

    def _piece(self, made: _Made, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        alone = rng.random() < _ALONE
        uv = places((_TONES, _TONES)) + _bends(float(rng.choice(_UNEVEN)), rng)
        if rng.random() < _ROUGH:
            uv = _misread(made, uv, rng)
        (top, height, rows), (left, width, columns) = made.cells
        shape = np.array(made.film.shape[::-1], float)
        if alone:  # one cell is a film of one picture
            cell, place = [width, height], [left, top] + np.array([width, height]) * rng.integers([columns, rows])
            waves, uv, shape = _waves(uv, [(0, 1, 1)] * 2), place + cell * uv, shape * cell
        else:
            waves = _waves(uv, made.cells)
        uv = uv.astype(np.float32)
        light, gray = luminance(torch.from_numpy(_seen(made, uv, rng))[None])[0], torch.from_numpy(_printed(made, uv))
        film = torch.lerp(light, gray[None], float(rng.random()))  # from the light as it was to none
        found = functional.avg_pool2d(torch.from_numpy(waves), STRIDE).unflatten(0, (2, 2))
        turn = 0 if rng.random() < _UPRIGHT else int(rng.integers(8))
        for _ in range(turn % 4):
            down, along = found.rot90(1, (-2, -1))
            found, shape = torch.stack([along * _BACKWARDS, down]), shape[::-1]
        if turn >= 4:
            down, along = found.flip(-1)
            found = torch.stack([down, along * _BACKWARDS])
        aspect = torch.tensor(shape[0] / shape[1], dtype=torch.float32)
        return {"film": turned_away(film, turn), "aspect": aspect, "waves": found}


def _waves(uv: np.ndarray, cells: Any) -> np.ndarray:
    """What GridNet is to give, (4, h, w), at film coordinates (h, w, 2); cells: see textures.Film."""
    found = []
    for own, (start, pitch, count) in zip((uv[..., 1], uv[..., 0]), cells, strict=True):
        turns = (own - start) / pitch
        inside = (turns > 0) & (turns < count)
        found += [np.cos(2 * np.pi * turns) * inside, np.sin(2 * np.pi * turns) * inside]
    return np.stack(found).astype(np.float32)


def _bends(usual: float, rng: np.random.Generator) -> np.ndarray:
    """How far the pixels of a flat film are off (_TONES, _TONES, 2), usually by so much."""
    off = torch.from_numpy(rng.normal(0, usual, (1, 2, 4, 4)).astype(np.float32))
    return functional.interpolate(off, (_TONES, _TONES), mode="bicubic")[0].permute(1, 2, 0).numpy()


def _seen(made: _Made, uv: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The colors (3, h, w) of a photo at film coordinates (h, w, 2), in another exposure."""
    backward = resampled(made.backward.astype(np.float32), uv * made.backward.shape[0] - 0.5)
    return _recolored(np.moveaxis(resampled(made.photo, backward), -1, 0), rng)


def _printed(made: _Made, uv: np.ndarray) -> np.ndarray:
    """The gray (h, w) of a film there."""
    return resampled(made.film, uv * np.array(made.film.shape[::-1], np.float32) - 0.5)


class Tiles(_Photos):
    """Draws what ValueLesson takes."""

    def _make(self, rng: np.random.Generator) -> dict[str, torch.Tensor]:  # type: ignore[override]
        """A part of a slice, from a frame in which the film is nearly flat."""
        film = draw_film(rng, self.subjects, int(rng.choice([1024, 1600])))
        scene = draw_scene(rng, film.aspect, self.surroundings)
        height, width = film.texture.shape
        left, top, right, bottom = film.tiles[int(rng.integers(len(film.tiles)))]
        fine = np.exp(rng.uniform(np.log(0.6), np.log(1.6)))  # pixels of a film pixel
        size = _PART / fine
        x, y = (
            rng.uniform(low - size / 4, max(high - 0.75 * size, low)) for low, high in ((left, right), (top, bottom))
        )
        uv = np.array([[x, y], [x + size, y], [x + size, y + size], [x, y + size]]) / [width, height]
        there = scene.camera.project(scene.camera.seen(scene.sheet.at(*torch.from_numpy(uv.T).float())).at)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * _PART - 0.5
        frame = homography(corners, there.T.numpy().astype(np.float64))
        found = render(torch.from_numpy(film.texture), scene, (_PART, _PART), frame)
        seen, truth = luminance(found["photo"][None])[0], found["albedo"]
        return {"seen": _fitted(seen, truth), "gray": truth}

    def _piece(self, made: dict[str, torch.Tensor], rng: np.random.Generator) -> dict[str, torch.Tensor]:  # type: ignore[override]
        flips = [axis for axis in (-2, -1) if rng.random() < 0.5]
        quarter = int(rng.integers(2))
        return {name: value.flip(flips).rot90(quarter, (-2, -1)) for name, value in made.items()}


def _fitted(seen: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Gray by the cubic curve of luminance that comes nearest to the truth: what ToneNet would find."""
    x, y = seen.flatten().double().numpy(), truth.flatten().double().numpy()
    degree = 3 if np.ptp(x) > _FLAT else 0
    return torch.from_numpy(np.polyval(np.polyfit(x, y, degree), x).clip(-0.1, 1.1)).float().reshape(seen.shape)


def _recolored(colors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colors (3, H, W) of another exposure, white balance and contrast."""
    gain = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.04, (3, 1, 1)))
    return (colors.clip(0, 1) ** np.exp(rng.normal(0, 0.08)) * gain).clip(0, 1).astype(np.float32)
