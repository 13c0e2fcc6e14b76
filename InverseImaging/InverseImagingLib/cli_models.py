"""The command models: which trained models are there; import and remove one."""

from __future__ import annotations

import argparse
from typing import Any

from .cli_shared import add_talk
from .models import bundles, readable_size, user_folder
from .models_import import import_bundle, remove_bundle


def add(commands: Any) -> None:
    """Add the command to the subparsers of inverse-imaging."""
    text = "List the trained models; import one from a folder, or remove it."
    parser = commands.add_parser("models", help=text, description=text)
    change = parser.add_mutually_exclusive_group()
    change.add_argument(
        "--import", dest="source", metavar="FOLDER", help="check and copy a bundle; its name is FOLDER's"
    )
    change.add_argument("--remove", metavar="NAME", help="delete a model that was imported")
    parser.add_argument("--replace", action="store_true", help="let --import replace another model of that name")
    add_talk(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    done = ""
    if arguments.source is not None:
        bundle = import_bundle(arguments.source, arguments.replace)
        done = f"Model '{bundle.name}' {bundle.version} imported to {bundle.folder}"
    elif arguments.remove is not None:
        remove_bundle(arguments.remove)
        done = f"Model '{arguments.remove}' removed"
    else:
        print(_table())
    if done and not arguments.quiet:
        print(done)
    return 0


def _table() -> str:
    """A line for each model, and a sentence under one that cannot be used."""
    rows = [("MODEL", "VERSION", "METHOD", "SIZE", "LICENSE", "TRAINING DATA")]
    found = bundles()
    rows += [(b.name, b.version, b.title, readable_size(b.size), b.license, b.training_data) for b in found]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row, problem in zip(rows, ["", *(bundle.problem for bundle in found)], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        lines.append("  ".join([*cells, row[5]]).rstrip())
        if problem:
            lines.append(f"  {problem}")
    return "\n".join([*lines, f"Imported models are in {user_folder()}"])
