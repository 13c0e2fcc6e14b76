"""The commands synthesize and suppress-bone: other views of a radiograph, and the radiograph without its bones."""

from __future__ import annotations

import argparse
import sys
import time
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
        f"uncertainty.nrrd, residual.nrrd, ct.nrrd (HU), bone-mask.nrrd and report.json. {_RESEARCH}",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the results")
    parser.add_argument(
        "--azimuth", default="0", metavar="A or A0:A1:N", help="degrees towards the patient's left, or N views (0)"
    )
    add_options(parser, METHODS["XraySynRadiograph"].load_options(), skip=("azimuth", "sweep"))
    add_talk(parser)
    parser.set_defaults(run=_run_synthesize)


def _run_synthesize(arguments: argparse.Namespace) -> int:
    from .files import beside
    from .image import write

    kind = METHODS["XraySynRadiograph"].load_options()
    options = options_from(arguments, kind, **_angles(arguments.azimuth))
    target = Path(arguments.output)
    check_place(target)
    check_empty(target)
    if target.is_file():
        raise InputError(f"Output '{target}' is a file; name a new folder.")
    began = time.monotonic()
    result = _result(arguments, options)
    with beside(target) as holder:
        folder = holder / target.name
        folder.mkdir()
        digits = max(len(str(sum(name.startswith("view") for name in result.images))), 2)
        for name, image in result.images.items():
            first, _, number = name.partition(" ")
            if first == "view":
                write(_picture(image), folder / f"view-{int(number):0{digits}}.png")
            elif name == "suppressed":
                write(_picture(image), folder / "suppressed.png")
            else:
                write(image, folder / f"{name.replace(' ', '-').lower()}.nrrd")
        write_report(result.report, folder / "report.json")
    _tell(arguments, result, f"{target} written after {time.monotonic() - began:.1f} s")
    return 0


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
        epilog=f"OUT ends in .png or .tif (16-bit gray), .nrrd, .nii.gz or .mha (0 to 1). {_RESEARCH}",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUT", help="where the radiograph without bones goes")
    add_options(parser, METHODS["XraySynRadiograph"].load_options(), skip=("azimuth", "elevation", "sweep", "tries"))
    parser.add_argument("--report", metavar="FILE", help="write settings, model and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run_suppress)


def _run_suppress(arguments: argparse.Namespace) -> int:
    from .files import suffix
    from .image import write

    ending = suffix(Path(arguments.output))
    if ending not in (*_PICTURES, *_VOLUMES):
        raise InputError(f"Output '{arguments.output}' names no format; end it in .png, .tif, .nrrd, .nii.gz or .mha.")
    for path in filter(None, (arguments.output, arguments.report)):
        check_place(path, arguments.radiograph)
    options = options_from(arguments, METHODS["XraySynRadiograph"].load_options(), tries=1)
    began = time.monotonic()
    result = _result(arguments, options)
    image = result.images["suppressed"]
    write(_picture(image) if ending in _PICTURES else image, arguments.output)
    if arguments.report:
        write_report(result.report, arguments.report)
    _tell(arguments, result, f"{arguments.output} written after {time.monotonic() - began:.1f} s")
    return 0


def _result(arguments: argparse.Namespace, options: Any) -> Result:
    from . import image as images

    radiograph = images.read(arguments.radiograph)
    with ProgressBar(arguments.quiet) as report_progress:
        return METHODS["XraySynRadiograph"].load_function()(radiograph, options, report_progress)


def _picture(image: Image) -> Image:
    """0 to 1 as 16-bit gray."""
    return image.with_array((image.array.clip(0, 1) * 65535).round().astype(np.uint16))


def _tell(arguments: argparse.Namespace, result: Result, done: str) -> None:
    if not arguments.quiet:
        for warning in result.report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(f"{done}; the radiograph is given back at {result.report['reprojection PSNR']} dB")
