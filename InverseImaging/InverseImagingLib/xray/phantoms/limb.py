"""A limb: a knee with thigh and calf, or a hand with its wrist, held up as in a scanner."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import shapes
from .shapes import Canvas, Points, Region, box, capsule, common, ellipsoid, merged, profile, union

KNEE_FIELD = (160.0, 160.0, 256.0)  # mm
HAND_FIELD = (165.0, 75.0, 256.0)


def paint(rng: np.random.Generator, size: int, first: int = 0) -> Canvas:
    """Paint a knee or a hand, right or left, from row `first` on; the longest side has `size` voxels."""
    knee = rng.random() < 0.5
    side = 1 if rng.random() < 0.5 else -1
    return (_paint_knee if knee else _paint_hand)(rng, size, first, side)


def _vary(rng: np.random.Generator, mean: float, spread: float) -> float:
    return mean + spread * float(np.clip(rng.standard_normal(), -2, 2))


def _mirrored(at: Region, side: int) -> Points:
    return at.points[0] * np.float32(side), at.points[1], at.points[2]


# The knee. z = 0 is the joint line, x grows to the outer side.


def _paint_knee(rng: np.random.Generator, size: int, first: int, side: int) -> Canvas:
    scale = _vary(rng, 0.98, 0.04)
    scales = scale * _vary(rng, 1, 0.02), scale, scale * _vary(rng, 1, 0.03)
    canvas = Canvas(KNEE_FIELD, size, (0, 2, 0), scales, first)
    fat = max(_vary(rng, 8, 3.5), 3)
    muscle = _vary(rng, 1.0, 0.1)
    patella = _vary(rng, 0, 4)
    twist = _vary(rng, 0, 3)
    cortex = _vary(rng, 1.0, 0.15)
    fine, coarse = canvas.noise(rng, 2.5), canvas.noise(rng, 10.0)
    _paint_leg(canvas, side, fat, muscle, patella, fine, coarse)
    _paint_femur(canvas, side, cortex, fine, twist)
    _paint_tibia(canvas, side, cortex, fine)
    at = canvas.around((0, 44, 26 + patella), (32, 20, 32))
    q = _mirrored(at, side)
    cap = ellipsoid(q, (2, 43, 28 + patella), (22, 10.5, 19))
    cap = union(cap, ellipsoid(q, (2, 42, 16 + patella), (11, 7, 12)), 8.0)
    cap = common(cap, 35.5 + 0.16 * np.abs(q[0] - 2) * -1 - q[1], 3.0)
    canvas.paint_bone(at, cap, 1.6, 260 + 40 * fine[at.slices], 1150.0)
    return canvas


def _paint_leg(
    canvas: Canvas, side: int, fat: float, muscle: float, patella: float, fine: np.ndarray, coarse: np.ndarray
) -> None:
    everywhere = canvas.region()
    q = _mirrored(everywhere, side)
    x, y, z = q
    m = muscle - 1
    wide = profile(z, (-135, 46), (-80, 52), (-30, 48), (5, 47), (50, 54), (135, 66)) + 40 * m + fat
    front = profile(z, (-135, 22), (-60, 30), (-30, 39), (10, 54), (30, 57), (60, 54), (135, 60)) + 20 * m + fat * 0.5
    back = profile(z, (-135, -58), (-80, -62), (-20, -46), (20, -46), (135, -64)) - 40 * m - fat
    radius = np.sqrt((x / wide) ** 2 + ((y - (front + back) / 2) / ((front - back) / 2)) ** 2)
    skin = ((radius - 1) * np.float32(0.5) * (wide + (front - back) / 2)).astype(np.float32)
    canvas.paint(everywhere, skin, 20.0)
    canvas.paint(everywhere, skin + 2, -98 + 7 * coarse)
    g = float(np.sqrt(muscle))
    groups = (
        [(34, 18, 150, 29), (33, 14, 70, 20), (24, 26, 36, 7)],  # vastus lateralis
        [(-32, 14, 150, 28), (-35, 12, 70, 22), (-27, 20, 26, 10)],  # vastus medialis
        [(0, 40, 150, 18), (0, 40, 75, 11), (0, 48, 46, 5)],  # rectus
        [(0, 20, 150, 22), (0, 22, 70, 16), (0, 30, 50, 6)],  # intermedius
        [(30, -34, 150, 21), (33, -34, 50, 13), (38, -27, -18, 6)],  # biceps
        [(-24, -38, 150, 23), (-29, -38, 50, 15), (-30, -26, -14, 7)],  # semimembranosus
        [(-18, -26, 34, 9), (-21, -36, -15, 17), (-21, -38, -90, 24), (-18, -36, -150, 21)],  # gastrocnemius
        [(18, -26, 34, 9), (20, -36, -15, 16), (20, -38, -90, 22), (18, -36, -150, 19)],
        [(6, -22, -40, 12), (2, -24, -90, 24), (2, -26, -150, 26)],  # soleus
        [(24, 6, -30, 7), (25, 4, -90, 14), (23, 2, -150, 13)],  # tibialis anterior
        [(38, -8, -40, 6), (40, -8, -90, 10), (38, -10, -150, 9)],  # peroneus
    )
    for line in groups:
        points = shapes.curve(line, 16)
        points[:, 0] *= side
        points[:, 3] *= g
        at, d = canvas.tube(points)
        canvas.paint(at, common(d, skin[at.slices] + 3 + fat * 0.8, 2.0), 55 + 5 * fine[at.slices])
    # The capsule of the joint, menisci, tendons and vessels.
    at = canvas.around((0, 0, 5), (60, 60, 60))
    q = _mirrored(at, side)
    joint = union(ellipsoid(q, (0, -6, 12), (44, 36, 34)), ellipsoid(q, (0, 30, 40), (20, 14, 22)), 10.0)
    canvas.paint(at, common(joint, skin[at.slices] + 4), 25.0)
    canvas.paint(at, ellipsoid(q, (0, 30, -4), (22, 14, 14)), -80.0)  # the fat behind the patellar tendon
    drum = np.sqrt((q[0] / 37) ** 2 + ((q[1] + 6) / 25) ** 2)
    canvas.paint(at, common((drum - 1) * 28, np.abs(q[2] + 2) - 4), 95.0)
    for course, flat, hu in (
        ([(2, 50, 10 + patella, 4.5), (4, 31, -42, 4)], 1.6, 80),
        ([(2, 52, 40 + patella, 4.5), (0, 48, 80, 4)], 1.6, 80),
        ([(3, -34, 150, 4), (2, -34, 0, 4), (3, -30, -50, 3), (6, -22, -150, 2)], 1.0, 48),
        ([(6, -41, 150, 4.5), (6, -40, 0, 4.5), (4, -36, -50, 4)], 1.0, 46),
        ([(8, -48, 60, 3), (12, -46, 0, 3)], 1.0, 35),
    ):
        points = shapes.curve(course, 12)
        points[:, 0] *= side
        at, d = canvas.tube(points, wide=np.tile([1.0, 0, 0], (12, 1)), aspect=flat)
        canvas.paint(at, d, float(hu))


def _marrow(z: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """HU within a long bone by the distance from its joint: spongy bone near it, fat in the shaft."""
    return profile(np.abs(z), (0, 300), (20, 260), (45, 120), (75, -30), (95, -50)) + 35 * fine


def _cortex(z: np.ndarray, factor: float) -> np.ndarray:
    return factor * profile(np.abs(z), (0, 1.4), (30, 1.4), (60, 2.8), (100, 5.2), (140, 6.0))


def _paint_femur(canvas: Canvas, side: int, cortex: float, fine: np.ndarray, twist: float) -> None:
    at = canvas.region((-50, -50, -8), (50, 50, 160))
    q = _mirrored(at, side)
    x, y, z = q
    lean = np.float32(0.10)  # of the shaft outward, going up
    c = (x - lean * np.maximum(z - 20, 0), y - 0.02 * z, z)
    wide = profile(z, (0, 30), (25, 33), (45, 27), (70, 19), (100, 15.5), (150, 14))
    deep = profile(z, (0, 16), (25, 24), (45, 20), (70, 16.5), (100, 14.5), (150, 14))
    shaft = common((np.sqrt((c[0] / wide) ** 2 + (c[1] / deep) ** 2) - 1) * np.minimum(wide, deep), 22 - z, 8.0)
    bone = shaft.astype(np.float32)
    for part in (
        ellipsoid(q, (22, -6, 22), (17, 30, 22)),
        ellipsoid(q, (-22, -9 + twist * 0.5, 20), (17, 30, 22)),
        ellipsoid(q, (14, 16, 26), (16, 16, 18)),
        ellipsoid(q, (-13, 14, 25), (15, 15, 17)),
        ellipsoid(q, (-34, -4, 26), (8, 12, 10)),
        ellipsoid(q, (34, -4, 26), (7, 10, 9)),
    ):
        bone = union(bone, part, 7.0)
    notch = capsule(q, (0, -46, 4), (0, -6, 2), 14, 8)
    bone = common(bone, -notch, 4.0)
    canvas.paint(at, common(bone - 2.2, z - 40), 85.0)  # cartilage
    canvas.paint_bone(at, bone, _cortex(z, cortex), _marrow(z, fine[at.slices]), 1350.0)


def _paint_tibia(canvas: Canvas, side: int, cortex: float, fine: np.ndarray) -> None:
    at = canvas.region((-52, -50, -160), (60, 40, 8))
    q = _mirrored(at, side)
    x, y, z = q
    wide = profile(z, (-150, 11.5), (-90, 13), (-60, 17), (-40, 24), (-22, 34), (-12, 38.5), (-4, 38.5))
    deep = profile(z, (-150, 13), (-90, 15), (-60, 17), (-40, 20), (-22, 23), (-12, 25), (-4, 25))
    v = (y + 5 + 0.04 * z) / deep
    wide = wide * (1 - profile(z, (-70, 0.45), (-25, 0.0)) * np.clip(v, -1, 1))  # the shaft has an edge in front
    u, v = np.abs(x) / wide, np.abs(v)
    plateau = z + 6.5 + 0.05 * y  # its upper face slopes backward
    bone = common((((u**2.4 + v**2.4) ** (1 / 2.4)) - 1) * np.minimum(wide, deep), plateau, 3.0).astype(np.float32)
    dish = union(ellipsoid(q, (21, -6, 0), (16, 18, 8)), ellipsoid(q, (-21, -7, 0), (17, 20, 9)))
    bone = common(bone, -dish, 2.0)
    for part in (
        ellipsoid(q, (5, -4, -6), (3.5, 8, 7)),
        ellipsoid(q, (-5, -4, -6), (3.5, 9, 8)),
        ellipsoid(q, (3, 10, -42), (9, 11, 20)),
    ):
        bone = union(bone, part, 5.0)
    canvas.paint(at, common(bone - 2.2, -14 - z), 85.0)
    canvas.paint_bone(at, bone, _cortex(z, cortex), _marrow(z, fine[at.slices]), 1350.0)
    line = shapes.curve(
        [(40.5, -25, -18, 4.5), (41, -25.5, -28, 8.5), (41, -23, -42, 7), (41, -20, -65, 5.5), (39, -16, -150, 6.5)], 24
    )
    line[:, 0] *= side
    at, d = canvas.tube(line)
    z = at.points[2]
    canvas.paint_bone(at, d, _cortex(z, cortex * 0.5) + 0.4, _marrow(z, fine[at.slices]), 1250.0)


# The hand: fingers up, thumb to positive x, palm forward; the wrist lies at z = -55.

_RAYS = (  # base of the metacarpal (x, y, z), tilt of it and of the finger in degrees, lengths of the bones, thickness
    ((25.5, 7.0, -34.0), 30, 16, (44, 31, 22), 1.15),
    ((12.5, 0.0, -32.0), 6, 6, (64, 39, 23, 17), 1.0),
    ((2.0, 0.0, -31.0), 0, 1, (62, 43, 28, 18), 1.0),
    ((-7.5, 0.0, -31.5), -6, -5, (56, 40, 26, 18), 0.93),
    ((-15.5, 1.0, -32.5), -12, -12, (52, 32, 19, 16), 0.85),
)
_CARPALS = (  # center, half sizes, turn toward the thumb in degrees
    ((14, 2, -48), (10, 6.5, 5.4), -34),
    ((1.5, 0, -52.6), (6.6, 7.5, 4.8), 0),
    ((-10, 0, -48.5), (6.6, 6.5, 5.4), 32),
    ((-13, 9, -47), (4.4, 4.4, 5), 0),
    ((21.5, 4, -39.2), (6.2, 6.5, 5.2), -30),
    ((11.7, -1, -37.4), (4.6, 7, 4.8), -8),
    ((2.5, 0, -40), (5.2, 7.5, 7.6), 3),
    ((-8.5, 1, -38.5), (6.2, 7, 6.4), 16),
)


def _paint_hand(rng: np.random.Generator, size: int, first: int, side: int) -> Canvas:
    scale = _vary(rng, 0.97, 0.05)
    scales = scale * _vary(rng, 1, 0.03), scale, scale * _vary(rng, 1, 0.03)
    canvas = Canvas(HAND_FIELD, size, (0, 2, 2), scales, first)
    spread, curl, thick = _vary(rng, 1.0, 0.25), max(_vary(rng, 6, 5), 0), _vary(rng, 1.0, 0.06)
    flesh = _vary(rng, 1.0, 0.1)
    fine = canvas.noise(rng, 1.8)
    rays = [_ray(ray, spread, curl + rng.uniform(0, 3), rng) for ray in _RAYS]
    _paint_flesh(canvas, rays, side, flesh, fine)
    for base, half, turn in _CARPALS:
        center = np.array(base) + rng.normal(0, 0.3, 3)
        at = canvas.around(center * (side, 1, 1), np.full(3, max(half) + 2.0))
        q = shapes.turned(_mirrored(at, side), center, shapes.rotation(1, turn))
        waist = 1 + 0.12 * (q[2] / half[2])  # none is a box
        d = box((q[0] * waist, q[1], q[2]), (0, 0, 0), np.array(half) * (1 + 0.5 * (thick - 1)), 0.75 * min(half))
        canvas.paint_bone(at, d, 0.9, 330 + 50 * fine[at.slices], 950.0)
    for (_, _, _, _, broad), joints in zip(_RAYS, rays, strict=True):
        _paint_ray(canvas, joints, side, thick * broad, fine)
    for line, aspect, socket in (
        ([(7, 0, -135, 7.5), (9, 0, -87, 7.5), (9, 1, -72, 9.5), (8.5, 1, -60, 9.0)], 1.45, (3, 0, -44)),
        ([(-11, -1, -135, 6.5), (-14, -2, -87, 5.5), (-15, -2, -70, 6), (-15.5, -2, -66, 7)], 1.0, (-14, 2, -47)),
    ):
        points = shapes.curve(line, 20)
        points[:, 0] *= side
        at, d = canvas.tube(points, wide=np.tile([1.0, 0, 0], (20, 1)), aspect=aspect)
        q = _mirrored(at, side)
        if aspect == 1.0:
            d = union(d, capsule(q, (-20, -3, -64), (-20.5, -3, -57), 2.5, 1.6), 2.0)  # styloid process
        d = common(d, -ellipsoid(q, socket, (21, 15, 14.5)), 1.0)
        thin = profile(q[2], (-125, 2.8), (-92, 2.4), (-72, 1.0))
        inner = profile(q[2], (-125, -40), (-97, -10), (-77, 250)) + 40 * fine[at.slices]
        canvas.paint_bone(at, d, thin, inner, 1300.0)
    return canvas


def _ray(ray: tuple, spread: float, curl: float, rng: np.random.Generator) -> np.ndarray:
    """(joints, 3): where the bones of a finger begin and end."""
    base, tilt, finger, lengths, _ = ray
    points = [np.array(base)]
    for n, length in enumerate(lengths):
        sideways = np.radians(tilt if n == 0 else finger * (spread if abs(finger) < 25 else 1))
        bent = np.radians(curl * n * 0.6 + (6 if n == 0 else 0))
        step = np.array([np.sin(sideways) * np.cos(bent), np.sin(bent), np.cos(sideways) * np.cos(bent)])
        points.append(points[-1] + length * step * (1 + 0.02 * rng.standard_normal()))
    return np.array(points)


def _paint_flesh(canvas: Canvas, rays: list[np.ndarray], side: int, flesh: float, fine: np.ndarray) -> None:
    everywhere = canvas.region()
    q = _mirrored(everywhere, side)
    skin = box(q, (-1, 1, -6), (32 * flesh, 11 * flesh, 36), 10)
    wrist = profile(q[2], (-125, 34), (-70, 29), (-50, 29))
    deep = profile(q[2], (-125, 24), (-80, 19), (-50, 15))
    arm = np.sqrt((q[0] / wrist) ** 2 + (q[1] / deep) ** 2)
    skin = union(skin, common(((arm - 1) * 20).astype(np.float32), q[2] + 40, 6.0), 16.0)
    thenar = ellipsoid(q, (22, 8, -18), (17, 12, 30))
    skin = union(skin, thenar, 8.0)
    for n, joints in enumerate(rays):
        thick = [(9.5 if n else 10.5) * flesh * (1.0 - 0.07 * k) for k in range(len(joints))]
        low = joints + np.array([0, 1.5, 0])
        finger = merged(capsule(q, a, b, r, r * 0.93) for (a, b), r in zip(pairwise(low), thick, strict=False))
        skin = union(skin, finger, 12.0)
    canvas.paint(everywhere, skin, 20.0)
    canvas.paint(everywhere, skin + 1.5, -85 + 10 * fine)
    canvas.paint(everywhere, skin + 4.0, 48 + 6 * fine)


def _paint_ray(canvas: Canvas, joints: np.ndarray, side: int, broad: float, fine: np.ndarray) -> None:
    """A metacarpal and its phalanges; each base is the socket of the head before it."""
    last = None  # head: center and radius
    for n, (start, end) in enumerate(pairwise(joints * (side, 1, 1))):
        thick = broad * (1.0 - 0.13 * n)
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        if n == len(joints) - 2:  # the last ends in a tuft
            radii, head = np.array([6.2, 6.0, 4.0, 3.1, 3.1, 4.2, 3.6]) * thick, 3.6 * thick
        else:
            radii, head = np.array([6.2, 6.3, 4.4, 3.7, 4.6, 5.7, 5.2]) * thick, 5.2 * thick
        shares = np.array([0.0, 0.12, 0.3, 0.55, 0.8, 0.92, 1.0]) * (1 - head / length)
        line = shapes.curve(np.column_stack([start + np.outer(shares * length, along), radii]), 14)
        at, d = canvas.tube(line, wide=np.tile(np.cross(along, [0, 1, 0]), (14, 1)), aspect=1.2)
        _, _, z = shapes.turned(at.points, start, np.tile(along[:, None], 3))
        d = common(d, -z, 1.5)
        if last is not None:
            d = common(d, 1.8 - ellipsoid(at.points, last[0], [last[1]] * 3), 0.5)
        canvas.paint_bone(at, d, 1.6 * thick, 220 + 40 * fine[at.slices], 1450.0)
        last = end - head * along, head
