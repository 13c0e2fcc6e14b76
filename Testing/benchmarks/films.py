"""How long CT Film Recovery takes, as a Markdown table: python Testing/benchmarks/films.py

The sample photo, enlarged to 12 megapixels, to the flat film, and that to the volume in HU, medians, after the networks
are loaded; the most memory that it takes in all. Run it on an idle computer.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "FilmRecovery")]

from InverseImagingLib.device import suit_process  # noqa: E402

suit_process()  # as users' are

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image as Pictures  # noqa: E402

from FilmRecoveryLib.extract import extract  # noqa: E402
from FilmRecoveryLib.flatten import flatten  # noqa: E402
from FilmRecoveryLib.options import ExtractOptions, FlattenOptions  # noqa: E402
from FilmRecoveryLib.photo import read  # noqa: E402

SAMPLE = ROOT / "FilmRecovery" / "Resources" / "SampleData" / "FilmPhoto.jpg"
SIZE, REPEATS = (3000, 4000), 3  # pixels
HU = ExtractOptions(level=40.0, width=400.0)

T = TypeVar("T")


def main() -> None:
    photo = read(SAMPLE)
    large = Pictures.fromarray(photo.array[0]).resize(SIZE, Pictures.Resampling.BICUBIC)
    photo = photo.with_array(np.array(large)[None])
    flatten(photo, FlattenOptions())
    print(f"{torch.get_num_threads()} threads; {SIZE[0]} x {SIZE[1]} pixels; seconds, and GB of memory\n")
    flat, seconds = timed(lambda: flatten(photo, FlattenOptions()))
    _, more = timed(lambda: extract(flat.images["film"], HU, confidence=flat.images["confidence"]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print("| photo to film | film to volume | photo to volume | memory |\n|---|---|---|---|")
    print(f"| {seconds:.2f} | {more:.2f} | {seconds + more:.2f} | {memory:.1f} |")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What a work gives, and the median of its seconds."""
    runs = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = work()
        runs.append(time.perf_counter() - start)
    return found, statistics.median(runs)


if __name__ == "__main__":
    main()
