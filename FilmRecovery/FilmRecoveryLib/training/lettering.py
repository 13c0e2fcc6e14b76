"""What LetterNet learns: which way up letters are."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy import ndimage
from torch.nn import functional

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.pool import drawn
from InverseImagingLib.training.trainer import TrainingOptions

from ..warp import Pyramid, resampled
from .annotations import FONTS, Text, font_of
from .lesson import DrawnLesson, Sample
from .samples import turned_away
from .spoil import compressed
from .subjects import Subject
from .textures import draw_film

_PART = 64  # pixels of the sides of a part of a film
_PRINTED = 0.8  # of the parts are about text of the film
_LETTER = 6.0, 26.0  # pixels of the height of letters
_USUAL = 0.004, 0.03  # of a film's height: that of letters where there are none
_SLANT, _STRETCH = 0.06, 0.1  # usual turn (radians) and change of length of what is flat nearly
_LINES, _LONGEST = 3, 14  # that are written besides, at most, and letters of one
_BLUR, _NOISE = (0.02, 0.15), 0.04  # of a letter's height, and of white
_OWN = np.arange(_PART) - (_PART - 1) / 2
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + 4 * string.digits + ":./-+ "
_WORDS = ("WW", "WL", "Im:", "Se:", "mm", "kV", "mA", "Thk", "SP", "Window", "Level", "CT", "FOV", "Tilt", "Hospital")


class LetterLesson(DrawnLesson):
    """Parts of films, each to be told from the same part turned and mirrored.

    draw: gives "film" (B, 1, H, W), upright, 0 to 1.
    """

    name = "letters"

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        upright = self.held(sample)["film"]
        parts = torch.cat([turned_away(upright, turn) for turn in range(8)])
        scores = self.network(parts).unflatten(0, (8, -1)).T
        return {"turn": functional.cross_entropy(scores, scores.new_zeros(len(scores), dtype=torch.long))}


class Parts:
    """Draws what LetterLesson takes, of films of these subjects."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.subjects = subjects

    def __call__(self, options: TrainingOptions, first: int, team: Team) -> Iterator[dict[str, torch.Tensor]]:
        """Endless samples; see Lesson.samples."""
        for batch in drawn(self._make, options, first, team):
            films = [torch.from_numpy(self._piece(*made, rng))[None] for made, rng in batch]
            yield {"film": torch.stack(films)}

    def _make(self, rng: np.random.Generator) -> tuple[Pyramid, tuple[Text, ...]]:
        film = draw_film(rng, self.subjects, int(rng.choice([1024, 1600, 2048])))
        return Pyramid((255 * film.texture).round().astype(np.uint8)), film.texts

    def _piece(self, film: Pyramid, texts: Sequence[Text], rng: np.random.Generator) -> np.ndarray:
        part, letter = _part(film, texts, rng)
        return _photographed(_written(part, letter, rng), letter, rng)


def _part(film: Pyramid, texts: Sequence[Text], rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """What is printed on a part of a film (_PART, _PART), and the height of its letters in pixels."""
    height, width = film.shape[:2]
    middle, printed = rng.uniform(0, (width, height)), rng.uniform(*_USUAL) * height
    if texts and rng.random() < _PRINTED:
        left, top, right, bottom = texts[int(rng.integers(len(texts)))].box
        middle, printed = rng.uniform((left, top), (right, bottom)), float(bottom - top)
    letter = float(np.exp(rng.uniform(*np.log(_LETTER))))
    slant = rng.normal(0, _SLANT)
    turn = np.array([[np.cos(slant), -np.sin(slant)], [np.sin(slant), np.cos(slant)]])
    stretch = printed / letter * np.exp(rng.normal(0, _STRETCH, 2))
    backward = (np.stack(np.meshgrid(_OWN, _OWN), axis=-1) @ turn.T) * stretch + middle
    return resampled(film, backward.astype(np.float32)), letter


def _written(part: np.ndarray, letter: float, rng: np.random.Generator) -> np.ndarray:
    """The same with a few lines of text in any font."""
    page = Image.new("L", part.shape[::-1])
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(_LINES + 1))):
        font = font_of(int(rng.integers(FONTS)), round(letter * np.exp(rng.normal(0, 0.2))))
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, _LONGEST))))
        if rng.random() < 0.5:
            text = str(rng.choice(_WORDS)) + text[:5]
        draw.text(tuple(rng.uniform(-0.3, 0.9, 2) * _PART), text, int(rng.integers(150, 256)), font)
    ink = np.asarray(page, np.float32) / 255
    return part + ink * (1 - part)


def _photographed(part: np.ndarray, letter: float, rng: np.random.Generator) -> np.ndarray:
    """A part as a photo shows it whose light was taken out, not always well."""
    seen = ndimage.gaussian_filter(part, np.exp(rng.uniform(*np.log(_BLUR))) * letter)
    seen = rng.uniform(0, 0.15) + rng.uniform(0.4, 1) * seen ** np.exp(rng.normal(0, 0.3))
    noise = ndimage.gaussian_filter(rng.normal(0, 1, seen.shape), rng.uniform(0.01, 1.2))
    seen += rng.uniform(0, _NOISE) * noise / noise.std()
    photo = torch.from_numpy(seen.astype(np.float32)).clamp(0, 1)[None]
    if rng.random() < 0.5:
        photo = compressed(photo.expand(3, -1, -1), int(rng.integers(30, 97))).mean(dim=0, keepdim=True)
    return photo[0].numpy()
