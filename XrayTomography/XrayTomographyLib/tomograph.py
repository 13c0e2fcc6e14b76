"""A volume of densities from one radiograph, which projects to it again: the method's one function."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import torch

from InverseImagingLib import device as devices
from InverseImagingLib.animation import Angles, turntable
from InverseImagingLib.image import Image
from InverseImagingLib.method import OnProgress, Progress, Result, ignore_progress

from .case import Case, begin
from .fusion import Fused, fuse, fused_rows
from .guess import PLANES, Guess, resized
from .options import USUAL, Product, TomographyOptions
from .pictures import anaglyph, eyes, guessed, side_by_side, views, wiggle
from .rows_file import rows_file

_COPIES = 3  # of a volume that are in memory at once
_UNNOTICED = 2**30  # bytes that are not worth asking the system about


def tomograph(image: Image, options: TomographyOptions, on_progress: OnProgress = ignore_progress) -> Result:
    """Guess the densities behind a radiograph, and set them right until they project to it.

    image: one plane (1, H, W), as image.read gives a CR, a DX or a picture. "volume" holds densities (K, J, I) of which
    1 throughout the side of the cube lets exp(-10) of the radiation pass (see formation), as float32. It has a voxel
    behind each pixel of the radiograph in the size of the options, and 128 planes; its depth is as long as the longer
    side of the radiograph, and its middle at the origin of RAS. "uncertainty" is how wrong the network expects each
    density to be, on a coarser grid of the same cube. "opacity" is the radiograph as it was taken, 0 to 1, and
    "residual" is that less what the volume shows; they lie where the radiograph does. With the option only there is
    that product alone: also "view", the opacity as seen from elsewhere, "anaglyph" (RGB) and "side by side" of two such
    views, "guessed", a view (RGB) whose guessed parts are red, "wiggle" and "turntable", (V, H, W) of several, whose
    angles the report has. With draft, nothing has more than 128 pixels along its longer side.
    Depth is a network's guess. Raises InputError; Cancelled passes through.
    """
    products = options.products()
    case = begin(image, options, on_progress)
    size = _fitting(case)
    on_progress(Progress(0.5, "making the volume agree with the radiograph"))
    fused, notes = _fused(case.guess, size, options.beta, case.device)
    case.warnings.extend(notes)
    images = {}
    for product in products:
        on_progress(Progress(0.8, product.value))
        images[product.value] = _made(product, case, fused)
    angles = [turned for product in products for turned in _angles(product, options)]
    return Result(images, case.report(fused.residual) | ({"angles": angles} if angles else {}))


def tomograph_to_file(
    image: Image, options: TomographyOptions, path: Path, on_progress: OnProgress = ignore_progress
) -> Result:
    """The same with the volume in a .nrrd file and not in the result, so that it need not fit into memory."""
    case = begin(image, options, on_progress)
    height, width = case.guess.size_of(case.size)
    opacity, residual = resized(case.guess.opacity, (height, width)), torch.empty(height, width)
    with rows_file(path, (height, PLANES, width), case.place(height, width)) as append:
        for rows, block in fused_rows(case.guess.densities, opacity, options.beta):
            on_progress(Progress(0.5 + 0.5 * rows.start / height, f"row {rows.start} of {height}"))
            append(block.densities.numpy())
            residual[rows] = block.residual
        fused = Fused(case.guess.densities, residual)
        images = {each.value: _made(each, case, fused) for each in USUAL if each is not Product.VOLUME}
        return Result(images, case.report(residual))


def _made(product: Product, case: Case, fused: Fused) -> Image:
    height, width = fused.residual.shape
    longer = max(height, width)
    if product is Product.VOLUME:
        return case.in_patient(fused.densities, product.value)
    if product is Product.UNCERTAINTY:
        return case.in_patient(case.guess.spread, product.value)
    if product is Product.RESIDUAL:
        pictures = fused.residual[None].numpy()
    elif product is Product.OPACITY:
        pictures = resized(case.guess.opacity, (height, width))[None].numpy()
    elif product is Product.GUESSED:
        pictures = guessed(fused.densities, case.guess.spread, *_angles(product, case.options))[None]
    else:
        pictures = views(fused.densities, _angles(product, case.options)).numpy()
        if product is Product.ANAGLYPH:
            pictures = anaglyph(*pictures)[None]
        elif product is Product.SIDE_BY_SIDE:
            pictures = side_by_side(*pictures)[None]
    return case.on_radiograph(pictures, longer, product.value)


def _angles(product: Product, options: TomographyOptions) -> list[Angles]:
    """From where the views of a product are seen; none for what is no view."""
    straight = (options.azimuth, options.elevation)
    pair = list(eyes(*straight, options.parallax))
    return {
        Product.VIEW: [straight],
        Product.ANAGLYPH: pair,
        Product.SIDE_BY_SIDE: pair,
        Product.GUESSED: [straight],
        Product.WIGGLE: wiggle(*straight, options.parallax),
        Product.TURNTABLE: turntable(options.elevation),
    }.get(product, [])


def _fitting(case: Case) -> int:
    """Pixels along the longer side of the volume that is wanted, or as many as there is memory for."""
    needed = _COPIES * 4 * PLANES * math.prod(case.guess.size_of(case.size))
    free = devices.free_memory(torch.device("cpu")) if needed > _UNNOTICED else None
    if free is None or needed <= free:
        return case.size
    size = max(int(case.size * math.sqrt(free / needed)), 1)
    case.warnings.append(
        f"The volume has {size} pixels along its longer side instead of {case.size}, because it must fit into memory; "
        "inverse-imaging tomography writes larger ones to a .nrrd file."
    )
    return size


@functools.lru_cache(maxsize=2)  # a panel turns one volume many times, as a draft and as a whole
def _fused(found: Guess, size: int, beta: float, device: torch.device) -> tuple[Fused, list[str]]:
    """Densities and residual on the CPU, and what is to be said of the device."""
    opacity = resized(found.opacity, found.size_of(size))

    def run(where: torch.device) -> Fused:
        fused = fuse(found.densities.to(where), opacity.to(where), beta)
        return Fused(fused.densities.cpu(), fused.residual.cpu())

    return devices.run_or_fall_back(run, device)
