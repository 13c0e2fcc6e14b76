"""Lines of text among the strokes of a tile. Needs no torch."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

Line = tuple[slice, slice]  # its rows and columns

# Shares of a tile's height
_LETTER = 0.012, 0.085  # the lowest and the highest
_LONGEST = 0.2  # what is longer in one piece is a ruler or a frame
_WORDS = 0.055  # the widest gap between two words
_BETWEEN = 0.3  # of the fullest row of letters: how full one between two lines is at most


def lines_of(strokes: np.ndarray) -> list[Line]:
    """Where the lines of text are among strokes (h, w), bool: those on the left first, and the upper ones of these."""
    height = len(strokes)
    labels, _ = ndimage.label(strokes, np.ones((3, 3)))
    letters = strokes.copy()
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        if max(side.stop - side.start for side in place) > _LONGEST * height:
            letters[place][labels[place] == number] = False
    gap = max(round(_WORDS * height), 2)
    wide = ndimage.maximum_filter1d(np.pad(letters, ((0, 0), (gap, gap))).view(np.uint8), gap | 1, axis=1)
    joined = ndimage.minimum_filter1d(wide, gap | 1, axis=1)[:, gap:-gap]
    blobs, _ = ndimage.label(joined, np.ones((3, 3)))
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(blobs), 1):
        blob = letters[rows, columns] & (blobs[rows, columns] == number)
        single = ndimage.label(blob, np.ones((3, 3)))[1] == 1
        for start, stop in [(0, len(blob))] if single else _rows(blob.sum(axis=1), _LETTER[0] * height):
            if _LETTER[0] * height <= stop - start <= _LETTER[1] * height:
                there = np.flatnonzero(blob[start:stop].any(axis=0)) + columns.start
                row = rows.start + start, rows.start + stop
                found.append((slice(*row), slice(int(there[0]), int(there[-1]) + 1)))
    return sorted(found, key=lambda line: (line[1].start + line[1].stop > strokes.shape[1], line[0].start))


def _rows(filled: np.ndarray, lowest: float) -> list[tuple[int, int]]:
    """From which row to which lines run that may touch each other, by how many strokes each row has."""
    least = max(round(lowest), 1)
    between = filled[least:-least]
    if not between.size or between.min() > _BETWEEN * filled.max():
        return [(0, len(filled))]
    cut = least + int(between.argmin())
    return _rows(filled[:cut], lowest) + [(cut + a, cut + b) for a, b in _rows(filled[cut:], lowest)]
