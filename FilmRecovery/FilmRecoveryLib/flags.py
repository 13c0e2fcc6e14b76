"""What the commands train and evaluate ask for CT Film Recovery alone."""

from __future__ import annotations

from typing import Any

FLAGS: dict[str, dict[str, dict[str, Any]]] = {
    "train": {
        "task": {
            "choices": ("place", "tone", "values", "turn"),
            "default": "place",
            "help": "which network learns: where the film is and how it bends, its light, its values, which way is up",
        },
    },
    "evaluate": {
        "films": {"metavar": "DIR", "default": "", "help": "films rendered by Testing/ctfilm/render.py"},
    },
}
NOTES = {
    "train": """DIR holds CTs as NIfTI, NRRD or MetaImage files, at any depth; films of them and photos of these are
drawn while it learns. --weights builds on a file, as the tasks share one.""",
}
