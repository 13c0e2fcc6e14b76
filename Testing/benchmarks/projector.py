"""Measure the projector beside its peers: python Testing/benchmarks/projector.py [--out FILE.md] [--json FILE.json]

Cone-beam views of a volume of smooth blobs, from one side to the other, projected by all methods in turn, many times:
medians of the times of one view forward, its adjoint, both through autograd, and 20 views at once. Beside the times:

- error: relative L2 distance of the picture to the line integrals of the trilinearly interpolated volume, summed in
  float64 every 0.1 voxel. Joseph's method (ours, RTK) interpolates within slices only, Siddon's not at all; this is
  what such choices cost on this phantom.
- rounding: relative L2 distance to the same method in float64, which for ours the torch reference computes.
- mismatch: |<A x, y> - <x, A^T y>| / <A x, y> of random x and y.
- memory: the most that one view forward and its adjoint take beside their arguments and results (Linux only).

RTK and DiffDRR take part where they are installed: pip install --no-deps -r requirements-peers.txt. On a GPU
(--device cuda) the table also has the share of the memory's bandwidth that is used, if each pass must move the volume
once; the bandwidth is that of copying. It measures times and asserts nothing.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "InverseImaging")]

import projector_peers as peers  # noqa: E402

from InverseImagingLib.errors import InputError  # noqa: E402
from InverseImagingLib.xray.geometry import Geometry, Preset, preset_geometry  # noqa: E402
from InverseImagingLib.xray.projector import Backend, Projector, choose_backend  # noqa: E402

BODY = 200.0  # mm, side of the volume
AZIMUTHS = np.linspace(-90, 90, 20)
TASKS = ("forward", "adjoint", "autograd", "20 views")
GOALS = (  # of ours, against the fastest of a kind of peers, at most
    ("forward", "RTK", 0.45),
    ("adjoint", "RTK", 0.5),
    ("20 views", "RTK", 0.5),
    ("autograd", "DiffDRR", 0.1),
)


class Ours:
    """A Projector with the interface of the peers."""

    def __init__(self, backend: Backend, shape: tuple[int, ...], ijk_to_ras: np.ndarray, views: list[Geometry]) -> None:
        self._projector = Projector(shape, ijk_to_ras, views, backend=backend)

    def project(self, volume: torch.Tensor) -> torch.Tensor:
        return self._projector(volume[None])[:, 0]

    def adjoint(self, images: torch.Tensor) -> torch.Tensor:
        return self._projector.adjoint(images[:, None])[0]


def phantom(count: int) -> torch.Tensor:
    """Blobs in the middle of a cube, of a size that does not depend on how finely it is sampled."""
    rng, axis = np.random.default_rng(1), (np.arange(count) + 0.5) / count * 2 - 1
    volume = np.zeros((count, count, count), np.float32)
    for center, width, value in zip(rng.uniform(-0.45, 0.45, (8, 3)), rng.uniform(0.1, 0.2, 8), rng.random(8)):  # noqa: B905
        k, j, i = (np.exp(-(((axis - c) / width) ** 2)).astype(np.float32) for c in center)
        volume += np.float32(value) * k[:, None, None] * j[:, None] * i
    volume[volume < 1e-20] = 0.0  # numbers below the normal ones would be slow
    return torch.from_numpy(volume)


def place(count: int) -> np.ndarray:
    ijk_to_ras = np.diag([*[BODY / count] * 3, 1.0])
    ijk_to_ras[:3, 3] = (0.5 / count - 0.5) * BODY
    return ijk_to_ras


def views(count: int, pixels: int, azimuths: np.ndarray) -> list[Geometry]:
    shape = (count, count, count)
    return [preset_geometry(Preset.SKULL, shape, place(count), width=pixels, azimuth=float(a)) for a in azimuths]


def trilinear(volume: torch.Tensor, ijk_to_ras: np.ndarray, view: Geometry, every: int, step: float) -> torch.Tensor:
    """Line integrals of every so many pixels, float64, by samples that are step voxels apart and zero outside."""
    count = volume.shape[0]
    rows, columns = np.mgrid[: view.height : every, : view.width : every]
    pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)], -1).reshape(-1, 4)
    pixels = pixels @ view.pixel_to_ras.T
    to_ijk = np.linalg.inv(ijk_to_ras)
    source, ends = (to_ijk @ [*view.source, 1])[:3], (pixels @ to_ijk.T)[:, :3]
    beams = ends - source
    voxels = np.linalg.norm(beams, axis=1)
    reach = np.linalg.norm(source - (count - 1) / 2)  # the samples cover a ball around the volume
    distances = torch.from_numpy(np.arange(reach - count, reach + count, step))
    units, exact = torch.from_numpy(beams / voxels[:, None]), volume.double()[None, None]
    sums = []
    for unit in units.split(64):
        points = torch.from_numpy(source) + distances[:, None] * unit[:, None]
        grid = (2 * points + 1) / count - 1
        samples = torch.nn.functional.grid_sample(exact, grid[None, None], align_corners=False)
        sums.append(samples[0, 0, 0].sum(-1) * step)
    millimeters = torch.from_numpy(np.linalg.norm(pixels[:, :3] - view.source, axis=1) / voxels)
    return (torch.cat(sums) * millimeters).reshape(rows.shape)


class Candidate:
    """One method on one volume: what it is asked to do, and how long that took."""

    def __init__(self, name: str, make: Callable[..., Any], count: int, pixels: int, device: torch.device) -> None:
        self.name, self.times = name, {}  # type: str, dict[str, list[float]]
        shape, where = (count, count, count), place(count)
        one = make(shape, where, views(count, pixels, AZIMUTHS[10:11]))
        self.one = one.to(device) if hasattr(one, "to") else one
        self.bytes = getattr(one, "gigabytes", 0.0) * 1e9
        alone = isinstance(one, (Ours, peers.Rtk))  # the others would take 20 times their memory
        self.many = make(shape, where, views(count, pixels, AZIMUTHS)) if alone else None
        self._synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None

    def tasks(self, volume: torch.Tensor, images: torch.Tensor) -> dict[str, Callable[[], object]]:
        tasks: dict[str, Callable[[], object]] = {"forward": lambda: self.one.project(volume)}
        if isinstance(self.one, peers.ByAutograd):
            wanted = volume.clone().requires_grad_()
            drawn: list[torch.Tensor] = []

            def draw() -> None:
                drawn[:] = [self.one.project(wanted)]

            tasks["adjoint"] = lambda: torch.autograd.grad(drawn.pop(), wanted, images)
            tasks["adjoint before"] = draw
        else:
            tasks["adjoint"] = lambda: self.one.adjoint(images)
        if not isinstance(self.one, peers.Rtk):
            tasks["autograd"] = lambda: self.through_autograd(volume, images)
        if self.many is not None:
            tasks["20 views"] = lambda: self.many.project(volume)
        return tasks

    def through_autograd(self, volume: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        wanted = volume.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.one.project(wanted), wanted, images)
        return gradient

    def time(self, task: str, tasks: dict[str, Callable[[], object]]) -> None:
        tasks.get(f"{task} before", lambda: None)()
        self._synchronize()
        began = time.perf_counter()
        tasks[task]()
        self._synchronize()
        self.times.setdefault(task, []).append(1e3 * (time.perf_counter() - began))


def candidates(count: int, pixels: int, device: torch.device, limit: float) -> list[Candidate]:
    """All methods that are there and fit into the memory; says which are not."""
    kinds: dict[str, Callable[..., Any]] = {
        "ours": lambda *scene: Ours(Backend.AUTO, *scene),
        "RTK Joseph": peers.Rtk,
        "DiffDRR Siddon": lambda *scene: peers.DiffDrr(*scene, name="Siddon"),
        "DiffDRR trilinear": lambda *scene: peers.DiffDrr(*scene, points=2 * count),
        "grid_sample": peers.GridSample,
    }
    if device.type == "cuda":
        del kinds["RTK Joseph"]  # computes on the CPU
        kinds["ours, torch"] = lambda *scene: Ours(Backend.TORCH, *scene)
    found = []
    for name, make in kinds.items():
        try:
            candidate = Candidate(name, make, count, pixels, device)
        except ImportError as error:
            print(f"{name} is left out: {error}; {peers.INSTALL} brings it.", file=sys.stderr)
            continue
        except InputError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        if candidate.bytes > limit:
            print(f"{name} is left out at {count}^3: needs about {candidate.bytes / 1e9:.0f} GB.", file=sys.stderr)
            continue
        found.append(candidate)
    return found


def peak_memory(task: Callable[[], object], device: torch.device) -> float | None:
    """MB that a task takes at its peak beside what is there and what it returns."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = task()
        peak = torch.cuda.max_memory_allocated() - before
    elif sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free already must not hide what is taken
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before = resident("VmRSS")
        result = task()
        peak = resident("VmHWM") - before
    else:
        return None
    returned = result[0] if isinstance(result, tuple) else result
    assert isinstance(returned, torch.Tensor)
    return max(peak - returned.nbytes, 0) / 1e6


def resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def bandwidth(device: torch.device) -> float:
    """Bytes a second that a large copy reads and writes."""
    values = torch.empty(1 << 28, device=device)
    times = []
    for _ in range(10):
        torch.cuda.synchronize()
        began = time.perf_counter()
        values.clone()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 2 * values.nbytes / min(times)


def measure(count: int, pixels: int, rounds: int, device: torch.device, limit: float) -> dict[str, dict[str, Any]]:
    """{method: {quantity: value}} of one size."""
    generator = torch.Generator().manual_seed(2)
    volume = phantom(count)
    random = torch.rand(volume.shape, generator=generator).to(device)
    images = torch.rand(1, pixels, pixels, generator=generator).to(device)
    view, every = views(count, pixels, AZIMUTHS[10:11])[0], max(pixels // 32, 1)
    truth = trilinear(volume, place(count), view, every, 0.1)
    same = Ours(Backend.TORCH, tuple(volume.shape), place(count), [view]).project(volume.double())
    volume = volume.to(device)
    rows: dict[str, dict[str, Any]] = {}
    methods, prepared = candidates(count, pixels, device, limit), {}
    for method in methods:
        picture = method.one.project(volume).double().cpu()
        row: dict[str, Any] = {"error": distance(picture[0, ::every, ::every], truth)}
        if isinstance(method.one, Ours):
            row["rounding"] = distance(picture, same)
        product = (method.one.project(random).double() * images).sum()
        row["mismatch"] = float(abs((method.one.adjoint(images).double() * random).sum() / product - 1))
        prepared[method.name] = method.tasks(volume, images)
        once = [peak_memory(lambda: method.one.project(volume), device)]  # noqa: B023
        once.append(peak_memory(lambda: method.one.adjoint(images), device))  # noqa: B023
        row["memory"] = None if None in once else max(once)  # type: ignore[type-var]
        rows[method.name] = row
    for number in range(rounds):
        for task in TASKS:
            for method in methods:
                if task in prepared[method.name]:
                    so_far = method.times.get(task, [])
                    if number < 2 or number % 5 == 0 or statistics.median(so_far) < 500:
                        method.time(task, prepared[method.name])
        print(f"{count}^3: round {number + 1} of {rounds}", file=sys.stderr)
    for method in methods:
        rows[method.name] |= {task: statistics.median(times) for task, times in method.times.items()}
    if device.type == "cuda":
        most = bandwidth(device)
        for row in rows.values():
            for task in TASKS[:2]:
                row[f"{task} bandwidth"] = (volume.nbytes + images.nbytes) / (row[task] / 1e3) / most
    return rows


def distance(picture: torch.Tensor, truth: torch.Tensor) -> float:
    return float((picture - truth).norm() / truth.norm())


def ratios(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Ours over the fastest of each kind of peers, per task."""
    found = {}
    for task in TASKS:
        for kind in ("RTK", "DiffDRR", "grid_sample"):
            times = [row[task] for name, row in rows.items() if name.startswith(kind) and task in row]
            if times and task in rows["ours"]:
                found[f"{task} / {kind}"] = rows["ours"][task] / min(times)
    return found


def markdown(tables: dict[str, dict[str, dict[str, Any]]], note: str) -> str:
    lines = [note, ""]
    head = "| volume | method | forward (ms) | adjoint (ms) | forward and adjoint by autograd (ms) | 20 views (ms) |"
    columns = ("error", "rounding", "mismatch", "memory")
    cuda = any("forward bandwidth" in row for rows in tables.values() for row in rows.values())
    extra = ("forward bandwidth", "adjoint bandwidth") if cuda else ()
    lines.append(head + " error | rounding | mismatch | memory (MB) |" + "".join(f" {name} |" for name in extra))
    lines.append("|---" * (10 + len(extra)) + "|")
    for size, rows in tables.items():
        for name, row in rows.items():
            cells = [f"{row[task]:.3g}" if task in row else "-" for task in TASKS]
            for key in columns:
                number = row.get(key)
                cells.append("-" if number is None else f"{number:.0f}" if key == "memory" else f"{number:.1e}")
            cells += [f"{100 * row[key]:.0f} %" for key in extra]
            lines.append(f"| {size} | {name} | " + " | ".join(cells) + " |")
    lines += ["", "| volume | ours over | ratio | goal at most |", "|---|---|---|---|"]
    goals = {f"{task} / {kind}": goal for task, kind, goal in GOALS}
    for size, rows in tables.items():
        for name, ratio in ratios(rows).items():
            goal = 0.1 if cuda and name.endswith("grid_sample") else goals.get(name)
            lines.append(f"| {size} | {name} | {ratio:.3f} | {goal or '-'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[128, 256, 512], help="sides of the volumes")
    parser.add_argument("--pixels", type=int, default=256, help="side of the detector (256)")
    parser.add_argument("--rounds", type=int, default=15, help="how often all methods are timed in turn (15)")
    parser.add_argument("--threads", type=int, default=2, help="on the CPU (2)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--limit", type=float, default=8.0, help="GB that a method may need to take part (8)")
    parser.add_argument("--quick", action="store_true", help="a small volume and two rounds, to see that it runs")
    parser.add_argument("--out", type=Path, help="write the Markdown here too")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    a = parser.parse_args()
    if a.quick:
        a.sizes, a.pixels, a.rounds = [48], 64, 2
    torch.set_num_threads(a.threads)
    device = torch.device(a.device)
    tables = {}
    for count in a.sizes:
        tables[f"{count}^3"] = measure(count, a.pixels, a.rounds, device, 1e9 * a.limit)
        gc.collect()
    what = torch.cuda.get_device_name() if a.device == "cuda" else f"CPU, {a.threads} threads"
    note = f"Cone beam to {a.pixels} x {a.pixels} pixels, float32, {choose_backend(device).value} backend, {what}."
    text = markdown(tables, f"{note} Medians of {a.rounds} rounds.")
    print(text)
    if a.out:
        a.out.write_text(text)
    if a.json:
        found = {"note": note, "tables": tables, "ratios": {size: ratios(rows) for size, rows in tables.items()}}
        a.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
