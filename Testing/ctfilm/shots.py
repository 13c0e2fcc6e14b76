"""How a film hangs, who lights it and what it is made of: drawn by chance, within the ranges of the paper's authors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Vector = tuple[float, float, float]

FIELDS = ("FORCE", "WIND", "TURBULENCE", "VORTEX", "HARMONIC")  # Blender's names
_STRENGTHS = {"cloth": (5.0, 30.0), "soft": (1.5, 8.0)}  # of all fields, in Blender's units


@dataclass(frozen=True)
class Bend:
    """What forms the sheet: a cloth or a soft body, held at pins (u, v), in a field of force, seen after some frames.

    stiffness: Blender's, against bending. gravity: m/s² along the axes of the flat sheet.
    """

    body: str
    pins: tuple[tuple[float, float], ...]
    stiffness: float
    gravity: Vector
    field: str
    strength: float
    source: Vector
    turn: Vector
    frame: int


@dataclass(frozen=True)
class Lamp:
    """A lamp, or with a side above 0 a square area that shines; where from the film's middle, in half film heights.

    watts: Blender's, of its light; kelvin: its color.
    """

    at: Vector
    watts: float
    kelvin: float
    side: float


@dataclass(frozen=True)
class Material:
    """Blender's names; coat: a share of films is glossier than the authors'."""

    transmission: float
    roughness: float
    ior: float
    specular: float
    coat: float
    alpha: float


@dataclass(frozen=True)
class Shot:
    """One film's scene. back: "none", "lamp" or "box", a light box as large as lightbox times the film.

    room: strength of the environment; environment: which, from 0 to 1; turn: its Euler angles. white: how bright a
    white film is for the camera, where 1 is just white; balance: how far the camera takes the light's color away.
    distance: of the camera in half film heights; tilt and roll: degrees; towards: from which side.
    """

    bend: Bend
    material: Material
    front: Lamp
    back: str
    behind: Lamp
    lightbox: float
    environment: float
    room: float
    turn: Vector
    view: str
    white: float
    balance: float
    distance: float


def draw_shot(rng: np.random.Generator) -> Shot:
    """A scene by chance."""
    back = str(rng.choice(["none", "lamp", "box"], p=[0.35, 0.3, 0.35]))
    dim = 0.25 if back == "box" else 1.0  # in front of a light box the room is dark
    return Shot(
        bend=draw_bend(rng),
        material=draw_material(rng),
        front=Lamp(
            at=_direction(rng, (15, 70), rng.uniform(3, 6)),
            watts=float(dim * rng.uniform(200, 800)),
            kelvin=float(rng.uniform(2700, 10200)),
            side=0.0 if rng.random() < 0.7 else float(rng.uniform(1, 3)),
        ),
        back=back,
        behind=Lamp(
            at=_direction(rng, (130, 180), rng.uniform(2, 4)),
            watts=float(rng.uniform(300, 500)),
            kelvin=float(rng.uniform(2700, 10200)) if back == "lamp" else float(rng.uniform(5000, 8500)),
            side=0.0,
        ),
        lightbox=float(rng.uniform(1.02, 1.5)),
        environment=float(rng.random()),
        room=float(dim * np.exp(rng.uniform(np.log(0.3), np.log(1.5)))),
        turn=(float(rng.uniform(0, np.pi / 2)), 0.0, float(rng.uniform(0, 2 * np.pi))),
        view=str(rng.choice(["Filmic", "AgX"], p=[0.7, 0.3])),
        white=float(np.exp(rng.uniform(np.log(0.7), np.log(2.5)))),
        balance=float(rng.uniform(0.4, 1)),
        distance=float(rng.uniform(2, 4)),
    )


def draw_bend(rng: np.random.Generator) -> Bend:
    """Cloth or soft body; cloth as stiff as film."""
    body = "cloth" if rng.random() < 0.7 else "soft"
    pins = rng.uniform(0, 1, (int(rng.integers(2, 6)) if body == "cloth" else 5, 2))
    return Bend(
        body=body,
        pins=tuple((float(u), float(v)) for u, v in pins),
        stiffness=float(np.exp(rng.uniform(np.log(5), np.log(50)))) if body == "cloth" else float(rng.uniform(1, 10)),
        gravity=_vector(9.81 * rng.uniform(0, 1) * _unit(rng)),
        field=str(rng.choice(FIELDS)),
        strength=float(rng.choice([-1, 1]) * np.exp(rng.uniform(*np.log(_STRENGTHS[body])))),
        source=_vector(rng.uniform(-2, 2, 3)),
        turn=_vector(rng.uniform(0, 2 * np.pi, 3)),
        frame=int(rng.integers(10, 151)),
    )


def draw_material(rng: np.random.Generator) -> Material:
    """The authors' film; in a quarter of cases with a coat that mirrors the lamps."""
    return Material(
        transmission=0.7,
        roughness=0.95,
        ior=float(rng.uniform(1.1, 1.6)),
        specular=0.08,
        coat=0.03 if rng.random() < 0.75 else float(rng.uniform(0.1, 0.4)),
        alpha=0.98,
    )


def _direction(rng: np.random.Generator, degrees: tuple[float, float], length: float) -> Vector:
    """So long, at such an angle from what looks out of the film, from any side."""
    away, around = np.deg2rad(rng.uniform(*degrees)), rng.uniform(0, 2 * np.pi)
    side = np.sin(away)
    return _vector(length * np.array([side * np.cos(around), side * np.sin(around), np.cos(away)]))


def _unit(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
