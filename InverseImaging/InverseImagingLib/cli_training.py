"""The commands prepare, train and evaluate: from a folder of images to a model, and how good it is."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from .cli_shared import add_talk, check_empty, check_place, write_report
from .errors import InputError
from .models import find_weights, own_weights

_WORKSHOPS = {"xraysyn": "XraySynLib.workshop"}
_TITLES = {"xraysyn": "XraySyn"}
_SETTINGS = (
    ("steps", int, "steps in all"),
    ("batch", int, "samples in a step, of all processes together"),
    ("rate", float, "highest learning rate"),
    ("seed", int, "seed of the data"),
)
_LAYOUTS = """CTs are NIfTI, NRRD and MetaImage files, and folders of DICOM, one patient each: for LIDC-IDRI give the
folder that holds LIDC-IDRI-0001, LIDC-IDRI-0002, ... Radiographs are PNG, JPEG, TIFF and DICOM in the folder and below:
for TBX11K give imgs/health. A fifth of the patients is set apart for tests; OUT/split.csv or OUT/radiographs.csv tells
which, and OUT/left-out.csv which radiographs were refused, and why."""
_STAGES = """Stage 1 needs prepared CTs. Stage 2 needs prepared radiographs and the first stage: the model that is
there, or with --preset paper the weights.safetensors of its own stage 1. Several processes share the work where
torchrun starts them: torchrun --nproc_per_node 4 -m InverseImagingLib.cli train ..."""


def add(commands: Any) -> None:
    """Add the commands to the subparsers of inverse-imaging."""
    prepare = _command(commands, "prepare", "Turn a folder of images into compact training data.", _prepare, _LAYOUTS)
    prepare.add_argument("source", metavar="FOLDER", help="CTs, or real radiographs with --radiographs; see below")
    prepare.add_argument("output", metavar="OUT", help="new folder for the data; the list in it may be edited")
    prepare.add_argument("--radiographs", action="store_true", help="FOLDER holds real radiographs, for --stage 2")
    prepare.add_argument("--phantoms", type=int, default=0, metavar="N", help="add so many procedural bodies (0)")
    train = _command(commands, "train", "Train a model on prepared data, or go on with that.", _train, _STAGES)
    train.add_argument("--data", required=True, metavar="DIR", help="what inverse-imaging prepare made")
    train.add_argument("--out", required=True, metavar="DIR", help="folder of the run: checkpoint, log, and weights")
    train.add_argument("--preset", choices=("compact", "paper"), default="compact", help="whose networks (compact)")
    train.add_argument(
        "--stage", type=int, choices=(1, 2), default=1, help="depth from CTs, or detail from radiographs"
    )
    train.add_argument("--weights", metavar="FILE", default="", help="what stage 1 starts with, or stage 2 builds on")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    for name, kind, text in _SETTINGS:
        train.add_argument(f"--{name}", type=kind, metavar=kind.__name__.upper(), help=text)
    train.add_argument("--bundle", metavar="DIR", default="", help="write the weights into this bundle at the end")
    evaluate = _command(commands, "evaluate", "Measure a model on the patients that were set apart.", _evaluate)
    evaluate.add_argument("--data", required=True, metavar="DIR", help="what inverse-imaging prepare made")
    evaluate.add_argument("--weights", metavar="FILE", help="a safetensors file instead of the model that is there")
    evaluate.add_argument("--radiographs", metavar="DIR", default="", help="measure on these real radiographs, too")
    evaluate.add_argument(
        "--projection", choices=("auto", "pa", "ap"), default="auto", help="how those were taken; auto: as headers say"
    )
    evaluate.add_argument("--unet", metavar="FILE", default="", help="weights of a 2D U-Net as one more baseline")
    evaluate.add_argument("--json", metavar="FILE", help="write all numbers here")


def _command(commands: Any, name: str, text: str, run: Any, more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, epilog=more)
    parser.add_argument("method", choices=list(_WORKSHOPS), help="the method whose model it is")
    add_talk(parser)
    parser.set_defaults(run=run)
    return parser


def _workshop(arguments: argparse.Namespace) -> Any:
    return importlib.import_module(_WORKSHOPS[arguments.method])


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
    if arguments.radiographs and arguments.phantoms:
        raise InputError("Phantoms are bodies and no radiographs; leave --phantoms or --radiographs out.")
    if arguments.radiographs:
        _workshop(arguments).prepare_radiographs(source, Path(arguments.output), _say(arguments))
    else:
        _workshop(arguments).prepare(source, Path(arguments.output), arguments.phantoms, _say(arguments))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    workshop = _workshop(arguments)
    chosen = {name: getattr(arguments, name) for name, _, _ in _SETTINGS}
    options = workshop.training_options(arguments.preset, arguments.stage, **chosen)
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
    weights = own_weights(chosen) if chosen else find_weights(_TITLES[arguments.method], workshop.NETWORK)
    found = workshop.evaluate_weights(
        Path(arguments.data),
        weights,
        _say(arguments),
        radiographs=arguments.radiographs,
        projection=arguments.projection,
        unet=arguments.unet,
    )
    print(workshop.summary(found))
    if arguments.json:
        write_report(found, arguments.json)
    return 0
