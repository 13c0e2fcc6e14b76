"""The command `inverse-imaging`: the methods on files, without Slicer.

Exit status: 0 done, 1 anything unexpected, 2 the input or an option is wrong, 130 cancelled.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from .device import let_idle_threads_sleep
from .errors import Cancelled, InputError, sentence
from .method import OnProgress, Progress, check_options, ignore_progress
from .methods import METHODS, Method


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    let_idle_threads_sleep()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments
    try:
        options = _parser().parse_args(arguments)
        return options.run(options)
    except (KeyboardInterrupt, Cancelled):
        return _say("Cancelled; nothing was written.", 130)
    except BrokenPipeError:
        return 1
    except Exception as error:
        status = 2 if isinstance(error, InputError) else 1
        details = "the traceback is above" if debug else "run again with --debug for details"
        return _say(sentence(error, details), status, debug)


def _say(sentence: str, status: int, debug: bool = False) -> int:
    if debug:
        traceback.print_exc()
    print(f"inverse-imaging: {sentence}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="inverse-imaging", description="Get back what an image has lost. For research only.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_restore(commands)
    worker = commands.add_parser("worker", help="serve a Slicer panel on standard input and output")
    worker.set_defaults(run=_run_worker)
    about = commands.add_parser("about", help="say which packages and devices are there")
    about.set_defaults(run=_run_about)
    return parser


def _run_worker(_: argparse.Namespace) -> int:
    from .worker import main as serve

    return serve()


def _run_about(_: argparse.Namespace) -> int:
    from .packages import about

    print(json.dumps(about(), indent=2))
    return 0


# restore


def _add_restore(commands: Any) -> None:
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
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")
    parser.set_defaults(run=_run_restore, method=method)


def _run_restore(arguments: argparse.Namespace) -> int:
    from . import image as images

    method: Method = arguments.method
    changes: dict[str, Any] = {"uncertainty": arguments.uncertainty is not None}
    if arguments.window:
        changes["window_low"], changes["window_high"] = arguments.window
    options = options_from(arguments, method.load_options(), **changes)
    outputs = {"result": arguments.output, "residual": arguments.residual, "uncertainty": arguments.uncertainty}
    outputs = {name: path for name, path in outputs.items() if path}
    for path in outputs.values():
        _check_place(path, is_image=True)
    if arguments.report:
        _check_place(arguments.report, is_image=False)

    image = images.read(arguments.input, series=arguments.series)
    inputs = {"mask": images.read(arguments.mask)} if arguments.mask else {}
    start = time.monotonic()
    with _ProgressBar(not arguments.quiet and sys.stderr.isatty()) as report_progress:
        result = method.load_function()(image, options, report_progress, **inputs)
    for name in outputs.keys() - result.images.keys():
        raise InputError(f"This run makes no {name}; leave --{name} out.")
    for name, path in outputs.items():
        _write(result.images[name], path, result.report)
    if arguments.report:
        _write_text(json.dumps(result.report, indent=2) + "\n", arguments.report)
    if not arguments.quiet:
        for warning in result.report.get("warnings", []):
            print(f"inverse-imaging: {warning}", file=sys.stderr)
        print(f"{', '.join(outputs.values())} written after {time.monotonic() - start:.1f} s")
    return 0


def _write(image: Any, path: str, report: dict[str, Any]) -> None:
    from . import dicom
    from . import image as images

    if dicom.is_target(path):
        dicom.write_derived(image, path, report)
    else:
        images.write(image, path)


def _check_place(path: str, is_image: bool) -> None:
    """Raise InputError, before the work, when a result could not be written there after it."""
    from . import dicom, files

    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise InputError(f"Output '{path}' cannot be written: there is no folder '{folder}'; make it first.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"Output '{path}' cannot be written: folder '{folder}' is read-only; choose another one.")
    if not is_image:
        return
    if Path(path).is_dir() and any(Path(path).iterdir()):
        raise InputError(f"Output folder '{path}' is not empty; name a new one.")
    if not dicom.is_target(path) and not files.is_volume(Path(path)):
        raise InputError(f"Output '{path}' names no format that holds HU; use .nrrd, .nii.gz, .mha, .dcm or a folder.")


def _write_text(text: str, path: str) -> None:
    """Write beside, then rename, so that there is never half a file."""
    descriptor, beside = tempfile.mkstemp(dir=Path(path).absolute().parent, prefix=".report-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(beside).replace(path)


# Options dataclasses as flags


def add_options(parser: argparse.ArgumentParser, options: type, skip: Sequence[str] = ()) -> None:
    """A flag for each field of an options dataclass, with its default, choices and help."""
    types = get_type_hints(options)
    for item in dataclasses.fields(options):
        if item.name in skip:
            continue
        kind, text = types[item.name], item.metadata.get("text", "")
        flag = "--" + item.name.replace("_", "-")
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=item.default, help=text)
        elif issubclass(kind, enum.Enum):
            values = [member.value for member in kind]
            parser.add_argument(flag, choices=values, default=item.default.value, help=f"{text} (%(default)s)")
        else:
            default = f" ({item.default})" if item.default not in ("", 0, -1) else ""
            parser.add_argument(
                flag,
                type=kind,
                default=item.default,
                metavar=kind.__name__.upper(),
                help=text.replace("%", "%%") + default,
            )


def options_from(arguments: argparse.Namespace, options: type, **changes: Any) -> Any:
    """The options dataclass that parsed flags hold, with changes. Raises InputError when a value is out of limits."""
    types = get_type_hints(options)
    values = {name: getattr(arguments, name) for name in types if hasattr(arguments, name)}
    values.update(changes)
    made = options(**{n: types[n](v) if issubclass(types[n], enum.Enum) else v for n, v in values.items()})
    check_options(made)
    return made


class _ProgressBar:
    """A progress bar on the terminal for the time of a run; without a terminal, nothing."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown

    def __enter__(self) -> OnProgress:
        if not self._shown:
            return ignore_progress
        from tqdm import tqdm

        self._bar = tqdm(total=1.0, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left")
        return self._report

    def _report(self, progress: Progress) -> None:
        self._bar.set_description_str(f"{progress.message}  " if progress.message else "", refresh=False)
        self._bar.update(progress.fraction - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._bar.close()


if __name__ == "__main__":
    sys.exit(main())
