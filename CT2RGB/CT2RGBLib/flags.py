"""What the commands prepare, train and evaluate ask for CT2RGB alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "prepare": {
        "pixel": {"type": float, "default": 0.558, "metavar": "MM", "help": "size of the pictures' pixels (0.558)"},
        "posterior-up": {"action": "store_true", "help": "the pictures show the back above, as the originals do"},
        "ct": {"metavar": "DIR", "default": "", "help": "a CT of the same body, to be registered to the pictures"},
    },
    "train": {
        "part": {"choices": ("head", "body"), "default": "body", "help": "which of the two models (body)"},
        "variant": {
            "choices": ("full", "direct", "supervised"),
            "default": "full",
            "help": "direct: without Sobel in range; supervised: without a critic either",
        },
        "features": {"metavar": "FILE", "default": "", "help": "weights of ResNet-50, for the perceptual loss"},
    },
    "evaluate": {
        "part": {"choices": ("head", "body"), "default": "body", "help": "which of the two models (body)"},
        "direct": {"metavar": "FILE", "default": "", "help": "weights trained with --variant direct, to compare"},
        "supervised": {"metavar": "FILE", "default": "", "help": "weights trained with --variant supervised"},
        "paper": {"metavar": "FILE", "default": "", "help": "weights trained with --preset paper"},
        "lpips": {"metavar": "FILE", "default": "", "help": "weights of LPIPS with AlexNet, to measure that, too"},
        "ct": {"metavar": "DIR", "default": "", "help": "CTs of patients, on which edges and hues are checked"},
    },
}
NOTES = {
    "prepare": """FOLDER holds color cryosections of the Visible Human Male, whose file names end in their distance
from the vertex in mm. Tissues are told apart by color and place, and a CT is synthesized of them in training; with
--ct a real one is registered instead. Blocks of 20 mm are set apart for tests, and what is near them is left out.""",
    "train": """The perceptual loss compares features of ResNet-50 where --features gives its weights, in torchvision's
names (safetensors), else responses of fixed filters.""",
}
