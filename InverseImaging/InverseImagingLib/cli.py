"""The command `inverse-imaging`: the methods on files, without Slicer.

Exit status: 0 done, 1 anything unexpected, 2 the input or an option is wrong, 130 cancelled.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from . import cli_colorize, cli_film, cli_models, cli_restore, cli_synthesis, cli_tomography, cli_training, cli_xray
from .device import suit_process
from .errors import Cancelled, InputError, sentence


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence, and for which -18:18:9 is a value and not a flag."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        joined: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            if joined and joined[-1].startswith("--") and re.match(r"-[\d.]+:", word):
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        return super().parse_known_args(joined, namespace)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    suit_process()
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
    cli_restore.add(commands)
    cli_xray.add(commands)
    cli_synthesis.add(commands)
    cli_tomography.add(commands)
    cli_colorize.add(commands)
    cli_film.add(commands)
    cli_training.add(commands)
    cli_models.add(commands)
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


if __name__ == "__main__":
    sys.exit(main())
