"""A CT in the colors of anatomy: a procedural chest, by the palette of tissues and by the model, also in 3D."""

from __future__ import annotations

import json
from pathlib import Path

import demo_scene
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from tqdm import tqdm

from CT2RGBLib.colorize import colorize
from CT2RGBLib.export import surface_writer
from CT2RGBLib.opacity import Opacity
from CT2RGBLib.options import ColorizeOptions, SightOptions, Tier
from CT2RGBLib.rendering import rendered
from CT2RGBLib.slices import canonical
from InverseImagingLib import image as images
from InverseImagingLib.image import Image
from InverseImagingLib.method import Progress, Result
from InverseImagingLib.xray.phantoms import Anatomy, phantom

TILE = 256
WINDOW = (-160.0, 240.0)  # HU
ASIDE = (30.0, 12.0)  # azimuth and elevation of what is rendered
LEVEL = 0.6  # of the height, where the axial slice is


def run(out: Path, size: int) -> None:
    """Write the colors of a body (of so many voxels), the surface of its bones, a contact sheet and a scene."""
    body = phantom(Anatomy.THORAX, size)
    results = {tier: colored(body, tier) for tier in (Tier.PALETTE, Tier.MODEL)}
    for tier, result in results.items():
        images.write(result.images["colors"], out / f"colors-{tier.value}.nrrd")
        (out / f"colors-{tier.value}-report.json").write_text(json.dumps(result.report, indent=2), encoding="utf-8")
    best = results[Tier.MODEL]
    surface_writer(best.images["solid"], out / "colors.glb", SightOptions(opacity=Opacity.BONE))()
    contact_sheet(body, results, out / "colors.png")
    write_scene(body, best, out / "colors.mrb")


def colored(body: Image, tier: Tier) -> Result:
    """The colors of a CT, with a progress bar."""
    form = "{desc:<40}{percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=100, desc=f"colors of a CT, {tier.value}", bar_format=form) as bar:

        def report(progress: Progress) -> None:
            bar.update(round(100 * progress.fraction) - bar.n)

        return colorize(body, ColorizeOptions(tier=tier, solid=True), report)


def contact_sheet(body: Image, results: dict[Tier, Result], path: Path) -> None:
    """Above an axial, below a coronal slice of the CT and of its colors; at the right the colors in 3D."""
    solid = results[Tier.MODEL].images["solid"]
    volumes = {"CT": gray(body), **{tier.value: result.images["colors"] for tier, result in results.items()}}
    upper, lower = ([(cut(volume, axis), name) for name, volume in volumes.items()] for axis in (0, 1))
    upper += [(shown(solid, opacity), f"in 3D, {opacity.value}") for opacity in (Opacity.SKIN, Opacity.MUSCLE)]
    lower += [(shown(solid, Opacity.BONE), "in 3D, bone"), (shown(opened(solid), Opacity.SKIN), "in 3D, cut away")]
    margin, head, gap = 10, 76, 34
    sheet = Picture.new("RGB", (len(upper) * (TILE + margin) + margin, head + 2 * (TILE + gap)), "#1f1f1f")
    draw = ImageDraw.Draw(sheet)
    big, small = ImageFont.load_default(22), ImageFont.load_default(15)
    draw.text((margin, 8), "CT2RGB: the CT of a procedural chest in the colors of a cryosection", "white", big)
    note = "Illustrative: learned from one body, no evidence of tissue, for research only."
    draw.text((margin, 38), note, "#bbbbbb", small)
    for row, tiles in enumerate((upper, lower)):
        top = head + row * (TILE + gap)
        for column, (picture, text) in enumerate(tiles):
            left = margin + column * (TILE + margin)
            sheet.paste(fitted(picture), (left, top + gap - 8))
            draw.text((left, top + 6), text, "white", small)
    sheet.save(path)


def gray(body: Image) -> Image:
    """A CT as it is seen in a window for soft tissue."""
    shades = np.clip((body.array - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1)
    return body.with_array(np.repeat((255 * shades).round().astype(np.uint8)[..., None], 3, axis=3))


def cut(volume: Image, axis: int) -> np.ndarray:
    """An axial (axis 0) or coronal (axis 1) slice of colors, upright."""
    pages = canonical(volume.array, volume.ijk_to_ras)
    return pages[int(LEVEL * len(pages))] if axis == 0 else pages[::-1, pages.shape[1] // 2]


def opened(solid: Image) -> Image:
    """Colors without the front half."""
    array = solid.array.copy()
    pages = canonical(array, solid.ijk_to_ras)
    pages[:, : pages.shape[1] // 2, :, 3] = 0
    return solid.with_array(array)


def shown(solid: Image, opacity: Opacity) -> np.ndarray:
    """Colors in 3D, uint8 (J, I, 3)."""
    (view,) = rendered(solid, opacity, [ASIDE], TILE)
    return (255 * view).round().astype(np.uint8)


def fitted(picture: np.ndarray) -> Picture.Image:
    """A picture in the middle of a black square of TILE pixels."""
    image = Picture.fromarray(picture)
    scale = TILE / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    tile = Picture.new("RGB", (TILE, TILE))
    tile.paste(image, ((TILE - image.width) // 2, (TILE - image.height) // 2))
    return tile


def write_scene(body: Image, result: Result, path: Path) -> None:
    """A Slicer scene with the CT and its colors, shown side by side."""
    with demo_scene.written_to(path) as scene:
        from InverseImagingLib import nodes

        source = nodes.node_from_image(body, "chest")
        nodes.set_window(source, *WINDOW)
        names = {"colors": "chest colors (illustrative)", "solid": "chest colors in 3D (illustrative)"}
        made = [nodes.add_result(result.images[kind], name, source, result.report) for kind, name in names.items()]
        demo_scene.folder(scene, "Chest", [source, *made])
        demo_scene.show(scene, "Axial", [source, made[0]])
