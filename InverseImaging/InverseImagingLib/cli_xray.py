"""The commands radiograph and phantom: simulated radiographs of a CT, and bodies to take them of."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cli_shared import (
    ProgressBar,
    add_options,
    add_talk,
    check_empty,
    check_place,
    check_volume,
    options_from,
    write_report,
    write_volume,
)
from .errors import InputError
from .methods import METHODS
from .xray.options import Beam, Look, RadiographOptions
from .xray.phantoms import Anatomy, phantom_with_bone

if TYPE_CHECKING:
    from .image import Image
    from .method import Result

_ENDINGS = {"png": ".png", "nrrd": ".nrrd", "dicom": ".dcm"}
_PICTURES = (".png", ".tif", ".tiff")
_WITH_GRID = 0.3  # scattered over direct radiation behind the grid of a chest stand


def add(commands: Any) -> None:
    """Add the commands to the subparsers of inverse-imaging."""
    _add_radiograph(commands)
    _add_phantom(commands)


# radiograph


def _add_radiograph(commands: Any) -> None:
    sentence = "Simulate radiographs of a CT from any direction, with their bone map."
    parser = commands.add_parser(
        "radiograph",
        help=sentence,
        description=sentence,
        epilog="OUT ends in .png or .tif (16-bit gray, bone bright), .nrrd, .nii.gz or .mha (0 to 4095, at the "
        "detector's place in the patient), or .dcm (DICOM DX, marked as simulated). With --sweep it is a new folder of "
        "view-01, view-02, ... and report.json. For research only.",
    )
    parser.add_argument("ct", metavar="CT", help="CT in HU: NRRD, NIfTI, MHA, or DICOM (a file or a folder)")
    parser.add_argument("output", metavar="OUT", help="where the radiograph goes; its ending tells the format")
    parser.add_argument("--format", choices=list(_ENDINGS), help="of an OUT without ending, and of a sweep (png)")
    parser.add_argument("--series", default="", help="UID of the series, where a DICOM folder holds several")
    parser.add_argument("--segmentation", metavar="FILE", help="label map of bone on the CT's grid, not a threshold")
    parser.add_argument("--size", nargs=2, type=int, metavar=("W", "H"), help="columns and rows of the detector")
    add_options(parser, RadiographOptions, skip=("width", "height", "scatter"))
    parser.add_argument(
        "--scatter",
        nargs="?",
        type=float,
        const=_WITH_GRID,
        default=0.0,
        metavar="RATIO",
        help=f"scattered over direct radiation behind the body: {_WITH_GRID:g} (as with a grid) or the number given; "
        "about 2 without a grid",
    )
    parser.add_argument("--bone-map", metavar="FILE", help="also write the bone along each ray, in g/cm2")
    parser.add_argument("--report", metavar="FILE", help="write settings, geometry and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run_radiograph)


def _run_radiograph(arguments: argparse.Namespace) -> int:
    from . import image as images

    changes: dict[str, Any] = {}
    if arguments.size:
        width, height = arguments.size
        if min(width, height) < 1:
            raise InputError(f"The detector has {width} x {height} pixels; it needs at least 1 x 1.")
        changes = {"width": width, "height": height}
    options = options_from(arguments, RadiographOptions, **changes)
    ending = _ending(arguments.output, arguments.format, options)
    target = Path(arguments.output)
    if not options.sweep and not target.name.lower().endswith(ending):
        target = target.with_name(target.name + ending)
    inputs = (arguments.ct, arguments.segmentation)
    for path in filter(None, (target, arguments.bone_map, arguments.report)):
        check_place(path, *inputs)
    if options.sweep:
        check_empty(target)
    if arguments.bone_map:
        if options.sweep:
            raise InputError("A sweep makes no bone map; leave --bone-map or --sweep out.")
        check_volume(arguments.bone_map, "g/cm2")

    ct = images.read(arguments.ct, series=arguments.series)
    segmentation = images.read(arguments.segmentation) if arguments.segmentation else None
    start = time.monotonic()
    with ProgressBar(arguments.quiet) as report_progress:
        result = METHODS["XraySyn"].load_function()(ct, options, report_progress, segmentation=segmentation)
    _write(result, target, ending, options)
    if arguments.bone_map:
        images.write(result.images["bone map"], arguments.bone_map)
    if arguments.report:
        write_report(result.report, arguments.report)
    if not arguments.quiet:
        for warning in result.report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        written = ", ".join(str(path) for path in (target, arguments.bone_map) if path)
        print(f"{written} written after {time.monotonic() - start:.1f} s")
    return 0


def _ending(output: str, chosen: str | None, options: RadiographOptions) -> str:
    """The ending of the file or, of a sweep, the files. Raises InputError when OUT, --format and the look disagree."""
    from . import files

    own = files.suffix(Path(output))
    named = own == ".dcm" or files.is_known(Path(output))
    if options.sweep:
        if named or Path(output).is_file():
            raise InputError(f"A sweep fills a folder, but '{output}' is a file; name a new folder, choose a --format.")
        ending = _ENDINGS[chosen or "png"]
    elif Path(output).is_dir() or output.endswith(("/", os.sep)):
        raise InputError(f"Output '{output}' is a folder; name a file in it, such as {Path(output, 'radiograph.png')}.")
    elif not named and not chosen:
        raise InputError(f"Output '{output}' names no format; end it in .png, .nrrd or .dcm, or choose a --format.")
    elif named and chosen and own != _ENDINGS[chosen]:
        raise InputError(f"Output '{output}' ends in {own}, but --format says {chosen}; leave one of them out.")
    else:
        ending = own if named else _ENDINGS[chosen or ""]
    if ending in (".jpg", ".jpeg"):
        raise InputError(f"JPEG holds 8 bits and loses more; write '{output}' as .png, .nrrd or .dcm.")
    held = {Look.RADIOGRAPH, Look.ATTENUATION} if ending == ".dcm" else {Look.RADIOGRAPH}
    if ending in (".dcm", *_PICTURES) and options.look not in held:
        raise InputError(f"{ending} cannot hold the look '{options.look.value}'; write .nrrd, .nii.gz or .mha.")
    return ending


def _write(result: Result, target: Path, ending: str, options: RadiographOptions) -> None:
    """One file, or of a sweep a folder that appears when it is whole."""
    from .files import beside

    images = [image for name, image in result.images.items() if name.startswith("radiograph")]
    if not options.sweep:
        _write_files(images, [target], ending, result.report, options)
        return
    digits = max(len(str(len(images))), 2)
    with beside(target) as holder:
        folder = holder / target.name
        folder.mkdir()
        paths = [folder / f"view-{number:0{digits}}{ending}" for number in range(1, len(images) + 1)]
        _write_files(images, paths, ending, result.report, options)
        write_report(result.report, folder / "report.json")


def _write_files(
    images: list[Image], paths: list[Path], ending: str, report: Mapping[str, Any], options: RadiographOptions
) -> None:
    from .image import write
    from .xray.radiograph import HIGHEST, picture

    if ending == ".dcm":
        from .xray.dx import write_radiographs
        from .xray.geometry import Geometry

        radiograph = options.look is Look.RADIOGRAPH
        write_radiographs(
            images,
            paths,
            report,
            geometries=[Geometry(**view) for view in report["views"]],
            kvp=options.kvp if options.spectrum is Beam.TUBE else None,
            window=(0, HIGHEST) if radiograph else (0, max(float(image.array.max()) for image in images)),
        )
        return
    for image, path in zip(images, paths, strict=True):
        write(picture(image) if ending in _PICTURES else image, path)


# phantom


def _add_phantom(commands: Any) -> None:
    sentence = "Make a CT of a body that never was, to try things on."
    parser = commands.add_parser(
        "phantom",
        help=sentence,
        description=sentence,
        epilog="A folder or a .dcm file as OUT is written as a DICOM series. Plausible anatomy, not a study of it.",
    )
    parser.add_argument("anatomy", choices=[anatomy.value for anatomy in Anatomy], help="what the body is of")
    parser.add_argument("output", metavar="OUT", help="where the CT in HU goes; its ending tells the format")
    parser.add_argument("--size", type=int, default=256, metavar="N", help="voxels along the longest side (256)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which person (0)")
    parser.add_argument("--bone", metavar="FILE", help="also write the true bones as a label map")
    add_talk(parser)
    parser.set_defaults(run=_run_phantom)


def _run_phantom(arguments: argparse.Namespace) -> int:
    check_place(arguments.output)
    check_volume(arguments.output, "HU", or_dicom=True)
    if arguments.bone:
        check_place(arguments.bone)
        check_volume(arguments.bone, "a label map")
    start = time.monotonic()
    image, bone = phantom_with_bone(Anatomy(arguments.anatomy), arguments.size, arguments.seed)
    settings = {"anatomy": arguments.anatomy, "size": arguments.size, "seed": arguments.seed}
    write_volume(image, arguments.output, {"method": "Phantom", "settings": settings})
    if arguments.bone:
        write_volume(bone, arguments.bone, {})
    if not arguments.quiet:
        written = ", ".join(filter(None, (arguments.output, arguments.bone)))
        print(f"{written} written after {time.monotonic() - start:.1f} s")
    return 0
