"""Surroundings from Radiance files (.hdr), for light that films mirror and are held against."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.errors import InputError

_ROWS = 96  # of what is kept


def surroundings(folder: Path) -> list[np.ndarray]:
    """The equirectangular pictures in a folder, linear, (3, n, 2n) float32, whose mean is 1. Raises InputError."""
    found = []
    for path in sorted(folder.glob("*.hdr")):
        whole = torch.from_numpy(read_hdr(path)).permute(2, 0, 1)[None]
        small = functional.interpolate(whole, (_ROWS, 2 * _ROWS), mode="area")[0]
        found.append((small / small.mean()).numpy())
    return found


def read_hdr(path: Path) -> np.ndarray:
    """A Radiance picture (H, W, 3), float32, linear. Raises InputError.

    Source: G. Ward. Real Pixels. Graphics Gems II, 1991: bytes of red, green, blue and a common exponent, each row's
    bytes of one kind in runs.
    """
    data = path.read_bytes()
    head = re.match(rb"#\?.*?\n\n-Y (\d+) \+X (\d+)\n", data, re.DOTALL)
    if not head:
        raise InputError(f"'{path}' is no Radiance picture (.hdr) that stands upright; save it anew as one.")
    height, width = int(head[1]), int(head[2])
    rows = np.empty((height, 4, width), np.uint8)
    try:
        at = head.end()
        for row in rows:
            at = _read_row(data, at, row)
    except (IndexError, ValueError):
        raise InputError(f"'{path}' is damaged, or not stored in runs; save it anew.") from None
    scale = np.ldexp(1.0, rows[:, 3].astype(int) - 136)
    return (rows[:, :3] * scale[:, None]).transpose(0, 2, 1).astype(np.float32)


def _read_row(data: bytes, at: int, row: np.ndarray) -> int:
    """Read a row (4, W) from a place on; returns the next row's."""
    width = row.shape[1]
    if data[at : at + 4] != bytes((2, 2, width >> 8, width & 255)):
        raise ValueError("no runs")
    at += 4
    for kind in row:
        x = 0
        while x < width:
            count = data[at]
            if count > 128:
                kind[x : x + count - 128] = data[at + 1]
                x, at = x + count - 128, at + 2
            else:
                kind[x : x + count] = np.frombuffer(data, np.uint8, count, at + 1)
                x, at = x + count, at + 1 + count
    return at
