"""From a flat film to slices in HU: the second of the method's two functions."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from InverseImagingLib import device as devices
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, ignore_progress, options_to_dict
from InverseImagingLib.models import Weights

from . import model, text, wording
from .assemble import geometry, sequence, stack
from .flatten import REMARK, VERSION
from .layout import Box, Layout, filled, find_layout
from .options import ExtractOptions, Order
from .ruler import mm_per_pixel
from .weights import weights_of
from .window import known, to_hu

if TYPE_CHECKING:
    import torch

_UNHELPED = "Tiles were not looked for, and the gray was not refined"
_UNSURE = 0.5  # confidence in a layout, below which it is in doubt
_UNLIKE = 0.1  # share by which two sources of a size may differ
_UNKNOWN = 1.0  # mm, of a spacing that nothing tells


def extract(
    film: Image,
    options: ExtractOptions,
    on_progress: OnProgress = ignore_progress,
    *,
    confidence: Image | None = None,
    tiles: Image | None = None,
) -> Result:
    """Cut a flat film into its slices, and give them HU, order and spacing.

    film: the gray of a film, (1, h, w), 0 black to 1 white, or whole numbers of 8 or 16 bits. confidence: 0 to 1, on
    its grid. tiles: where the user has them, (1, n, 4): left, top, right, bottom in film pixels; with the option layout
    all tiles row by row, without it the slices in their order. "volume" is int16 HU (K, J, I), or float32 gray
    from 0 to 1 where neither the options nor the film's text tell the window; "valid", on its grid, is 1 where the film
    can tell the value: inside the window, where no text is, and sure. Raises InputError; Cancelled passes through.
    """
    began = time.monotonic()
    options.check()
    gray = _gray(film)
    sure = None if confidence is None else _confidence(confidence, film)
    warnings: list[str] = []
    on_progress(Progress(0.0, "looking for the slices"))
    weights = weights_of(options.weights, _UNHELPED, warnings) if options.restore or tiles is None else None
    layout = _layout(gray, options, tiles, weights, warnings)
    order = sequence(layout, options.order is Order.COLUMNS, options.skipped())
    boxes = [layout.boxes[tile] for tile in order]
    on_progress(Progress(0.3, "reading the text"))
    written, lines = text.find_text(gray, layout.boxes)
    seen, marks = stack(gray, boxes), stack(written, boxes)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(text.read_texts, gray, lines)  # by another program
        slices = text.erase(seen, marks) if options.erase else seen
        if weights and options.restore:
            slices = _refined(slices, weights, options, warnings)
        texts = _read(reading, lines, warnings)
    told = wording.understand(texts)
    warnings.extend(told.warnings)
    window = _window(options, told, warnings)
    spacing = _spacing(options, told, order, gray, boxes, warnings)
    valid = known(seen, None if sure is None else stack(sure, boxes), marks)
    head_last = (told.head_last(order) is not False) != options.reverse
    grid = geometry(slices.shape, spacing.mm, head_last)
    if window.width:
        volume = Image(to_hu(slices, window.level, window.width), grid, Meaning.HU, f"{film.name} slices")
    else:
        volume = Image(slices.astype(np.float32), grid, Meaning.SCALAR, f"{film.name} slices, relative gray")
    on_progress(Progress(1.0))
    report = {
        "method": "FilmSlices",
        "version": VERSION,
        "remark": REMARK,
        "input": {"name": film.name, "shape": list(film.array.shape)},
        "settings": options_to_dict(options),
        **(weights.facts() if weights else {}),
        "layout": f"{layout.rows}x{layout.columns}",
        "layout confidence": round(layout.confidence, 3),
        "grid": [list(box) for box in layout.boxes],
        "tiles": [list(box) for box in boxes],
        "tiles from": "film" if tiles is None else "user",
        "order": [tile + 1 for tile in order],
        "head last": head_last,
        "window": {"level": window.level, "width": window.width, "from": window.source},
        "spacing mm": list(spacing.mm),
        "spacing from": dict(zip("xyz", spacing.sources, strict=True)),
        "texts": [{"tile": each.tile + 1, "box": list(each.box), "text": each.text} for each in texts],
        "valid share": round(float(valid.mean()), 4),
        "seconds": round(time.monotonic() - began, 3),
        "warnings": warnings,
    }
    return Result({"volume": volume, "valid": volume.with_array(valid, meaning=Meaning.LABEL, name="valid")}, report)


def _read(reading: Future[list[text.Text]], lines: list[text.Text], warnings: list[str]) -> list[text.Text]:
    try:
        return reading.result()
    except TimeoutError:
        warnings.append("The text was not read, as that took too long; give the window and the spacing.")
        return lines


def _refined(slices: np.ndarray, weights: Weights, options: ExtractOptions, warnings: list[str]) -> np.ndarray:
    def run(device: torch.device) -> np.ndarray:
        return model.refined(slices, weights, device).clip(0, 1)

    refined, notes = devices.run_or_fall_back(run, devices.choose(options.device.value))
    warnings.extend(notes)
    return refined


def _gray(film: Image) -> np.ndarray:
    """The film (h, w) as float32 from 0 to 1."""
    if len(film.array) > 1 or film.is_color or film.meaning in (Meaning.HU, Meaning.LABEL):
        raise InputError(f"'{film.name}' is no flat film of one gray picture; make one of the photo first.")
    values = film.array[0]
    if values.dtype.kind == "u":
        return values.astype(np.float32) / np.iinfo(values.dtype).max
    if values.dtype.kind != "f" or not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise InputError(f"The gray of '{film.name}' does not run from 0 to 1; make a flat film of the photo first.")
    return values.astype(np.float32)


def _confidence(confidence: Image, film: Image) -> np.ndarray:
    if confidence.array.shape != film.array.shape:
        raise InputError(
            f"The confidence has the shape {confidence.array.shape}, but '{film.name}' {film.array.shape}; give that "
            "which was made with the film."
        )
    return confidence.array[0].astype(np.float32)


# The layout


def _layout(
    gray: np.ndarray, options: ExtractOptions, tiles: Image | None, weights: Weights | None, warnings: list[str]
) -> Layout:
    grid = options.grid()
    if tiles is not None:
        return _given_layout(gray, grid, tiles)
    layout = find_layout(gray, model.waves(gray, weights) if weights else None, grid)
    rows, columns = layout.rows, layout.columns
    if weights and rows * columns == 1 and grid is None:
        warnings.append(
            "The film looks like one picture, such as a radiograph, and is taken as one slice; if it has rows and "
            "columns of slices, give the layout."
        )
    elif layout.confidence < _UNSURE:
        warnings.append(f"The layout of {rows} x {columns} slices is in doubt; look whether the tiles meet the slices.")
    return layout


def _given_layout(gray: np.ndarray, grid: tuple[int, int] | None, tiles: Image) -> Layout:
    if tiles.array.shape[::2] != (1, 4) or not np.isfinite(tiles.array).all():
        raise InputError(f"The tiles have the shape {tiles.array.shape}; give 1 x number of tiles x 4 numbers.")
    count = tiles.array.shape[1]
    rows, columns = grid or (1, count)
    if rows * columns != count:
        raise InputError(f"There are {count} tiles, but the layout is {rows} x {columns}; give as many as it has.")
    boxes = _alike(tiles.array[0].astype(np.float64), gray.shape)
    return Layout(rows, columns, boxes, filled(gray, boxes) if grid else (True,) * count, 1.0)


def _alike(tiles: np.ndarray, shape: tuple[int, ...]) -> tuple[Box, ...]:
    """Boxes of the tiles (n, 4), of the one size that is usual among them, within the film."""
    height, width = shape
    size = np.median(tiles[:, 2:] - tiles[:, :2], axis=0).round().astype(int)
    if min(size) < 16 or size[0] > width or size[1] > height:
        raise InputError(f"Tiles of {size[0]} x {size[1]} pixels do not fit the film of {width} x {height}; move them.")
    middles = (tiles[:, 2:] + tiles[:, :2]) / 2
    starts = (middles - size / 2).round().astype(int).clip(0, np.array([width, height]) - size)
    return tuple((int(x), int(y), int(x + size[0]), int(y + size[1])) for x, y in starts)


# What the text, the ruler and the user tell


@dataclass(frozen=True)
class _Window:
    level: float
    width: float  # 0: unknown
    source: str


def _window(options: ExtractOptions, told: wording.Wording, warnings: list[str]) -> _Window:
    read = None if told.level is None or told.width is None else _Window(told.level, told.width, "text")
    if options.width:
        if read and (read.level, read.width) != (options.level, options.width):
            warnings.append(f"The text tells a window of {read.level:g} / {read.width:g} HU, not that of the options.")
        return _Window(options.level, options.width, "user")
    if read:
        return read
    no_reader = "" if text.can_read() else " (to have its text read, install pytesseract and Tesseract)"
    warnings.append(
        f"The window of the film is not known{no_reader}, so that the volume holds gray from 0 to 1, no HU; give level "
        "and width."
    )
    return _Window(0.0, 0.0, "none")


@dataclass(frozen=True)
class _Spacing:
    mm: tuple[float, float, float]
    sources: tuple[str, str, str]


def _spacing(
    options: ExtractOptions,
    told: wording.Wording,
    order: list[int],
    gray: np.ndarray,
    boxes: list[Box],
    warnings: list[str],
) -> _Spacing:
    """Along I, J and K: of the user, else of the ruler, else of the text, which tells of the scan, not of the print."""
    left, _, right, _ = boxes[0]
    by_text = told.across / (right - left) if told.across else None
    by_ruler = mm_per_pixel(gray, boxes)
    if by_text and by_ruler and abs(by_text / by_ruler - 1) > _UNLIKE:
        warnings.append(
            f"A pixel has {by_ruler:.3g} mm by the ruler, but {by_text:.3g} mm by the text; check the size."
        )
    sources: list[dict[str, float | None]] = [
        {"user": options.spacing_x or options.spacing_y, "ruler": by_ruler, "text": by_text},
        {"user": options.spacing_y or options.spacing_x, "ruler": by_ruler, "text": by_text},
        {"user": options.spacing_z, "text": told.spacing(order)},
    ]
    chosen = [next(((name, mm) for name, mm in each.items() if mm), ("unknown", _UNKNOWN)) for each in sources]
    for name, which in ((chosen[0][0], "size of a pixel"), (chosen[2][0], "distance from slice to slice")):
        if name == "unknown":
            warnings.append(f"The {which} is not known, and stands at {_UNKNOWN:g} mm; give the spacing.")
    (x, a), (y, b), (z, c) = chosen
    return _Spacing((a, b, c), (x, y, z))
