"""What the command makes of a radiograph: the volume, and pictures and a surface of it, as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from InverseImagingLib.animation import Angles, check_animation, turntable, write_animation
from InverseImagingLib.errors import InputError
from InverseImagingLib.files import beside, is_volume, suffix
from InverseImagingLib.image import Image, Meaning, write
from InverseImagingLib.labels import NOTE, labelled, note
from InverseImagingLib.method import OnProgress

from .options import ANIMATED_SIZE, USUAL_SIZE, Product, TomographyOptions
from .pictures import anaglyph, eyes, views
from .rendering import rendered
from .series import write_densities
from .tomograph import tomograph, tomograph_to_file


@dataclass(frozen=True)
class Outputs:
    """Where the volume goes, a file or a folder for DICOM, and what else is wanted."""

    volume: Path
    uncertainty: Path | None = None
    residual: Path | None = None
    opacity: Path | None = None
    mesh: Path | None = None
    view: Path | None = None
    colored: Path | None = None
    anaglyph: Path | None = None
    wiggle: Path | None = None
    turntable: Path | None = None

    def paths(self) -> list[Path]:
        return [path for item in fields(self) if (path := getattr(self, item.name))]

    def check(self) -> None:
        """Raise InputError for a name that does not end as what it is for, and for one that is given twice."""
        if suffix(self.volume) == ".dcm":
            raise InputError(f"'{self.volume.name}' can hold one slice; name a folder, which gets all of the volume.")
        if self.mesh:
            from InverseImagingLib.mesh import check_mesh

            check_mesh(self.mesh)
        pictures = [self.view, self.anaglyph]
        if self.colored and suffix(self.colored) != ".gif":
            pictures.append(self.colored)
        for path in filter(None, pictures):
            if suffix(path) != ".png":
                raise InputError(f"Picture '{path.name}' must end in .png; name it so.")
        for path in filter(None, (self.wiggle, self.turntable)):
            check_animation(path)
        if len({path.absolute() for path in self.paths()}) < len(self.paths()):
            raise InputError("Two of the outputs have the same name; give each its own.")


def export(image: Image, options: TomographyOptions, outputs: Outputs, on_progress: OnProgress) -> dict[str, Any]:
    """Write all that is wanted of a radiograph; returns the report of the volume.

    Nothing is written before the volume, which is the last to be made. What is seen of it is made of one that has at
    most USUAL_SIZE pixels along its longer side. Raises InputError; Cancelled passes through.
    """
    outputs.check()
    writers = list(_seen(image, options, outputs, on_progress))
    if suffix(outputs.volume) == ".nrrd":
        result = tomograph_to_file(image, options, outputs.volume, on_progress)
    else:
        result = tomograph(image, options, on_progress)
        volume = result.images[Product.VOLUME.value]
        if is_volume(outputs.volume):
            write(volume, outputs.volume)
        else:
            write_densities(volume, outputs.volume, result.report)
    for product in (Product.UNCERTAINTY, Product.RESIDUAL, Product.OPACITY):
        if path := getattr(outputs, product.value):
            write(result.images[product.value], path)
    for write_one in writers:
        write_one()
    return result.report


def _seen(
    image: Image, options: TomographyOptions, outputs: Outputs, on_progress: OnProgress
) -> Iterator[Callable[[], None]]:
    """What writes the mesh and the pictures, which are made by then."""

    def made(product: Product, size: int) -> Image:
        wanted = options.size or min(max(image.array.shape[1:3]), USUAL_SIZE)
        smaller = replace(options, size=min(wanted, size), only=product.value)
        return tomograph(image, smaller, on_progress).images[product.value]

    def densities(size: int) -> torch.Tensor:
        return torch.from_numpy(made(Product.VOLUME, size).array)

    def seen(size: int, angles: list[Angles]) -> np.ndarray:
        return views(densities(size), angles).numpy().clip(0, 1)

    azimuth, elevation, parallax = options.azimuth, options.elevation, options.parallax
    if outputs.mesh:
        yield _mesh(
            made(Product.VOLUME, USUAL_SIZE), made(Product.UNCERTAINTY, USUAL_SIZE), outputs.mesh, options.level
        )
    if outputs.view:
        picture = labelled(seen(USUAL_SIZE, [(azimuth, elevation)])[0])
        yield _picture((picture * 65535).round().astype(np.uint16), Meaning.DISPLAY, outputs.view)
    if outputs.colored and suffix(outputs.colored) == ".gif":
        yield _animation(_colored(densities(ANIMATED_SIZE), turntable(elevation), options), outputs.colored, True)
    elif outputs.colored:
        (picture,) = _colored(densities(USUAL_SIZE), [(azimuth, elevation)], options)
        yield _picture((labelled(picture) * 255).round().astype(np.uint8), Meaning.RGB, outputs.colored)
    if outputs.anaglyph:
        pair = map(labelled, seen(USUAL_SIZE, list(eyes(azimuth, elevation, parallax))))
        yield _picture(anaglyph(*pair), Meaning.RGB, outputs.anaglyph)
    if outputs.wiggle:
        yield _animation(made(Product.WIGGLE, ANIMATED_SIZE).array, outputs.wiggle, False)
    if outputs.turntable:
        yield _animation(made(Product.TURNTABLE, ANIMATED_SIZE).array, outputs.turntable, True)


def _mesh(volume: Image, uncertainty: Image, path: Path, level: float) -> Callable[[], None]:
    from InverseImagingLib.mesh import write_mesh

    from .mesh import color_by_uncertainty, surface

    mesh = surface(volume, level)
    color_by_uncertainty(mesh, uncertainty, level)
    return lambda: write_mesh(mesh, path, NOTE)


def _picture(array: np.ndarray, meaning: Meaning, path: Path) -> Callable[[], None]:
    def write_it() -> None:
        with beside(path) as folder:
            write(Image(array[None], meaning=meaning, name=path.stem), folder / path.name)
            note(folder / path.name)

    return write_it


def _colored(densities: torch.Tensor, angles: list[Angles], options: TomographyOptions) -> list[np.ndarray]:
    return [rendered(densities, each, options.colors.look) for each in angles]


def _animation(pictures: Iterable[np.ndarray], path: Path, around: bool) -> Callable[[], None]:
    return lambda: write_animation(list(pictures), path, around=around)
