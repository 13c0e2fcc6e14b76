"""What the commands share: flags made from options, checks before the work, a progress bar, files written whole."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from .errors import InputError
from .image import Image
from .method import OnProgress, Progress, check_options, ignore_progress


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
            unit = item.metadata.get("unit", "").replace("°", "degrees").replace("%", "percent")
            parser.add_argument(
                flag,
                type=kind,
                default=item.default,
                metavar=(unit or kind.__name__).upper(),
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


def add_talk(parser: argparse.ArgumentParser) -> None:
    """The flags that say how much a command prints."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")


def check_place(path: str | Path, *inputs: str | None) -> None:
    """Raise InputError, before the work, when a result could not be written there after it, or is one of the inputs."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise InputError(f"Output '{path}' cannot be written: there is no folder '{folder}'; make it first.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"Output '{path}' cannot be written: folder '{folder}' is read-only; choose another one.")
    for source in inputs:
        if source and Path(path).exists() and Path(source).exists() and Path(path).samefile(source):
            raise InputError(f"Output '{path}' is an input of this run, which stays as it is; name another one.")


def check_empty(path: str | Path) -> None:
    """Raise InputError for a folder that holds something already."""
    if Path(path).is_dir() and any(Path(path).iterdir()):
        raise InputError(f"Output folder '{path}' is not empty; name a new one.")


def check_volume(path: str | Path, content: str, or_dicom: bool = False) -> None:
    """Raise InputError when the ending names no format that holds a volume of such content."""
    from . import dicom, files

    check_empty(path)
    if not files.is_volume(Path(path)) and not (or_dicom and dicom.is_target(path)):
        known = ".nrrd, .nii.gz, .mha, .dcm or a folder" if or_dicom else ".nrrd, .nii.gz or .mha"
        raise InputError(f"Output '{path}' names no format that holds {content}; use {known}.")


def write_volume(image: Image, path: str | Path, report: Mapping[str, Any]) -> None:
    """Write a volume; to a folder or a .dcm file as a derived CT series with its report."""
    from . import dicom
    from . import image as images

    if dicom.is_target(path):
        dicom.write_derived(image, path, report)
    else:
        images.write(image, path)


def write_report(report: Mapping[str, Any], path: str | Path) -> None:
    """Write beside, then rename, so that there is never half a file."""
    descriptor, beside = tempfile.mkstemp(dir=Path(path).absolute().parent, prefix=".report-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(report, indent=2) + "\n")
    Path(beside).replace(path)


class ProgressBar:
    """A progress bar on the terminal for the time of a run; without a terminal, nothing."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()

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
