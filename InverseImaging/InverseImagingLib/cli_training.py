"""The commands prepare, train and evaluate: from a folder of images to a model, and how good it is."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .cli_shared import add_talk, check_empty, check_place, write_report
from .errors import InputError
from .methods import find_method
from .models import find_weights, own_weights

_METHODS = (
    "XraySyn",
    "XrayTomography",
    "CT2RGB",
    "FilmRecovery",
)  # with <Method>Lib/flags.py, what is its own, and workshop.py, the work
_SETTINGS = (
    ("steps", int, "steps in all"),
    ("batch", int, "samples in a step, of all processes together"),
    ("rate", float, "highest learning rate"),
    ("seed", int, "seed of the data"),
)
_LAYOUT = """CTs are NIfTI, NRRD and MetaImage files, and folders of DICOM, one patient each: for LIDC-IDRI give the
folder that holds LIDC-IDRI-0001, LIDC-IDRI-0002, ... A fifth of the patients is set apart for tests; OUT/split.csv
tells which."""
_TOGETHER = """Several processes share the work where torchrun starts them: torchrun --nproc_per_node 4
-m InverseImagingLib.cli train ..."""


def add(commands: Any) -> None:
    """Add the commands to the subparsers of inverse-imaging."""
    for prepare in _parsers(commands, "prepare", "Turn images into compact training data.", _prepare, _LAYOUT):
        prepare.add_argument("source", metavar="FOLDER", help="CTs; see below")
        prepare.add_argument("output", metavar="OUT", help="new folder for the data; the list in it may be edited")
        prepare.add_argument("--phantoms", type=int, default=0, metavar="N", help="add so many procedural bodies (0)")
    for train in _parsers(commands, "train", "Train a model on prepared data, or go on with that.", _train, _TOGETHER):
        train.add_argument("--data", required=True, metavar="DIR", help="what inverse-imaging prepare made")
        train.add_argument("--out", required=True, metavar="DIR", help="folder of the run: checkpoint, log, weights")
        train.add_argument("--preset", choices=("compact", "paper"), default="compact", help="whose networks (compact)")
        train.add_argument("--weights", metavar="FILE", default="", help="what to start with, or to build on")
        train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
        for name, kind, text in _SETTINGS:
            train.add_argument(f"--{name}", type=kind, metavar=kind.__name__.upper(), help=text)
        train.add_argument("--bundle", metavar="DIR", default="", help="write the weights into this bundle at the end")
    for evaluate in _parsers(commands, "evaluate", "Measure a model on the patients that were set apart.", _evaluate):
        evaluate.add_argument("--data", required=True, metavar="DIR", help="what inverse-imaging prepare made")
        evaluate.add_argument("--weights", metavar="FILE", help="a safetensors file instead of the model that is there")
        evaluate.add_argument("--json", metavar="FILE", help="write all numbers here")


def _parsers(commands: Any, name: str, text: str, run: Any, more: str = "") -> Iterator[argparse.ArgumentParser]:
    """That of the command for each method, with the flags that are the method's own."""
    command = commands.add_parser(name, help=text, description=text)
    methods = command.add_subparsers(required=True, metavar="METHOD", help="the method whose model it is")
    for method in _METHODS:
        own = importlib.import_module(f"{method}Lib.flags")
        if name not in own.FLAGS:
            continue  # its training draws its data itself
        epilog = " ".join([more, own.NOTES.get(name, "")])
        parser = methods.add_parser(method.lower(), help=find_method(method).title, description=text, epilog=epilog)
        flags = [parser.add_argument(f"--{flag}", **settings).dest for flag, settings in own.FLAGS[name].items()]
        add_talk(parser)
        parser.set_defaults(run=run, method=method, own=flags)
        yield parser


def _workshop(arguments: argparse.Namespace) -> Any:
    return importlib.import_module(f"{arguments.method}Lib.workshop")


def _network(arguments: argparse.Namespace) -> str:
    """The name of the weights: the part's, where a method has a model for each part of the body."""
    return arguments.part if "part" in arguments.own else _workshop(arguments).NETWORK


def _own(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in arguments.own}


def _say(arguments: argparse.Namespace) -> Any:
    return (lambda line: None) if arguments.quiet else (lambda line: print(line, flush=True))


def _prepare(arguments: argparse.Namespace) -> int:
    source = Path(arguments.source)
    if not source.is_dir():
        raise InputError(f"There is no folder '{source}'; check the path.")
    check_place(arguments.output)
    check_empty(arguments.output)
    if arguments.phantoms < 0:
        raise InputError(f"--phantoms must be at least 0, not {arguments.phantoms}.")
    _workshop(arguments).prepare(source, Path(arguments.output), arguments.phantoms, _say(arguments), **_own(arguments))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    workshop = _workshop(arguments)
    chosen = {name: getattr(arguments, name) for name, _, _ in _SETTINGS}
    options = workshop.training_options(arguments.preset, **_own(arguments), **chosen)
    check_place(arguments.out)
    workshop.train(
        Path(arguments.data),
        Path(arguments.out),
        options,
        weights=arguments.weights,
        resume=arguments.resume,
        bundle=arguments.bundle,
        say=_say(arguments),
    )
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    workshop = _workshop(arguments)
    if arguments.json:
        check_place(arguments.json)
    chosen = arguments.weights
    weights = own_weights(chosen) if chosen else find_weights(arguments.method, _network(arguments))
    found = workshop.evaluate_weights(Path(arguments.data), weights, _say(arguments), **_own(arguments))
    print(workshop.summary(found))
    if arguments.json:
        write_report(found, arguments.json)
    return 0
