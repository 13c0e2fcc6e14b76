"""What the commands prepare, train and evaluate ask for X-ray Synthesis alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "prepare": {
        "radiographs": {"action": "store_true", "help": "FOLDER holds real radiographs, for --preset paper --stage 2"},
    },
    "train": {
        "stage": {"type": int, "choices": (1, 2), "default": 1, "help": "depth, or what views from aside lack"},
    },
    "evaluate": {
        "radiographs": {"metavar": "DIR", "default": "", "help": "measure on these real radiographs, too"},
        "projection": {
            "choices": ("auto", "pa", "ap"),
            "default": "auto",
            "help": "how those were taken; auto: as headers say",
        },
        "unet": {"metavar": "FILE", "default": "", "help": "weights of a 2D U-Net as one more baseline"},
    },
}
NOTES = {
    "prepare": """Radiographs are PNG, JPEG, TIFF and DICOM in the folder and below: for TBX11K give imgs/health. Their
list is OUT/radiographs.csv; OUT/left-out.csv tells which were refused, and why.""",
    "train": """Stage 1 needs prepared CTs. Stage 2 needs these and the first stage, by itself the model that is
there; with --preset paper it needs prepared radiographs and the weights.safetensors of its own stage 1.""",
}
