"""Small bundles of models for the tests: made here, complete, and with weights of nothing in particular."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from InverseImagingLib.models import CARD, LICENSE, METADATA, write_weights

SETTINGS = {"width": 4}


def network(width: int = 4) -> torch.nn.Module:
    """A network with weights, biases, and the whole numbers of a batch norm."""
    torch.manual_seed(width)
    return torch.nn.Sequential(torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width), torch.nn.Conv2d(width, 1, 1))


def metadata(**changes: Any) -> dict[str, Any]:
    texts = ("monai_version", "pytorch_version", "numpy_version", "task", "authors", "copyright")
    return {
        **dict.fromkeys(texts, "1.4"),
        "version": "0.2.0",
        "changelog": {"0.2.0": "second"},
        "description": "Nothing in particular",
        "network_data_format": {"inputs": {}, "outputs": {}},
        "method": "XraySyn",
        "license": "CC0-1.0",
        "training_data": "Two phantoms",
        "weights": {},
        **changes,
    }


def write_bundle(folder: Path, *names: str, **changes: Any) -> Path:
    """A complete bundle, with weights of these names (by itself "compact")."""
    for file, text in ((METADATA, json.dumps(metadata(**changes))), (CARD, "# Card\n"), (LICENSE, "CC0\n")):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    for name in names or ("compact",):
        write_weights(folder, name, network(), SETTINGS)
    return folder


def edit_metadata(folder: Path, **changes: Any) -> None:
    path = folder / METADATA
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
