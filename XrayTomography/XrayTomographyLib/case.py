"""One radiograph on its way to a volume: made ready, with a network's guess behind it and a place in the patient."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from InverseImagingLib import device as devices
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, check_options, options_to_dict
from InverseImagingLib.models import Weights, find_weights, load_weights, own_weights

from .formation import Frame
from .guess import PLANES, Guess, guess
from .intake import OpacityOptions, Prepared, Step, prepare
from .networks import VolumeNet
from .options import USUAL_SIZE, Facing, TomographyOptions

VERSION = "1.0"
DRAFT_SIZE = 128  # pixels along the longer side
WEIGHTS = "volume"  # their name in a bundle
_USUAL_FIELD = 240.0  # mm, of a head
_MAGNIFICATION = 0.9  # of the detector's pixels, in the middle of the body
_BLACK, _STEP, _MOST_STEPS = 0.15, 0.25, 0.2  # of gray; steps between pixels beside each other, for each not black
_MOST_WHITE = 0.1  # of the pixels
_KNOWN_PARTS = ("HEAD", "SKULL", "FACE", "FACIAL", "JAW", "MAXILLA", "MANDIBLE", "SINUS", "ORBIT", "ZYGOMA", "NECK")
_UNEXPLAINED = 1e-4  # of opacity
_USUAL_LEVEL = "90"  # percent


@dataclass(frozen=True, eq=False)
class Case:
    """A radiograph with the guess behind it. warnings: what the user is to read, to which more may be added."""

    image: Image
    options: TomographyOptions
    prepared: Prepared
    guess: Guess
    weights: Weights
    device: torch.device
    began: float
    warnings: list[str]

    @property
    def size(self) -> int:
        """Pixels along the longer side of the volume that is wanted."""
        size = self.options.size or min(max(self.guess.opacity.shape), USUAL_SIZE)
        return min(size, DRAFT_SIZE) if self.options.draft else size

    @property
    def side(self) -> float:
        """Of the cube, in mm: the field given, else what the pixels tell, else the usual one."""
        pixel = self.prepared.radiograph.pixel
        return self.options.field or (max(self.guess.opacity.shape) * pixel * _MAGNIFICATION if pixel else _USUAL_FIELD)

    @property
    def facing(self) -> Facing:
        """The side of the patient that is seen."""
        return self.options.facing.settled(_header(self.image, "ViewPosition"))

    def place(self, rows: int, columns: int) -> np.ndarray:
        """4 x 4: voxels (I, J, K) of a volume with so many rows and columns to RAS."""
        return Frame(self.side, (rows, PLANES, columns)).facing(self.facing.azimuth)

    def in_patient(self, values: torch.Tensor, name: str) -> Image:
        """Values (K, PLANES, I) of the cube as an image."""
        array = values.numpy()
        place = self.place(array.shape[0], array.shape[2])
        return Image(array, place, Meaning.SCALAR, self.named(name), self.image.dicom)

    def on_radiograph(self, pictures: np.ndarray, pixels: int, name: str) -> Image:
        """Pictures (V, H, W), or (V, H, W, 3) of colors, around the middle of the radiograph, of which so many of their
        pixels are the longer side."""
        source = self.prepared.radiograph.placed_in(self.image)
        shape = np.array(source.array.shape[1:])
        scale = max(shape) / pixels
        matrix = source.ijk_to_ras.copy()
        corner = (shape - scale * np.array(pictures.shape[1:3]) + scale - 1) / 2
        matrix[:3, 3] += matrix[:3, :2] @ corner[::-1]
        matrix[:3, :2] *= scale
        return source.with_array(
            pictures,
            ijk_to_ras=matrix,
            meaning=Meaning.RGB if pictures.ndim == 4 else Meaning.SCALAR,
            name=self.named(name),
        )

    def named(self, name: str) -> str:
        return f"{self.image.name} {name} (estimate)".strip()

    def report(self, residual: torch.Tensor) -> dict[str, Any]:
        """How the volume was made, and how well it shows the radiograph: residual (H, W)."""
        apart = residual.abs().double()
        return {
            "method": "X-ray Tomography",
            "version": VERSION,
            "input": self.image.name,
            "settings": options_to_dict(self.options),
            **self.weights.facts(),
            "facing": self.facing.value,
            "field": round(self.side, 1),
            "size": list(residual.shape),
            "inverted": self.prepared.radiograph.inverted,
            "crop": list(self.prepared.radiograph.box),
            "tone": self.prepared.tone.value,
            "air": round(self.prepared.air, 4),
            "white": round(_white(self.prepared), 4),
            "unexplained": round(float((apart > _UNEXPLAINED).double().mean()), 6),
            "largest residual": float(f"{float(apart.max()):.3g}"),
            **_expected(self.weights),
            "reprojection PSNR": round(-10 * float(np.log10(max(float((apart**2).mean()), 1e-14))), 2),
            "device": devices.describe(self.device),
            "seconds": round(time.monotonic() - self.began, 3),
            "warnings": list(self.warnings),
        }


def begin(image: Image, options: TomographyOptions, on_progress: OnProgress) -> Case:
    """Make a radiograph ready and guess what is behind it. What a panel's sliders do not change is kept.

    Raises InputError; Cancelled passes through.
    """
    began = time.monotonic()
    check_options(options)
    weights = _weights(options.weights)
    on_progress(Progress(0.0, "preparing the radiograph"))
    prepared = _prepared(image, options.intake())
    on_progress(Progress(0.2, "guessing the depth"))
    device = devices.choose(options.device.value)
    found, notes = _guessed(prepared, weights, device)
    warnings = [*prepared.warnings, *_doubts(image, prepared), *notes]
    if not options.field and not prepared.radiograph.pixel:
        warnings.append(
            f"How large the pixels of '{image.name}' are is not known; lengths in the volume go by a field of "
            f"{_USUAL_FIELD:g} mm: set the field."
        )
    return Case(image, options, prepared, found, weights, device, began, warnings)


def _doubts(image: Image, prepared: Prepared) -> list[str]:
    """What speaks against a radiograph of a head."""
    doubts = []
    gray = prepared.radiograph.array
    steps = sum(int((np.abs(np.diff(gray, axis=axis)) > _STEP).sum()) for axis in (0, 1))
    if steps > _MOST_STEPS * (gray > _BLACK).sum():
        doubts.append(
            f"'{image.name}' is full of sharp edges, as text and drawings are and radiographs are not; if it is one of "
            "these, choose another picture."
        )
    elif _white(prepared) > _MOST_WHITE:
        doubts.append(
            f"{_white(prepared):.0%} of '{image.name}' are pure white, so that how much is there is not known; the "
            "radiograph before it was cut to 8 bits or windowed gives better results."
        )
    part = _header(image, "BodyPartExamined").upper()
    if part and not any(known in part for known in _KNOWN_PARTS):
        doubts.append(f"The header says {part}, but the model knows heads above all; do not trust the depth.")
    return doubts


def _white(prepared: Prepared) -> float:
    """Share of the pixels of which it is not known how much is there."""
    return float((prepared.steps[Step.GRAY] >= 1).mean())


def _header(image: Image, keyword: str) -> str:
    return str(image.dicom.get(keyword) or "") if image.dicom is not None else ""


def _expected(weights: Weights) -> dict[str, Any]:
    """How far the true densities lie from the volume, if the metadata of the weights tell: "intervals" among the
    settings holds, by percent of the voxels, multiples of the uncertainty; see evaluation.calibration."""
    intervals = weights.settings.get("intervals")
    if not intervals:
        return {}
    sentence = (
        f"In {_USUAL_LEVEL} of 100 voxels the true density is expected within {intervals[_USUAL_LEVEL]:.1f} times the "
        "uncertainty."
    )
    return {"intervals": dict(intervals), "expected": sentence}


def _weights(path: str) -> Weights:
    """The user's own, or those of the model. Raises InputError."""
    if not path:
        return find_weights("XrayTomography", WEIGHTS)
    own = Path(path).expanduser()
    return _own_weights(own, own.stat().st_mtime_ns if own.is_file() else 0)


@functools.lru_cache(maxsize=1)  # it takes a while to read them all
def _own_weights(path: Path, changed: int) -> Weights:
    return own_weights(path)


@functools.lru_cache(maxsize=2)
def _prepared(image: Image, options: OpacityOptions) -> Prepared:
    return prepare(image, options)


@functools.lru_cache(maxsize=2)
def _guessed(prepared: Prepared, weights: Weights, device: torch.device) -> tuple[Guess, list[str]]:
    """The guess, and what is to be said of the device."""
    opacity, network = torch.from_numpy(prepared.opacity), _network(weights)
    return devices.run_or_fall_back(lambda where: guess(opacity, network.to(where)), device)


@functools.lru_cache(maxsize=1)
def _network(weights: Weights) -> VolumeNet:
    network = VolumeNet()
    load_weights(network, weights)
    return network.eval()
