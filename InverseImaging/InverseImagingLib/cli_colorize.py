"""The command colorize: the colors of anatomy for a CT, and what can be made of these."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from .cli_shared import ProgressBar, add_options, add_talk, check_empty, check_place, options_from, write_report
from .methods import METHODS

_FILES = {
    "surface": "the surface where the tissues of --opacity begin, in color (.glb, in meters, or .ply, in mm)",
    "turntable": "views from all around of the tissues of --opacity (.gif)",
    "png": "a picture of each slice (a new folder)",
}


def add(commands: Any) -> None:
    """Add the command to the subparsers of inverse-imaging."""
    method = METHODS["CT2RGB"]
    parser = commands.add_parser(
        "colorize",
        help=method.sentence,
        description=method.sentence,
        epilog="OUT ends in .nrrd, .nii.gz or .mha, or in .png or .dcm for a single slice, or is a folder, which gets "
        "a derived DICOM series. The colors are illustrative, no evidence of tissue: for research only.",
    )
    parser.add_argument("ct", metavar="CT", help="a CT in HU: NRRD, NIfTI, MetaImage, or a DICOM file or folder")
    parser.add_argument("output", metavar="OUT", help="where the colors go")
    parser.add_argument("--mask", metavar="FILE", help="colors only where this volume on the CT's grid is not 0")
    for name, text in _FILES.items():
        parser.add_argument(f"--{name}", metavar="PATH", help=f"write {text}")
    add_options(parser, method.load_options(), skip=("solid",))
    add_options(parser, _sight())
    parser.add_argument("--report", metavar="FILE", help="write settings, model and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run)


def _sight() -> type:
    return importlib.import_module("CT2RGBLib.options").SightOptions


def _run(arguments: argparse.Namespace) -> int:
    from . import image as images

    options, sight = (options_from(arguments, kind) for kind in (METHODS["CT2RGB"].load_options(), _sight()))
    exports = importlib.import_module("CT2RGBLib.export")
    files = {name: Path(path) for name in _FILES if (path := getattr(arguments, name))}
    outputs = exports.Outputs(colors=Path(arguments.output), **files)
    outputs.check()
    for path in (*outputs.paths(), *filter(None, [arguments.report])):
        check_place(path, arguments.ct, arguments.mask)
        check_empty(path)
    began = time.monotonic()
    ct = images.read(arguments.ct)
    mask = images.read(arguments.mask) if arguments.mask else None
    with ProgressBar(arguments.quiet) as report_progress:
        report = exports.export(ct, options, outputs, report_progress, sight=sight, mask=mask)
    if arguments.report:
        write_report(report, arguments.report)
    if not arguments.quiet:
        for warning in report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        by = "the palette of tissues" if report["tier"] == "palette" else f"the model of the {report['part']}"
        print(f"{arguments.output} written after {time.monotonic() - began:.1f} s, colored by {by}")
    return 0
