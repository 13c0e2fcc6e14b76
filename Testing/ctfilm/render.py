"""Render test films: python Testing/ctfilm/render.py --count N --seed S --out DIR [--python PYTHON]

The films' contents are made by this Python, in which FilmRecoveryLib runs; the photos by one in which bpy is installed,
in an environment of its own. What is in DIR is kept, so that a run goes on where one ended.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTING), *(str(TESTING.parent / name) for name in ("InverseImaging", "FilmRecovery"))]

from ctfilm import folders  # noqa: E402

SHARED = ("count", "seed", "out", "size", "samples", "threads", "data")  # with photos.py
INSTALL = "pip install -r Testing/ctfilm/requirements.txt in an environment of its own, and name its Python by --python"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folders.add_arguments(parser)
    parser.add_argument("--python", default=sys.executable, metavar="FILE", help="one that has bpy (default: this one)")
    options = parser.parse_args(arguments)
    if not has_blender(options.python):
        parser.error(f"'{options.python}' has no bpy or no OpenEXR; {INSTALL}.")
    write_textures(options)
    told = [f"--{name}={getattr(options, name)}" for name in SHARED]
    sys.exit(subprocess.run([options.python, Path(__file__).with_name("photos.py"), *told]).returncode)


def has_blender(python: str) -> bool:
    """Whether a Python has what renders."""
    try:
        return subprocess.run([python, "-c", "import bpy, OpenEXR"], capture_output=True).returncode == 0
    except OSError:
        return False


def write_textures(options: argparse.Namespace) -> None:
    """The films of the patients that are for tests, where they are missing."""
    from ctfilm.textures import FINER, write_films
    from FilmRecoveryLib.training.subjects import subjects

    missing = [folder for folder in folders.films(options.out, options.count) if not (folder / folders.FILM).exists()]
    if missing:
        patients = subjects(options.data / "ct", "test")
        write_films(missing, options.seed, round(FINER * options.size), patients)


if __name__ == "__main__":
    main()
