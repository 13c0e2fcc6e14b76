"""Photos of films: files as phones and scanners write them, and the pixels of a photo that a volume holds.

Needs no torch.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

LUMINANCE = (0.299, 0.587, 0.114)  # share of red, green and blue of sRGB as coded, by ITU-R BT.601
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif")

_LEAST = 200  # pixels along the shorter side, with which no slice could be read
_MOST = 250e6  # pixels that fit into memory
_BAND = 64  # rows
_HEIF = (".heic", ".heif")
_ORIENTATION = 0x0112  # tag of EXIF
_UPRIGHT = {  # what turns a picture of that orientation upright (EXIF 2.32, 4.6.4)
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def read(path: str | os.PathLike[str]) -> Image:
    """Read a photo as uint8 sRGB (1, H, W, 3), turned as its EXIF orientation says.

    JPEG, PNG and TIFF; HEIC where the package pillow-heif is installed. What it is, is told by its content, not by its
    name. Raises InputError for what is no picture, is damaged, has several pages, or has more than 250 megapixels.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no photo '{path}'; check the path.")
    if path.suffix.lower() in _HEIF:
        _learn_heif(path)
    with _opened(path) as picture:
        width, height = picture.size
        if width * height > _MOST:
            raise InputError(
                f"'{path.name}' has {width * height / 1e6:.0f} megapixels, more than the {_MOST / 1e6:.0f} that can be "
                "read; save it smaller."
            )
        if picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1:
            raise InputError(f"'{path.name}' has several pages; save each film as its own file.")
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError, EOFError):
            raise InputError(f"'{path.name}' is damaged or incomplete; copy it again.") from None
        upright = _upright(picture)
        pixels = np.array(upright if upright.mode.startswith(("I", "F", "RGB")) else upright.convert("RGB"))
    return Image(_in_color(_in_bytes(pixels, path.name))[None], meaning=Meaning.RGB, name=path.stem)


def pixels_of(photo: Image) -> np.ndarray:
    """The pixels (H, W, 3) uint8 of a photo, which may also be gray, or have 16 bits or an opacity.

    Raises InputError for what is no photo, and for one that is too small to show a film.
    """
    if len(photo.array) > 1 or photo.meaning in (Meaning.HU, Meaning.LABEL):
        raise InputError(f"'{photo.name}' is no photo but a volume; choose the photo of a CT film.")
    pixels = photo.array[0]
    height, width = pixels.shape[:2]
    if min(height, width) < _LEAST:
        raise InputError(
            f"'{photo.name}' has only {width} x {height} pixels, in which no slice can be told; take a photo of 1000 "
            "pixels or more along each side."
        )
    if height * width > _MOST:
        raise InputError(f"'{photo.name}' has {height * width / 1e6:.0f} megapixels; save it smaller.")
    return _in_color(_in_bytes(pixels, photo.name))


def luminance_of(pixels: np.ndarray) -> np.ndarray:
    """The luminance (H, W), as coded, 0 to 1, of pixels (H, W, 3) of bytes."""
    found, shares = np.empty(pixels.shape[:2], np.float32), np.array(LUMINANCE, np.float32) / 255
    for top in range(0, len(found), _BAND):  # which fits into the processor's cache
        np.matmul(pixels[top : top + _BAND].astype(np.float32), shares, out=found[top : top + _BAND])
    return found


def _in_bytes(pixels: np.ndarray, name: str) -> np.ndarray:
    """Pixels of 8 bits. Scanners write 12 bits as 16, of which the upper four are empty."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "iu" or pixels.min() < 0 or pixels.max() > 65535:
        raise InputError(f"'{name}' has values that are no gray or color of 8 or 16 bits; save it as JPEG or PNG.")
    return (pixels >> (8 if pixels.max() > 4095 else 4 if pixels.max() > 255 else 0)).astype(np.uint8)


def _in_color(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., :3])


def _upright(picture: Pillow.Image) -> Pillow.Image:
    orientation = 1
    with contextlib.suppress(Exception):  # whatever damaged EXIF leads to
        orientation = picture.getexif().get(_ORIENTATION, 1)
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Pillow.Image]:
    """The picture in a file, its pixels not read yet."""
    largest, Pillow.MAX_IMAGE_PIXELS = Pillow.MAX_IMAGE_PIXELS, None  # whose limit lies below what phones take
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(path) as picture:
                yield picture
    except UnidentifiedImageError:
        raise InputError(
            f"'{path.name}' is damaged or no picture; choose a photo as JPEG, PNG, TIFF or HEIC."
        ) from None
    except OSError as error:
        raise InputError(f"'{path.name}' cannot be read ({error.strerror or error}); copy it again.") from None
    finally:
        Pillow.MAX_IMAGE_PIXELS = largest


def _learn_heif(path: Path) -> None:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise InputError(
            f"'{path.name}' needs the Python package pillow-heif; install it, or save the photo as JPEG."
        ) from None
