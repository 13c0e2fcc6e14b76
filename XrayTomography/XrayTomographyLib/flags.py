"""What the commands prepare, train and evaluate ask for X-ray Tomography alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "prepare": {},
    "train": {},
    "evaluate": {
        "curve": {"metavar": "FILE", "default": "", "help": "draw how true the stated spread is, as PNG"},
    },
}
NOTES: dict[str, str] = {}
