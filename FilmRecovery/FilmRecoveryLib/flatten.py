"""From a photo to the flat film, without the light it hung in: the first of the method's two functions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from InverseImagingLib import device as devices
from InverseImagingLib.errors import InputError
from InverseImagingLib.files import LPS_TO_RAS
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, ignore_progress, options_to_dict
from InverseImagingLib.models import Weights

from . import model
from .finding import Found, find
from .light import relight
from .options import FlattenOptions, Mirror, Turn
from .photo import luminance_of, pixels_of
from .sheet import Sheet
from .turning import Turning
from .warp import inside, resampled
from .weights import weights_of, weights_of_letters

if TYPE_CHECKING:
    import torch

VERSION = "1.0"
REMARK = "Derived from a photo of a film. For research only; not for diagnosis."

_POINTS = 5  # along each side of the film, by which a user corrects where it lies
_MOST = 50e6  # pixels that are looked at, of a photo and of a film
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of sRGB, by ITU-R BT.709
_BRIGHT = 254 / 255  # from which a camera tells nothing apart
_UNSURE, _SMALL = 0.5, 900  # confidence, and pixels of a film, that are little
_TURNED, _PROBABLE = 0.9, 0.65  # from which a film is turned, as most lie as they should; and from which that is said
_COLORS = 512  # pixels along the longer side of a film, from whose colors its light is told
_OUTSIDE, _GLARE = 0.01, 0.02  # shares of a film that are much


def flatten(
    photo: Image,
    options: FlattenOptions,
    on_progress: OnProgress = ignore_progress,
    *,
    points: Image | None = None,
) -> Result:
    """Find the film in a photo, make it flat and upright, and take the light out of it.

    photo: uint8 sRGB (1, H, W, 3), or gray. points: where the user has the film, (R, C, 2) photo pixels x, y at even
    distances from corner to corner, beginning at any corner; 2 x 2 are its corners, and keep the bend that was found,
    more are met exactly. "film" is the gray of the film, float32 (1, h, w), 0 black to 1 white; "confidence", on its
    grid, is low where the place is in doubt, in glare and in the dark, and 0 outside the photo. Where there are no
    weights of the model, the film is found by its outline, and the report says so. Raises InputError; Cancelled passes
    through.
    """
    began = time.monotonic()
    options.check()
    warnings: list[str] = []
    pixels, scale = _reduced(pixels_of(photo))
    given = _given(options, points)
    way = "found by its outline" if given is None else "taken where it was marked"
    weights = weights_of(options.weights, f"The film was {way}, and is not turned", warnings)

    def run(device: torch.device) -> _Flat:
        return _flat(pixels, None if given is None else _moved(given, 1 / scale), options, weights, device, on_progress)

    flat, notes = devices.run_or_fall_back(run, devices.choose(options.device.value))
    warnings += [*notes, *flat.warnings()]
    sheet = flat.turning.turned_sheet(flat.found.sheet)
    images = {
        name: Image(
            flat.turning.turned(values)[None].astype(np.float32, copy=False),
            LPS_TO_RAS,
            Meaning.DISPLAY,
            f"{photo.name} {name}",
        )
        for name, values in (("film", flat.film), ("confidence", flat.confidence))
    }
    report = {
        "method": "FilmRecovery",
        "version": VERSION,
        "remark": REMARK,
        "input": {"name": photo.name, "shape": list(photo.array.shape)},
        "settings": options_to_dict(options),
        **(weights.facts() if weights else {}),
        "found by": sheet.source,
        "points": _moved(sheet.points(_POINTS, _POINTS), scale).round(2).tolist(),
        "corners": _moved(sheet.corners, scale).round(2).tolist(),
        "flat": {"flat": flat.found.flat, "bend px": round(flat.found.bend * scale, 2)},
        "turned": flat.turning.degrees,
        "mirrored": flat.turning.mirrored,
        "glare": round(flat.glare, 4),
        "confidence": round(float(flat.confidence.mean()), 4),
        "seconds": round(time.monotonic() - began, 3),
        "warnings": warnings,
    }
    return Result(images, report)


@dataclass(frozen=True)
class _Flat:
    """A film (h, w) that is flat, and how sure that is (h, w), as the photo shows it: turning makes it upright.

    doubtful: whether it probably has to be turned otherwise. shown: share of it that lies within the photo. glare:
    share that the light hides.
    """

    film: np.ndarray
    confidence: np.ndarray
    found: Found
    turning: Turning
    doubtful: bool
    shown: float
    glare: float

    def warnings(self) -> list[str]:
        """What a user has to know."""
        said = [*self.found.warnings]
        if self.shown < 1 - _OUTSIDE:
            said.append(f"{1 - self.shown:.0%} of the film lies outside the photo, and is not known.")
        if self.found.sheet.confidence.mean() < _UNSURE:
            said.append("Where the film lies is in doubt; look at its outline, and move the points that are wrong.")
        if self.glare > _GLARE:
            said.append(f"{self.glare:.0%} of the film is in glare or burnt out; take a photo from another side.")
        if max(self.film.shape) < _SMALL:
            said.append(f"The film is only {max(self.film.shape)} pixels long; take the photo from nearer for details.")
        if self.turning.mirrored:
            said.append("The film was seen from behind, and is mirrored now; check letters and sides.")
        if self.doubtful:
            said.append("The film may lie upside down or turned, or be seen from behind; choose how to turn it.")
        return said


def _flat(
    pixels: np.ndarray,
    given: np.ndarray | None,
    options: FlattenOptions,
    weights: Weights | None,
    device: torch.device,
    on_progress: OnProgress,
) -> _Flat:
    on_progress(Progress(0.0, "looking for the film"))
    found = find(pixels, weights, device, given, options.unbend)
    on_progress(Progress(0.7, "making it flat"))
    height, width = _size(found.sheet, options.size)
    backward = found.sheet.at(height, width)
    shown = inside(backward, pixels.shape[:2])
    on_progress(Progress(0.8, "taking the light out"))
    if options.relight and weights:
        colors = _coarse(found, max(height, width))
        film, doubt = model.toned(colors, weights, device, resampled(luminance_of(pixels), backward))
    else:
        colors = resampled(pixels, backward)
        film, doubt = relight(colors) if options.relight else _as_seen(colors)
    on_progress(Progress(0.95, "turning it"))
    turning, doubtful = _turning(film, options, weights, device)
    confidence = found.sheet.confidence_at(height, width) * shown * (1 - doubt)
    glare = float((doubt[shown] > _UNSURE).mean()) if shown.any() else 1.0
    return _Flat(film, confidence, found, turning, doubtful, float(shown.mean()), glare)


def _coarse(found: Found, finest: int) -> np.ndarray:
    """The flat film (h, w, 3) as fine as its light is to be seen, but no finer than that along its longer side."""
    sheet = found.sheet.shrunk(found.seen.factor)
    return resampled(found.seen.photo, sheet.at(*sheet.size(min(_COLORS, finest))))


def _turning(
    film: np.ndarray, options: FlattenOptions, weights: Weights | None, device: torch.device
) -> tuple[Turning, bool]:
    """How the film is turned, and whether that is probably wrong."""
    as_it_lies = Turning().as_wanted(options)
    if not weights or (options.turn, options.mirror) == (Turn.NONE, Mirror.NO):
        return as_it_lies, False
    quarters, mirrored, sureness = model.upright(film, weights, weights_of_letters(), device)
    told = Turning(-quarters % 4 if mirrored else quarters, mirrored)  # the model's film is mirrored first, then turned
    if sureness >= _TURNED:
        return told.as_wanted(options), False
    return as_it_lies, sureness >= _PROBABLE and told.as_wanted(options) != as_it_lies


def _reduced(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """A photo of a size that fits into memory as floats, and how many of the given pixels each of its sides is."""
    factor = int(np.ceil(np.sqrt(pixels.shape[0] * pixels.shape[1] / _MOST)))
    return (np.array(Pillow.fromarray(pixels).reduce(factor)), float(factor)) if factor > 1 else (pixels, 1.0)


def _moved(points: np.ndarray, scale: float) -> np.ndarray:
    """Pixels of a photo as those of the same photo that is so many times finer."""
    return (points + 0.5) * scale - 0.5


def _given(options: FlattenOptions, points: Image | None) -> np.ndarray | None:
    """Where the user has the film, (R, C, 2): points rather than the corners of the options."""
    if points is None:
        return options.points()
    array = points.array
    if array.shape[2:] != (2,) or min(array.shape) < 2 or not np.isfinite(array).all():
        raise InputError(
            f"The points of the film have the shape {array.shape}; give rows x columns x 2 numbers, 2 x 2 at least."
        )
    return array.astype(np.float64)


def _size(sheet: Sheet, longest: int) -> tuple[int, int]:
    height, width = sheet.size(longest)
    shrink = min(1.0, np.sqrt(_MOST / (height * width)))
    height, width = round(height * shrink), round(width * shrink)
    if min(height, width) < 64:
        raise InputError(f"The film takes only {width} x {height} pixels; take the photo from nearer.")
    return height, width


def _as_seen(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gray of a film (h, w) in its light, and what is burnt out (h, w)."""
    return colors @ _LUMINANCE, (colors.max(axis=-1) > _BRIGHT).astype(np.float32)
