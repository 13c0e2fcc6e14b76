"""The command film: from photos of CT films to flat films and slices in HU."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from .cli_shared import ProgressBar, add_options, add_talk, check_empty, check_place, options_from, write_report
from .errors import InputError
from .methods import METHODS

_FILES = {
    "flat": "the flat film, 16 bits of gray (.png); numbered where there are several photos",
    "valid": "where the film can tell the HU (.nrrd, .nii.gz, .mha)",
    "radiomics": "a table of radiomics features of the slices, where they are valid (.csv)",
}
_SPACING = ("spacing_x", "spacing_y", "spacing_z")
_WINDOW = ("level", "width")


def add(commands: Any) -> None:
    """Add the command to the subparsers of inverse-imaging."""
    flattening, extracting = METHODS["FilmRecovery"], METHODS["FilmSlices"]
    parser = commands.add_parser(
        "film",
        help=flattening.sentence,
        description=flattening.sentence,
        epilog="OUT ends in .nrrd, .nii.gz or .mha, or is a folder, which gets a derived DICOM series; or it ends in "
        ".png, for the flat film alone. Slices are in HU where the window is known, by --window or the film's text, "
        "and in gray from 0 to 1 elsewhere. For research only.",
    )
    parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="photos of the films of one examination, in order: JPEG, PNG, TIFF, HEIC",
    )
    parser.add_argument("output", metavar="OUT", help="where the slices go")
    parser.add_argument(
        "--window", metavar=("LEVEL", "WIDTH"), nargs=2, type=float, default=(0.0, 0.0), help="of the film, in HU"
    )
    parser.add_argument(
        "--spacing",
        metavar=tuple("XYZ"),
        nargs=3,
        type=float,
        default=(0.0,) * 3,
        help="of the slices in mm, 0: as found",
    )
    for name, text in _FILES.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write {text}")
    add_options(parser, flattening.load_options())
    add_options(parser, extracting.load_options(), skip=(*_WINDOW, *_SPACING, "weights", "device"))
    parser.add_argument("--report", metavar="FILE", help="write settings, model and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    flattening = options_from(arguments, METHODS["FilmRecovery"].load_options())
    values = zip((*_WINDOW, *_SPACING), (*arguments.window, *arguments.spacing), strict=True)
    extracting = options_from(arguments, METHODS["FilmSlices"].load_options(), **dict(values))
    flattening.check()
    extracting.check()
    exports = importlib.import_module("FilmRecoveryLib.export")
    outputs = _outputs(exports, arguments)
    outputs.check()
    for path in (*outputs.paths(), *filter(None, [arguments.report])):
        check_place(path, *arguments.photos)
        check_empty(path)
    began = time.monotonic()
    read = importlib.import_module("FilmRecoveryLib.photo").read
    photos = [read(path) for path in arguments.photos]
    with ProgressBar(arguments.quiet) as report_progress:
        report = exports.export(photos, flattening, extracting, outputs, report_progress)
    if arguments.report:
        write_report(report, arguments.report)
    if not arguments.quiet:
        for warning in report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(f"{arguments.output} written after {time.monotonic() - began:.1f} s{_told(report)}")
    return 0


def _outputs(exports: Any, arguments: argparse.Namespace) -> Any:
    files = {name: Path(path) for name in _FILES if (path := getattr(arguments, name))}
    output = Path(arguments.output)
    if output.suffix.lower() != ".png":
        return exports.Outputs(slices=output, **files)
    if "flat" in files:
        raise InputError(f"'{output.name}' is a flat film already; leave --flat, or name an output for the slices.")
    return exports.Outputs(flat=output, **files)


def _told(report: dict[str, Any]) -> str:
    if "tiles" not in report:
        return ""
    unit = "relative gray" if report["window"]["from"] == "none" else "HU"
    return f"; slices of {report['layout']} tiles in {unit}, {report['valid share']:.0%} of which the film can tell"
