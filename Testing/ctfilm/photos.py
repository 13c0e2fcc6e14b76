"""Photos of the films of a folder, and what is true of each of their pixels. Needs bpy; render.py calls it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ctfilm import folders, scene, sheet
from ctfilm.maps import exposed, photo_maps
from ctfilm.shots import draw_shot
from ctfilm.surface import refined, steepest, stiff, upright
from ctfilm.view import draw_camera, filled

_FINER = 5  # times as many points as those that move


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folders.add_arguments(parser)
    options = parser.parse_args()
    backgrounds = folders.backgrounds(options.data)
    for folder in folders.films(options.out, options.count):
        if not (folder / folders.SCENE).exists():
            start = time.perf_counter()
            render(folder, options, backgrounds)
            print(f"{folder}: {time.perf_counter() - start:.1f} s", flush=True)


def render(folder: Path, options: argparse.Namespace, backgrounds: list[Path]) -> None:
    """The photo, the maps and the scene of the film of a folder; the scene is written last."""
    rng = np.random.default_rng([options.seed, int(folder.name)])
    film = json.loads((folder / folders.FILM).read_text(encoding="utf-8"))
    height, width = film["size"]
    aspect = width / height
    while True:
        shot = draw_shot(rng)
        points = sheet.bent(shot.bend, aspect, rng)
        if points is not None:
            points = refined(stiff(upright(points)), _FINER)
            camera = draw_camera(rng, points, shot.distance, options.size)
            if camera is not None:
                break
    background = backgrounds[int(shot.environment * len(backgrounds))] if backgrounds else None
    scene.build(points, folder / folders.TEXTURE, shot, camera, background)
    linear = scene.photograph(folder, options.samples, options.threads)
    place, position, normal = scene.survey(folder, options.threads)
    texture = scene.read_gray(folder / folders.TEXTURE)
    maps = photo_maps(place, position, normal, texture, camera, 2 * aspect)
    np.savez_compressed(folder / folders.MAPS, **maps)
    scene.develop(exposed(linear, maps, shot.white, shot.balance), shot.view, folder / folders.PHOTO)
    truth = {
        "seed": options.seed,
        "samples": options.samples,
        "background": background.name if background else "",
        "corners": camera.project(points[[0, 0, -1, -1], [0, -1, -1, 0]]).tolist(),
        "points": camera.project(points[:: len(points) // 4, :: points.shape[1] // 4]).tolist(),
        "steepest": steepest(points),
        "filled": filled(camera, points),
        "camera": {
            "size": camera.size,
            "focal": camera.focal,
            "turn": camera.turn.tolist(),
            "move": (camera.move / (2 * aspect)).tolist(),
        },
        "shot": asdict(shot),
    }
    (folder / folders.SCENE).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
