"""A volume from one radiograph: the bones of a procedural head, whose true volume is known, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import demo_scene
import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from tqdm import tqdm

from InverseImagingLib import image as images
from InverseImagingLib.animation import write_animation
from InverseImagingLib.image import Image
from InverseImagingLib.method import Progress, Result
from InverseImagingLib.training.bodies import body_of
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from XrayTomographyLib.evaluation.scenes import Scene, scenes
from XrayTomographyLib.intake import Tone
from XrayTomographyLib.options import Product, TomographyOptions
from XrayTomographyLib.pictures import anaglyph, eyes, views
from XrayTomographyLib.rendering import rendered
from XrayTomographyLib.tomograph import tomograph
from XrayTomographyLib.transfer import Colors

TILE = 256
TURNS = (30.0, 60.0, 90.0)
ASIDE = (35.0, 10.0)  # azimuth and elevation of what is rendered
OPTIONS = TomographyOptions(tone=Tone.LINEAR, field=260.0)


def run(out: Path, size: int) -> None:
    """Write the radiograph of a body (of so many voxels), all that is made of it, a turntable, a contact sheet and a
    scene."""
    scene = next(scenes(body_of(phantom(Anatomy.SKULL, size))))
    given = Image(scene.radiograph[None].numpy(), name="radiograph")
    form = "{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=100, desc="a volume from a radiograph", bar_format=form) as bar:

        def report(progress: Progress) -> None:
            bar.update(round(100 * progress.fraction) - bar.n)

        result = tomograph(given, OPTIONS, report)
        bar.update(100 - bar.n)
    for name, image in result.images.items():
        images.write(image, out / f"tomography-{name}.nrrd")
    (out / "tomography-report.json").write_text(json.dumps(result.report, indent=2), encoding="utf-8")
    volume = torch.from_numpy(result.images[Product.VOLUME.value].array)
    around = views(volume, [(10.0 * step, 0.0) for step in range(36)])
    write_animation(list(around.numpy()), out / "tomography.gif", around=True)
    contact_sheet(scene, volume, result, out / "tomography.png")
    write_scene(given, result, out / "tomography.mrb")


def contact_sheet(scene: Scene, volume: torch.Tensor, result: Result, path: Path) -> None:
    """Above what is made of the radiograph, below the truth."""
    turned = [(turn, 0.0) for turn in TURNS]
    rows = []
    for densities, text in ((volume, "estimate"), (scene.densities, "true")):
        row = [
            (_gray(view), f"{text}, {turn:+.0f}°") for view, turn in zip(views(densities, turned), TURNS, strict=True)
        ]
        row.append((_colored(rendered(densities, ASIDE, Colors.BONE.look)), f"{text}, rendered"))
        row.append((Picture.fromarray(anaglyph(*views(densities, eyes(0.0, 0.0, 4.0)).numpy())), f"{text}, anaglyph"))
        rows.append(row)
    uncertainty = torch.from_numpy(result.images[Product.UNCERTAINTY.value].array).mean(dim=1)
    rows[0].insert(0, (_gray(scene.radiograph), "radiograph"))
    rows[1].insert(0, (_gray(uncertainty / uncertainty.max()), "uncertainty"))
    margin, head, gap = 10, 76, 34
    sheet = Picture.new("RGB", (len(rows[0]) * (TILE + margin) + margin, head + 2 * (TILE + gap)), "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    draw.text((margin, 8), "X-ray Tomography: a volume from one radiograph of a procedural head's bones", "white", big)
    note = (
        "What lies how deep is a network's guess, for research only; the volume gives the radiograph back at "
        f"{result.report['reprojection PSNR']} dB."
    )
    draw.text((margin, 38), note, "#bbbbbb", small)
    for number, row in enumerate(rows):
        top = head + number * (TILE + gap)
        for column, (picture, text) in enumerate(row):
            left = margin + column * (TILE + margin)
            sheet.paste(picture.resize((TILE, TILE)), (left, top + gap - 8))
            draw.text((left, top + 6), text, "white", small)
    sheet.save(path)


def _gray(picture: torch.Tensor) -> Picture.Image:
    return _colored(picture.numpy())


def _colored(picture: np.ndarray) -> Picture.Image:
    return Picture.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))


def write_scene(given: Image, result: Result, path: Path) -> None:
    """A Slicer scene with the radiograph and all that was made of it; shown are the radiograph and the volume."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        source = nodes.node_from_image(given, "radiograph")
        nodes.set_window(source, 0, 1)
        made: dict[str, Any] = {
            name: nodes.add_result(image, f"{name} (estimate)", source, result.report)
            for name, image in result.images.items()
        }
        demo_scene.folder(scene, "Head", [source, *made.values()])
        demo_scene.show(scene, "Coronal", [source, made[Product.VOLUME.value]])
