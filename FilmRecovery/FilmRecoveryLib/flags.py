"""What the commands train and evaluate ask for CT Film Recovery alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "train": {
        "task": {
            "choices": ("place", "tone", "values", "turn", "grid", "rim", "letters"),
            "default": "place",
            "help": "which network learns: where the film is and how it bends, its light, its values, which way is up, "
            "its rows and columns of tiles, its sides, which way up its letters are; with --preset paper place, or "
            "tone or values, its two cascades",
        },
        "variant": {
            "choices": ("full", "maps", "uv", "backward"),
            "default": "full",
            "help": "with --preset paper, a row of its Table 2: all (full), without deformation maps (maps), with "
            "one map of the shape alone (uv), right to the backward map (backward)",
        },
    },
    "evaluate": {
        "paper": {"metavar": "FILE", "default": "", "help": "weights trained with --preset paper, to compare"},
        "paper-maps": {"metavar": "FILE", "default": "", "help": "the same, with --variant maps"},
        "paper-uv": {"metavar": "FILE", "default": "", "help": "with --variant uv"},
        "paper-backward": {"metavar": "FILE", "default": "", "help": "with --variant backward"},
        "paper-tone": {"metavar": "FILE", "default": "", "help": "with --task tone: its cascade for light"},
        "paper-values": {"metavar": "FILE", "default": "", "help": "with --task values: its cascade for CT values"},
    },
}
NOTES = {
    "train": """DIR holds CTs as NIfTI, NRRD or MetaImage files, at any depth; films of them and photos of these are
drawn while it learns. --weights builds on a file, as the tasks but letters share one.""",
    "evaluate": """DIR holds test films as Testing/ctfilm/render.py writes them. Contours and thin plates are compared
where OpenCV is installed, radiomics where MIRP or pyradiomics are.""",
}
