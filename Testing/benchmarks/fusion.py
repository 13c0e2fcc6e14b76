"""How long fusion takes, as a Markdown table: python Testing/benchmarks/fusion.py [--device cuda]

A guess of 128 x 128 x 128 and square radiographs of several sizes, random; medians. "whole" keeps the result, "by rows"
throws each block away. memory: what the process takes at most, so far (Linux). Run it on an idle computer.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "XrayTomography")]

from XrayTomographyLib.fusion import fuse, fused_rows  # noqa: E402

REPEATS = {256: 20, 512: 20, 1024: 5, 4096: 1}
LARGEST_WHOLE = 1024


def whole(guess: torch.Tensor, opacity: torch.Tensor) -> float:
    return float(fuse(guess, opacity).residual.abs().max())


def by_rows(guess: torch.Tensor, opacity: torch.Tensor) -> float:
    return max(float(block.residual.abs().max()) for _, block in fused_rows(guess, opacity))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    guess = torch.rand(128, 128, 128, device=device) ** 4
    print("| radiograph | result | ms | processor ms | largest residual | memory, MB |\n|---|---|---|---|---|---|")
    runs = [(side, by_rows) for side in REPEATS] + [(side, whole) for side in REPEATS if side <= LARGEST_WHOLE]
    for side, run in runs:
        opacity = 0.95 * torch.rand(side, side, device=device)
        run(guess, opacity)
        measured = [_measured(run, guess, opacity) for _ in range(REPEATS[side])]
        seconds, busy, residuals = zip(*measured, strict=True)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        name = run.__name__.replace("_", " ")
        times = f"{1e3 * statistics.median(seconds):.0f} | {1e3 * statistics.median(busy):.0f}"
        print(f"| {side} x {side} | {name} | {times} | {max(residuals):.1e} | {memory:.0f} |")


def _measured(
    run: Callable[[torch.Tensor, torch.Tensor], float], guess: torch.Tensor, opacity: torch.Tensor
) -> tuple[float, float, float]:
    busy, start = time.process_time(), time.perf_counter()
    residual = run(guess, opacity)
    return time.perf_counter() - start, time.process_time() - busy, residual


if __name__ == "__main__":
    main()
