"""The command tomography: a volume from one radiograph, and what can be seen of it."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from .cli_shared import ProgressBar, add_options, add_talk, check_place, check_volume, options_from, write_report
from .methods import METHODS

_FILES = {
    "uncertainty": "how wrong the network expects each density to be (.nrrd, .nii.gz, .mha)",
    "residual": "the radiograph less what the volume shows (.nrrd, .nii.gz, .mha)",
    "opacity": "the radiograph as it was taken (.nrrd, .nii.gz, .mha)",
    "mesh": "the surface at --level (.stl, .obj, or .ply and .glb, whose red is uncertain)",
    "view": "what is seen from --azimuth and --elevation (.png)",
    "colored": "the same in --colors (.png), or that from all around (.gif)",
    "anaglyph": "the same for red-cyan glasses (.png)",
    "wiggle": "the same from one eye to the other and back (.gif)",
    "turntable": "views from all around (.gif)",
}
_VOLUMES = ("uncertainty", "residual", "opacity")


def add(commands: Any) -> None:
    """Add the command to the subparsers of inverse-imaging."""
    method = METHODS["XrayTomography"]
    parser = commands.add_parser(
        "tomography",
        help=method.sentence,
        description=method.sentence,
        epilog="OUT ends in .nrrd, .nii.gz or .mha, or is a folder, which gets a derived DICOM series. It holds "
        "densities, of which 1 throughout the depth lets exp(-10) of the radiation pass; .nrrd is written row by row, "
        "so that it may be larger than memory. Pictures say in a corner that they are synthesized. What a network made "
        "of one radiograph is a guess: for research only.",
    )
    parser.add_argument("radiograph", metavar="RADIOGRAPH", help="DICOM CR or DX, PNG, JPEG or TIFF")
    parser.add_argument("output", metavar="OUT", help="where the volume goes")
    for name, text in _FILES.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write {text}")
    add_options(parser, method.load_options(), skip=("only", "draft"))
    parser.add_argument("--report", metavar="FILE", help="write settings, model and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from . import image as images

    options = options_from(arguments, METHODS["XrayTomography"].load_options())
    check_volume(arguments.output, "densities", or_dicom=True)
    for name in _VOLUMES:
        if path := getattr(arguments, name):
            check_volume(path, "such values")
    exports = importlib.import_module("XrayTomographyLib.export")
    files = {name: Path(path) for name in _FILES if (path := getattr(arguments, name))}
    outputs = exports.Outputs(volume=Path(arguments.output), **files)
    outputs.check()
    for path in (*outputs.paths(), *filter(None, [arguments.report])):
        check_place(path, arguments.radiograph)
    began = time.monotonic()
    radiograph = images.read(arguments.radiograph)
    with ProgressBar(arguments.quiet) as report_progress:
        report = exports.export(radiograph, options, outputs, report_progress)
    if arguments.report:
        write_report(report, arguments.report)
    if not arguments.quiet:
        for warning in report["warnings"]:
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(
            f"{arguments.output} written after {time.monotonic() - began:.1f} s; it gives the radiograph back at "
            f"{report['reprojection PSNR']} dB"
        )
        if "expected" in report:
            print(report["expected"])
    return 0
