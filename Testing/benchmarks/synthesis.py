"""X-ray Synthesis beside simple methods and the paper.

    python Testing/benchmarks/synthesis.py unet --data DIR --out RUN [--steps N] [--batch N] [--resume]
    inverse-imaging evaluate xraysyn --data DIR --radiographs DIR --unet RUN/weights.safetensors --json scores.json
    python Testing/benchmarks/synthesis.py tables scores.json

The first trains the 2D U-Net, a baseline, on what the model is trained on: give it as many steps and cubes. The last
prints Markdown: the paper's Tables 1 and 4 (C. Peng et al., XraySyn, AAAI 2021, measured on chests of LIDC-IDRI) with
our rows below the paper's, and what the paper does not measure. Other bodies and another renderer, so that numbers
of the paper and ours stand beside each other, but do not compare one to one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "XraySyn")]

from InverseImagingLib.evaluation.tables import markdown  # noqa: E402
from InverseImagingLib.training.bodies import bodies  # noqa: E402
from InverseImagingLib.training.run import WEIGHTS, run  # noqa: E402
from InverseImagingLib.training.trainer import TrainingOptions  # noqa: E402
from XraySynLib.beam import Beam  # noqa: E402
from XraySynLib.evaluation.baselines import ViewNet, view_input  # noqa: E402
from XraySynLib.evaluation.scenes import ANGLES  # noqa: E402
from XraySynLib.evaluation.tables import summary  # noqa: E402
from XraySynLib.training.first_stage import DepthLesson, Sample  # noqa: E402
from XraySynLib.training.losses import apart  # noqa: E402

TABLE_1 = (
    "input view",
    "bone, input view",
    "tissue, input view",
    "novel views",
    "bone, novel views",
    "tissue, novel views",
)
PAPER_1 = {
    "2D Refiner": "-, -, -, 21.09 / 0.801, -, -",
    "X2CT": "20.44 / 0.755, 15.99 / 0.451, 19.57 / 0.711, 20.20 / 0.750, 16.12 / 0.450, 19.38 / 0.703",
    "3DPN-DRR": "21.05 / 0.925, -, -, 19.79 / 0.867, -, -",
    "3DPN": "29.49 / 0.961, 22.30 / 0.814, 24.40 / 0.866, 27.22 / 0.929, 21.63 / 0.780, 24.27 / 0.860",
}
PAPER_4 = {
    "2D Refiner": "19.29/0.754 20.32/0.774 21.23/0.800 21.98/0.832 22.40/0.858 "
    "22.38/0.855 21.84/0.830 21.06/0.801 20.30/0.778 19.56/0.761",
    "X2CT": "19.46/0.738 19.93/0.744 20.18/0.748 20.30/0.751 20.41/0.753 "
    "20.42/0.755 20.39/0.756 20.31/0.754 20.18/0.752 19.98/0.747",
    "3DPN-DRR": "18.54/0.817 19.33/0.837 19.97/0.859 20.55/0.883 21.18/0.910 "
    "20.60/0.909 20.10/0.884 19.37/0.860 18.63/0.839 18.03/0.819",
    "3DPN": "25.37/0.904 25.91/0.913 26.60/0.923 27.55/0.935 28.78/0.951 "
    "28.91/0.951 27.93/0.937 27.01/0.926 26.30/0.916 25.74/0.907",
}
PAPER_REAL = {"3DPN": "22.75 / 0.819", "XraySyn without M": "28.42 / 0.857", "XraySyn": "30.33 / 0.865"}


class ViewLesson(DepthLesson):
    """The model's own samples, for the baseline that draws the other view at once."""

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        cubes, radiographs, angles = sample
        frames, beam = [cube.frame for cube in cubes], Beam()
        given, other = self.network(view_input(radiographs.to(self.device), frames, angles))
        along = torch.stack([cube.along for cube in cubes]).to(given)
        turned = [
            cube.frame.projector([angle])(cube.maps.to(other))[0] / 10
            for cube, angle in zip(cubes, angles, strict=True)
        ]
        theirs = torch.stack(turned)
        return {
            "given maps": apart(given, along),
            "given attenuation": (beam(given) - beam(along)).abs().mean(),
            "other maps": apart(other, theirs),
            "other attenuation": (beam(other) - beam(theirs)).abs().mean(),
        }


def train(data: Path, folder: Path, options: TrainingOptions, resume: bool) -> None:
    run(folder, options, lambda _: ViewLesson(ViewNet(), *bodies(data, "train")), resume=resume)


def report(found: Mapping[str, Any]) -> str:
    """All tables of an evaluation in Markdown."""
    means = found["means"]
    parts = [
        "PSNR in dB / SSIM.",
        markdown(beside_table_1(means)),
        "By angle in degrees.",
        markdown(beside_table_4(means)),
    ]
    if "real" in found:
        ours = [["ours", _both(found["real"]["full size"])]]
        rows = [
            ["real radiographs", "reprojection"],
            *([f"*{name}*", text] for name, text in PAPER_REAL.items()),
            *ours,
        ]
        parts.append(markdown(rows))
    return "\n\n".join([*parts, summary(found, markdown)])


def beside_table_1(means: Mapping[str, Any]) -> list[list[str]]:
    paper = [[f"*{name}*", *row.split(", ")] for name, row in PAPER_1.items()]
    ours = [[name, *(_both(one.get(what)) for what in TABLE_1)] for name, one in means.items()]
    return [["", *TABLE_1], *paper, *ours]


def beside_table_4(means: Mapping[str, Any]) -> list[list[str]]:
    paper = [[f"*{name}*", *(cell.replace("/", " / ") for cell in row.split())] for name, row in PAPER_4.items()]
    ours = [[name, *(_both(one[f"view {angle:+g}"]) for angle in ANGLES)] for name, one in means.items()]
    return [["", *(f"{angle:g}" for angle in ANGLES)], *paper, *ours]


def _both(score: Mapping[str, Any] | None) -> str:
    return f"{score['PSNR']['mean']:.2f} / {score['SSIM']['mean']:.3f}" if score else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    unet = commands.add_parser("unet", help="train the 2D U-Net")
    unet.add_argument("--data", type=Path, required=True, help="what inverse-imaging prepare made")
    unet.add_argument("--out", type=Path, required=True, help=f"folder of the run, which gets {WEIGHTS}")
    unet.add_argument("--steps", type=int, default=TrainingOptions.steps, help="steps in all (%(default)s)")
    unet.add_argument("--batch", type=int, default=TrainingOptions.batch, help="cubes in a step (%(default)s)")
    unet.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    printed = commands.add_parser("tables", help="print the tables of an evaluation")
    printed.add_argument("scores", type=Path, help="the JSON file that inverse-imaging evaluate wrote")
    chosen = parser.parse_args(arguments)
    if chosen.command == "unet":
        train(chosen.data, chosen.out, TrainingOptions(steps=chosen.steps, batch=chosen.batch), chosen.resume)
    else:
        print(report(json.loads(chosen.scores.read_text())))


if __name__ == "__main__":
    main()
