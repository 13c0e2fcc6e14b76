"""How long CT2RGB takes, as a Markdown table: python Testing/benchmarks/colors.py [--weights FILE]

Slices of 256 x 256 and 512 x 512, medians, and a volume of 512 x 512 x 200, alone and with what the panel shows in 3D,
once each, of a procedural chest, by the palette and by the model; the most memory that each takes in all, a process of
its own. Without weights the model is a network that has learned nothing, which is as quick. Run it on an idle computer.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "CT2RGB")]

from CT2RGBLib.colorize import colorize  # noqa: E402
from CT2RGBLib.networks import ColorNet  # noqa: E402
from CT2RGBLib.options import ColorizeOptions, Tier  # noqa: E402
from InverseImagingLib.image import Image  # noqa: E402
from InverseImagingLib.xray.phantoms import Anatomy, phantom  # noqa: E402

SIZES, SLICES, REPEATS = (256, 512), 200, 5
FEW = 12  # slices of a CT of which one is colored, as a preview is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="")
    weights = parser.parse_args().weights
    slices = " | ".join(f"slice of {size} x {size}" for size in SIZES)
    with tempfile.TemporaryDirectory() as folder:
        if not weights:
            weights = str(Path(folder) / "untrained.safetensors")
            save_file(ColorNet().state_dict(), weights)
        print(f"{torch.get_num_threads()} threads; seconds, and GB of memory\n")
        print(f"| by | {slices} | volume of {SIZES[-1]} x {SIZES[-1]} x {SLICES} | with 3D | memory |")
        print("|---|---|---|---|---|---|")
        for tier in (Tier.PALETTE, Tier.MODEL):
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                *seconds, memory = fresh.apply(costs, (ColorizeOptions(tier=tier, weights=weights),))
            print(f"| {tier.value} | {' | '.join(f'{each:.3f}' for each in seconds)} | {memory:.1f} |", flush=True)


def costs(options: ColorizeOptions) -> list[float]:
    """Seconds of all that is colored, in the order of the table, and GB of memory."""
    seconds = []
    for size in SIZES:
        image = chest(size, FEW)
        runs = [elapsed(image, replace(options, slices="5:6")) for _ in range(1 + REPEATS)]
        seconds.append(statistics.median(runs[1:]))
    seconds += [elapsed(chest(SIZES[-1], SLICES), replace(options, solid=solid)) for solid in (False, True)]
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return [*seconds, kilobytes / 1024**2]


def elapsed(image: Image, options: ColorizeOptions) -> float:
    start = time.perf_counter()
    colorize(image, options)
    return time.perf_counter() - start


def chest(size: int, slices: int) -> Image:
    """A chest of so many pixels along the sides of its slices, int16."""
    body = phantom(Anatomy.THORAX, 128)
    shape = (slices, size, size)
    array = functional.interpolate(torch.from_numpy(body.array).float()[None, None], shape, mode="trilinear")[0, 0]
    factors = [old / new for old, new in zip(body.array.shape[::-1], shape[::-1], strict=True)]
    return body.with_array(array.numpy().astype(np.int16), ijk_to_ras=body.ijk_to_ras @ np.diag([*factors, 1.0]))


if __name__ == "__main__":
    main()
