"""Frames: how two processes exchange a JSON header and raw arrays over a byte stream.

A frame is its header's length (4 bytes, big endian), the header (UTF-8 JSON) and the bytes of the arrays, one after
the other. The header's "arrays" entry lists their value types and shapes. No pickle: a frame can only hold data.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from .image import Image, Meaning

_LENGTH = struct.Struct(">I")
_MAX_HEADER = 64 << 20


class FrameError(ValueError):
    """The bytes are not a frame of ours."""


def encode(header: Mapping[str, Any], images: Mapping[str, Image] | None = None) -> list[bytes | memoryview]:
    """The chunks to write, in order. Array bytes are not copied."""
    arrays, described = [], {}
    for name, image in (images or {}).items():
        array = np.ascontiguousarray(image.array)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        described[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "ijk_to_ras": image.ijk_to_ras.tolist(),
            "meaning": image.meaning.value,
            "name": image.name,
        }
        arrays.append(array.data.cast("B"))
    text = json.dumps({**header, "images": described}).encode()
    return [_LENGTH.pack(len(text)) + text, *arrays]


class Decoder:
    """Collects bytes as they arrive, in pieces of any size, and gives back whole frames."""

    def __init__(self) -> None:
        self._header: dict[str, Any] | None = None
        self._header_length: int | None = None
        self._await(_LENGTH.size)

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Image]]]:
        """Take the next bytes; yield each frame that they complete as (header, images). Raises FrameError."""
        rest = memoryview(data)
        while len(rest) >= (missing := len(self._part) - self._filled):
            self._part[self._filled :] = rest[:missing]
            rest = rest[missing:]
            if self._header is not None:
                yield self._finish(self._header, self._part)
            elif self._header_length is None:
                (self._header_length,) = _LENGTH.unpack(self._part)
                if self._header_length > _MAX_HEADER:
                    raise FrameError(f"unreadable answer beginning with {bytes(self._part)!r}")
                self._await(self._header_length)
            else:
                self._header = _read_header(self._part)
                self._await(sum(_byte_count(d) for d in self._header["images"].values()))
        self._part[self._filled : self._filled + len(rest)] = rest
        self._filled += len(rest)

    def _await(self, size: int) -> None:
        """The next part of the frame has that many bytes. They are written to where they stay: images are large."""
        self._part, self._filled = np.empty(size, np.uint8).data, 0

    def _finish(self, header: dict[str, Any], body: memoryview) -> tuple[dict[str, Any], dict[str, Image]]:
        images, start = {}, 0
        for name, described in header.pop("images").items():
            stop = start + _byte_count(described)
            array = np.frombuffer(body[start:stop], dtype=described["dtype"]).reshape(described["shape"])
            images[name] = Image(
                array, np.array(described["ijk_to_ras"]), Meaning(described["meaning"]), described["name"]
            )
            start = stop
        self._header, self._header_length = None, None
        self._await(_LENGTH.size)
        return header, images


def _read_header(piece: memoryview) -> dict[str, Any]:
    try:
        header = json.loads(bytes(piece))
        header["images"].values()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FrameError(f"unreadable answer beginning with {bytes(piece[:40])!r}") from None
    return header


def _byte_count(described: Mapping[str, Any]) -> int:
    return int(np.dtype(described["dtype"]).itemsize * np.prod(described["shape"], dtype=np.int64))


def read_frames(stream: BinaryIO) -> Iterator[tuple[dict[str, Any], dict[str, Image]]]:
    """Whole frames from a blocking stream until it ends."""
    decoder = Decoder()
    read = getattr(stream, "read1", stream.read)
    while data := read(1 << 20):
        yield from decoder.feed(data)


def write_frame(stream: BinaryIO, header: Mapping[str, Any], images: Mapping[str, Image] | None = None) -> None:
    """Write one frame and flush it."""
    for chunk in encode(header, images):
        stream.write(chunk)
    stream.flush()
