"""The radiographs of the demonstration: a procedural chest and head from three angles, beside their bone maps."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import demo_scene
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from tqdm import tqdm

from InverseImagingLib import image as images
from InverseImagingLib.image import Image
from InverseImagingLib.method import Result
from InverseImagingLib.xray.geometry import Preset
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import HIGHEST, picture, radiograph

TILE = 256
MOST_BONE = 8.0  # g/cm2 that are white in a bone map
VIEWS = {"PA": 0.0, "oblique": 45.0, "lateral": 90.0}  # and the azimuth of the detector


@dataclass(frozen=True)
class Subject:
    """A body, and how radiographs of it are taken."""

    title: str
    anatomy: Anatomy
    options: RadiographOptions


SUBJECTS = (
    Subject("chest", Anatomy.THORAX, RadiographOptions(kvp=120.0, photons=2e4, scatter=0.3, blur=0.4)),
    Subject("head", Anatomy.SKULL, RadiographOptions(Preset.SKULL, kvp=75.0, photons=2e4, scatter=0.15, blur=0.4)),
)


def run(out: Path, size: int) -> None:
    """Write the bodies (of so many voxels), radiographs, bone maps, reports, a contact sheet and a scene."""
    taken = []
    steps = len(SUBJECTS) * (1 + len(VIEWS))
    with tqdm(total=steps, desc="radiographs", bar_format="{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}") as bar:
        for subject in SUBJECTS:
            body = phantom(subject.anatomy, size)
            bar.update()
            results = {}
            for name, azimuth in VIEWS.items():
                results[name] = radiograph(body, replace(subject.options, azimuth=azimuth))
                bar.update()
            write(subject, body, results, out)
            taken.append((subject, body, results))
    contact_sheet([(subject, results) for subject, _, results in taken], out / "radiographs.png")
    write_scene(taken, out / "radiographs.mrb")


def write(subject: Subject, body: Image, results: dict[str, Result], out: Path) -> None:
    images.write(body, out / f"{subject.title}.nrrd")
    for view, result in results.items():
        stem = f"{subject.title}-{view.lower()}"
        images.write(picture(result.images["radiograph"]), out / f"{stem}.png")
        for name, image in result.images.items():
            images.write(image, out / f"{stem}-{name.replace(' ', '-')}.nrrd")
        (out / f"{stem}-report.json").write_text(json.dumps(result.report, indent=2), encoding="utf-8")


def contact_sheet(taken: list[tuple[Subject, dict[str, Result]]], path: Path) -> None:
    """A row a body: each radiograph with its bone map on its right."""
    margin, head, gap = 10, 76, 34
    columns = 2 * len(VIEWS)
    sheet = Picture.new("RGB", (columns * (TILE + margin) + margin, head + len(taken) * (TILE + gap)), "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    draw.text((margin, 8), "X-ray Synthesis: radiographs of procedural bodies", "white", big)
    draw.text((margin, 38), f"Simulated. Bone maps from 0 (black) to {MOST_BONE:g} g/cm2 (white).", "#bbbbbb", small)
    for row, (subject, results) in enumerate(taken):
        top = head + row * (TILE + gap)
        for column, (view, result) in enumerate(results.items()):
            tiles = [
                (result.images["radiograph"].array[0] / HIGHEST, f"{subject.title}, {view}"),
                (result.images["bone map"].array[0] / MOST_BONE, "bone map"),
            ]
            for place, (values, text) in enumerate(tiles, 2 * column):
                left = margin + place * (TILE + margin)
                sheet.paste(gray(values).resize((TILE, TILE)), (left, top + gap - 8))
                draw.text((left, top + 6), text, "white", small)
    sheet.save(path)


def gray(values: np.ndarray) -> Picture.Image:
    """A picture of values from 0 (black) to 1 (white)."""
    return Picture.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8))


def write_scene(taken: list[tuple[Subject, Image, dict[str, Result]]], path: Path) -> None:
    """A Slicer scene with all volumes, radiographs where the detectors were; shown are the chest and its PA view."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        shown = []
        for subject, body, results in taken:
            source = nodes.node_from_image(body, subject.title)
            nodes.set_window(source, -1000, 1000)
            made = [source]
            for view, result in results.items():
                for name, image in result.images.items():
                    node = nodes.add_result(image, f"{subject.title} {view} {name} (derived)", source, result.report)
                    nodes.set_window(node, 0, HIGHEST if name == "radiograph" else MOST_BONE)
                    made.append(node)
            demo_scene.folder(scene, subject.title, made)
            shown = shown or made[:2]
        demo_scene.show(scene, "Coronal", shown)
