"""A worker with methods of the tests' own: they do what the option `script`, or the image's name, says."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from CT2RGBLib.options import ColorizeOptions
from FilmRecoveryLib.grids import Handles, corners_of, flat_points, stretched, tile_boxes, usual_outline, usual_tiles
from FilmRecoveryLib.options import ExtractOptions, FlattenOptions, RadiomicsOptions
from InverseImagingLib import methods, worker
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, option, options_to_dict
from InverseImagingLib.slices import cropped_geometry, patient_axes, slice_range
from InverseImagingLib.xray.options import RadiographOptions, azimuths, views
from XraySynLib.options import Picture, SynthesisOptions
from XrayTomographyLib.options import ANIMATIONS, USUAL, Product, TomographyOptions


@dataclass(frozen=True)
class ScriptedOptions:
    script: str = option("double", "double, steady, slow, deaf, crash, refuse, fail, memory, chatter or import")
    seconds: float = option(30.0, "how long slow and deaf take", low=0.0)
    device: Device = option(Device.AUTO, "device")


seen: list[Image] = []  # the image of the run before


def run(image: Image, options: ScriptedOptions, on_progress: OnProgress) -> Result:
    if options.script == "refuse":
        raise InputError(f"Image '{image.name}' is refused; give another one.")
    if options.script == "fail":
        raise RuntimeError("a fault of the program")
    if options.script == "memory":
        raise MemoryError
    if options.script == "crash":
        os._exit(3)
    if options.script == "import":
        import a_package_that_is_missing  # noqa: F401
    if options.script == "chatter":
        print("this must not reach the frames")
        os.write(1, b"nor this")
    if options.script == "steady":
        time.sleep(0.2)
    if options.script == "deaf":
        time.sleep(options.seconds)
    steps = 200 if options.script == "slow" else 2
    for step in range(steps):
        if options.script == "slow":
            time.sleep(options.seconds / steps)
        preview = image.with_array(image.array * np.float32(step / steps))
        curve = {"iteration": float(step), "PSNR to input": 20.0 + step}
        if on_progress(Progress(step / steps, f"step {step + 1} of {steps}", preview, curve)):
            break
    report = {
        "method": "Scripted",
        "steps": step + 1,
        "same": any(image is other for other in seen),
        "before": [other.name for other in seen],
    }
    seen[:] = [image]
    return Result({"result": image.with_array(image.array * 2)}, report)


def run_by_name(image: Image, options: Any, on_progress: OnProgress, mask: Image | None = None) -> Result:
    """A stand-in for a real method with its real options: the script is the name of the image."""
    result = run(image, ScriptedOptions(script=image.name), on_progress)
    images = {**result.images, "residual": image.with_array(image.array - result.images["result"].array)}
    report = {**result.report, "settings": options_to_dict(options), "mask": mask is not None}
    return Result(images, {**report, "warnings": ["This is a test."]})


def radiograph_by_name(
    image: Image, options: RadiographOptions, on_progress: OnProgress, segmentation: Image | None = None
) -> Result:
    """A stand-in for the simulation of radiographs: true geometry, pixels that hold the mean of the image."""
    started = run(image, ScriptedOptions(script=image.name), on_progress)
    geometries = views(options, image.array.shape, image.ijk_to_ras)
    names = [f"radiograph {n + 1}" for n in range(len(geometries))] if options.sweep else ["radiograph", "bone map"]
    images = {}
    for name, view in zip(names, geometries if options.sweep else 2 * geometries, strict=True):
        pixels = np.full((1, view.height, view.width), image.array.mean(), np.float32)
        images[name] = Image(pixels, view.pixel_to_ras, Meaning.DISPLAY, name)
    report = {
        "same": started.report["same"],
        "settings": options_to_dict(options),
        "views": [{**dataclasses.asdict(view), "frame": view.frame.tolist()} for view in geometries],
        "segmentation": segmentation is not None and int(segmentation.array.sum()),
    }
    return Result(images, report)


def synthesis_by_name(image: Image, options: SynthesisOptions, on_progress: OnProgress) -> Result:
    """A stand-in for the synthesis from a radiograph: every pixel is azimuth / 100, plus a number for its picture; a
    draft has half the pixels."""
    started = run(image, ScriptedOptions(script=image.name), on_progress)
    step, angles = 1 + options.draft, azimuths(options)  # type: ignore[arg-type]
    pictures = [each for each in Picture if each in options.pictures()]
    named = {each.value: options.azimuth / 100 + number for number, each in enumerate(Picture) if each in pictures}
    if named.pop("view", None) is not None:
        named = {f"view {number}": angle / 100 for number, angle in enumerate(angles, 1)} | named
    plane, matrix = image.array[:, ::step, ::step].shape[:3], image.ijk_to_ras @ np.diag([step, step, 1, 1])
    images = {
        name: Image(np.full(plane, value, np.float32), matrix, Meaning.SCALAR, name) for name, value in named.items()
    }
    if not options.only:
        images["CT"] = Image(np.zeros((4, 5, 6), np.int16), np.diag([60, 70, 80, 1.0]), Meaning.HU, "CT")
        images["bone mask"] = Image(np.ones((4, 5, 6), np.uint8), images["CT"].ijk_to_ras, Meaning.LABEL, "bones")
    report = {
        "same": started.report["same"],
        "settings": options_to_dict(options),
        "angles": [[angle, options.elevation] for angle in angles],
        "reprojection PSNR": 36.54,
        "warnings": ["This is a test."],
    }
    return Result(images, report)


def tomography_by_name(image: Image, options: TomographyOptions, on_progress: OnProgress) -> Result:
    """A stand-in for the tomography of a radiograph: every pixel is azimuth / 100, plus a tenth for each product
    before; a draft has half the pixels, and the volume a dense middle."""
    started = run(image, ScriptedOptions(script=image.name), on_progress)
    step = 1 + options.draft
    plane, matrix = image.array[:, ::step, ::step].shape[1:3], image.ijk_to_ras @ np.diag([step, step, 1, 1])
    images = {}
    for number, product in enumerate(Product):
        first, count = options.azimuth / 100 + number / 10, 3 if product in ANIMATIONS else 1
        views = np.stack([np.full(plane, first + view / 50, np.float32) for view in range(count)])
        images[product.value] = Image(views, matrix, Meaning.SCALAR)
    images["anaglyph"] = Image(np.full((1, *plane, 3), round(options.azimuth), np.uint8), matrix, Meaning.RGB)
    cube, place = np.zeros((8, 10, 12), np.float32), np.diag([10, -20, 30, 1.0])
    cube[2:6, 2:8, 3:9] = 0.5
    images["volume"] = Image(cube, place, Meaning.SCALAR)
    images["uncertainty"] = Image(cube / 5, place, Meaning.SCALAR)
    report = {
        "same": started.report["same"],
        "settings": options_to_dict(options),
        "angles": [[30.0 * number, options.elevation] for number in range(3)],
        "expected": "In 90 of 100 voxels it is so.",
        "reprojection PSNR": 96.54,
        "warnings": ["This is a test."],
    }
    made = [options.only] if options.only else [product.value for product in USUAL]
    return Result({name: images[name] for name in made}, report)


def colors_by_name(
    image: Image,
    options: ColorizeOptions,
    on_progress: OnProgress,
    mask: Image | None = None,
    tints: Image | None = None,
) -> Result:
    """A stand-in for the colors of a CT: red is 200 times the strength, green 100 inside of the mask, blue the alpha of
    the tints, the alpha 76 but for the rim."""
    started = run(image, ScriptedOptions(script=image.name), on_progress)
    axis = patient_axes(image.ijk_to_ras)[2]
    chosen = slice_range(options.slices, image.array.shape[axis])
    colors = np.zeros((*image.array.shape, 4), np.uint8)
    colors[..., 0] = round(200 * options.strength)
    colors[..., 1] = 100 if mask is None else 100 * mask.array
    colors[..., 2] = 0 if tints is None else tints.array[..., 3]
    colors[3:-3, 3:-3, 3:-3, 3:] = 76
    colors = colors.take(chosen, axis)
    place = cropped_geometry(image, axis, chosen.start)
    report = {
        "method": "CT2RGB",
        "same": started.report["same"],
        "settings": options_to_dict(options),
        "warnings": ["This is a test."],
    }
    solid = Image(colors, place, Meaning.RGB, image.name)
    images = {"colors": solid.with_array(colors[..., :3])}
    if options.solid and len(chosen) > 1:
        images["solid"] = solid
    return Result(images, report)


def film_by_name(image: Image, options: FlattenOptions, on_progress: OnProgress, points: Image | None = None) -> Result:
    """A stand-in for the flattening of a film: half the pixels of the photo, all of one gray, found near its rim."""
    started = run(image, ScriptedOptions(script=image.name), on_progress)
    rows, columns = image.array.shape[1:3]
    found = stretched(flat_points(Handles.GRID), usual_outline(columns, rows))
    if points is not None:
        found = stretched(found, points.array) if len(points.array) == 2 else points.array
    film = np.full((1, rows // 2, columns // 2), 0.5, np.float32)
    place = np.diag([-1, -1, 1, 1.0])
    report = {
        "method": "FilmRecovery",
        "same": started.report["same"],
        "settings": options_to_dict(options),
        "found by": "model" if points is None else "user",
        "flat": {"flat": False, "bend px": 12.0},
        "turned": 90,
        "mirrored": False,
        "confidence": 0.93,
        "points": found.tolist(),
        "corners": corners_of(found).reshape(4, 2)[[0, 1, 3, 2]].tolist(),
        "warnings": ["This is a test."],
    }
    images = {
        "film": Image(film, place, Meaning.DISPLAY, "film"),
        "confidence": Image(film + 0.4, place, Meaning.SCALAR, "confidence"),
    }
    return Result(images, report)


def slices_by_name(
    image: Image,
    options: ExtractOptions,
    on_progress: OnProgress,
    confidence: Image | None = None,
    tiles: Image | None = None,
) -> Result:
    """A stand-in for the extraction of slices: 2 x 3 tiles where nothing else is said, each as bright as its number."""
    run(image, ScriptedOptions(script=image.name.split()[0]), on_progress)
    rows, columns = options.grid() or (2, 3)
    height, width = image.array.shape[1:]
    grid = tile_boxes(usual_tiles(width, height, rows, columns), rows, columns) if tiles is None else tiles.array[0]
    left, top, right, bottom = grid[0].astype(int)
    numbers = [number for number in range(1, len(grid) + 1) if number not in options.skipped()]
    volume = np.ones((len(numbers), bottom - top, right - left), np.int16)
    volume *= np.array(numbers, np.int16)[:, None, None]
    place = np.diag([-1, -1, 5, 1.0])
    report = {
        "method": "FilmSlices",
        "confidence": confidence is not None,
        "settings": options_to_dict(options),
        "layout": f"{rows}x{columns}",
        "grid": grid.tolist(),
        "tiles": [grid[number - 1].tolist() for number in numbers],
        "tiles from": "film" if tiles is None else "user",
        "head last": True,
        "window": {"level": options.level, "width": options.width, "from": "user" if options.width else "none"},
        "spacing mm": [1.0, 1.0, 5.0],
        "spacing from": {"x": "ruler", "y": "ruler", "z": "text"},
        "valid share": 0.75,
        "warnings": ["This is a test."],
    }
    meaning = Meaning.HU if options.width else Meaning.SCALAR
    valid = np.ones(volume.shape, np.uint8)
    valid[:, 0] = 0
    images = {"volume": Image(volume, place, meaning, "volume"), "valid": Image(valid, place, Meaning.LABEL, "valid")}
    return Result(images, report)


def radiomics_by_name(image: Image, options: RadiomicsOptions, on_progress: OnProgress, *, valid: Image) -> Result:
    """A stand-in for radiomics: the highest value of the slices, and how many voxels count."""
    found = {"most": float(image.array.max()), "voxels": float(valid.array.sum())}
    return Result({}, {"method": "FilmRadiomics", "settings": options_to_dict(options), "features": found})


def sample() -> Image:
    return Image(np.ones((1, 2, 2), np.float32), name="sample")


methods.METHODS["Scripted"] = methods.Method(
    "Scripted",
    "Scripted",
    "For tests.",
    "scripted_worker:run",
    "scripted_worker:ScriptedOptions",
    "",
    sample="scripted_worker:sample",
)

methods.METHODS["CTRestoration"] = dataclasses.replace(
    methods.METHODS["CTRestoration"], function="scripted_worker:run_by_name"
)

methods.METHODS["XraySyn"] = dataclasses.replace(
    methods.METHODS["XraySyn"], function="scripted_worker:radiograph_by_name"
)

methods.METHODS["XraySynRadiograph"] = dataclasses.replace(
    methods.METHODS["XraySynRadiograph"], function="scripted_worker:synthesis_by_name"
)

methods.METHODS["XrayTomography"] = dataclasses.replace(
    methods.METHODS["XrayTomography"], function="scripted_worker:tomography_by_name"
)

methods.METHODS["CT2RGB"] = dataclasses.replace(methods.METHODS["CT2RGB"], function="scripted_worker:colors_by_name")

methods.METHODS["FilmRecovery"] = dataclasses.replace(
    methods.METHODS["FilmRecovery"], function="scripted_worker:film_by_name"
)

methods.METHODS["FilmSlices"] = dataclasses.replace(
    methods.METHODS["FilmSlices"], function="scripted_worker:slices_by_name"
)

methods.METHODS["FilmRadiomics"] = dataclasses.replace(
    methods.METHODS["FilmRadiomics"], function="scripted_worker:radiomics_by_name"
)

if __name__ == "__main__":
    sys.modules["scripted_worker"] = sys.modules["__main__"]
    sys.exit(worker.main())
