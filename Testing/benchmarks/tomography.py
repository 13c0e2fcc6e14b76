"""How long X-ray Tomography takes, as a Markdown table: python Testing/benchmarks/tomography.py [--weights FILE]

A radiograph of a procedural head in several sizes; medians. Without weights it takes a network that has learned
nothing, which is as quick. All is loaded and compiled before. Run it on an idle computer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "XrayTomography")]

from InverseImagingLib.image import Image  # noqa: E402
from InverseImagingLib.xray.options import RadiographOptions  # noqa: E402
from InverseImagingLib.xray.phantoms import Anatomy, phantom  # noqa: E402
from InverseImagingLib.xray.radiograph import radiograph  # noqa: E402
from XrayTomographyLib.mesh import surface  # noqa: E402
from XrayTomographyLib.networks import VolumeNet  # noqa: E402
from XrayTomographyLib.options import TomographyOptions  # noqa: E402
from XrayTomographyLib.rendering import rendered  # noqa: E402
from XrayTomographyLib.tomograph import tomograph  # noqa: E402
from XrayTomographyLib.transfer import Colors  # noqa: E402

SIZES, REPEATS = (256, 512, 1024), 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="")
    weights = parser.parse_args().weights
    with tempfile.TemporaryDirectory() as folder:
        if not weights:
            weights = str(Path(folder) / "untrained.safetensors")
            save_file(VolumeNet().state_dict(), weights)
        print(f"{torch.get_num_threads()} threads; seconds\n")
        print("| radiograph | volume | another view | as a draft | in colors | mesh |\n|---|---|---|---|---|---|")
        for size in SIZES:
            print(f"| {size} x {size} | {' | '.join(f'{seconds:.3f}' for seconds in times(size, weights))} |")


def times(size: int, weights: str) -> list[float]:
    """Medians of what takes how long, in the order of the table."""
    taken = radiograph(phantom(Anatomy.SKULL, 128, 0), RadiographOptions(width=size, height=size))
    image, turns = taken.images["radiograph"], iter(range(1000))
    volume = made(image, size, weights)["volume"]
    densities = torch.from_numpy(volume.array)
    level = float(volume.array.max()) / 4

    def view(draft: bool) -> Image:
        return made(image, size, weights, only="view", draft=draft, azimuth=next(turns) / 10)["view"]

    return [
        median(lambda: made(image.with_array(image.array.copy()), size, weights)),  # another image, nothing is kept
        median(lambda: view(False)),
        median(lambda: view(True)),
        median(lambda: rendered(densities, (30.0, 10.0), Colors.BONE.look)),
        median(lambda: surface(volume, level)),
    ]


def made(image: Image, size: int, weights: str, **options: Any) -> dict[str, Image]:
    return tomograph(image, TomographyOptions(weights=weights, size=size, **options)).images


def median(run: Callable[[], Any]) -> float:
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
