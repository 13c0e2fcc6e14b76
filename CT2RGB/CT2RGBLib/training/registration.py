"""True pairs of a CT and colors: cryosections registered to a CT of the same body, as the Visible Human has them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read

from ..preprocessing import body_mask
from ..slices import canonical, slice_axes
from . import pairs
from .alignment import Volume, aligned, overlap
from .tissues import body_of

_APART = 5.0  # mm between sections
_AGREEING = 0.8  # of Dice's coefficient, at least
_AIR, _DENSE = -1024, 600  # HU between which tissues are told apart
_LUMINANCE = (0.2126, 0.7152, 0.0722)


def prepare_registered(
    source: Path,
    target: Path,
    ct: Path,
    pixel: float,
    posterior_up: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Make training data of a folder of cryosections and a CT of the same body, which is left as it is.

    Every 5 mm of the CT become a section with HU, whose colors are those of the cryosections, moved to it; see pairs,
    also for the folder, pixel and posterior_up. Needs memory for the cryosections, once and again, at about the pixels
    of the CT. Raises InputError, also when the two do not come to agree.
    """
    slices, spacing = _slices(read(ct))
    pictures = pairs.pictures_in(source)
    say(f"Reading {len(pictures)} cryosections.")
    colors, sections = _stack(pictures, pixel, max(round(spacing[1] / pixel), 1), posterior_up)
    hu, body = (_volume(array, spacing) for array in (slices, body_mask(slices, spacing).astype(np.uint8)))
    scan = Volume(sitk.Clamp(hu, sitk.sitkInt16, _AIR, _DENSE) - _AIR, body)
    say("Registering them to the CT.")
    transform = aligned(scan, sections)
    agreement = overlap(scan, sections, transform)
    if agreement < _AGREEING:
        raise InputError(
            f"'{ct.name}' and the cryosections in '{source}' do not agree (Dice's coefficient {agreement:.2f}); check "
            "that both show the same part of the same body, and --pixel and --posterior-up."
        )
    say(f"The bodies agree with a Dice's coefficient of {agreement:.3f}.")
    (target / pairs.FOLDER).mkdir(parents=True)
    rows = []
    for number in range(0, len(slices), max(round(_APART / spacing[0]), 1)):
        moved = sitk.Resample(colors, hu[:, :, number : number + 1], transform, sitk.sitkLinear)
        rgb, name = sitk.GetArrayFromImage(moved)[0], f"slice_{number:04d}"
        position = _position(body, number, transform)
        section = pairs.section_of(name, rgb, position, spacing[1], slices[number])
        if section is None:
            say(f"{name}: no body found, left out")
            continue
        pairs.write(section, target)
        rows.append((name, section.part, position, spacing[1], pairs.set_of(position)))
    pairs.write_list(target, rows)
    say(f"{len(rows)} sections are written.")


def _position(body: sitk.Image, number: int, transform: sitk.Transform) -> float:
    """The mm from the vertex at which cryosections show the middle of the body in a slice of the CT."""
    inside = np.argwhere(sitk.GetArrayViewFromImage(body)[number])
    row, column = inside.mean(axis=0) if len(inside) else np.array(body.GetSize()[1::-1]) / 2
    point = body.TransformContinuousIndexToPhysicalPoint([float(column), float(row), float(number)])
    return round(-transform.TransformPoint(point)[2], 1)


def _slices(ct: Image) -> tuple[np.ndarray, tuple[float, float, float]]:
    """HU (K, J, I), int16, of the CT from the feet up, and the mm along K, J, I. Raises InputError."""
    if ct.meaning is not Meaning.HU:
        raise InputError(f"'{ct.name}' holds no HU; give a CT of the body that the cryosections are of.")
    axes, _ = slice_axes(ct.ijk_to_ras, ct.array.shape)
    spacing = (ct.spacing[2 - axes[0]], ct.spacing[2 - axes[1]], ct.spacing[2 - axes[2]])
    hu = np.clip(canonical(ct.array, ct.ijk_to_ras), _AIR, np.iinfo(np.int16).max).astype(np.int16)
    if not np.isclose(spacing[1], spacing[2], rtol=0.01):
        raise InputError(f"The pixels of '{ct.name}' are no squares; resample it to such.")
    return hu, spacing


def _stack(
    pictures: list[tuple[Path, float]], pixel: float, step: int, posterior_up: bool
) -> tuple[sitk.Image, Volume]:
    """The colors of cryosections, from the feet up, with pixels a step times as large; and their brightness.

    The vertex lies at 0 mm, and what is below it at less. Raises InputError when sections are missing.
    """
    ordered = sorted(pictures, key=lambda picture: -picture[1])
    apart = [one - other for (_, one), (_, other) in pairwise(ordered)]
    for distance, (path, _) in zip(apart, ordered, strict=False):
        if not np.isclose(distance, np.median(apart), rtol=0.1):
            raise InputError(f"The cryosection above '{path.name}' is missing, or one too many; they must be even.")
    colors: list[np.ndarray] = []
    bodies: list[np.ndarray] = []
    for path, _ in ordered:
        rgb = _reduced(pairs.read_picture(path, posterior_up), step)
        if colors and rgb.shape != colors[0].shape:
            raise InputError(f"'{path.name}' has another size than the other cryosections; pad or crop it.")
        colors.append(rgb)
        bodies.append(body_of(rgb, step * pixel).astype(np.uint8))
    if len(colors) < 2:
        raise InputError("A single cryosection cannot be registered; give a folder with all of them.")
    spacing, bottom = (float(np.median(apart)), step * pixel, step * pixel), -ordered[0][1]
    brightness = np.stack([rgb @ np.array(_LUMINANCE, np.float32) for rgb in colors])
    sections = Volume(_volume(brightness, spacing, bottom), _volume(np.stack(bodies), spacing, bottom))
    return _volume(np.stack(colors), spacing, bottom), sections


def _reduced(rgb: np.ndarray, step: int) -> np.ndarray:
    """Means of blocks of step x step pixels, as uint8."""
    rows, columns = rgb.shape[0] // step, rgb.shape[1] // step
    blocks = rgb[: rows * step, : columns * step].reshape(rows, step, columns, step, 3)
    return blocks.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8)


def _volume(array: np.ndarray, spacing: tuple[float, float, float], bottom: float = 0.0) -> sitk.Image:
    """An array (K, J, I) or (K, J, I, 3) in the canonical orientation, which is that of ITK, from a height in mm on."""
    volume = sitk.GetImageFromArray(np.ascontiguousarray(array), isVector=array.ndim == 4)
    volume.SetSpacing(spacing[::-1])
    volume.SetOrigin([0.0, 0.0, bottom])
    return volume
