"""A sheet of film that hangs, lies or is held: Blender's cloth or soft body, at one moment. Needs bpy."""

from __future__ import annotations

import bpy
import numpy as np

from .shots import Bend
from .surface import flat, steepest, strain

ROWS, COLUMNS = 17, 13  # of points that move; film is too stiff for more
STEEPEST = 70.0  # degrees between a normal and the mean (the authors')
_STRAIN, _FIRST = 0.05, 10  # film does not stretch; no earlier frame


def bent(bend: Bend, aspect: float, rng: np.random.Generator) -> np.ndarray | None:
    """The sheet's points (ROWS, COLUMNS, 3) at the frame of the bend, or where it is bent too much by then, at one
    before; none where it was from the beginning on."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    rest = flat(ROWS, COLUMNS, aspect)
    sheet = mesh_object("sheet", rest)
    pins = sheet.vertex_groups.new(name="pins")
    held = {round(v * (ROWS - 1)) * COLUMNS + round(u * (COLUMNS - 1)) for u, v in bend.pins}
    pins.add(sorted(held), 1.0, "REPLACE")
    (_cloth if bend.body == "cloth" else _soft_body)(sheet, bend)
    bpy.ops.object.effector_add(type=bend.field, location=bend.source, rotation=bend.turn)
    bpy.context.object.field.strength = bend.strength
    scene.gravity = bend.gravity

    moments: list[np.ndarray] = []
    for frame in range(1, bend.frame + 1):
        scene.frame_set(frame)
        points = _points(sheet)
        if steepest(points) > STEEPEST or strain(points, rest) > _STRAIN:
            break
        moments.append(points)
    if len(moments) < _FIRST:
        return None
    return moments[-1] if len(moments) == bend.frame else moments[rng.integers(_FIRST - 1, len(moments))]


def mesh_object(name: str, points: np.ndarray) -> bpy.types.Object:
    """A sheet (R, C, 3) in the scene, with texture coordinates: u to the right, v upwards, as Blender counts."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    faces = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.reshape(-1, 3), [], faces)
    places = np.stack([index % columns / (columns - 1), 1 - index // columns / (rows - 1)], axis=-1).reshape(-1, 2)
    mesh.uv_layers.new().data.foreach_set("uv", places[faces.ravel()].ravel())
    mesh.shade_smooth()
    made = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(made)
    return made


def _cloth(sheet: bpy.types.Object, bend: Bend) -> None:
    settings = sheet.modifiers.new("bend", "CLOTH").settings
    settings.vertex_group_mass = "pins"
    settings.tension_stiffness = settings.compression_stiffness = settings.shear_stiffness = 80
    settings.bending_stiffness = bend.stiffness


def _soft_body(sheet: bpy.types.Object, bend: Bend) -> None:
    settings = sheet.modifiers.new("bend", "SOFT_BODY").settings
    settings.vertex_group_goal = "pins"
    settings.goal_min, settings.goal_max, settings.goal_default = 0.75, 1.0, 1.0
    settings.bend, settings.pull, settings.push, settings.damping = bend.stiffness, 0.9, 0.9, 0.5


def _points(sheet: bpy.types.Object) -> np.ndarray:
    moved = sheet.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    values = np.empty(3 * ROWS * COLUMNS, np.float32)
    moved.vertices.foreach_get("co", values)
    return values.reshape(ROWS, COLUMNS, 3).astype(float)
