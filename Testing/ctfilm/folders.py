"""Where the files of a test set are, and what both programs that make it are told."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TEXTURE, FILM, PAGE = "texture.png", "film.json", "film.npz"
PHOTO, MAPS, SCENE = "photo.png", "maps.npz", "scene.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What both programs are told."""
    parser.add_argument("--count", type=_positive, required=True, metavar="N", help="how many films")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed gives other films")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="films that are there are kept")
    parser.add_argument("--size", type=_positive, default=640, help="pixels along a photo's longer side (%(default)s)")
    parser.add_argument("--samples", type=_positive, default=32, help="of Cycles, a pixel (%(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="of Cycles (as many as there are)")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder with ct/ and backgrounds/ (shared/data beside the repository)"
    )


def films(out: Path, count: int) -> Iterator[Path]:
    """The folders of so many films."""
    return (out / f"{number:04d}" for number in range(count))


def backgrounds(data: Path) -> list[Path]:
    """The environments, Radiance pictures, of a data folder; there may be none."""
    return sorted((data / "backgrounds").glob("*.hdr"))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is less than 1")
    return value
