"""Text, rulers and marks on the tiles of a film: found, read where tesseract is installed, erased.

Needs no torch.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.transform import downscale_local_mean

from .assemble import stack
from .layout import Box
from .lines import Line, lines_of
from .repeated import repeated

# Shares of a tile's height
_STROKE = 0.016  # the widest
_RIM = 0.09  # where lines begin or end, from the tile's sides
_RULER = 0.2  # the shortest
_CONTRAST = 0.12  # the least, of gray
_TALLEST = 480  # pixels of a tile that is looked at
_READ = 64  # pixels of a line's height when it is read
_MOST_LINES = 120  # that are read: more say nothing new
_LIMIT = "OMP_THREAD_LIMIT"
_SECONDS = 10.0  # that reading takes at most


@dataclass(frozen=True)
class Text:
    """A line of text: on which tile (an index into the boxes), its box in film pixels, and what it says, "" where it
    is not read."""

    tile: int
    box: Box
    text: str = ""


def find_text(film: np.ndarray, boxes: Sequence[Box]) -> tuple[np.ndarray, list[Text]]:
    """Where text, rulers and marks are on the tiles of a film (h, w), bool; and the lines of text, not read.

    boxes: of one size.
    """
    mask, lines = np.zeros(film.shape, bool), []
    slices = stack(film, boxes)
    step = -(-slices.shape[1] // _TALLEST)
    rest = [(0, -side % step) for side in slices.shape[1:]]
    small = downscale_local_mean(np.pad(slices, [(0, 0), *rest], "edge"), (1, step, step))
    with ThreadPoolExecutor() as pool:
        strokes = np.stack(list(pool.map(_brighter, small)))
        tiles = list(pool.map(_on_tile, strokes, repeated(strokes)))
    for tile, ((left, top, right, bottom), (marks, found)) in enumerate(zip(boxes, tiles, strict=True)):
        marks = marks.repeat(step, axis=0).repeat(step, axis=1)
        mask[top:bottom, left:right] = marks[: bottom - top, : right - left]
        for y, x in found:
            ends = min(left + x.stop * step, right), min(top + y.stop * step, bottom)
            lines.append(Text(tile, (left + x.start * step, top + y.start * step, *ends)))
    return mask, lines


def strokes_of(tile: np.ndarray) -> np.ndarray:
    """What is thin and bright on a tile (h, w), bool: letters and rulers, but edges of bones, too."""
    return _clear(_brighter(tile))


def _brighter(tile: np.ndarray) -> np.ndarray:
    """By how much each pixel of a tile (h, w) is brighter than what is around, if that is no wider than a stroke."""
    return tile - ndimage.grey_opening(tile, 2 * (_width(tile.shape[0]),))


def _clear(strokes: np.ndarray) -> np.ndarray:
    return strokes > max(_CONTRAST, 0.4 * np.quantile(strokes, 0.995))


def erase(slices: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of slices (K, J, I) with what is masked filled in smoothly from around it.

    By pulling means of what is known to ever coarser levels, and pushing them back. Source: S. Gortler and others, The
    lumigraph, SIGGRAPH 1996, section 3.4.
    """
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(_erased, slices, mask)))


def _erased(page: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return _filled(np.where(mask, 0, page).astype(np.float32), (~mask).astype(np.float32))


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values (h, w) wherever they are not wholly known, 0 to 1."""
    if known.min() == 1 or max(values.shape) == 1:
        return values
    weights, sums = _halved(known), _halved(values * known)
    coarser = _filled(sums / np.maximum(weights, 1e-6), np.minimum(weights, 1))
    return known * values + (1 - known) * _doubled(coarser)[: values.shape[0], : values.shape[1]]


def _halved(values: np.ndarray) -> np.ndarray:
    """Sums of blocks of 2 x 2 values."""
    even = np.pad(values, [(0, side % 2) for side in values.shape])
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _doubled(values: np.ndarray) -> np.ndarray:
    """Values on a grid that is twice as fine, linear between."""
    for axis in range(2):
        around = np.pad(values, [(1, 1) if each == axis else (0, 0) for each in range(2)], "edge")
        before, here, after = (around.take(range(n, n + values.shape[axis]), axis) for n in range(3))
        values = np.stack([0.75 * here + 0.25 * before, 0.75 * here + 0.25 * after], axis + 1)
        values = values.reshape(2 * len(here) if axis == 0 else len(here), -1)
    return values


def can_read() -> bool:
    """Whether tesseract and its Python package are installed."""
    return importlib.util.find_spec("pytesseract") is not None and shutil.which("tesseract") is not None


def read_texts(film: np.ndarray, lines: Sequence[Text]) -> list[Text]:
    """What lines of text say, in the order of the lines; as they are where tesseract is not installed.

    Raises TimeoutError when that takes too long, as it does for what looks like text and is none.
    """
    if not lines or not can_read():
        return list(lines)
    pytesseract = importlib.import_module("pytesseract")
    from PIL import Image

    chosen = lines[:_MOST_LINES]
    page, starts = _page(film, chosen)
    kind = pytesseract.Output.DICT
    try:
        with _one_thread():
            data = pytesseract.image_to_data(
                Image.fromarray(page), config="--psm 6", output_type=kind, timeout=_SECONDS
            )
    except RuntimeError as error:
        raise TimeoutError("Reading took too long.") from error
    words: list[list[str]] = [[] for _ in chosen]
    for word, top, height in zip(data["text"], data["top"], data["height"], strict=True):
        if word.strip():
            words[int(np.searchsorted(starts, top + height / 2, side="right")) - 1].append(word)
    read = [Text(line.tile, line.box, " ".join(said)) for line, said in zip(chosen, words, strict=True)]
    return read + list(lines[_MOST_LINES:])


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Tesseract is several times faster with one thread than with those that its OpenMP takes."""
    before = os.environ.get(_LIMIT)
    os.environ[_LIMIT] = "1"
    try:
        yield
    finally:
        os.environ.pop(_LIMIT)
        if before is not None:
            os.environ[_LIMIT] = before


def _on_tile(strokes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, list[Line]]:
    """Text, rulers and marks (bool) of a tile by its strokes (h, w) and those that are known to be such; and the lines
    of text."""
    height = len(strokes)
    bright, kept = _clear(strokes), known.copy()
    labels, _ = ndimage.label(bright, np.ones((3, 3)))
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        sides = [side.stop - side.start for side in place]
        if max(sides) > _RULER * height and min(sides) < 0.1 * height and _at_rim(place, strokes.shape):
            kept[place] |= labels[place] == number
    for place in lines_of(bright):
        if _at_rim(place, strokes.shape):
            kept[place] |= bright[place]
    return ndimage.binary_dilation(kept, iterations=max(_width(height) * 2 // 3, 2)), lines_of(kept)


def _width(height: int) -> int:
    """Pixels that strokes are narrower than, on a tile of this height."""
    return max(int(_STROKE * height) | 1, 3)


def _at_rim(place: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    rim = _RIM * shape[0]
    return any(side.start < rim or side.stop > size - rim for side, size in zip(place, shape, strict=True))


def _page(film: np.ndarray, lines: Sequence[Text]) -> tuple[np.ndarray, np.ndarray]:
    """Lines of text below each other, black on white (uint8) and alike in height, and the row where each begins."""
    strips = []
    for line in lines:
        left, top, right, bottom = line.box
        around = max((bottom - top) // 4, 2)
        strip = film[max(top - around, 0) : bottom + around, max(left - around, 0) : right + around]
        strip = ndimage.zoom(strip, _READ / strip.shape[0], order=3)
        strip -= ndimage.grey_opening(strip, (_READ // 2, _READ // 2))  # what is behind
        low, high = np.quantile(strip, [0.2, 0.99])
        strips.append(np.rint(255 * (1 - ((strip - low) / max(high - low, 1e-3)).clip(0, 1))).astype(np.uint8))
    gap = _READ // 3
    page = np.full(
        (sum(len(strip) + gap for strip in strips), max(strip.shape[1] for strip in strips) + 2 * gap), 255, np.uint8
    )
    starts = np.cumsum([0] + [len(strip) + gap for strip in strips])[:-1]
    for start, strip in zip(starts, strips, strict=True):
        page[start + gap // 2 : start + gap // 2 + len(strip), gap : gap + strip.shape[1]] = strip
    return page, starts
