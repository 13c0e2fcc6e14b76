"""Large pictures in overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator

Tile = tuple[tuple[slice, slice], tuple[slice, slice], tuple[slice, slice]]


def tiles(shape: tuple[int, int], size: int, overlap: int) -> Iterator[Tile]:
    """Cover a (H, W) picture: the part to read, the part of what was read to keep, and where to put it."""
    for rows in _spans(shape[0], size, overlap):
        for columns in _spans(shape[1], size, overlap):
            read, keep, put = zip(rows, columns, strict=True)
            yield read, keep, put


def tile_count(shape: tuple[int, int], size: int) -> int:
    return -(-shape[0] // size) * -(-shape[1] // size)


def _spans(length: int, size: int, overlap: int) -> Iterator[tuple[slice, slice, slice]]:
    for start in range(0, length, size):
        stop = min(start + size, length)
        first, last = max(start - overlap, 0), min(stop + overlap, length)
        yield slice(first, last), slice(start - first, stop - first), slice(start, stop)
