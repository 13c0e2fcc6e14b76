"""The words on exported pictures that say what made them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from .errors import InputError

LABEL = "synthesized"
NOTE = "Synthesized from one radiograph by a network. For research only, not for clinical use."
_START = b"\x89PNG\r\n\x1a\n"
_HEADER = 33  # bytes of a PNG up to the end of its first chunk
_HEIGHT, _LEAST = 0.035, 9  # of the letters: share of the picture's height, and pixels


def labelled(picture: np.ndarray, words: str = LABEL) -> np.ndarray:
    """A picture (H, W), or (H, W, 3) of colors, with words in its lower right corner, in its brightest
    value on its darkest."""
    height, width = picture.shape[:2]
    font = ImageFont.load_default(max(_LEAST, _HEIGHT * height))
    left, top, right, bottom = font.getbbox(words, "1")
    tag = Pillow.new("1", (min(int(right - left) + 4, width), min(int(bottom - top) + 4, height)))
    ImageDraw.Draw(tag).text((2 - left, 2 - top), words, fill=1, font=font)
    result, letters = picture.copy(), np.asarray(tag)
    corner = result[height - tag.height :, width - tag.width :]
    corner[letters], corner[~letters] = picture.max(), picture.min()
    return result


def note(path: Path, text: str = NOTE) -> None:
    """Write into a PNG file, beside its pixels, what it is. Raises InputError for any other file."""
    data = path.read_bytes()
    if not data.startswith(_START):
        raise InputError(f"'{path.name}' is no PNG file, so that no note can be put into it; name one that is.")
    content = b"tEXtComment\0" + text.encode("latin-1")
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    path.write_bytes(data[:_HEADER] + chunk + data[_HEADER:])
