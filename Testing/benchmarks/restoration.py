"""Measure CT Restoration on real slices: python Testing/benchmarks/restoration.py [--out FILE.md]

All tasks and tiers and the naive methods beside them, on slices of patients that no network was trained or tuned on.
Noise is inserted in projection space. PSNR and SSIM are those of the HU window -160..240. Prints Markdown tables.
Without the data it takes the slice that pydicom ships. It measures times and asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging"), str(ROOT / "CTRestoration")]

from CTRestorationLib import classical  # noqa: E402
from CTRestorationLib.companding import Companding  # noqa: E402
from CTRestorationLib.dose import lower_dose  # noqa: E402
from CTRestorationLib.masks import dropped, scribbles  # noqa: E402
from CTRestorationLib.metrics import edge_slope, noise_power, psnr, ssim  # noqa: E402
from CTRestorationLib.options import Preset, RestorationOptions, Task, Tier  # noqa: E402
from CTRestorationLib.problem import Problem  # noqa: E402
from CTRestorationLib.resampling import downsample, upsample  # noqa: E402
from CTRestorationLib.restore import restore  # noqa: E402
from InverseImagingLib.device import Device  # noqa: E402
from InverseImagingLib.image import Image, Meaning, read  # noqa: E402

WINDOW = (-160.0, 240.0)
TEST_PATIENTS = ("A046441", "A048383", "A067967", "A072894")
TASKS = ("denoise 25 %", "denoise 10 %", "restore 50 %", "inpaint 10 %", "super-resolution x4")
NAIVE = {
    "denoise": ("non-local means", "total variation"),
    "restore": ("linear", "biharmonic"),
    "inpaint": ("linear", "biharmonic"),
    "super-resolution": ("bicubic", "Lanczos"),
}
METRICS = ("PSNR", "SSIM", "noise SD", "noise frequency", "edge slope", "seconds")


def test_slices(data: Path, count: int) -> list[Path]:
    """Axial slices of the test patients, one patient after the other; or what pydicom ships."""
    paths = [sorted(data.rglob(f"slice2d_{patient}_axial_*.nii.gz")) for patient in TEST_PATIENTS]
    ordered = [column[i] for i in range(max(map(len, paths), default=0)) for column in paths if i < len(column)]
    if ordered:
        return ordered[:count]
    from pydicom.data import get_testdata_file

    return [Path(str(get_testdata_file("CT_small.dcm")))]


def middle(image: Image, size: int) -> Image:
    """The first slice, cut to at most size x size around its middle (0: whole)."""
    values = image.array[:1].astype(np.float32)
    if size:
        top, left = (max((n - size) // 2, 0) for n in values.shape[1:])
        values = values[:, top : top + size, left : left + size]
    return image.with_array(values, meaning=Meaning.HU)


class Case:
    """One slice, degraded for one task."""

    def __init__(self, truth: Image, task: str, seed: int = 0) -> None:
        self.truth, self.task = truth, task
        self.kind = Task(task.split()[0])
        values, rng = truth.array[0], np.random.default_rng(seed)
        self.mask = None
        self.options: dict[str, Any] = {"task": self.kind}
        degraded = values
        if self.kind is Task.DENOISE:
            degraded = lower_dose(values, truth.spacing[0], int(task.split()[1]) / 100.0, seed)
        elif self.kind is Task.SUPER_RESOLUTION:
            factor = int(task[-1])
            self.options["factor"] = factor
            height, width = (n // factor * factor for n in values.shape)
            self.truth = truth.with_array(truth.array[:, :height, :width])
            degraded = downsample(self.truth.array[0], (factor, factor)).astype(np.float32)
        else:
            missing = (
                dropped(values.shape, 0.5, rng) if self.kind is Task.RESTORE else scribbles(values.shape, 0.1, rng)
            )
            self.mask = truth.with_array(missing[None].astype(np.uint8), meaning=Meaning.LABEL, name="mask")
            degraded = np.where(missing, 0.0, values).astype(np.float32)
        self.degraded = truth.with_array(degraded[None], name="degraded")

    def problem(self) -> Problem:
        missing = None if self.mask is None else self.mask.array[0] != 0
        factor = self.options.get("factor", 1)
        return Problem(self.kind, self.degraded.array[0], Companding(*WINDOW), missing, (factor, factor))

    def measure(self, method: Callable[[], np.ndarray]) -> dict[str, float]:
        began = time.monotonic()
        values = method()
        seconds = time.monotonic() - began
        truth = self.truth.array[0]
        deviation, frequency = noise_power(values, truth, WINDOW)
        numbers = (psnr(values, truth, WINDOW), ssim(values, truth, WINDOW), deviation, frequency)
        return dict(zip(METRICS, (*numbers, edge_slope(values, truth, WINDOW), seconds), strict=True))

    def naive(self, name: str) -> np.ndarray:
        problem = self.problem()
        if self.kind is Task.DENOISE:
            return classical.denoise(problem, (name,))[0]
        if self.kind is Task.SUPER_RESOLUTION:
            return upsample(problem.values, problem.factors, "cubic" if name == "bicubic" else "lanczos")
        assert problem.missing is not None
        if name == "biharmonic":
            return classical.biharmonic(problem.values, problem.missing)
        return linear(problem.values, problem.missing)

    def tier(self, tier: Tier, seed: int = 0, **changes: Any) -> np.ndarray:
        options = RestorationOptions(tier=tier, seed=seed, device=Device.CPU, **self.options, **changes)
        return restore(self.degraded, options, mask=self.mask).images["result"].array[0]


def linear(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Linear interpolation on the Delaunay triangles of the known pixels, the nearest one outside them."""
    from scipy.interpolate import griddata

    known, holes = np.argwhere(~missing), np.argwhere(missing)
    filled = values.copy()
    found = griddata(known, values[~missing], holes, method="linear")
    nearest = griddata(known, values[~missing], holes[np.isnan(found)], method="nearest")
    found[np.isnan(found)] = nearest
    filled[missing] = found
    return filled


def measure_slice(path: str, size: int, tasks: list[str], threads: int, changes: dict[str, Any]) -> dict[str, Any]:
    """All methods of all tasks on one slice: {task: {method: {metric: value}}}."""
    import torch

    torch.set_num_threads(threads)
    truth = middle(read(path), size)
    table: dict[str, Any] = {}
    for task in tasks:
        case = Case(truth, task)
        rows: dict[str, Any] = {}
        if case.kind is Task.DENOISE:
            rows["input"] = case.measure(lambda case=case: case.degraded.array[0])  # type: ignore[misc]
        for name in NAIVE[case.kind.value]:
            rows[name] = case.measure(lambda case=case, name=name: case.naive(name))  # type: ignore[misc]
        for tier in Tier:
            extra = {} if tier is Tier.INSTANT else changes
            rows[tier.value] = case.measure(lambda case=case, tier=tier, extra=extra: case.tier(tier, **extra))  # type: ignore[misc]
        table[task] = rows
        print(
            f"{Path(path).name} {task}: " + ", ".join(f"{k} {v['PSNR']:.2f}" for k, v in rows.items()), file=sys.stderr
        )
    return table


def traced(case: Case, seed: int, preset: Preset = Preset.COMPACT) -> dict[str, float]:
    """PSNR in dB of the deep tier's best iteration, of the one where it stopped and of its result; and seconds."""
    import torch

    from CTRestorationLib.adaptive import AdaptiveSolver
    from CTRestorationLib.paper import PaperSolver

    problem, reference = case.problem(), case.truth.array[0]
    solver_class = AdaptiveSolver if preset is Preset.COMPACT else PaperSolver
    options = RestorationOptions(seed=seed, device=Device.CPU, preset=preset, **case.options)
    solver = solver_class(options, torch.device("cpu"))
    trace = {0: psnr(solver.quick(problem).values, reference, WINDOW)} if preset is Preset.COMPACT else {}

    def watch(fraction, message="", values=None, curve=None):  # type: ignore[no-untyped-def]
        if values is not None and curve:
            trace[int(curve["iteration"])] = psnr(values, reference, WINDOW)
        return False

    began = time.monotonic()
    estimate = solver.solve(problem, watch)
    seconds = time.monotonic() - began
    best, stop = max(trace, key=lambda iteration: trace[iteration]), estimate.facts.get("best iteration", 0)
    return {
        "best": trace[best],
        "best iteration": best,
        "stop": trace[max(iteration for iteration in trace if iteration <= stop)],
        "stop iteration": stop,
        "PSNR": psnr(estimate.values, reference, WINDOW),
        "seconds": seconds,
    }


def stopping_gap(path: str, size: int, tasks: list[str], seeds: int, threads: int) -> dict[str, list[float]]:
    """PSNR of the best iteration minus that of the one where the deep tier stopped, per task, in dB."""
    import torch

    torch.set_num_threads(threads)
    truth = middle(read(path), size)
    gaps: dict[str, list[float]] = {}
    for task in tasks:
        for seed in range(seeds):
            found = traced(Case(truth, task, seed), seed)
            gaps.setdefault(task, []).append(found["best"] - found["stop"])
    return gaps


def against_paper(path: str, size: int, threads: int) -> dict[str, dict[str, float]]:
    """The presets on one slice at 25 % dose, the preset paper run to its own end; total variation beside them."""
    import torch

    torch.set_num_threads(threads)
    case = Case(middle(read(path), size), TASKS[0])
    found = {preset.value: traced(case, 0, preset) for preset in Preset}
    found["total variation"] = case.measure(lambda: case.naive("total variation"))
    print(f"{Path(path).name}: {json.dumps(found)}", file=sys.stderr)
    return found


def averaged(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the slices."""
    return {
        task: {
            method: {metric: float(np.mean([t[task][method][metric] for t in tables])) for metric in METRICS}
            for method in tables[0][task]
        }
        for task in tables[0]
    }


def markdown(means: dict[str, Any], gaps: dict[str, list[float]], count: int, note: str) -> str:
    lines = [
        f"Means over {count} slices; PSNR in dB and SSIM in the window {WINDOW[0]:.0f}..{WINDOW[1]:.0f} HU. {note}",
        "",
    ]
    lines += [
        "| task | method | PSNR | SSIM | noise SD (HU) | noise frequency (1/pixel) | edge slope | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task, rows in means.items():
        for method, m in rows.items():
            lines.append(
                f"| {task} | {method} | {m['PSNR']:.2f} | {m['SSIM']:.3f} | {m['noise SD']:.1f} | "
                f"{m['noise frequency']:.3f} | {m['edge slope']:.2f} | {m['seconds']:.1f} |"
            )
    lines += [
        "",
        "| task | best naive | better of fast and deep | gain (dB) | gap to the best iteration (dB) |",
        "|---|---|---|---|---|",
    ]
    for task, rows in means.items():
        naive = max(NAIVE[task.split()[0]], key=lambda name: rows[name]["PSNR"])
        ours = max(("fast", "deep"), key=lambda name: rows[name]["PSNR"])
        gap = f"{np.mean(gaps[task]):.2f}" if gaps.get(task) else "-"
        gain = rows[ours]["PSNR"] - rows[naive]["PSNR"]
        lines.append(
            f"| {task} | {naive} {rows[naive]['PSNR']:.2f} | {ours} {rows[ours]['PSNR']:.2f} | {gain:+.2f} | {gap} |"
        )
    return "\n".join(lines) + "\n"


def presets_markdown(presets: list[dict[str, dict[str, float]]], size: int) -> str:
    if not presets:
        return ""
    lines = [
        "",
        f"{TASKS[0]}, middle {size} x {size} of {len(presets)} slices: PSNR in dB, mean (lowest to highest).",
        "",
        "| method | result | its own best iteration | which | seconds |",
        "|---|---|---|---|---|",
    ]

    def column(name: str, key: str, digits: int) -> str:
        values = [found[name][key] for found in presets if key in found[name]]
        return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})" if values else "-"

    for name in presets[0]:
        cells = (("PSNR", 2), ("best", 2), ("best iteration", 0), ("seconds", 0))
        lines.append(f"| {name} | " + " | ".join(column(name, key, digits) for key, digits in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data" / "ct", help="folder with slices2d"
    )
    parser.add_argument("--slices", type=int, default=8, help="how many slices (8)")
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--size", type=int, default=0, help="cut the slices to this size around their middle (0: whole)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the stopping gap (3; 0 leaves it out)")
    parser.add_argument("--gap-slices", type=int, default=4, help="slices of the stopping gap (4)")
    parser.add_argument("--gap-size", type=int, default=256, help="side of the middle part it is measured on (256)")
    parser.add_argument("--paper", type=int, default=0, help="slices on which the preset paper is run to its end (0)")
    parser.add_argument("--paper-size", type=int, default=128, help="side of the middle part it is run on (128)")
    parser.add_argument("--jobs", type=int, default=2, help="slices at a time (2)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each job (1)")
    parser.add_argument("--quick", action="store_true", help="a few iterations on one small slice, to see that it runs")
    parser.add_argument("--out", type=Path, help="write the Markdown here too")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    a = parser.parse_args()
    changes: dict[str, Any] = {}
    if a.quick:
        a.slices, a.size, a.seeds, a.jobs, changes = 1, 96, min(a.seeds, 1), 1, {"iterations": 10}
        a.gap_slices, a.gap_size = 1, 96
    paths = [str(path) for path in test_slices(a.data, a.slices)]
    with ProcessPoolExecutor(a.jobs) as pool:
        slice_measured = partial(measure_slice, size=a.size, tasks=a.tasks, threads=a.threads, changes=changes)
        tables = list(pool.map(slice_measured, paths))
        gaps: dict[str, list[float]] = {}
        if a.seeds:
            gap_measured = partial(stopping_gap, size=a.gap_size, tasks=a.tasks, seeds=a.seeds, threads=a.threads)
            for part in pool.map(gap_measured, paths[: a.gap_slices]):
                for task, values in part.items():
                    gaps.setdefault(task, []).extend(values)
        presets = list(pool.map(partial(against_paper, size=a.paper_size, threads=a.threads), paths[: a.paper]))
    means = averaged(tables)
    note = f"Seconds with {a.threads} thread{'s' * (a.threads > 1)}, {a.jobs} slice{'s' * (a.jobs > 1)} at a time."
    text = markdown(means, gaps, len(paths), note) + presets_markdown(presets, a.paper_size)
    print(text)
    if a.out:
        a.out.write_text(text)
    if a.json:
        each = {Path(path).name: table for path, table in zip(paths, tables, strict=True)}
        a.json.write_text(
            json.dumps(
                {"window HU": WINDOW, "means": means, "slices": each, "stopping gap dB": gaps, "presets": presets},
                indent=2,
            )
        )


if __name__ == "__main__":
    main()
