"""What the commands prepare, train and evaluate ask for X-ray Tomography alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "prepare": {
        "slices": {"action": "store_true", "help": "FOLDER holds slices of any kind instead of CTs in HU; see below"},
    },
    "train": {},
    "evaluate": {
        "curve": {"metavar": "FILE", "default": "", "help": "draw how true the stated spread is, as PNG"},
    },
}
NOTES = {
    "prepare": """With --slices every folder of pictures, every TIFF or GIF of several pages, video (with the package
av), and volume in FOLDER is a subject, from the feet up, each slice as an axial CT shows it; gray is density, the
brightest is bone.""",
}
