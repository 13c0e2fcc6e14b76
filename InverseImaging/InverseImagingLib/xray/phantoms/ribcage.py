"""The bones of a chest: spine, ribs with their cartilage, sternum, clavicles, shoulder blades, heads of the humeri."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import shapes
from .shapes import Canvas, box, capsule, common, ellipsoid, polygon, union
from .spine import Vertebra, paint_spine

if TYPE_CHECKING:
    from .thorax import Thorax

_DROP = (38, 62, 78, 90, 98, 105, 110, 110, 106, 96, 62, 34, 18)  # mm that ribs descend, 1 to 13
_END = (150, 153, 153, 151, 148, 145, 141, 133, 123, 112, 88, 58, 36)  # degrees from the back where their bone ends


def paint_ribcage(canvas: Canvas, body: Thorax, cage: np.ndarray, fine: np.ndarray) -> None:
    """Paint the bones of one person; cage: the distance to the inner face of the ribs, fine: noise, both (K, J, I)."""
    vertebrae = _vertebrae(body)
    paint_spine(canvas, vertebrae, fine)
    _paint_ribs(canvas, body, vertebrae)
    _paint_sternum(canvas, body)
    _paint_shoulders(canvas, body, cage)


def _vertebrae(body: Thorax) -> list[Vertebra]:
    """From the fifth of the neck to the second below the chest."""
    pitch = np.concatenate([[15, 15.5, 17.5], np.linspace(20.5, 27.5, 12), [30, 32]])
    z = 138 + np.concatenate([np.cumsum(pitch[:3][::-1])[::-1], [0], -np.cumsum(pitch[3:])])[: 3 + 12 + 2]
    level = np.arange(-2.0, 15.0)  # the first chest vertebra is 1
    x, y = body.spine(z)
    slope_x, slope_y = np.gradient(x, z), np.gradient(y, z)
    vertebrae = []
    for n, at in enumerate(level):
        up = np.array([slope_x[n], slope_y[n], 1.0])
        up /= np.linalg.norm(up)
        right = np.cross([0.0, 1.0, 0.0], up)
        right /= np.linalg.norm(right)
        vertebrae.append(
            Vertebra(
                center=np.array([x[n], y[n], z[n]]),
                axes=np.stack([right, np.cross(up, right), up], axis=1),
                width=float(np.interp(at, [-2, 0, 1, 12, 14], [11, 12.5, 13.5, 19.5, 22])),
                depth=float(np.interp(at, [-2, 1, 12, 14], [7.5, 8.5, 14.5, 16])),
                height=float(0.41 * pitch[n]),
                across=float(np.interp(at, [-2, 0, 1, 11, 12, 14], [26, 32, 36, 28, 24, 36])),
                behind=float(np.interp(at, [-2, 0, 1, 6, 12, 14], [36, 48, 46, 46, 50, 54])),
                below=float(np.interp(at, [-2, 0, 1, 6, 9, 12, 14], [8, 10, 14, 28, 24, 10, 8])),
            )
        )
    return vertebrae


def _paint_ribs(canvas: Canvas, body: Thorax, vertebrae: list[Vertebra]) -> None:
    sternum_low = -52.0
    for rib in range(min(body.ribs, 13)):
        v = vertebrae[3 + rib]
        last = body.last_rib if rib >= 11 else 1.0
        drop, end = _DROP[rib] * body.slope * last, _END[rib] * (last if rib >= 11 else 1.0)
        for s in (1, -1):
            path = _rib_path(body, v, s, drop, end, rib)
            count = len(path)
            thick = 4.0 if rib else 3.4
            taper = 1 - 0.35 * np.linspace(0, 1, count) ** 4 * (rib > 9)
            line = np.column_stack([path, thick * taper])
            along = np.gradient(path, axis=0)
            along /= np.linalg.norm(along, axis=1, keepdims=True)
            out = np.column_stack([path[:, 0] - 0, path[:, 1] + 8, np.zeros(count)])
            out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
            wide = out if rib == 0 else np.cross(along, out)
            wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-6)
            _paint_cartilage(canvas, body, path, s, rib, sternum_low)
            at, d = canvas.tube(line, wide=wide, aspect=1.65)
            canvas.paint_bone(at, d, 1.3, 160.0, 1200.0)


def _rib_path(body: Thorax, v: Vertebra, side: int, drop: float, end: float, rib: int) -> np.ndarray:
    """(n, 3) points from the spine along the wall to where the bone ends."""
    first = 30.0 if rib else 40.0
    angle = np.radians(np.linspace(first, max(end, first + 4), 26))
    share = np.linspace(0, 1, len(angle))
    z = v.center[2] - 4 - drop * (0.55 * share + 0.55 * share**2 - 0.10 * share**3)
    wall = body.wall(angle, z)
    wall[:, 0] *= side
    head = v.at(side * (v.width * 0.9), -v.depth * 0.6, v.height * 0.9)
    tubercle = v.at(side * (v.across - 4), -v.depth - 16, v.height * 0.6)
    return shapes.curve([head, tubercle, *wall[1::3], wall[-1]], 40)


def _paint_cartilage(canvas: Canvas, body: Thorax, path: np.ndarray, side: int, rib: int, low: float) -> None:
    if rib > 9:
        return
    end = path[-1]
    z = np.interp(rib, [0, 1, 6, 9], [100, 78, low, low - 34])
    x = 16.0 if rib < 7 else 16.0 + 16 * (rib - 6)
    goal = np.array([side * x, float(body.sternum(np.array([z]))[0]) + 5, z])
    way = (end + goal) / 2
    way[2] -= 0.25 * abs(end[2] - goal[2])
    way[1] += 4
    at, d = canvas.tube(shapes.curve([(*end, 4.5), (*way, 4.5), (*goal, 4.5)], 10))
    canvas.paint(at, d, 95.0)


def _paint_sternum(canvas: Canvas, body: Thorax) -> None:
    for low, high, half, thick in ((72, 112, 24, 6), (-42, 69, 15, 5.5), (-64, -45, 7, 3)):
        z = np.array([low, high], float)
        y = body.sternum(z) + 5.5
        up = np.array([0, y[1] - y[0], high - low])
        up /= np.linalg.norm(up)
        axes = np.stack([[1, 0, 0], np.cross(up, [1, 0, 0]), up], axis=1)
        center = np.array([0, y.mean(), z.mean()])
        at = canvas.around(center, (40, 35, (high - low) / 2 + 10))
        q = shapes.turned(at.points, center, axes)
        x = q[0] / (1 + 0.25 * q[2] / np.float32((high - low) / 2)) if low == 72 else q[0]
        d = box((x, q[1], q[2]), (0, 0, 0), (half, thick, (high - low) / 2), min(thick, 5))
        canvas.paint_bone(at, d, 1.0, 130.0, 750.0)


def _paint_shoulders(canvas: Canvas, body: Thorax, cage: np.ndarray) -> None:
    """Clavicles, scapulae and the heads of the humeri."""
    drop = body.shoulder
    for s in (1, -1):
        clavicle = [
            (s * 20, 30, 106, 8.5), (s * 36, 36, 110 + 0.2 * drop, 6), (s * 62, 36, 118 + 0.4 * drop, 5),
            (s * 95, 18, 128 + 0.7 * drop, 5), (s * 130, -12, 134 + drop, 5.5), (s * 156, -20, 130 + drop, 6.5),
        ]  # fmt: skip
        at, d = canvas.tube(shapes.curve(clavicle, 30))
        canvas.paint_bone(at, d, 1.8, 250.0, 1150.0)
        at = canvas.region((min(s * 60, s * 175), -125, -40), (max(s * 60, s * 175), 20, 150))
        p = at.points
        x, y, z = p[0] * s, p[1], p[2]
        # A blade along the back wall: corners (medial top, medial bottom, joint), as lines in x and z.
        plate = np.abs(cage[at.slices] - 15) - np.float32(1.6)
        corners = np.array([(78.0, 112.0 + drop), (88.0, -22.0), (146.0, 98.0 + drop)])
        blade = common(plate, np.maximum(polygon(x, z, corners), y + 5), 2.0)
        spots = [body.behind(cx, cz) for cx, cz in corners]
        bottom, joint, top = spots[1], np.array([150, -28, 102 + drop]), spots[0]
        edge = (joint + bottom) / 2 + np.array([9, -6, 0])
        q = (x, y, z)
        for part in (
            capsule(q, bottom, edge, 3.5, 4.5),
            capsule(q, edge, joint, 4.5, 8),
            capsule(q, np.add(joint, (-4, 0, 0)), joint, 10, 11),
            capsule(q, np.add((top + bottom) / 2, (0, 0, 32)), (130, -62, 118 + drop), 3, 5),
            capsule(q, (130, -62, 118 + drop), (160, -34, 132 + drop), 5.5, 5),
            capsule(q, np.add(joint, (-6, 4, 10)), np.add(joint, (-10, 30, 14)), 5, 4.5),
            capsule(q, top, bottom, 2.5),
        ):
            blade = union(blade, part, 3.0)
        canvas.paint_bone(at, blade, 1.3, 180.0, 1050.0)
        head = np.array([173.0, -22.0, 100.0 + drop])
        at = canvas.around(((head[0] + 30) * s, head[1], head[2] + 20), (65, 40, 60))
        q = (at.points[0] * s, at.points[1], at.points[2])
        bone = union(
            ellipsoid(q, head, (23, 23, 24)),
            capsule(q, np.add(head, (8, 2, 4)), np.add(head, (80, 4, 58)), 17, 11),
            10.0,
        )
        canvas.paint_bone(at, bone, np.clip((q[0] - head[0]) * 0.08, 1.2, 4.0), 200.0, 1250.0)
