"""One radiograph from other sides and without its bones: a procedural chest, of which the true views are known, too."""

from __future__ import annotations

import json
from pathlib import Path

import demo_scene
import numpy as np
from demo_xray import gray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from tqdm import tqdm

from InverseImagingLib import image as images
from InverseImagingLib.animation import write_animation
from InverseImagingLib.image import Image
from InverseImagingLib.method import Progress, Result
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import HIGHEST, radiograph
from XraySynLib.options import SynthesisOptions
from XraySynLib.synthesize import synthesize

TILE = 256
SWEEP = "-18:18:9"
SHOWN = (0, 2, 6, 8)  # of the sweep, in the contact sheet
MAPS = {"bone map": 4.0, "suppressed": 1.0, "uncertainty": 0.2}  # and what is white in them


def run(out: Path, size: int) -> None:
    """Write the radiograph of a body (of so many voxels), all that is made of it, an animation, a contact sheet and a
    scene."""
    true = radiograph(phantom(Anatomy.THORAX, size), RadiographOptions(sweep=SWEEP, scatter=0.3, photons=2e4))
    views = [image for name, image in true.images.items() if name.startswith("radiograph")]
    given = views[len(views) // 2]
    form = "{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=100, desc="other views of a radiograph", bar_format=form) as bar:

        def report(progress: Progress) -> None:
            bar.update(round(100 * progress.fraction) - bar.n)

        result = synthesize(given, SynthesisOptions(sweep=SWEEP), report)
        bar.update(100 - bar.n)
    for name, image in result.images.items():
        images.write(image, out / f"synthesis-{name.replace(' ', '-').lower()}.nrrd")
    (out / "synthesis-report.json").write_text(json.dumps(result.report, indent=2), encoding="utf-8")
    made = [image.array[0] for name, image in result.images.items() if name.startswith("view")]
    write_animation(made, out / "synthesis.gif")
    contact_sheet(given, result, [views[n].array[0] / HIGHEST for n in SHOWN], [made[n] for n in SHOWN], out)
    write_scene(given, result, out / "synthesis.mrb")


def contact_sheet(given: Image, result: Result, true: list[np.ndarray], made: list[np.ndarray], out: Path) -> None:
    """Above the views that are synthesized, and what else is; below the truth."""
    angles = [f"{result.report['angles'][n][0]:+.0f}°" for n in SHOWN]
    maps = {name: (result.images[name].array[0] / white, name) for name, white in MAPS.items()}
    upper = [(given.array[0] / HIGHEST, "radiograph")]
    upper += [(view, f"synthesized, {angle}") for view, angle in zip(made, angles, strict=True)]
    upper += [maps["suppressed"]]
    lower = [maps["bone map"], *((view, f"true, {angle}") for view, angle in zip(true, angles, strict=True))]
    lower += [maps["uncertainty"]]
    margin, head, gap = 10, 76, 34
    sheet = Picture.new("RGB", (len(upper) * (TILE + margin) + margin, head + 2 * (TILE + gap)), "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    draw.text((margin, 8), "X-ray Synthesis: one radiograph of a procedural chest, from other sides", "white", big)
    note = (
        f"A network's guess, for research only; gives the radiograph back at {result.report['reprojection PSNR']} dB."
    )
    draw.text((margin, 38), note, "#bbbbbb", small)
    for row, tiles in enumerate((upper, lower)):
        top = head + row * (TILE + gap)
        for column, (values, text) in enumerate(tiles):
            left = margin + column * (TILE + margin)
            sheet.paste(gray(values).resize((TILE, TILE)), (left, top + gap - 8))
            draw.text((left, top + 6), text, "white", small)
    sheet.save(out / "synthesis.png")


def write_scene(given: Image, result: Result, path: Path) -> None:
    """A Slicer scene with the radiograph and all that was made of it; shown are the radiograph and the last view."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        source = nodes.node_from_image(given, "radiograph")
        nodes.set_window(source, 0, HIGHEST)
        made = [source]
        for name, image in result.images.items():
            node = nodes.add_result(image, f"{name} (synthesized)", source, result.report)
            if name not in ("CT", "bone mask", "residual"):
                nodes.set_window(node, 0, MAPS.get(name, float(image.array.max()) if name == "tissue map" else 1.0))
            if name.startswith("view"):
                last = node
            made.append(node)
        demo_scene.folder(scene, "Chest", made)
        demo_scene.show(scene, "Coronal", [source, last])
