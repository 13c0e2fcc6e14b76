"""How long an image takes to the worker process and back, as a Markdown table. Run it on an idle computer."""

from __future__ import annotations

import os
import statistics
import subprocess
import time

import numpy as np

from InverseImagingLib.compute import Place
from InverseImagingLib.frames import read_frames, write_frame
from InverseImagingLib.image import Image

SHAPES = ((1, 512, 512), (1, 1024, 1024), (100, 512, 512))
REPEATS = 15


def main() -> None:
    place = Place()
    process = subprocess.Popen(
        place.command(), env=place.environment(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    frames = read_frames(process.stdout)
    next(frames)
    print("| float32 image | MB | median round trip, ms | slowest, ms |\n|---|---|---|---|")
    for shape in SHAPES:
        image = Image(np.random.default_rng(0).random(shape, dtype=np.float32))
        times = []
        for number in range(REPEATS):
            start = time.perf_counter()
            write_frame(process.stdin, {"type": "echo", "id": number}, {"image": image})
            next(frames)
            times.append(1000 * (time.perf_counter() - start))
        size = " x ".join(map(str, shape))
        print(f"| {size} | {image.array.nbytes / 1e6:.0f} | {statistics.median(times):.1f} | {max(times):.1f} |")
    process.stdin.close()
    process.wait()


if __name__ == "__main__":
    main()
