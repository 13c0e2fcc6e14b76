"""Other views, material maps and bone suppression from one radiograph: the method's one function."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib import device as devices
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, check_options, ignore_progress, options_to_dict
from InverseImagingLib.models import Weights, bundles, find_weights, load_weights, own_weights
from InverseImagingLib.xray.intake import IntakeOptions, Radiograph, take_in
from InverseImagingLib.xray.options import azimuths
from InverseImagingLib.xray.spectrum import Material, mass_attenuation

from .estimate import SIZE, Estimate, estimate, resized
from .frame import Frame
from .networks import DepthNet
from .options import LARGEST_ANGLE, MOST_VIEWS, Picture, Projection, SynthesisOptions
from .refiner import Refiner
from .views import View, suppressed, uncertainty, view

VERSION = "1.0"
DRAFT_SIZE = 512  # pixels
_USUAL_FIELD = 400.0  # mm that a chest radiograph shows in the middle of the body
_MAGNIFICATION = 0.9  # of the detector's pixels, in the middle of the body
_CT_ENERGY = 70.0  # keV
_LEAST_PSNR = 35.0  # dB


def synthesize(image: Image, options: SynthesisOptions, on_progress: OnProgress = ignore_progress) -> Result:
    """Estimate the anatomy behind a radiograph, and see it from other sides and without its bones.

    image: one plane (1, H, W), as image.read gives a CR, a DX or a picture. All pictures that are made of it are as
    large as the part of it that is used; they lie where it does. "view 1", "view 2", ... are turned by the azimuths of
    the options, shown as the radiograph is, 0 to 1; "bone map" and "tissue map" (g/cm2) and "suppressed" belong to the
    radiograph itself; "uncertainty" is the standard deviation of view 1, "residual" the radiograph less its
    reprojection; "CT" (HU) and "bone mask" are volumes in patient space, with the isocenter at the origin. With the
    option only there is that picture alone, with draft it has at most DRAFT_SIZE pixels along its longer side.
    Everything is a network's guess. Raises InputError; Cancelled passes through.
    """
    began = time.monotonic()
    check_options(options)
    angles, wanted = _angles(options), options.pictures()
    told = str(image.dicom.get("ViewPosition") or "") if image.dicom is not None else ""
    projection = options.projection.settled(told)
    on_progress(Progress(0.0, "preparing the radiograph"))
    radiograph = _taken_in(image, options.intake())
    weights = _weights(options.weights)
    on_progress(Progress(0.1, "estimating the anatomy"))
    device = devices.choose(options.device.value)
    found, notes = _estimated(
        image,
        options.intake(),
        Frame(side_of(radiograph, options.field), from_behind=projection is Projection.AP),
        options.gamma,
        options.tries,
        weights,
        device,
    )
    placed, area = radiograph.placed_in(image), Area(radiograph.array.shape)
    size = min(area.size, DRAFT_SIZE) if options.draft else area.size
    images = {
        name: area.cut(
            picture, placed, size, name=f"{image.name} {name}".strip(), meaning=_MEANING.get(name, Meaning.DISPLAY)
        )
        for name, picture in _pictures(_sized(found, max(size, SIZE)), wanted, angles, options.strength, on_progress)
    }
    if not options.only:
        images |= _volumes(found, image.name)
    psnr = _psnr(found)
    warnings = [*radiograph.warnings, *_doubts(told, projection), *notes]
    if psnr < _LEAST_PSNR:
        warnings.append(f"The estimate gives the radiograph back at {psnr:.1f} dB only; see the residual.")
    report: dict[str, Any] = {
        "method": "X-ray Synthesis",
        "version": VERSION,
        "input": image.name,
        "settings": options_to_dict(options),
        **weights.facts(),
        "projection": projection.value,
        "field": round(found.frame.side, 1),
        "gamma": round(found.look.gamma, 3),
        "inverted": radiograph.inverted,
        "crop": list(radiograph.box),
        "angles": [list(turned) for turned in angles],
        "reprojection PSNR": round(psnr, 2),
        "device": devices.describe(device),
        "seconds": round(time.monotonic() - began, 3),
        "warnings": warnings,
    }
    return Result(images, report)


_MEANING = dict.fromkeys(("bone map", "tissue map", "uncertainty", "residual"), Meaning.SCALAR)


def _doubts(told: str, projection: Projection) -> list[str]:
    """What the header, which tells this ViewPosition, says against the projection."""
    told, used = told.upper(), projection.value.upper()
    if told not in ("PA", "AP") or told == used:
        return []
    return [f"The header says {told}, but the view chosen is {used}; choose the other view."]


def _angles(options: SynthesisOptions) -> list[tuple[float, float]]:
    """Azimuth and elevation of each view. Raises InputError for too many, and for those turned too far."""
    angles = [(azimuth, options.elevation) for azimuth in azimuths(options)]  # type: ignore[arg-type]
    if len(angles) > MOST_VIEWS:
        raise InputError(f"A sweep has at most {MOST_VIEWS} views, not {len(angles)}.")
    for azimuth, _ in angles:
        if abs(azimuth) > LARGEST_ANGLE:
            raise InputError(
                f"Views can be turned by up to {LARGEST_ANGLE:g} degrees, not {azimuth:g}; choose a narrower sweep."
            )
    return angles


def _pictures(
    found: Estimate, wanted: set[Picture], angles: list[tuple[float, float]], strength: float, on_progress: OnProgress
) -> Iterator[tuple[str, torch.Tensor]]:
    """The pictures that are wanted, as large as the estimate's radiograph, by name."""
    if Picture.VIEW in wanted:
        for number, turned in enumerate(angles, 1):
            on_progress(Progress(0.3 + 0.6 * number / len(angles), f"view {number} of {len(angles)}"))
            yield f"view {number}", view(found, *turned).shown
    coarse = _given(found, 2 * SIZE)
    makers = {
        Picture.BONE_MAP: lambda: _given(found).bone,
        Picture.TISSUE_MAP: lambda: _given(found).tissue,
        Picture.SUPPRESSED: lambda: suppressed(found.shown, coarse.bone, coarse.tissue, found.look, strength),
        Picture.UNCERTAINTY: lambda: uncertainty(found, *angles[0]),
        Picture.RESIDUAL: lambda: found.shown - _given(found).shown,
    }
    for picture, make in makers.items():
        if picture in wanted:
            yield picture.value, make()


# What the sliders of a panel do not change is kept, for a draft and for the whole.


@functools.lru_cache(maxsize=2)
def _sized(found: Estimate, size: int) -> Estimate:
    """The same with a radiograph of so many pixels."""
    return dataclasses.replace(found, shown=resized(found.shown, size), detail=resized(found.detail, size))


@functools.lru_cache(maxsize=4)
def _given(found: Estimate, size: int = 0) -> View:
    """The view that the radiograph itself is."""
    return view(found, 0.0, 0.0, size)


def _weights(path: str) -> Weights:
    """The user's own, or those of the model. Raises InputError."""
    if not path:
        return find_weights("XraySyn", "depth")
    own = Path(path).expanduser()
    return _own_weights(own, own.stat().st_mtime_ns if own.is_file() else 0)


@functools.lru_cache(maxsize=1)  # it takes a while to read them all
def _own_weights(path: Path, changed: int) -> Weights:
    return own_weights(path)


@functools.lru_cache(maxsize=2)  # a panel turns one radiograph many times
def _taken_in(image: Image, options: IntakeOptions) -> Radiograph:
    return take_in(image, options, frontal_only=True)


@functools.lru_cache(maxsize=2)
def _estimated(
    image: Image,
    intake: IntakeOptions,
    frame: Frame,
    gamma: float,
    tries: int,
    weights: Weights,
    device: torch.device,
) -> tuple[Estimate, list[str]]:
    """The estimate, and what is to be said of the device. The network runs on that, all else on the CPU."""
    radiograph = torch.from_numpy(_taken_in(image, intake).array)
    shown, network, refiner = Area(tuple(radiograph.shape)).square(radiograph), _network(weights), refiner_of(weights)
    return devices.run_or_fall_back(
        lambda where: estimate(shown, frame, network.to(where), refiner, gamma=gamma, tries=tries), device
    )


@functools.lru_cache(maxsize=1)
def _network(weights: Weights) -> DepthNet:
    network = DepthNet()
    load_weights(network, weights)
    return network.eval()


@functools.lru_cache(maxsize=1)
def refiner_of(weights: Weights) -> Refiner | None:
    """The refiner of the model that these weights belong to, if it has one."""
    models = [each.weights for each in bundles("XraySyn") if "refiner" in each.weights]
    own = [model["refiner"] for model in models if weights.sha256 in {one.sha256 for one in model.values()}]
    if not own:
        return None
    refiner = Refiner()
    load_weights(refiner, own[0])
    return refiner.eval()


def side_of(radiograph: Radiograph, field: float = 0.0) -> float:
    """Side in mm of the cube behind a radiograph: the field given, else what the pixels tell, else the usual one."""
    if field:
        return field
    if radiograph.pixel:
        return max(radiograph.array.shape) * radiograph.pixel * _MAGNIFICATION
    return _USUAL_FIELD


class Area:
    """A radiograph's part of the square that is worked on."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.height, self.width = shape
        self.size = max(shape)
        self.top, self.left = (self.size - self.height) // 2, (self.size - self.width) // 2

    def square(self, picture: torch.Tensor) -> torch.Tensor:
        """(H, W) in the middle of (N, N), its edges carried on."""
        right, bottom = self.size - self.width - self.left, self.size - self.height - self.top
        return functional.pad(picture[None, None], (self.left, right, self.top, bottom), mode="replicate")[0, 0]

    def cut(self, square: torch.Tensor, placed: Image, longer: int, **changes: Any) -> Image:
        """The radiograph's part of a square of any size, with so many pixels along its longer side, where the
        radiograph lies (placed)."""
        scale = self.size / longer
        height, width = (max(1, round(side / scale)) for side in (self.height, self.width))
        top, left = (longer - height) // 2, (longer - width) // 2
        array = resized(square, longer)[top : top + height, left : left + width].contiguous().numpy()
        matrix = placed.ijk_to_ras.copy()
        corner = np.array([left * scale - self.left, top * scale - self.top]) + (scale - 1) / 2
        matrix[:3, 3] += matrix[:3, :2] @ corner
        matrix[:3, :2] *= scale
        return placed.with_array(array[None], ijk_to_ras=matrix, **changes)


def _volumes(found: Estimate, name: str) -> dict[str, Image]:
    """The coarse CT and its bones, where they lie in the patient."""
    water, bone, tissue = (
        float(mass_attenuation(material, np.array([_CT_ENERGY]))[0])
        for material in (Material.WATER, Material.BONE, Material.SOFT_TISSUE)
    )
    maps = found.maps.numpy()
    hu = 1000 * ((maps[0] * bone + maps[1] * tissue) / water - 1)
    mask = (maps[0] > 0.5 * maps.sum(axis=0)) & (maps[0] > 0.3)
    place = found.frame.ijk_to_ras
    return {
        "CT": Image(
            np.clip(hu, -1000, 3071).round().astype(np.int16), place, Meaning.HU, f"{name} CT estimate".strip()
        ),
        "bone mask": Image(mask.astype(np.uint8), place, Meaning.LABEL, f"{name} bone estimate".strip()),
    }


@functools.lru_cache(maxsize=1)
def _psnr(found: Estimate) -> float:
    """How well the estimate gives the radiograph back, in dB at 128 x 128."""
    small = resized(found.shown, SIZE)
    error = float(((view(found, 0.0, 0.0, SIZE).shown.clamp(0, 1) - small) ** 2).mean())
    return -10 * float(np.log10(max(error, 1e-10)))
