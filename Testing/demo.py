"""The demonstration: a real CT slice, damaged in four ways and restored; radiographs, and what is behind them.

The slice is the one that pydicom ships (128 x 128 pixels). It is noisy as it was scanned, which denoising starts from;
the other tasks start from what has been lost on purpose, so that the result can be held against the truth. The bodies
are procedural (see demo_xray.py); a radiograph of one is seen from other sides (see demo_synthesis.py), another becomes
a volume (see demo_tomography.py), a CT gets colors (see demo_ct2rgb.py), and a photo of a film becomes slices (see
demo_film.py). Writes to --out: contact sheets, the volumes, the reports, animations, and scenes for Slicer.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo_ct2rgb
import demo_film
import demo_scene
import demo_synthesis
import demo_tomography
import demo_xray
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from skimage.metrics import peak_signal_noise_ratio
from tqdm import tqdm

from CTRestorationLib.options import RestorationOptions, Task, Tier
from CTRestorationLib.restore import restore
from InverseImagingLib import image as images
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Progress, Result

WINDOW = (-160.0, 240.0)
TILE = 256


@dataclass(frozen=True)
class Case:
    """One task: what the method is given, and the truth on the result's grid; None where nobody knows it."""

    title: str
    options: RestorationOptions
    given: Image
    mask: Image | None
    truth: Image | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results (%(default)s)")
    parser.add_argument("--instant", action="store_true", help="leave the deep tier out, and make the bodies small")
    arguments = parser.parse_args()
    out, tiers = arguments.out, (Tier.INSTANT,) if arguments.instant else (Tier.INSTANT, Tier.DEEP)
    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    finished = []
    for case in cases():
        results = {tier: run(case, tier) for tier in tiers}
        write(case, results, out)
        finished.append((case, results))
    contact_sheet(finished, out / "contact-sheet.png")
    write_scene(finished, out / "restoration.mrb")
    size = 96 if arguments.instant else 224
    demo_xray.run(out, size)
    demo_synthesis.run(out, size)
    demo_tomography.run(out, size)
    demo_ct2rgb.run(out, min(size, 160))
    demo_film.run(out)
    others = ("radiographs", "synthesis", "tomography", "colors", "films")
    sheets = (str(out / f"{name}.png") for name in ("contact-sheet", *others))
    scenes = (str(out / f"{name}.mrb") for name in ("restoration", *others))
    print(f"Done in {time.monotonic() - start:.0f} s. Look at {', '.join(sheets)};")
    print(f"open {', '.join(scenes)} in Slicer. The volumes are beside them.")


def cases() -> Iterator[Case]:
    """The four tasks on the slice that pydicom ships."""
    truth = images.read(get_testdata_file("CT_small.dcm"))
    truth = truth.with_array(truth.array.astype(np.float32), name="truth")
    slice_hu = truth.array[0]
    rng = np.random.default_rng(0)

    yield Case("denoise, as scanned", options(Task.DENOISE), truth.with_array(truth.array, name="CT_small"), None, None)

    coarse, coarse_matrix = slice_hu.reshape(64, 2, 64, 2).mean(axis=(1, 3)), truth.ijk_to_ras @ np.diag([2, 2, 1, 1.0])
    coarse_matrix[:3, 3] += truth.ijk_to_ras[:3, :2].sum(axis=1) / 2
    given = truth.with_array(coarse[None].astype(np.float32), ijk_to_ras=coarse_matrix)
    yield Case("super-resolution, x2", options(Task.SUPER_RESOLUTION, factor=2), given, None, truth)

    lines = scribbles(slice_hu.shape, rng)
    given = truth.with_array(np.where(lines, np.float32(3000), slice_hu)[None])
    yield Case("inpaint, scribbles", options(Task.INPAINT), given, label(lines, truth), truth)

    dropped = rng.random(slice_hu.shape) < 0.5
    given = truth.with_array(np.where(dropped, np.float32(-1024), slice_hu)[None])
    yield Case("restore, 50 % of the pixels", options(Task.RESTORE), given, label(dropped, truth), truth)


def options(task: Task, **more: Any) -> RestorationOptions:
    return RestorationOptions(task=task, window_low=WINDOW[0], window_high=WINDOW[1], **more)


def label(mask: np.ndarray, like: Image) -> Image:
    return like.with_array(mask[None].astype(np.uint8), meaning=Meaning.LABEL, name="mask")


def scribbles(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Pen strokes over about a tenth of the picture."""
    canvas = Picture.new("L", shape[::-1])
    draw = ImageDraw.Draw(canvas)
    while np.asarray(canvas).mean() < 0.1 * 255:
        points = np.cumsum(rng.normal(0, shape[0] / 12, (8, 2)), axis=0) + rng.uniform(0.2, 0.8, 2) * shape[0]
        draw.line([tuple(point) for point in points], fill=255, width=3, joint="curve")
    return np.asarray(canvas) > 0


def run(case: Case, tier: Tier) -> Result:
    """Restore with a progress bar."""
    with tqdm(
        total=100, desc=f"{case.title}, {tier.value}", bar_format="{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}"
    ) as bar:

        def report(progress: Progress) -> None:
            bar.update(round(100 * progress.fraction) - bar.n)

        result = restore(case.given, dataclasses.replace(case.options, tier=tier), report, mask=case.mask)
        bar.update(100 - bar.n)
    return result


def psnr(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio in dB inside the HU window."""
    shown = [np.clip(i.array, *WINDOW) for i in (truth, image)]
    return float(peak_signal_noise_ratio(*shown, data_range=WINDOW[1] - WINDOW[0]))


def write(case: Case, results: dict[Tier, Result], out: Path) -> None:
    task = case.options.task.value
    images.write(case.given, out / f"{task}-input.nrrd")
    if case.mask is not None:
        images.write(case.mask, out / f"{task}-mask.nrrd")
    for tier, result in results.items():
        for name, image in result.images.items():
            images.write(image, out / f"{task}-{tier.value}-{name}.nrrd")
        (out / f"{task}-{tier.value}-report.json").write_text(json.dumps(result.report, indent=2), encoding="utf-8")


# The contact sheet


def contact_sheet(finished: list[tuple[Case, dict[Tier, Result]]], path: Path) -> None:
    """A row a task: truth, input, and for each tier the result and its difference from the truth, or from the input."""
    columns = 2 + 2 * len(finished[0][1])
    margin, head, gap = 10, 76, 34
    sheet = Picture.new("RGB", (columns * (TILE + margin) + margin, head + len(finished) * (TILE + gap)), "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    low, high = WINDOW
    draw.text((margin, 8), "CT Restoration: one real slice, four tasks", "white", big)
    note = (
        f"Window {low:g} to {high:g} HU, differences -100 (blue) to 100 HU (red). Computed images, for research only."
    )
    draw.text((margin, 38), note, "#bbbbbb", small)
    for row, (case, results) in enumerate(finished):
        top = head + row * (TILE + gap)
        reference, name = (case.truth, "truth") if case.truth is not None else (case.given, "input")
        tiles = [(gray(reference), case.title), (gray(masked(case)), "input")]
        for tier, result in results.items():
            image = result.images["result"]
            score = f", {psnr(image, case.truth):.1f} dB" if case.truth is not None else ""
            tiles.append((gray(image), f"{tier.value}{score}"))
            tiles.append((difference(image, reference), f"{tier.value} minus {name}"))
        for column, (tile, text) in enumerate(tiles):
            left = margin + column * (TILE + margin)
            sheet.paste(tile.resize((TILE, TILE), Picture.Resampling.NEAREST), (left, top + gap - 8))
            draw.text((left, top + 6), text, "white", small)
    sheet.save(path)


def masked(case: Case) -> Image:
    """The input, with what is missing as NaN."""
    if case.mask is None:
        return case.given
    return case.given.with_array(np.where(case.mask.array > 0, np.nan, case.given.array))


def gray(image: Image) -> Picture.Image:
    """The slice in the HU window; missing pixels orange."""
    hu = image.array[0]
    shade = (np.clip((np.nan_to_num(hu) - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1) * 255).astype(np.uint8)
    color = np.repeat(shade[..., None], 3, axis=2)
    color[np.isnan(hu)] = (214, 128, 32)
    return Picture.fromarray(color)


def difference(image: Image, truth: Image) -> Picture.Image:
    """Differences of the values inside the HU window: blue below, red above, white none."""
    change = (np.clip(image.array[0], *WINDOW) - np.clip(truth.array[0], *WINDOW)) / 100.0
    up, down = np.clip(change, 0, 1), np.clip(-change, 0, 1)
    color = 1.0 - np.stack([down, np.maximum(up, down), up], axis=-1)
    return Picture.fromarray((color * 255).astype(np.uint8))


# The scene


def write_scene(finished: list[tuple[Case, dict[Tier, Result]]], path: Path) -> None:
    """A Slicer scene with all volumes, a folder a task, windows set, input and deep result in the slice views."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        for case, results in finished:
            task = case.options.task.value
            source = nodes.node_from_image(case.given, f"{task} input")
            nodes.set_window(source, *WINDOW)
            made = [source]
            if case.mask is not None:
                made.append(nodes.node_from_image(case.mask, f"{task} mask"))
            for tier, result in results.items():
                for name, image in result.images.items():
                    node = nodes.add_result(image, f"{task} {tier.value} {name} (derived)", source, result.report)
                    nodes.set_window(node, *(WINDOW if name == "result" else (-100, 100)))
                    made.append(node)
                    if name == "result":
                        best = node
            demo_scene.folder(scene, case.title, made)
        truth = nodes.node_from_image(finished[-1][0].truth, "truth")
        nodes.set_window(truth, *WINDOW)
        demo_scene.show(scene, "Axial", [source, best])


if __name__ == "__main__":
    main()
