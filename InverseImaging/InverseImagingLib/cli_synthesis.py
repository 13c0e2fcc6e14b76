"""The commands synthesize and suppress-bone: other views of a radiograph, and the radiograph without its bones."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .cli_shared import ProgressBar, add_options, add_talk, check_empty, check_place, options_from, write_report
from .errors import InputError
from .methods import METHODS

if TYPE_CHECKING:
    from .image import Image
    from .method import Result

_RESEARCH = "What a network made of one radiograph is a guess: for research only."
_PICTURES = (".png", ".tif", ".tiff")
_VOLUMES = (".nrrd", ".mha", ".nii.gz")
_DICOM = ".dcm"
_ENDINGS = {"png": ".png", "dicom": _DICOM}  # of the views and the radiograph without bones
_ANGLES, _PANEL = ("azimuth", "elevation", "sweep"), ("only", "draft")  # options that a command has no flags for


def add(commands: Any) -> None:
    """Add the commands to the subparsers of inverse-imaging."""
    _add_synthesize(commands)
    _add_suppress(commands)


def _add_synthesize(commands: Any) -> None:
    sentence = METHODS["XraySynRadiograph"].sentence
    parser = commands.add_parser(
        "synthesize",
        help=sentence,
        description=sentence,
        epilog="OUTDIR gets view-01.png, ... (16-bit gray), suppressed.png, bone-map.nrrd and tissue-map.nrrd (g/cm2), "
        "uncertainty.nrrd, residual.nrrd, ct.nrrd (HU), bone-mask.nrrd and report.json. Views say in a corner that "
        f"they are synthesized; suppressed.png, which keeps what was measured, in its metadata. With --format dicom, "
        "which needs a DICOM radiograph, these pictures are DICOM DX of the same patient and study: the views are one "
        f"series, and say how they are turned. {_RESEARCH}",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the results")
    parser.add_argument(
        "--azimuth", default="0", metavar="A or A0:A1:N", help="degrees towards the patient's left, or N views (0)"
    )
    parser.add_argument("--format", choices=list(_ENDINGS), default="png", help="of views and suppressed (png)")
    parser.add_argument("--animation", metavar="FILE.gif", help="write the views of a sweep as an animation, too")
    add_options(parser, METHODS["XraySynRadiograph"].load_options(), skip=("azimuth", "sweep", *_PANEL))
    add_talk(parser)
    parser.set_defaults(run=_run_synthesize)


def _run_synthesize(arguments: argparse.Namespace) -> int:
    from .animation import check_animation, write_animation

    kind = METHODS["XraySynRadiograph"].load_options()
    options = options_from(arguments, kind, **_angles(arguments.azimuth))
    target, animation = Path(arguments.output), Path(arguments.animation) if arguments.animation else None
    check_target(target)
    if animation:
        check_place(animation, arguments.radiograph)
        check_animation(animation)
        if not options.sweep:
            raise InputError("An animation needs several views; give --azimuth as A0:A1:N.")
    began = time.monotonic()
    ending = _ENDINGS[arguments.format]
    result = _result(arguments, options, ending)
    write_results(result, target, ending)
    if animation:
        write_animation([i.array[0] for name, i in result.images.items() if name.startswith("view")], animation)
    _tell(arguments, result, f"{target} written after {time.monotonic() - began:.1f} s")
    return 0


def check_target(target: Path) -> None:
    """Raise InputError where no new folder can be made."""
    check_place(target)
    check_empty(target)
    if target.is_file():
        raise InputError(f"Output '{target}' is a file; name a new folder.")


def write_results(result: Result, target: Path, ending: str = ".png") -> None:
    """Write all images and the report into a new folder, which appears complete or not at all.

    ending: .png or .dcm, of the views and the radiograph without bones.
    """
    from .files import beside
    from .image import write

    views = [image for name, image in result.images.items() if name.startswith("view")]
    digits = max(len(str(len(views))), 2)
    with beside(target) as holder:
        folder = holder / target.name
        folder.mkdir()
        paths = [folder / f"view-{number:0{digits}}{ending}" for number in range(1, len(views) + 1)]
        _write_views(views, paths, result.report)
        for name, image in result.images.items():
            if name == "suppressed":
                _write_suppressed(image, folder / f"suppressed{ending}", result.report)
            elif not name.startswith("view"):
                write(image, folder / f"{name.replace(' ', '-').lower()}.nrrd")
        write_report(result.report, folder / "report.json")


def _angles(text: str) -> dict[str, Any]:
    """The options of --azimuth. Raises InputError."""
    if ":" in text:
        return {"azimuth": 0.0, "sweep": text}
    try:
        return {"azimuth": float(text), "sweep": ""}
    except ValueError:
        raise InputError(f"--azimuth needs degrees, such as 9 or -9:9:20, not '{text}'.") from None


def _add_suppress(commands: Any) -> None:
    sentence = "Take the bones out of a radiograph, as much as you like."
    parser = commands.add_parser(
        "suppress-bone",
        help=sentence,
        description=sentence,
        epilog="OUT ends in .png or .tif (16-bit gray), .nrrd, .nii.gz or .mha (0 to 1), or .dcm (DICOM DX of the same "
        "patient and study, if RADIOGRAPH is DICOM). What is no bone stays as it was measured, so that no pixel says "
        f"what made the picture; the metadata of a PNG and the header of a DICOM file do. {_RESEARCH}",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUT", help="where the radiograph without bones goes")
    add_options(parser, METHODS["XraySynRadiograph"].load_options(), skip=(*_ANGLES, "tries", *_PANEL))
    parser.add_argument("--report", metavar="FILE", help="write settings, model and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run_suppress)


def _run_suppress(arguments: argparse.Namespace) -> int:
    from .files import suffix
    from .image import write

    ending = suffix(Path(arguments.output))
    if ending not in (*_PICTURES, *_VOLUMES, _DICOM):
        raise InputError(
            f"Output '{arguments.output}' names no format; end it in .png, .tif, .dcm, .nrrd, .nii.gz or .mha."
        )
    for path in filter(None, (arguments.output, arguments.report)):
        check_place(path, arguments.radiograph)
    options = options_from(arguments, METHODS["XraySynRadiograph"].load_options(), tries=1, only="suppressed")
    began = time.monotonic()
    result = _result(arguments, options, ending)
    image = result.images["suppressed"]
    if ending in _ENDINGS.values():
        _write_suppressed(image, Path(arguments.output), result.report)
    else:
        write(_picture(image) if ending in _PICTURES else image, arguments.output)
    if arguments.report:
        write_report(result.report, arguments.report)
    _tell(arguments, result, f"{arguments.output} written after {time.monotonic() - began:.1f} s")
    return 0


def _result(arguments: argparse.Namespace, options: Any, ending: str) -> Result:
    """What is made of the radiograph. Raises InputError, before the work, where it cannot be written so."""
    from . import image as images

    radiograph = images.read(arguments.radiograph)
    if ending == _DICOM:
        from .xray.dx_synthesized import check_source

        check_source(radiograph)
    with ProgressBar(arguments.quiet) as report_progress:
        return METHODS["XraySynRadiograph"].load_function()(radiograph, options, report_progress)


def _write_views(images: list[Image], paths: list[Path], report: Mapping[str, Any]) -> None:
    from .image import write
    from .labels import labelled, note

    pictures = [picture.with_array(labelled(picture.array[0])[None]) for picture in map(_picture, images)]
    if paths[0].suffix == _DICOM:
        from .xray.dx_synthesized import write_views

        write_views(pictures, paths, report)
        return
    for picture, path in zip(pictures, paths, strict=True):
        write(picture, path)
        note(path)


def _write_suppressed(image: Image, path: Path, report: Mapping[str, Any]) -> None:
    """As PNG or DICOM, with the note that it is synthesized."""
    from .files import beside
    from .image import write
    from .labels import note

    if path.suffix.lower() == _DICOM:
        from .xray.dx_synthesized import write_suppressed

        write_suppressed(_picture(image), path, report)
        return
    with beside(path) as folder:
        write(_picture(image), folder / path.name)
        note(folder / path.name)


def _picture(image: Image) -> Image:
    """0 to 1 as 16-bit gray."""
    return image.with_array((image.array.clip(0, 1) * 65535).round().astype(np.uint16))


def _tell(arguments: argparse.Namespace, result: Result, done: str) -> None:
    if not arguments.quiet:
        for warning in result.report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(f"{done}; the radiograph is given back at {result.report['reprojection PSNR']} dB")
