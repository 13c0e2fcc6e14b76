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
        f"they are synthesized; suppressed.png, which keeps what was measured, in its metadata. {_RESEARCH}",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the results")
    parser.add_argument(
        "--azimuth", default="0", metavar="A or A0:A1:N", help="degrees towards the patient's left, or N views (0)"
    )
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
    result = _result(arguments, options)
    write_results(result, target)
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


def write_results(result: Result, target: Path) -> None:
    """Write all images and the report into a new folder, which appears complete or not at all."""
    from .files import beside
    from .image import write

    with beside(target) as holder:
        folder = holder / target.name
        folder.mkdir()
        digits = max(len(str(sum(name.startswith("view") for name in result.images))), 2)
        for name, image in result.images.items():
            first, _, number = name.partition(" ")
            if first == "view":
                _write_view(image, folder / f"view-{int(number):0{digits}}.png")
            elif name == "suppressed":
                _write_suppressed(image, folder / "suppressed.png")
            else:
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
        epilog="OUT ends in .png or .tif (16-bit gray), .nrrd, .nii.gz or .mha (0 to 1). What is no bone stays as it "
        f"was measured, so that no pixel says what made the picture; the metadata of a PNG do. {_RESEARCH}",
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
    if ending not in (*_PICTURES, *_VOLUMES):
        raise InputError(f"Output '{arguments.output}' names no format; end it in .png, .tif, .nrrd, .nii.gz or .mha.")
    for path in filter(None, (arguments.output, arguments.report)):
        check_place(path, arguments.radiograph)
    options = options_from(arguments, METHODS["XraySynRadiograph"].load_options(), tries=1, only="suppressed")
    began = time.monotonic()
    result = _result(arguments, options)
    image = result.images["suppressed"]
    if ending == ".png":
        _write_suppressed(image, Path(arguments.output))
    else:
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


def _write_view(image: Image, path: Path) -> None:
    from .image import write
    from .labels import labelled, note

    picture = _picture(image)
    write(picture.with_array(labelled(picture.array[0])[None]), path)
    note(path)


def _write_suppressed(image: Image, path: Path) -> None:
    from .files import beside
    from .image import write
    from .labels import note

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
