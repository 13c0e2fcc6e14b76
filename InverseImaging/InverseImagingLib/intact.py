"""Whether an image file is complete: the checks that ITK leaves out, so that nobody restores a half-black picture."""

from __future__ import annotations

import gzip
import math
import os
import struct
from pathlib import Path

import SimpleITK as sitk  # noqa: N813

_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TIFF_NUMBERS = {3: "H", 4: "I", 16: "Q"}


def check_complete(path: Path, header: sitk.ImageFileReader) -> None:
    """Raise EOFError when the file ends too early.

    NRRD, MetaImage and PNG files need no look here: ITK refuses short ones by itself.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        _check_nifti(path, header)
    elif name.endswith((".jpg", ".jpeg")):
        _check_jpeg(path)
    elif name.endswith((".tif", ".tiff")):
        _check_tiff(path)


def _check_nifti(path: Path, header: sitk.ImageFileReader) -> None:
    shape = [int(header.GetMetaData(f"dim[{axis}]")) for axis in range(1, int(header.GetMetaData("dim[0]")) + 1)]
    bits = math.prod(shape) * int(header.GetMetaData("bitpix"))
    needed = int(float(header.GetMetaData("vox_offset"))) + bits // 8
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(-4, os.SEEK_END)
        (unpacked_size,) = struct.unpack("<I", stream.read(4))
    if not packed:
        available = path.stat().st_size
    elif unpacked_size == needed % 2**32:
        return
    else:  # several gzip members, bytes after the image, or cut off: only unpacking tells
        available = 0
        with gzip.open(path) as stream:
            while block := stream.read(1 << 20):
                available += len(block)
    if available < needed:
        raise EOFError


def _check_jpeg(path: Path) -> None:
    data = path.read_bytes()
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):  # the last scan has no end mark after it
        raise EOFError


def _check_tiff(path: Path) -> None:
    """Walk the chain of pages (TIFF 6.0 and BigTIFF) and see that each page and its pixels lie within the file."""
    end = path.stat().st_size
    with path.open("rb") as stream:

        def take(form: str, position: int) -> tuple[int, ...]:
            form = order + form
            stream.seek(position)
            data = stream.read(struct.calcsize(form))
            if len(data) < struct.calcsize(form):
                raise EOFError
            return struct.unpack(form, data)

        order = "<" if stream.read(2) == b"II" else ">"
        big = take("H", 2)[0] == 43
        count_form, word, entry_size = ("Q", "Q", 20) if big else ("H", "I", 12)
        word_size = struct.calcsize(order + word)
        page = take(word, 8 if big else 4)[0]
        seen: set[int] = set()
        while page and page not in seen:
            seen.add(page)
            (count,) = take(count_form, page)
            first = page + struct.calcsize(order + count_form)
            values: dict[int, tuple[int, ...]] = {}
            for entry in range(first, first + count * entry_size, entry_size):
                tag, kind, number = take("HH" + word, entry)
                place = entry + 4 + word_size
                size = _TIFF_SIZES.get(kind, 1) * number
                if size > word_size:
                    (place,) = take(word, place)
                if place + size > end:
                    raise EOFError
                if tag in (273, 279, 324, 325):  # offsets and byte counts of strips or tiles
                    values[tag] = take(f"{number}{_TIFF_NUMBERS.get(kind, 'I')}", place)
            for offsets, counts in ((273, 279), (324, 325)):
                for offset, length in zip(values.get(offsets, ()), values.get(counts, ()), strict=False):
                    if offset + length > end:
                        raise EOFError
            (page,) = take(word, first + count * entry_size)
