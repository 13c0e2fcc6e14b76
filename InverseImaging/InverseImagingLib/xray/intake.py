"""From any radiograph that a user brings, a file of a detector or a picture of one, to what the methods work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import device as devices
from ..errors import InputError
from ..image import Image, Meaning
from ..method import Choice, check_options, option
from .border import SMALLEST, Box, content_box
from .polarity import bone_is_bright
from .voi import displayed

if TYPE_CHECKING:
    from pydicom import Dataset

_MODALITIES = ("CR", "DX", "RF", "XA", "RG", "IO", "PX", "MG", "SC", "OT")
_LATERAL = ("LL", "RL", "LLD", "RLD", "LATERAL", "LAT", "ML", "LM", "LLO", "RLO")
_AIR = -200  # an image with less is taken for HU, as image.read does
_BYTES_PER_PIXEL = 40
_UNNOTICED = 2**30  # bytes that are not worth asking the system about
_COLORED = 0.12  # of the range of the values, between the channels of a pixel
_MOST_COLORED = 0.01  # of the pixels: arrows and letters, not a photograph
_SCREENS = (72, 96)  # dots per inch that programs write without knowing
_SURE = 0.8
_EDGE = 0.08  # of the picture
_MOST_SATURATED = 0.03  # of the pixels at the edge


class Crop(Choice):
    """What is cut away around the picture."""

    AUTO = "auto"
    NONE = "none"
    MANUAL = "manual"

    def label(self) -> str:
        return {"auto": "Collimator and frame", "none": "Nothing", "manual": "As set"}[self.value]


class Invert(Choice):
    """Whether black and white are exchanged."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"

    def label(self) -> str:
        return {"auto": "If bone is dark", "yes": "Yes", "no": "No"}[self.value]


@dataclass(frozen=True)
class IntakeOptions:
    """How a radiograph is made ready. Percentiles count within the crop, after an inversion."""

    crop: Crop = option(Crop.AUTO, "What is cut away: collimator, letterbox and frame, nothing, or as set below.")
    crop_top: float = option(0.0, "Cut away above, if the crop is manual.", low=0, high=95, unit="%")
    crop_bottom: float = option(0.0, "Cut away below, if the crop is manual.", low=0, high=95, unit="%")
    crop_left: float = option(0.0, "Cut away on the left, if the crop is manual.", low=0, high=95, unit="%")
    crop_right: float = option(0.0, "Cut away on the right, if the crop is manual.", low=0, high=95, unit="%")
    invert: Invert = option(Invert.AUTO, "Whether black and white are exchanged; bone must be bright.")
    gamma: float = option(1.0, "Above 1 brightens the dark parts, below 1 darkens them.", low=0.2, high=5)
    low: float = option(0.5, "Percentile of the gray values that becomes black.", low=0, high=49, unit="%")
    high: float = option(99.5, "Percentile of the gray values that becomes white.", low=51, high=100, unit="%")


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A radiograph made ready.

    array: (H, W) float32, 0 to 1, bone bright.
    pixel: side of a pixel in mm, or None where it is not known.
    box: first row, end of the rows, first column, end of the columns of the source that the array shows.
    inverted: whether black and white were exchanged. confidence: of that, 0.5 (a guess) to 1; 1 where it was set.
    warnings: sentences for the user.
    """

    array: np.ndarray
    pixel: float | None
    box: Box
    inverted: bool
    confidence: float = 1.0
    warnings: tuple[str, ...] = ()

    def placed_in(self, source: Image) -> Image:
        """The radiograph as an image (1, H, W) where it lies in the source it was taken from."""
        matrix = source.ijk_to_ras.copy()
        matrix[:3, 3] += matrix[:3, :2] @ [self.box[2], self.box[0]]
        return Image(self.array[None], matrix, Meaning.DISPLAY, source.name, source.dicom)


def take_in(image: Image, options: IntakeOptions | None = None, *, frontal_only: bool = False) -> Radiograph:
    """Make a radiograph ready: gray, without borders, bone bright, 0 to 1.

    image: one plane (1, H, W), or (1, H, W, 3 or 4) for gray stored as color, as image.read or a volume node gives it.
    frontal_only: the method knows frontal views alone; a header that says lateral is refused. What a DICOM header says
    of lookup tables and windows is applied first (see voi.displayed). Squares are not made here.
    Raises InputError for what is no radiograph and for options that leave nothing.
    """
    options = options or IntakeOptions()
    check_options(options)
    warnings = _check_kind(image, frontal_only)
    gray = _gray(image, warnings)
    box = _box(gray, options, image.name)
    gray = gray[box[0] : box[1], box[2] : box[3]]
    if gray.min() == gray.max():
        raise InputError(f"'{image.name}' has one gray value in the part that the crop leaves; crop less.")
    inverted, confidence = _inversion(gray, options.crop is Crop.AUTO, image, options.invert, warnings)
    _check_edge(gray, warnings)
    pixel = _pixel(image, warnings)
    array = _scaled(-gray if inverted else gray, options)
    return Radiograph(array, pixel, box, inverted, confidence, tuple(warnings))


def _check_kind(image: Image, frontal_only: bool) -> list[str]:
    """Warnings about an image that may be a radiograph. Raises InputError for one that is none."""
    name, array = f"'{image.name}'", image.array
    header: Any = image.dicom or {}
    modality = str(header.get("Modality") or "")
    scout = modality == "CT" and "LOCALIZER" in (header.get("ImageType") or [])
    if image.meaning is Meaning.LABEL:
        raise InputError(f"{name} is a label image; choose a radiograph.")
    if modality and modality not in _MODALITIES and not scout:
        raise InputError(f"{name} is a {modality} image, not a radiograph; choose a CR or DX image, or a picture.")
    if len(array) > 1:
        raise InputError(f"{name} is a volume of {len(array)} slices, not a radiograph; choose an image of one plane.")
    _, height, width = array.shape[:3]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"{name} has {width} x {height} pixels, but a radiograph needs {SMALLEST} a side; choose a larger image."
        )
    if array.dtype.kind not in "buif":
        raise InputError(f"{name} holds {array.dtype} values; save it as an 8- or 16-bit gray image.")
    _check_memory(name, array.size)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; replace them first.")
    if array.min() == array.max():
        raise InputError(f"{name} has the same value everywhere; choose an image that shows something.")
    if image.meaning is Meaning.HU and not modality and array.min() <= _AIR:
        raise InputError(f"{name} holds HU, as a slice of a CT does, not a radiograph; choose a radiograph.")
    view = str(header.get("ViewPosition") or "").upper()
    if frontal_only and view in _LATERAL:
        raise InputError(f"{name} is a lateral view ({view}), but this needs a frontal one; choose a PA or AP view.")
    warnings = []
    if scout:
        warnings.append(f"{name} is the scout view of a CT, which is stretched otherwise than a radiograph.")
    if header.get("PresentationIntentType") == "FOR PROCESSING":
        warnings.append(f"{name} is raw data of the detector; the image made for presentation gives better results.")
    return warnings


def _check_memory(name: str, pixels: int) -> None:
    needed = _BYTES_PER_PIXEL * pixels
    if needed > _UNNOTICED:
        free = devices.free_memory(devices.choose("cpu"))
        if free is not None and needed > free:
            raise InputError(
                f"{name} needs about {needed / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free; make it smaller."
            )


def _gray(image: Image, warnings: list[str]) -> np.ndarray:
    """(H, W) float32 of any range, higher is brighter. Raises InputError for a colored picture."""
    if not image.is_color:
        try:
            shown = displayed(image)[0].astype(np.float32)
        except (ValueError, TypeError, AttributeError, IndexError):
            shown = None
        if shown is not None and shown.min() < shown.max():
            return shown
        warnings.append(f"The display window in the header of '{image.name}' shows nothing; all values are used.")
        return image.array[0].astype(np.float32)
    channels = image.array[0, ..., :3].astype(np.float32)
    spread = np.ptp(channels, axis=-1)
    share = float((spread > _COLORED * np.ptp(channels)).mean())
    if share > _MOST_COLORED:
        raise InputError(
            f"'{image.name}' is a color picture ({share:.0%} of its pixels are colored), not a radiograph; if it is a "
            "photograph of one, save it in gray first."
        )
    if share:
        warnings.append(f"'{image.name}' has colored marks, which are taken as gray.")
    gray = channels.mean(axis=-1)
    if gray.min() == gray.max():
        raise InputError(f"'{image.name}' has the same value everywhere; choose an image that shows something.")
    return gray


def _box(gray: np.ndarray, options: IntakeOptions, name: str) -> Box:
    height, width = gray.shape
    if options.crop is Crop.AUTO:
        return content_box(gray)
    box = (0, height, 0, width)
    if options.crop is Crop.MANUAL:
        box = (
            round(options.crop_top / 100 * height),
            height - round(options.crop_bottom / 100 * height),
            round(options.crop_left / 100 * width),
            width - round(options.crop_right / 100 * width),
        )
    if box[1] - box[0] < SMALLEST or box[3] - box[2] < SMALLEST:
        raise InputError(f"The crop leaves less than {SMALLEST} x {SMALLEST} pixels of '{name}'; crop less.")
    return box


def _inversion(
    gray: np.ndarray, cropped: bool, image: Image, invert: Invert, warnings: list[str]
) -> tuple[bool, float]:
    """Whether to exchange black and white, and how sure that is."""
    if invert is not Invert.AUTO:
        return invert is Invert.YES, 1.0
    if not cropped:
        top, bottom, left, right = content_box(gray)
        gray = gray[top:bottom, left:right]
    bright, confidence = bone_is_bright(gray)
    if confidence < _SURE:
        bright = _said_bright(image.dicom, bright)
        warnings.append(
            f"It is not clear whether bone is bright or dark in '{image.name}'; it was taken for "
            f"{'bright' if bright else 'dark'}: look at the picture, and set the inversion if that is wrong."
        )
    return not bright, confidence


def _said_bright(header: Dataset | None, guess: bool) -> bool:
    """What the header says of bone in the picture shown, else the guess. Source: DICOM PS3.3 C.8.11.3.1.2."""
    sign = header.get("PixelIntensityRelationshipSign") if header is not None else None
    if header is None or sign not in (1, -1) or header.get("VOILUTSequence"):
        return guess
    return (sign == -1) == (header.get("PhotometricInterpretation") != "MONOCHROME1")


def _check_edge(gray: np.ndarray, warnings: list[str]) -> None:
    height, width = gray.shape
    y, x = int(_EDGE * height), int(_EDGE * width)
    white = gray == gray.max()
    saturated = white.sum() - white[y : height - y, x : width - x].sum()
    if saturated > _MOST_SATURATED * (height * width - (height - 2 * y) * (width - 2 * x)):
        warnings.append(
            "Much of the edge is pure white, as letters and frames are; if they are none of the body, crop them."
        )


def _pixel(image: Image, warnings: list[str]) -> float | None:
    """Side of a pixel in mm where the source knows it: at the detector, as far as a header says."""
    across, down = image.spacing[:2]
    if np.allclose((across, down), 1):  # what readers set where nothing is known
        header: Any = image.dicom or {}
        given = header.get("ImagerPixelSpacing") or header.get("PixelSpacing") or ()
        if len(given) != 2:
            return None
        down, across = map(float, given)
    if image.dicom is None and any(np.isclose(across, 25.4 / dpi, rtol=5e-3) for dpi in _SCREENS):
        return None
    if not 0.99 < across / down < 1.01:
        warnings.append(
            f"The pixels of '{image.name}' are not square ({across:.3g} x {down:.3g} mm); resample it for true shapes."
        )
        return None
    return (across + down) / 2


def _scaled(gray: np.ndarray, options: IntakeOptions) -> np.ndarray:
    low, high = np.percentile(gray, [options.low, options.high])
    if low >= high:  # nearly all of it has one value
        low, high = gray.min(), gray.max()
    array = np.clip((gray - low) / (high - low), 0, 1, dtype=np.float32)
    return array if options.gamma == 1 else array ** np.float32(1 / options.gamma)
