"""A film in its light, photographed by Cycles. Needs bpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix

from .sheet import mesh_object
from .shots import Lamp, Material, Shot
from .view import Camera

_BEHIND = 0.08  # how far a light box is from the nearest point of the film, in half film heights
_BOX_STRENGTH = 3.0


def build(points: np.ndarray, texture: Path, shot: Shot, camera: Camera, background: Path | None) -> None:
    """An empty scene, and in it the film, its lamps, what is around it and the camera."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    film = mesh_object("film", points)
    film.data.materials.append(_film_material(texture, shot.material))
    _add_lamp("front", shot.front)
    if shot.back == "lamp":
        _add_lamp("back", shot.behind)
    elif shot.back == "box":
        _add_light_box(points, shot)
    _add_room(shot, background)
    _add_camera(camera)


def photograph(folder: Path, samples: int, threads: int) -> np.ndarray:
    """What the camera sees: (H, W, 3), linear, noise removed."""
    scene = _cycles(samples, threads)
    scene.cycles.use_denoising = True
    scene.cycles.denoiser, scene.cycles.denoising_prefilter = "OPENIMAGEDENOISE", "FAST"
    scene.cycles.max_bounces = 3
    return _rendered(folder / "photo.exr", {"Combined": "RGB"})[0]


def survey(folder: Path, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is in the middle of each pixel: texture coordinates, position and normal, (H, W, 3) each."""
    scene = _cycles(1, threads)
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 0.01
    layer = bpy.context.view_layer
    layer.use_pass_uv = layer.use_pass_position = layer.use_pass_normal = True
    scene.world = None  # no light is needed
    layer.material_override = bpy.data.materials.new("opaque")
    place, position, normal = _rendered(folder / "survey.exr", {"UV": "UVA", "Position": "XYZ", "Normal": "XYZ"})
    return place, position, normal


def develop(linear: np.ndarray, view: str, path: Path) -> None:
    """A photo (H, W, 3), 1 where it is white, as PNG, its tones as of one of Blender's views."""
    height, width = linear.shape[:2]
    picture = bpy.data.images.new("photo", width, height, float_buffer=True)
    picture.pixels.foreach_set(np.dstack([linear[::-1], np.ones((height, width))]).astype(np.float32).ravel())
    scene = bpy.context.scene
    scene.view_settings.view_transform = view
    _write_as("IMAGE", "PNG", "8")
    scene.render.image_settings.color_mode = "RGB"
    picture.save_render(str(path), scene=scene)


def read_gray(path: Path) -> np.ndarray:
    """A gray picture (h, w), 0 to 1, as it is stored."""
    picture = bpy.data.images.load(str(path))
    width, height = picture.size
    values = np.empty(width * height * picture.channels, np.float32)
    picture.pixels.foreach_get(values)
    return values.reshape(height, width, -1)[::-1, :, 0]


def _film_material(texture: Path, film: Material) -> bpy.types.Material:
    """The authors' material. As Cycles tints light by the root of the color at each of a body's two surfaces, and a
    sheet has but one, the part that lets light through has the color's square."""
    material = bpy.data.materials.new("film")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    image = tree.nodes.new("ShaderNodeTexImage")
    image.image = bpy.data.images.load(str(texture))
    image.extension = "EXTEND"
    square = tree.nodes.new("ShaderNodeVectorMath")
    square.operation = "MULTIPLY"
    mix, output = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeOutputMaterial")
    mix.inputs["Fac"].default_value = film.transmission
    for socket in square.inputs[:2]:
        tree.links.new(image.outputs["Color"], socket)
    for color, through, socket in ((image.outputs[0], 0.0, mix.inputs[1]), (square.outputs[0], 1.0, mix.inputs[2])):
        shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
        tree.links.new(color, shader.inputs["Base Color"])
        settings = {
            "Transmission Weight": through,
            "Roughness": film.roughness,
            "IOR": film.ior,
            "Specular IOR Level": film.specular,
            "Coat Weight": film.coat,
            "Alpha": film.alpha,
        }
        for name, value in settings.items():
            shader.inputs[name].default_value = value
        tree.links.new(shader.outputs[0], socket)
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    return material


def _add_lamp(name: str, lamp: Lamp) -> None:
    light = bpy.data.lights.new(name, "AREA" if lamp.side else "POINT")
    light.energy, light.use_temperature, light.temperature = lamp.watts, True, lamp.kelvin
    if lamp.side:
        light.size = lamp.side
    else:
        light.shadow_soft_size = 0.15
    made = bpy.data.objects.new(name, light)
    made.location = lamp.at
    made.rotation_euler = made.location.to_track_quat("Z", "Y").to_euler()  # lamps shine along -z
    bpy.context.collection.objects.link(made)


def _add_light_box(points: np.ndarray, shot: Shot) -> None:
    """A shining plane behind the film."""
    x, y = shot.lightbox * np.abs(points[..., :2]).max(axis=(0, 1))
    z = points[..., 2].min() - _BEHIND
    mesh = bpy.data.meshes.new("box")
    mesh.from_pydata([(-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("box")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    warmth, shine = tree.nodes.new("ShaderNodeBlackbody"), tree.nodes.new("ShaderNodeEmission")
    warmth.inputs["Temperature"].default_value = shot.behind.kelvin
    shine.inputs["Strength"].default_value = _BOX_STRENGTH
    tree.links.new(warmth.outputs[0], shine.inputs["Color"])
    tree.links.new(shine.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    mesh.materials.append(material)
    bpy.context.collection.objects.link(bpy.data.objects.new("box", mesh))


def _add_room(shot: Shot, background: Path | None) -> None:
    """An environment, turned; a gray one where there is no picture."""
    world = bpy.context.scene.world = bpy.data.worlds.new("room")
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
    world.use_nodes = True
    tree = world.node_tree
    shine = next(node for node in tree.nodes if node.type == "BACKGROUND")
    shine.inputs["Strength"].default_value = shot.room
    if background is None:
        shine.inputs["Color"].default_value = (0.5, 0.5, 0.5, 1)
        return
    place, turn = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeMapping")
    picture = tree.nodes.new("ShaderNodeTexEnvironment")
    picture.image = bpy.data.images.load(str(background))
    turn.inputs["Rotation"].default_value = shot.turn
    tree.links.new(place.outputs["Generated"], turn.inputs["Vector"])
    tree.links.new(turn.outputs[0], picture.inputs["Vector"])
    tree.links.new(picture.outputs[0], shine.inputs["Color"])


def _add_camera(camera: Camera) -> None:
    scene = bpy.context.scene
    lens = bpy.data.cameras.new("camera")
    lens.lens = lens.sensor_width * camera.focal / max(camera.size)
    lens.clip_start = 0.01
    made = bpy.data.objects.new("camera", lens)
    matrix = np.eye(4)
    matrix[:3, :3] = camera.turn.T @ np.diag([1.0, -1.0, -1.0])  # Blender's cameras look along -z
    matrix[:3, 3] = -camera.turn.T @ camera.move
    made.matrix_world = Matrix(matrix)
    bpy.context.collection.objects.link(made)
    scene.camera = made
    scene.render.resolution_y, scene.render.resolution_x = camera.size


def _cycles(samples: int, threads: int) -> bpy.types.Scene:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.use_light_tree = False  # there are few lights
    scene.cycles.samples, scene.cycles.use_adaptive_sampling = samples, False
    if threads:
        scene.render.threads_mode, scene.render.threads = "FIXED", threads
    return scene


def _rendered(path: Path, passes: Mapping[str, str]) -> list[np.ndarray]:
    """A rendering's passes, (H, W, n) float32 each, by their names and channels."""
    scene = bpy.context.scene
    _write_as("MULTI_LAYER_IMAGE", "OPEN_EXR_MULTILAYER", "32")
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: np.array(each.pixels) for part in file.parts for name, each in part.channels.items()}
    path.unlink()
    layer = bpy.context.view_layer.name
    return [np.stack([channels[f"{layer}.{name}.{each}"] for each in parts], axis=-1) for name, parts in passes.items()]


def _write_as(medium: str, file_format: str, depth: str) -> None:
    settings = bpy.context.scene.render.image_settings
    settings.media_type, settings.file_format, settings.color_depth = medium, file_format, depth
