"""The command restore: CT Restoration on files."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from .cli_shared import (
    ProgressBar,
    add_options,
    add_talk,
    check_place,
    check_volume,
    options_from,
    write_report,
    write_volume,
)
from .errors import InputError
from .methods import METHODS


def add(commands: Any) -> None:
    """Add the command to the subparsers of inverse-imaging."""
    method = METHODS["CTRestoration"]
    parser = commands.add_parser(
        "restore",
        help=method.sentence,
        description=method.sentence,
        epilog="A folder or a .dcm file as OUTPUT is written as a derived DICOM series. For research only.",
    )
    parser.add_argument("input", metavar="INPUT", help="NRRD, NIfTI, MHA, TIFF, or DICOM (a file or a folder)")
    parser.add_argument("output", metavar="OUTPUT", help="where the result goes; its ending tells the format")
    parser.add_argument("--series", default="", help="UID of the series, where a DICOM folder holds several")
    parser.add_argument("--mask", metavar="FILE", help="label map; voxels other than 0 are filled")
    parser.add_argument("--window", nargs=2, type=float, metavar=("LOW", "HIGH"), help="HU window (default -160 240)")
    add_options(parser, method.load_options(), skip=("window_low", "window_high", "uncertainty"))
    parser.add_argument("--residual", metavar="FILE", help="also write input minus result")
    parser.add_argument("--uncertainty", metavar="FILE", help="also write how much the result varies, in HU")
    parser.add_argument("--report", metavar="FILE", help="write settings, metrics and warnings as JSON")
    add_talk(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from . import image as images

    method = METHODS["CTRestoration"]
    changes: dict[str, Any] = {"uncertainty": arguments.uncertainty is not None}
    if arguments.window:
        changes["window_low"], changes["window_high"] = arguments.window
    options = options_from(arguments, method.load_options(), **changes)
    outputs = {"result": arguments.output, "residual": arguments.residual, "uncertainty": arguments.uncertainty}
    outputs = {name: path for name, path in outputs.items() if path}
    for path in outputs.values():
        check_place(path, arguments.input, arguments.mask)
        check_volume(path, "HU", or_dicom=True)
    if arguments.report:
        check_place(arguments.report, arguments.input, arguments.mask)

    image = images.read(arguments.input, series=arguments.series)
    inputs = {"mask": images.read(arguments.mask)} if arguments.mask else {}
    start = time.monotonic()
    with ProgressBar(arguments.quiet) as report_progress:
        result = method.load_function()(image, options, report_progress, **inputs)
    for name in outputs.keys() - result.images.keys():
        raise InputError(f"This run makes no {name}; leave --{name} out.")
    for name, path in outputs.items():
        write_volume(result.images[name], path, result.report)
    if arguments.report:
        write_report(result.report, arguments.report)
    if not arguments.quiet:
        for warning in result.report.get("warnings", []):
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(f"{', '.join(outputs.values())} written after {time.monotonic() - start:.1f} s")
    return 0
