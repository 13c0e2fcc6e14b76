"""What the command makes of a CT: the colors, and pictures and a surface of them, as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from InverseImagingLib.animation import check_animation, turntable, write_animation
from InverseImagingLib.dicom import is_target
from InverseImagingLib.errors import InputError
from InverseImagingLib.files import is_volume, suffix
from InverseImagingLib.image import Image, write
from InverseImagingLib.method import OnProgress, Progress, check_options, ignore_progress, part_of
from InverseImagingLib.slices import slice_range

from .colorize import REMARK, colorize
from .opacity import LOWEST
from .options import ColorizeOptions, SightOptions
from .pictures import WORDS, write_picture, write_pictures
from .series import write_colors
from .slices import slice_axes

_ELEVATION, _VIEWS = 12.0, 36  # degrees above the patient, and views from all around
_COLORING = 0.5  # of the time that colors and a turntable take


@dataclass(frozen=True)
class Outputs:
    """Where the colors go, a file or a folder for DICOM, and what else is wanted."""

    colors: Path
    surface: Path | None = None
    turntable: Path | None = None
    png: Path | None = None

    @property
    def solid(self) -> bool:
        """Whether the colors are to be seen in 3D."""
        return bool(self.surface or self.turntable)

    def paths(self) -> list[Path]:
        return [path for item in fields(self) if (path := getattr(self, item.name))]

    def check(self) -> None:
        """Raise InputError for a name that does not end as what it is for, and for one that is given twice."""
        if not is_volume(self.colors) and suffix(self.colors) != ".png" and not is_target(self.colors):
            known = ".nrrd, .nii.gz or .mha, a folder for DICOM, or .png or .dcm for one slice"
            raise InputError(f"Output '{self.colors.name}' names no format that holds colors; use {known}.")
        if self.surface:
            from InverseImagingLib.mesh import check_mesh

            from .surface import ENDINGS

            check_mesh(self.surface, ENDINGS)
        if self.turntable:
            check_animation(self.turntable)
        if self.png and self.png.suffix:
            raise InputError(f"The pictures go into a folder, which '{self.png.name}' does not name; leave its ending.")
        if len({path.absolute() for path in self.paths()}) < len(self.paths()):
            raise InputError("Two of the outputs have the same name; give each its own.")

    def check_slices(self, count: int) -> None:
        """Raise InputError for what cannot be made of so many slices."""
        if suffix(self.colors) in (".png", ".dcm") and count > 1:
            raise InputError(f"'{self.colors.name}' can hold one slice, not {count}; choose one, or name a folder.")
        if self.solid and count < 2:
            raise InputError("A single slice has no surface and nothing to turn around; choose more slices.")


def export(
    image: Image,
    options: ColorizeOptions,
    outputs: Outputs,
    on_progress: OnProgress = ignore_progress,
    *,
    sight: SightOptions | None = None,
    mask: Image | None = None,
    tints: Image | None = None,
) -> dict[str, Any]:
    """Write all that is wanted of a CT; returns the report of the colors. mask and tints: see colorize.

    Nothing is written before all is made. Raises InputError; Cancelled passes through.
    """
    sight = sight or SightOptions()
    check_options(sight)
    (axis, *_), _ = slice_axes(image.ijk_to_ras, image.array.shape)
    outputs.check()
    outputs.check_slices(len(slice_range(options.slices, image.array.shape[axis])))
    share = _COLORING if outputs.turntable else 1.0
    wanted = replace(options, rgba=options.rgba or outputs.solid)
    result = colorize(image, wanted, part_of(on_progress, 0.0, share), mask=mask, tints=tints)
    solid = result.images["colors"]
    colors = solid if options.rgba else solid.with_array(solid.array[..., :3])
    writers = []
    if outputs.surface:
        writers.append(surface_writer(solid, outputs.surface, sight))
    if outputs.turntable:
        writers.append(turntable_writer(solid, outputs.turntable, sight, part_of(on_progress, share, 1.0)))
    _write(colors, outputs.colors, result.report)
    if outputs.png:
        write_pictures(colors, outputs.png)
    for write_one in writers:
        write_one()
    return result.report


def surface_writer(colors: Image, path: Path, sight: SightOptions) -> Callable[[], None]:
    """What writes the surface of RGBA colors, which is made by then; see surface.surface for the errors."""
    from InverseImagingLib.mesh import write_mesh

    from .surface import surface

    mesh = surface(colors, sight.opacity.level if sight.level == LOWEST else sight.level)
    return lambda: write_mesh(mesh, path, REMARK)


def turntable_writer(
    colors: Image, path: Path, sight: SightOptions, on_progress: OnProgress = ignore_progress
) -> Callable[[], None]:
    """What writes views of RGBA colors from all around, which are made by then; see rendering.rendered for the
    errors."""
    from .rendering import rendered

    views = []
    for view in rendered(colors, sight.opacity, turntable(_ELEVATION, _VIEWS), sight.size):
        views.append(view)
        on_progress(Progress(len(views) / _VIEWS, f"view {len(views)} of {_VIEWS}"))
    return lambda: write_animation(views, path, around=True, words=WORDS, largest=sight.size)


def _write(colors: Image, path: Path, report: dict[str, Any]) -> None:
    if suffix(path) == ".png":
        write_picture(colors, path)
    elif is_volume(path):
        write(colors, path)
    else:
        write_colors(colors, path, report)
