"""A photo of a CT film: the flat film, and the slices on it in HU. The photo is the sample of CT Film Recovery."""

from __future__ import annotations

import json
from pathlib import Path

import demo_scene
import numpy as np
from PIL import Image as Picture
from PIL import ImageColor, ImageDraw, ImageFont
from tqdm import tqdm

from FilmRecoveryLib import photo as photos
from FilmRecoveryLib.export import write_film
from FilmRecoveryLib.extract import extract
from FilmRecoveryLib.flatten import flatten
from FilmRecoveryLib.options import ExtractOptions, FlattenOptions
from InverseImagingLib import image as images
from InverseImagingLib.image import Image
from InverseImagingLib.method import Progress, Result, part_of

SAMPLE = Path(__file__).parents[1] / "FilmRecovery" / "Resources" / "SampleData" / "FilmPhoto.jpg"
SLICES = ExtractOptions(level=40, width=400, spacing_z=20)  # as is written on the film
WIDE, HIGH = 360, 460  # pixels of a tile of the contact sheet
ORANGE = "#ff9020"


def run(out: Path) -> None:
    """Write the flat film of the sample photo, its slices, what is known of them, a contact sheet and a scene."""
    photo = photos.read(SAMPLE)
    film, slices = recovered(photo)
    write_film(film.images["film"], out / "film-flat.png")
    for name, image in slices.images.items():
        images.write(image, out / f"film-{name}.nrrd")
    told = {"film": film.report, "slices": slices.report}
    (out / "film-report.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
    contact_sheet(photo, film, slices, out / "films.png")
    write_scene(photo, film, slices, out / "films.mrb")


def recovered(photo: Image) -> tuple[Result, Result]:
    """The flat film of a photo, and its slices, with a progress bar."""
    form = "{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=100, desc="slices of a film in a photo", bar_format=form) as bar:

        def report(progress: Progress) -> None:
            bar.update(round(100 * progress.fraction) - bar.n)

        film = flatten(photo, FlattenOptions(), part_of(report, 0, 0.5))
        made = extract(film.images["film"], SLICES, part_of(report, 0.5, 1), confidence=film.images["confidence"])
        bar.update(100 - bar.n)
    return film, made


def contact_sheet(photo: Image, film: Result, slices: Result, path: Path) -> None:
    """Above the photo with the film's outline, the flat film and how sure it is; below three of its slices."""
    volume = slices.images["volume"].array
    low, high = SLICES.level - SLICES.width / 2, SLICES.level + SLICES.width / 2
    upper = [
        (outlined(photo, film), f"photo, the film found by its {film.report['found by']}"),
        (film.images["film"].array[0], "flat film"),
        (doubtful(film), f"confidence {film.report['confidence']:.0%}; orange is doubtful"),
    ]
    shown = np.linspace(0, len(volume) - 1, 5).round().astype(int)[[1, 3, 4]]
    lower = [((volume[k] - low) / (high - low), f"slice {k + 1} of {len(volume)}, in HU") for k in shown]
    margin, head, gap = 10, 76, 34
    size = (3 * (WIDE + margin) + margin, head + HIGH + gap + WIDE + gap)
    sheet = Picture.new("RGB", size, "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    draw.text((margin, 8), "CT Film Recovery: from a photo of a film to its slices", "white", big)
    note = f"A generated photo of nobody. Window {low:g} to {high:g} HU. Derived, for research only."
    draw.text((margin, 38), note, "#bbbbbb", small)
    for tiles, top, height in ((upper, head, HIGH), (lower, head + HIGH + gap, WIDE)):
        for column, (picture, text) in enumerate(tiles):
            left = margin + column * (WIDE + margin)
            sheet.paste(fitted(picture, height), (left, top + gap - 8))
            draw.text((left, top + 6), text, "white", small)
    sheet.save(path)


def outlined(photo: Image, film: Result) -> np.ndarray:
    """A photo (H, W, 3), from 0 to 1, with the grid that was laid over its film."""
    picture = Picture.fromarray(photo.array[0])
    draw = ImageDraw.Draw(picture)
    points = np.array(film.report["points"])
    for line in (*points, *points.swapaxes(0, 1)):
        draw.line([tuple(point) for point in line], fill=ORANGE, width=max(picture.size) // 300)
    return np.asarray(picture) / 255


def doubtful(film: Result) -> np.ndarray:
    """A flat film (h, w, 3), from 0 to 1, orange where it is not sure."""
    gray, sure = (film.images[name].array[0][..., None] for name in ("film", "confidence"))
    return sure * gray + (1 - sure) * np.array(ImageColor.getrgb(ORANGE)) / 255


def fitted(picture: np.ndarray, height: int) -> Picture.Image:
    """A picture, gray or in color from 0 to 1, in the middle of a black tile."""
    image = Picture.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8))
    scale = min(WIDE / image.width, height / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Picture.Resampling.LANCZOS)
    tile = Picture.new("RGB", (WIDE, height))
    tile.paste(image, ((WIDE - image.width) // 2, (height - image.height) // 2))
    return tile


def write_scene(photo: Image, film: Result, slices: Result, path: Path) -> None:
    """A Slicer scene with the photo, the flat film and its slices; the film and the slices are shown side by side."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        source = nodes.node_from_image(photo, "film photo")
        made = {
            name: nodes.add_result(image, f"film photo {name} (derived)", source, result.report)
            for result in (film, slices)
            for name, image in result.images.items()
        }
        nodes.set_window(made["film"], 0, 1)
        nodes.set_window(made["confidence"], 0, 1)
        nodes.set_window(made["volume"], SLICES.level - SLICES.width / 2, SLICES.level + SLICES.width / 2)
        demo_scene.folder(scene, "Film", [source, *made.values()])
        demo_scene.show(scene, "Axial", [made["film"], made["volume"]])
