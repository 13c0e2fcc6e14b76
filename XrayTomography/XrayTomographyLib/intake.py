"""From a radiograph that a user brings to opacity as network and fusion want it (see formation). Needs no torch.

Step by step: the gray as the file has it, bone bright and without borders, lookup tables of the display and padding;
its gamma taken off; what is air made black; and what the gray says of the share of the radiation that did not pass.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Choice, check_options, option
from InverseImagingLib.xray.intake import IntakeOptions, Radiograph, take_in

_FOR_DISPLAY = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction")
_GAP = 0.25  # of the range of the other values: what lies so far from them is padding
_EDGE = 0.03  # of the picture, where air is sought
_LEAST_AIR = 0.05  # of the edge
_DARK, _EVEN = 0.25, 0.05  # gray of the air and its spread, at most
_HARDLY = 0.02  # opacity
_MOST_AIR = 0.97  # of the picture
_LONGEST = 4  # times the shorter side


class Tone(Choice):
    """What the gray of a radiograph goes with."""

    AUTO = "auto"
    LOGARITHMIC = "logarithmic"
    LINEAR = "linear"

    def label(self) -> str:
        return {
            "auto": "As the header says, else thickness",
            "logarithmic": "Thickness (film, most detectors)",
            "linear": "Opacity (raw or simulated)",
        }[self.value]


class Background(Choice):
    """How much gray counts as air."""

    AUTO = "auto"
    NONE = "none"
    MANUAL = "manual"

    def label(self) -> str:
        return {"auto": "As the edge tells", "none": "Black alone", "manual": "As set"}[self.value]


class Step(Choice):
    """What is done to a radiograph, one after the other."""

    GRAY = "gray"
    GAMMA = "gamma"
    AIR = "air"
    OPACITY = "opacity"

    def label(self) -> str:
        return {
            "gray": "As found, bone bright",
            "gamma": "Without gamma",
            "air": "Without air",
            "opacity": "Opacity",
        }[self.value]


@dataclass(frozen=True)
class OpacityOptions(IntakeOptions):
    """How a radiograph is turned into opacity."""

    gamma: float = option(1.0, "Above 1 brightens the dark parts; 0.45 takes off the 2.2 of a screen.", low=0.2, high=5)
    lut: bool = option(True, "Take off the display's window and lookup table that a DICOM header asks for.")
    background: Background = option(Background.AUTO, "How much gray counts as air.")
    air: float = option(5.0, "Up to this gray there is air, if the background is manual.", low=0, high=90, unit="%")
    tone: Tone = option(Tone.AUTO, "What the gray goes with; auto: as a DICOM header says, else thickness.")
    densest: float = option(0.9, "Opacity of what is white.", low=0.1, high=0.9999)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A radiograph as opacity.

    steps: the picture (H, W) after each step, float32, 0 to 1. radiograph: what was found out on the way.
    air: the gray, 0 to 1, up to which there is air. tone: what the gray was taken for.
    warnings: sentences for the user, those of the radiograph included.
    """

    steps: dict[Step, np.ndarray]
    radiograph: Radiograph
    air: float
    tone: Tone
    warnings: tuple[str, ...]

    @property
    def opacity(self) -> np.ndarray:
        """(H, W) float32, 0 in air, up to the opacity of the densest part."""
        return self.steps[Step.OPACITY]


def prepare(image: Image, options: OpacityOptions | None = None) -> Prepared:
    """Turn a radiograph, (1, H, W) or gray stored as color, into opacity.

    Raises InputError for what is no radiograph, and for options that leave nothing.
    """
    options = options or OpacityOptions()
    check_options(options)
    padding = _padding(image)
    radiograph = take_in(_source(image, padding, options.lut), replace(options, gamma=1.0))
    warnings = list(radiograph.warnings)
    top, bottom, left, right = radiograph.box
    padding = padding[top:bottom, left:right]
    if padding.any():
        warnings.append(f"{padding.mean():.0%} of '{image.name}' are padding around the picture, and count as air.")

    gray = radiograph.array
    linear = gray ** np.float32(1 / options.gamma)
    air = _air(linear, padding, options, image.name, warnings)
    body = np.clip((linear - air) / (1 - air), 0, 1, dtype=np.float32)
    body[padding] = 0
    tone = _tone(image, options.tone)
    opacity = options.densest * body if tone is Tone.LINEAR else 1 - (1 - options.densest) ** body
    _check_opacity(opacity, image.name, warnings)
    pictures = (gray, linear, body, opacity.astype(np.float32))
    return Prepared(dict(zip(Step, pictures, strict=True)), radiograph, air, tone, tuple(warnings))


def _padding(image: Image) -> np.ndarray:
    """Which pixels (H, W) hold a value far below or above all others that reaches the edge, as of what was not read."""
    values = image.array[0]
    none = np.zeros(values.shape[:2], bool)
    if image.is_color or values.dtype.kind not in "iuf" or image.meaning is Meaning.LABEL:
        return none
    for end in (values.min(), values.max()):
        there = values == end
        rest = values[~there].astype(np.float64)
        at_edge = there[[0, -1]].any() or there[:, [0, -1]].any()
        if at_edge and rest.size and np.abs(rest - float(end)).min() > _GAP * np.ptp(rest) > 0:
            return there
    return none


def _source(image: Image, padding: np.ndarray, without_lut: bool) -> Image:
    """The image with a middle gray for its padding, and a header that says nothing of the display."""
    if padding.any():
        array = image.array.copy()
        array[0][padding] = np.mean([array[0][~padding].min(), array[0][~padding].max()])
        image = replace(image, array=array)
    if without_lut and image.dicom is not None:
        header = copy.deepcopy(image.dicom)
        for name in _FOR_DISPLAY:
            header.pop(name, None)
        image = replace(image, dicom=header)
    return image


def _air(gray: np.ndarray, padding: np.ndarray, options: OpacityOptions, name: str, warnings: list[str]) -> float:
    """The gray up to which there is air: what the dark and even part of the edge has."""
    if options.background is not Background.AUTO:
        return options.air / 100 if options.background is Background.MANUAL else 0.0
    height, width = gray.shape
    y, x = max(int(_EDGE * height), 1), max(int(_EDGE * width), 1)
    at_edge = ~padding
    at_edge[y : height - y, x : width - x] = False
    edge = gray[at_edge]
    dark = edge[edge < _DARK]
    if dark.size > _LEAST_AIR * edge.size:
        middle = np.median(dark)
        spread = 1.48 * np.median(np.abs(dark - middle))
        if spread < _EVEN:
            return float(min(middle + 3 * spread, _DARK))
    warnings.append(
        f"No air was found at the edge of '{name}', as there is beside a head, so that black alone counts as air; set "
        "the background if it shows air elsewhere, and do not trust the depth if it shows a chest, or is a photograph."
    )
    return 0.0


def _tone(image: Image, wanted: Tone) -> Tone:
    """Source: DICOM PS3.3 C.8.11.3.1.2, Pixel Intensity Relationship."""
    if wanted is not Tone.AUTO:
        return wanted
    told = image.dicom.get("PixelIntensityRelationship") if image.dicom is not None else None
    return Tone.LINEAR if told == "LIN" else Tone.LOGARITHMIC


def _check_opacity(opacity: np.ndarray, name: str, warnings: list[str]) -> None:
    height, width = opacity.shape
    if (opacity < _HARDLY).mean() > _MOST_AIR:
        warnings.append(f"Nearly all of '{name}' is air; crop it, or set the background.")
    if max(height, width) > _LONGEST * min(height, width):
        warnings.append(f"'{name}' has {width} x {height} pixels, a strip, of which a volume is hardly to be guessed.")
