"""The lower jaw and the teeth of a head."""

from __future__ import annotations

import numpy as np

from . import shapes
from .shapes import Canvas, Points, box, capsule, common, ellipsoid, polygon, profile, union

# Widths of the teeth of one side in mm, from the middle.
_UPPER = (8.5, 6.6, 7.6, 7.0, 6.8, 10.2, 9.8, 8.8)
_LOWER = (5.4, 6.0, 6.9, 7.0, 7.1, 11.0, 10.5, 10.0)

# The jaw from the side, y and z: chin, lower border, angle, neck of the joint, notch, coronoid process, crest.
_OUTLINE = (
    (84, -80), (85, -88), (80, -95), (72, -96), (56, -91), (34, -82), (17, -71), (10, -58), (8, -34), (8, -14),
    (17, -13), (25, -24), (31, -21), (35, -13), (39, -17), (39, -30), (42, -56), (48, -66), (66, -70), (84, -72),
)  # fmt: skip


def paint_jaw(canvas: Canvas, jaw: float, chin: float, fine: np.ndarray) -> None:
    """The mandible and the hyoid bone; jaw, chin: mm that the chin lies lower and farther forward."""
    at = canvas.region((-66, -6, -112), (66, 104, 10))
    x, y, z = at.points
    forward = chin * profile(y, (10, 0), (70, 1)) * profile(z, (-86, 1), (-64, 0))
    q = (np.abs(x), y - forward, z + jaw * profile(y, (20, 0.2), (75, 1)))
    # A sheet that is bent like a horseshoe, wider below, and cut along the outline; the ridge of the teeth on it.
    bent = arch((q[0], np.maximum(q[1], 10), q[2]), (0, 10), (46.5, 69))
    bent = bent - 0.09 * (q[2] + 62) * profile(q[1], (35, 1), (60, 0))
    bent = bent + profile(q[1], (34, 0), (48, 4), (62, 4), (73, 0))  # toward the teeth
    half = 4.2 + 1.6 * profile(q[1], (36, 0), (60, 1))
    bone = common(np.abs(bent) - half, polygon(q[1], q[2], _OUTLINE), 4.0)
    ridge = common(np.abs(arch(q, (0, 34), (26, 46.5))) - 5, np.abs(q[2] + 69) - 9, 5.0)
    bone = union(bone, common(ridge, 34 - q[1] + 0.4 * (q[2] + 60), 6.0), 8.0)
    for part in (
        capsule(q, (49.5, 12, -15), (50.5, 13, -9), 4.5, 4),
        capsule(q, (45, 13, -8.5), (56, 12, -7.5), 4),  # head of the joint
        ellipsoid(q, (0, 80, -87), (12, 5, 6)),  # chin
    ):
        bone = union(bone, part, 4.0)
    canvas.paint_bone(at, bone, 2.4, 330 + 70 * fine[at.slices], 1450.0)
    canvas.paint(at, capsule(q, (38, 42, -76), (46, 22, -42), 1.2), 60.0, bone=True)  # canal of the nerve
    at = canvas.region((-30, 15, -112), (30, 60, -84))
    q = (np.abs(at.points[0]), at.points[1], at.points[2])
    hyoid = union(
        capsule(q, (0, 48, -98), (10, 46, -98), 3.5, 3), capsule(q, (10, 46, -98), (20, 24, -94), 2.6, 1.8), 1.5
    )
    canvas.paint_bone(at, hyoid, 1.0, 250.0, 900.0)


def arch(p: Points, center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Distance in the plane to the oval on which teeth stand; negative toward the tongue."""
    u, v = (p[0] - center[0]) / np.float32(radii[0]), (p[1] - center[1]) / np.float32(radii[1])
    near = np.sqrt(u**2 + v**2)
    slope = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2)
    return near * (near - 1) / np.maximum(slope, np.float32(1e-4))


def paint_teeth(canvas: Canvas, missing: np.ndarray, filled: np.ndarray) -> None:
    """The teeth of both jaws, the wisdom teeth last; missing, filled: (32,) bool."""
    for upper in (True, False):
        widths = _UPPER if upper else _LOWER
        center, radii = (0.0, 36.0), ((27.0, 48.5) if upper else (25.0, 46.0))
        angle = np.linspace(0, np.pi / 2, 400)
        x, y = radii[0] * np.sin(angle), center[1] + radii[1] * np.cos(angle)
        length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        squeeze = length[-1] / sum(widths)
        middle = (np.cumsum(widths) - np.array(widths) / 2) * squeeze
        for n, place in enumerate(middle):
            i = int(np.searchsorted(length, place))
            tangent = np.array([x[min(i + 1, 399)] - x[i - 1], y[min(i + 1, 399)] - y[i - 1]])
            turn = float(np.degrees(np.arctan2(tangent[1], tangent[0])))
            for s in (1, -1):
                number = 16 * upper + 8 * (s > 0) + n
                if missing[number]:
                    continue
                z = -51.0 if upper else -52.5
                root = np.array([s * x[i], y[i], z])
                _paint_tooth(canvas, root, s * turn, widths[n] * squeeze, n, 1 if upper else -1, filled[number])


def _paint_tooth(canvas: Canvas, edge: np.ndarray, turn: float, width: float, kind: int, up: int, filled: bool) -> None:
    """edge: middle of its biting edge; kind: 0 to 7 from the middle; up: where its root points."""
    front, canine = kind < 2, kind == 2
    depth = 6.5 if front else 7.5 if kind < 5 else 10.0
    crown = 10.0 if front else 9.5 if canine else 8.0 if kind < 5 else 7.0
    root = 13.0 if front or kind > 4 else 16.0 if canine else 14.0
    at = canvas.around(np.add(edge, (0, 0, up * (crown + root) / 2)), (9, 9, (crown + root) / 2 + 3))
    if 0 in at.shape:
        return
    x, y, z = shapes.turned(at.points, edge, shapes.rotation(2, turn))
    z = z * up
    half = width / 2 - 0.15
    narrow = np.clip(1 - z / crown, 0, 1) * 0.65 if front else 0.15  # incisors end in an edge
    d = box((x, y / (1 - narrow), z), (0, 0, crown / 2), (half, depth / 2, crown / 2), min(2.0, half - 0.5))
    if kind > 2:
        d = d + 0.35 * np.exp(-((x / 2.0) ** 2) - (z / 3) ** 2)
    roots = (-0.55, 0.55) if kind > 4 else (0.0,)
    body = d
    for offset in roots:
        thick = half * (0.5 if kind > 4 else 0.72)
        fang = capsule((x, y, z), (offset * half, 0, crown - 1), (offset * half * 1.1, 0, crown + root - 2), thick, 1.1)
        body = union(body, fang, 1.0)
    canvas.paint(at, body, 1650.0, bone=True)
    enamel = common(d, -(d + np.clip(1.6 - 0.12 * z, 0.2, 1.6)))
    canvas.paint(at, common(enamel, z - crown + 0.5), 2600.0, bone=True)
    canvas.paint(at, capsule((x, y, z), (0, 0, crown * 0.6), (0, 0, crown + root * 0.4), 0.8, 0.5), 100.0, bone=True)
    if filled and kind > 3:
        canvas.paint(at, ellipsoid((x, y, z), (0, 0, 1), (2.4, 2.0, 1.8)), 3000.0, bone=True)
