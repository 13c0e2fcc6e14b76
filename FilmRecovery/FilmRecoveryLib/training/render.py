"""Photos of films, with the truth about every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from .camera import Camera, draw_camera, sees_all
from .lighting import draw_lights
from .lights import Lights, Place
from .lookup import look_up
from .sheets import Points, Sheet, dot, draw_sheet
from .spoil import Spoiling, draw_spoiling, spoiled
from .things import Thing, covered, draw_things

_LONG = 1024  # pixels along the longer side of a scene's photo
_SHAPES = ((3, 4), (4, 3), (9, 16), (1, 1))  # width to height
_TILTED = 1.8  # see draw_camera: the places of tilted films are the harder ones
_MISSED = 0.05  # photo pixels: what is farther from all film is none


@dataclass(frozen=True)
class Scene:
    """A film before a camera: all but what is printed on it. corner: radius of its rounded corners in film widths."""

    sheet: Sheet
    camera: Camera
    lights: Lights
    things: tuple[Thing, ...] = ()
    spoiling: Spoiling = field(default_factory=Spoiling)
    corner: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the scene's photo, in whose pixels frames are given."""
        return self.camera.size


def draw_scene(rng: np.random.Generator, aspect: float = 14 / 17, surroundings: Sequence[np.ndarray] = ()) -> Scene:
    """A scene with a film of an aspect (width / height). surroundings: equirectangular pictures, see draw_lights."""
    lights = draw_lights(rng, aspect, surroundings)
    width, height = _SHAPES[rng.choice(len(_SHAPES), p=[0.7, 0.1, 0.1, 0.1] if aspect < 1 else [0.2, 0.7, 0.02, 0.08])]
    size = round(_LONG * height / max(width, height)), round(_LONG * width / max(width, height))
    while True:
        sheet = draw_sheet(rng, aspect)
        camera = draw_camera(rng, sheet, size, _TILTED)
        if sees_all(camera, sheet):
            break
    things = draw_things(rng, aspect, lights.place is Place.WINDOW)
    return Scene(sheet, camera, lights, things, draw_spoiling(rng), float(rng.choice([0.0, rng.uniform(0.005, 0.025)])))


def whole(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    """The frame (3 x 3) that shows all of the photo on rows and columns of pixels: from these to the photo's."""
    down, across = (photo / own for photo, own in zip(scene.size, size, strict=True))
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1.0]])


def backward_map(scene: Scene, size: tuple[int, int]) -> torch.Tensor:
    """Photo pixels, x and y, (h, w, 2), of the pixels of a flat film of a size."""
    rows, columns = ((torch.arange(n) + 0.5) / n for n in size)
    u, v = torch.meshgrid(columns, rows, indexing="xy")
    return scene.camera.project(scene.camera.seen(scene.sheet.at(u, v)).at).permute(1, 2, 0)


def render(
    texture: torch.Tensor, scene: Scene, size: int | tuple[int, int], frame: np.ndarray | None = None
) -> dict[str, torch.Tensor]:
    """A photo of a film (h, w), gray from 0 to 1, on a size of pixels (rows and columns), and its truth, all (C, H, W).

    frame: 3 x 3, from these pixels to those of the scene's photo; None shows the whole photo. "photo" (3): sRGB, 0 to
    1. "uv" (2): film coordinates, beyond 0 to 1 beside the film. "mask" (1): share of the pixel that is film, what is
    covered included; "seen" (1): share that nothing covers. "position" (3), "normal" (3), "depth" (1): in the camera's
    space, in film widths. "albedo" (1): gray of the film. "transmittance" (1): linear; where mask and seen are 1, the
    photo before the camera, "linear" (3), is transmittance * "light" (3) + "glare" (3). "deformation" (2): uv minus
    the pixel's own place, 0 to 1.
    """
    height, width = (size, size) if isinstance(size, int) else size
    frame = whole(scene, (height, width)) if frame is None else frame
    own = _centers(height, width, texture)
    pixels = _framed(own, frame)
    uv, points, missed = look_up(scene.sheet, scene.camera, pixels)
    zoom = _zoom(frame, own)
    wide = _widths(scene.camera, points, zoom)
    mask = _coverage(scene, uv, wide) * (missed < _MISSED)
    albedo = _printed(texture, uv, wide, mask)
    lights, camera = scene.lights, scene.camera
    transmittance, light = lights.transmittance(albedo), lights.through(camera, pixels, points)
    glare = lights.glare(camera, pixels, points)
    linear = torch.lerp(lights.around(camera, pixels), transmittance * light + glare, mask)
    linear, seen = covered(scene.things, linear, camera.on_table(pixels))
    longer = max(scene.size)
    middle = pixels.new_tensor([(side - 1) / 2 for side in scene.size[::-1]]).reshape(2, 1, 1)
    photo = spoiled(linear, (pixels - middle) * (2 / longer), longer / zoom, scene.spoiling)
    places = (own + 0.5) / own.new_tensor([width, height]).reshape(2, 1, 1)
    return {
        "photo": photo,
        "linear": linear,
        "uv": uv,
        "mask": mask,
        "seen": seen,
        "position": points.at,
        "normal": points.normals,
        "depth": points.at[2:],
        "albedo": albedo,
        "transmittance": transmittance,
        "light": light,
        "glare": glare,
        "deformation": uv - places,
    }


def _centers(height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    rows, columns = (torch.arange(n, dtype=torch.float32, device=like.device) for n in (height, width))
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))


def _framed(own: torch.Tensor, frame: np.ndarray) -> torch.Tensor:
    """Photo pixels (2, H, W) of the pixels of a frame."""
    matrix = torch.from_numpy(np.asarray(frame, np.float64)).to(own)
    x, y, w = torch.einsum("ij,jhw->ihw", matrix, torch.cat([own, torch.ones_like(own[:1])]))
    return torch.stack([x, y]) / w


def _zoom(frame: np.ndarray, own: torch.Tensor) -> float:
    """Photo pixels that a pixel in the middle of a frame is wide."""
    middle = np.array([(own.shape[2] - 1) / 2, (own.shape[1] - 1) / 2, 1.0])
    w = frame[2] @ middle
    place = frame[:2] @ middle / w
    jacobian = (frame[:2, :2] - np.outer(place, frame[2, :2])) / w
    return float(np.sqrt(abs(np.linalg.det(jacobian))))


def _widths(camera: Camera, points: Points, zoom: float) -> torch.Tensor:
    """Pixels (2, H, W) that the film's width and height would take at each pixel's place."""
    along = (camera.moved(points.at, tangent) for tangent in (points.along_u, points.along_v))
    return torch.stack([dot(tangent, tangent).sqrt() for tangent in along]).clamp(min=1e-3) / zoom


def _coverage(scene: Scene, uv: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
    """Share of each pixel that is film, (1, H, W): its rim, with round corners, is one pixel soft."""
    radius = torch.minimum(scene.corner * wide[0], scene.corner * scene.sheet.aspect * wide[1])
    inside = (uv - 0.5).abs() * wide - 0.5 * wide + radius
    outside = torch.hypot(*inside.clamp(min=0).unbind()) + inside.amax(dim=0).clamp(max=0) - radius
    return (0.5 - outside).clamp(0, 1)[None]


def _printed(texture: torch.Tensor, uv: torch.Tensor, wide: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Gray of the film (1, H, W) at uv; details that are finer than the pixels are averaged first."""
    source = texture[None, None]
    if mask.any():
        across, down = (1.25 * side[mask[0] > 0].median() for side in wide)
        rows, columns = (
            min(n, max(round(float(fine)), 1)) for n, fine in zip(texture.shape, (down, across), strict=True)
        )
        if (rows, columns) != tuple(texture.shape):
            source = functional.interpolate(source, (rows, columns), mode="bilinear", antialias=True)
    places = (2 * uv - 1).permute(1, 2, 0)[None]
    return functional.grid_sample(source, places, padding_mode="border", align_corners=False)[0]
