"""The colors of anatomy for a CT: the method's one function."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image
from InverseImagingLib.method import OnProgress, Progress, Result, ignore_progress, options_to_dict
from InverseImagingLib.models import Weights, find_weights, own_weights
from InverseImagingLib.slices import slice_range

from . import palette
from .anatomy import part_of
from .canvas import Canvas
from .coarser import solid
from .intake import check_ct, check_grid
from .options import ColorizeOptions, Part, Tier
from .preprocessing import body_mask
from .slices import Slices, canonical, slice_axes

if TYPE_CHECKING:
    import torch

VERSION = "1.0"
REMARK = "Derived: the colors are illustrative, no evidence of tissue. For research only; not for diagnosis."


def colorize(
    image: Image,
    options: ColorizeOptions,
    on_progress: OnProgress = ignore_progress,
    *,
    mask: Image | None = None,
    tints: Image | None = None,
) -> Result:
    """Give a CT the colors of a cryosection.

    image: a CT in HU (K, J, I), stored in whatever order, also a single slice. mask: labels on its grid; colors are
    given where it is not 0, the gray of the CT elsewhere. tints: RGBA (K, J, I, 4) uint8 on its grid, laid over the
    colors by its alpha. "colors" is uint8 sRGB (K, J, I, 3), or with the option rgba (K, J, I, 4), whose alpha keeps
    the HU (see opacity.code), on the grid of the chosen slices. "solid", with the option of that name and of more than
    one slice, is RGBA for 3D views (see coarser.solid). Slices are axial. Where there are no weights of the model, the
    palette of tissues gives the colors, and the report says so. Raises InputError; Cancelled passes through.
    """
    began = time.monotonic()
    options.check()
    warnings = list(check_ct(image, options.as_hu))
    for other in filter(None, (mask, tints)):
        check_grid(other, image, rgba=other is tints)
    (axis, *_), _ = slice_axes(image.ijk_to_ras, image.array.shape)
    chosen = slice_range(options.slices, image.array.shape[axis])
    on_progress(Progress(0.0, "looking for the body"))
    body = _body(image, options.threshold)
    if not body.any():
        raise InputError(f"There is no body in '{image.name}', only air; choose another CT, or a lower threshold.")
    wanted = replace(options, rgba=options.rgba or options.solid)
    canvas = Canvas(image, Slices(image, body), chosen, wanted, mask, tints)
    look = _look(image, options, warnings)
    colors = _painted(canvas, look, on_progress, warnings)
    images = {"colors": colors if options.rgba else colors.with_array(colors.array[..., :3].copy())}
    if options.solid and min(colors.array.shape[:3]) > 1:
        on_progress(Progress(1.0, "making the volume for 3D"))
        images["solid"] = solid(colors)
    report = {
        "method": "CT2RGB",
        "version": VERSION,
        "remark": REMARK,
        "input": {"name": image.name, "shape": list(image.array.shape), "spacing mm": list(image.spacing)},
        "settings": options_to_dict(options),
        "tier": look.tier.value,
        "part": look.part.value,
        **(look.weights.facts() if look.weights else {}),
        "slices": [chosen.start, chosen.stop],
        "seconds": round(time.monotonic() - began, 3),
        "warnings": warnings,
    }
    return Result(images, report)


@dataclass(frozen=True)
class _Look:
    """What gives the colors: weights of a model for a part of the body, or the palette, which knows no parts."""

    part: Part
    weights: Weights | None = None

    @property
    def tier(self) -> Tier:
        return Tier.MODEL if self.weights else Tier.PALETTE


def _look(image: Image, options: ColorizeOptions, warnings: list[str]) -> _Look:
    part = _part(image, options.threshold) if options.part is Part.AUTO else options.part
    if options.tier is Tier.PALETTE:
        return _Look(part)
    if options.weights:
        return _Look(part, own_weights(options.weights))
    try:
        return _Look(part, find_weights("CT2RGB", part.value))
    except InputError as error:
        warnings.append(f"The palette of tissues gave the colors: {error}")
        return _Look(part)


def _painted(canvas: Canvas, look: _Look, on_progress: OnProgress, warnings: list[str]) -> Image:
    weights = look.weights
    if weights is None:
        return canvas.painted(palette.painter(canvas.options), on_progress, threads=os.cpu_count() or 1)
    from InverseImagingLib import device as devices

    from . import model

    def run(device: torch.device) -> Image:
        options = replace(canvas.options, device=Device(device.type))
        return canvas.painted(model.painter(options, canvas.slices, weights), on_progress)

    image, notes = devices.run_or_fall_back(run, devices.choose(canvas.options.device.value))
    warnings.extend(notes)
    return image


@functools.lru_cache(maxsize=1)  # a panel colors one CT many times, slice by slice
def _body(image: Image, threshold: float) -> np.ndarray:
    """Where the patient is, (K, J, I) as the image is stored."""
    axes, _ = slice_axes(image.ijk_to_ras, image.array.shape)
    spacing = (image.spacing[2 - axes[0]], image.spacing[2 - axes[1]], image.spacing[2 - axes[2]])
    body = np.empty(image.array.shape, bool)
    canonical(body, image.ijk_to_ras)[:] = body_mask(canonical(image.array, image.ijk_to_ras), spacing, threshold)
    return body


@functools.lru_cache(maxsize=1)
def _part(image: Image, threshold: float) -> Part:
    return part_of(Slices(image, _body(image, threshold)))
