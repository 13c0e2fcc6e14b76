"""A radiograph of a CT: what an X-ray tube, a body and a flat detector make of each other."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from .. import device as devices
from ..errors import InputError
from ..image import Image, Meaning
from ..method import OnProgress, Progress, Result, check_options, ignore_progress, options_to_dict
from .geometry import Geometry
from .materials import Densities, densities
from .options import Beam, Look, RadiographOptions, views
from .projector import Projector
from .spectrum import Material, attenuation_table, detector_response, paper_spectrum, tube_spectrum

VERSION = "1.0"
HIGHEST = 4095  # of a displayed pixel
_BYTES_PER_VOXEL, _BYTES_PER_PIXEL = 48, 64
_DARKEST = 1e-7  # of the open field
_SHADOW = 0.02  # attenuation from which on a pixel belongs to the body
_RAYS = 8192  # at a time, so that they stay in the cache
_SCATTER_WIDTH = 50.0  # mm, standard deviation on the detector


def radiograph(
    image: Image,
    options: RadiographOptions,
    on_progress: OnProgress = ignore_progress,
    *,
    segmentation: Image | None = None,
) -> Result:
    """Simulate radiographs of a CT.

    image: (K, J, I) in HU. segmentation: of bone, on the same grid, instead of a threshold.
    Gives "radiograph", (1, height, width) at the detector's place in RAS, and "bone map", the bone along each ray in
    g/cm2; of a sweep "radiograph 1", "radiograph 2", ... instead. The report has the geometry of each view.
    Raises InputError when the image or an option cannot be used; Cancelled passes through.
    """
    began = time.monotonic()
    check_options(options)
    geometries = views(options, image.array.shape, image.ijk_to_ras)
    device = devices.choose(options.device)
    _check_memory(image, geometries, devices.free_memory(device))
    on_progress(Progress(0.0, "separating bone and soft tissue"))
    body = densities(
        image,
        segmentation,
        beam=options.spectrum,
        bone_threshold=options.bone_threshold,
        remove_table=options.remove_table,
        draft=options.draft,
    )
    warnings = _check_views(body, geometries)
    result, fallen_back = devices.run_or_fall_back(
        lambda where: _simulate(image, body, geometries, options, where, on_progress), device
    )
    result.report["warnings"].extend(warnings + fallen_back)
    result.report["seconds"] = round(time.monotonic() - began, 3)
    return result


def picture(image: Image) -> Image:
    """A radiograph to be looked at, its 0 to 4095 spread over 16 bits, so that white is white in every viewer."""
    return image.with_array((image.array * (65535 / HIGHEST)).round().astype(np.uint16))


def _simulate(
    image: Image,
    body: Densities,
    geometries: list[Geometry],
    options: RadiographOptions,
    device: torch.device,
    on_progress: OnProgress,
) -> Result:
    beam = _beam(options.spectrum, options.kvp, options.filtration, body.materials)
    volume = torch.from_numpy(body.array).to(device)
    rng = np.random.default_rng(options.seed)
    signals, bone = [], None
    for number, view in enumerate(geometries):
        on_progress(Progress(number / len(geometries), f"view {number + 1} of {len(geometries)}"))
        along = Projector(volume.shape[1:], body.ijk_to_ras, [view])(volume)[0].cpu().numpy() / 10  # g/cm2
        if not along.any():
            raise InputError(
                f"The beam of view {number + 1} misses the body; move the isocenter, or make the detector larger."
            )
        signals.append(_signal(along, beam, view, options, rng))
        if Material.BONE in body.materials:
            bone = along[body.materials.index(Material.BONE)]
    pixels = _look(np.stack(signals), options)
    meaning = {Look.RADIOGRAPH: Meaning.DISPLAY, Look.ATTENUATION: Meaning.ATTENUATION}.get(
        options.look, Meaning.SCALAR
    )
    names = [f"radiograph {n + 1}" for n in range(len(pixels))] if options.sweep else ["radiograph"]
    images = {
        name: image.with_array(
            values[None], ijk_to_ras=view.pixel_to_ras, meaning=meaning, name=f"{image.name} {name}".strip()
        )
        for name, values, view in zip(names, pixels, geometries, strict=True)
    }
    if not options.sweep:
        values = np.zeros(pixels.shape, np.float32) if bone is None else bone[None]
        images["bone map"] = images["radiograph"].with_array(
            values, meaning=Meaning.SCALAR, name=f"{image.name} bone map".strip()
        )
    report: dict[str, Any] = {
        "method": "X-ray Synthesis",
        "version": VERSION,
        "input": image.name,
        "settings": options_to_dict(options),
        "device": devices.describe(device),
        "materials": [material.value for material in body.materials],
        "views": [_described(view) for view in geometries],
        "warnings": [],
    }
    return Result(images, report)


@functools.lru_cache(maxsize=8)
def _beam(
    kind: Beam, kvp: float, filtration: float, materials: tuple[Material, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass attenuation (materials, energies) in cm2/g, share of the photons and signal per photon (energies,).

    The open field has the signal 1.
    """
    if kind is Beam.PAPER:
        spectrum = paper_spectrum()
        response = np.ones_like(spectrum.energies)
    else:
        spectrum = tube_spectrum(kvp, filtration)
        response = detector_response(spectrum.energies)
        response = response / (spectrum.weights @ response)
    table = attenuation_table(spectrum, materials)
    return table.astype(np.float32), spectrum.weights.astype(np.float32), response.astype(np.float32)


def _signal(
    along: np.ndarray,
    beam: tuple[np.ndarray, np.ndarray, np.ndarray],
    view: Geometry,
    options: RadiographOptions,
    rng: np.random.Generator,
) -> np.ndarray:
    """What the detector reads (height, width), as a share of the open field, behind so much (materials, ...) g/cm2."""
    mean, square = _moments(along, beam)
    if options.scatter > 0:
        scattered = _scatter(mean, options.scatter, view.pixel)
        square = square + scattered * (square / mean)
        mean = mean + scattered
    if options.photons > 0:
        # Poisson in steps that give the sum over the energies its mean and its variance.
        step = square / mean / (options.photons * (4 if options.draft else 1))
        mean = (rng.poisson(mean / step) * step).astype(np.float32)
    if options.blur > 0:
        mean = ndimage.gaussian_filter(mean, options.blur / view.pixel / math.sqrt(8 * math.log(2)), mode="nearest")
    return mean


def _moments(along: np.ndarray, beam: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Sums (2, height, width) over the photons that pass: of their signal, and of its square."""
    table, weights, response = beam
    powers = np.stack([weights * response, weights * response**2])
    rays = along.reshape(len(along), -1)
    sums = np.empty((2, rays.shape[1]), along.dtype)
    for start in range(0, rays.shape[1], _RAYS):
        part = slice(start, start + _RAYS)
        sums[:, part] = powers @ np.exp(-(table.T @ rays[:, part]))
    return np.maximum(sums, _DARKEST).reshape(2, *along.shape[1:])


def _scatter(mean: np.ndarray, ratio: float, pixel: float) -> np.ndarray:
    """Scattered radiation: where a ray meets matter and is not stopped, spread far, scaled to the ratio in the shadow.

    B. Ohnesorge, T. Flohr, K. Klingenbeck-Regn. Efficient object scatter correction algorithm for third and fourth
    generation CT scanners. Eur. Radiol. 9, 1999.
    """
    born = mean * -np.log(np.maximum(mean, _DARKEST))
    coarse = max(int(_SCATTER_WIDTH / pixel / 4), 1)
    small = ndimage.zoom(born, 1 / coarse, order=1, grid_mode=True, mode="nearest")
    small = ndimage.gaussian_filter(small, _SCATTER_WIDTH / pixel / coarse, mode="nearest")
    zoom = [n / m for n, m in zip(born.shape, small.shape, strict=True)]
    spread = ndimage.zoom(small, zoom, order=1, grid_mode=True, mode="nearest")
    shadow = mean < 1 - _SHADOW
    if not shadow.any() or spread[shadow].mean() <= 0:
        return np.zeros_like(mean)
    return spread * (ratio * mean[shadow].mean() / spread[shadow].mean())


def _look(signals: np.ndarray, options: RadiographOptions) -> np.ndarray:
    """Pixels (views, height, width) of one look; all views share one scale."""
    if options.look is Look.INTENSITY:
        return signals
    darkest = 0.5 / options.photons if options.photons > 0 else _DARKEST
    attenuation = -np.log(np.maximum(signals, darkest))
    if options.look is Look.ATTENUATION:
        return attenuation
    # The sigmoid of DICOM's VOI LUT (PS3.3 C.11.2.1.3.1), as radiographs are shown.
    shadow = attenuation[attenuation > _SHADOW]
    low, high = np.percentile(shadow, [20, 99.5]) if shadow.size else (0.0, 1.0)
    low = min(low, 0.6 * high)  # an even body stays even
    curve = 1 / (1 + np.exp(-4 * (attenuation - (low + high) / 2) / (high - low)))
    floor = 1 / (1 + np.exp(4 * (low + high) / 2 / (high - low)))
    return np.round(np.clip((curve - floor) / (1 - floor), 0, 1) * HIGHEST).astype(np.uint16)


def _described(view: Geometry) -> dict[str, Any]:
    """A geometry as JSON: Geometry(**_described(view)) is the same view."""
    return {
        item.name: (value + 0.0).tolist() if item.name == "frame" else value
        for item in dataclasses.fields(view)
        for value in [getattr(view, item.name)]
    }


def _check_memory(image: Image, geometries: list[Geometry], free: int | None) -> None:
    pixels = sum(view.width * view.height for view in geometries)
    needed = _BYTES_PER_VOXEL * image.array.size + _BYTES_PER_PIXEL * pixels
    if free is not None and needed > free:
        raise InputError(
            f"This needs about {needed / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free; choose fewer views, a "
            f"smaller detector, or a smaller or cropped CT."
        )


def _check_views(body: Densities, geometries: list[Geometry]) -> list[str]:
    """Sentences about views that cannot see the whole body. Raises InputError when a source is within it."""
    warnings = []
    for number, view in enumerate(geometries, 1):
        if view.parallel:
            continue
        if (body.hull @ np.append(view.source, 1.0) <= 0).all():
            raise InputError(
                f"The source of view {number} lies inside the CT; move it away with a longer distance to the isocenter."
            )
        depth = (body.corners - view.source) @ view.frame[:3, 2]
        if depth.max() > view.sdd or depth.min() < 0:
            where = "behind the detector" if depth.max() > view.sdd else "behind the source"
            warnings.append(f"In view {number} a part of the body lies {where}, where no rays pass it.")
    return warnings
