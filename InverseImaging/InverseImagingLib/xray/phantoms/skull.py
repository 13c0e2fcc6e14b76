"""A head: vault, base and face with their sinuses, brain, jaws with teeth, the upper neck."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import shapes
from .jaw import arch, paint_jaw, paint_teeth
from .shapes import Canvas, Points, box, capsule, common, ellipsoid, merged, profile, union
from .spine import Vertebra, paint_spine

FIELD = (186.0, 232.5, 248.0)  # mm


class Skull:
    """One person's head, drawn by chance, in the mm of a standard head; the ear canals lie at y = z = 0."""

    def __init__(self, rng: np.random.Generator) -> None:
        def vary(mean: float, spread: float) -> float:
            return mean + spread * float(np.clip(rng.standard_normal(), -2, 2))

        self.rng = rng
        size = vary(0.985, 0.025)
        self.scale = (size * vary(1, 0.025), size * vary(1, 0.025), size * vary(1, 0.02))
        self.thick = max(vary(5.8, 0.8), 4)
        self.high = vary(0, 3)  # of the vault
        self.occiput = vary(0, 4)
        self.brow = vary(0, 1.2)
        self.jaw = vary(0, 3)  # mm that the chin lies lower
        self.chin = vary(0, 3)  # and farther forward
        self.sinus = [vary(1, 0.15) for _ in range(6)]
        self.fat = max(vary(4.5, 1.5), 2.5)
        self.ventricles = max(vary(1.0, 0.25), 0.5)
        self.lordosis = vary(1.0, 0.5)
        self.septum = vary(0, 1.2)
        self.missing = rng.random(32) < rng.choice([0.0, 0.03, 0.12])
        self.fillings = rng.random(32) < rng.choice([0.0, 0.05])

    def cavity(self, p: Points) -> np.ndarray:
        """To the inside of the braincase."""
        x, y, z = np.abs(p[0]), p[1], p[2]
        q = (x, y, z)
        high = self.high
        whole = ellipsoid(q, (0, -14 - self.occiput / 2, 44), (67, 78 + self.occiput / 2, 61 + high))
        front = ellipsoid(q, (0, 20, 44), (56, 63, 56 + high))
        front = common(front, 24 + 0.12 * (y - 40) - 5 * np.exp(-((x / 8) ** 2)) - z, 8.0)
        whole = union(whole, front, 14.0)
        whole = union(whole, ellipsoid(q, (36, 8, 8), (25, 33, 20)), 10.0)
        whole = union(whole, ellipsoid(q, (0, -42, -2), (52, 40, 35)), 14.0)
        whole = common(whole, -box(q, (0, 42, -8), (15, 36, 22), 8), 6.0)  # the sphenoid and the nose below
        return common(whole, -capsule(q, (43, 13, -14), (58, 12, -14), 17), 4.0)  # the joints of the jaw below

    def orbit(self, p: Points) -> np.ndarray:
        q = (np.abs(p[0]), p[1], p[2])
        return union(capsule(q, (17, 38, 14), (31, 66, 12), 5, 16), box(q, (32, 74, 11.5), (18.5, 14, 16.5), 13), 5.0)

    def skin(self, p: Points, cavity: np.ndarray) -> np.ndarray:
        q = (np.abs(p[0]), p[1], p[2])
        jaw, chin = self.jaw, self.chin
        face = cavity - self.thick - 3 - self.fat
        for part in (
            ellipsoid(q, (0, 48, -14), (60, 45, 56)),
            ellipsoid(q, (0, 42 + chin / 2, -58 - jaw / 2), (48, 48, 38)),
            ellipsoid(q, (44, 52, -26), (20, 26, 30)),
            ellipsoid(q, (46, 12, -24), (25, 28, 42)),
            ellipsoid(q, (0, 86, -46), (25, 15, 16)),
            ellipsoid(q, (0, 52, -74 - jaw / 2), (36, 34, 24)),
            capsule(q, (0, 20, -60), (0, 14, -190), 30),
            ellipsoid(q, (0, 78 + chin, -78 - jaw), (18, 15, 15)),
            capsule(q, (0, -26, -30), (0, -24, -190), 52),
            capsule(q, (34, 18, -40), (30, 6, -190), 26),
        ):
            face = union(face, part, 14.0)
        nose = merged(
            (
                capsule(q, (0, 88, 26), (0, 105, -12), 6, 8),
                ellipsoid(q, (9, 98, -16), (8, 9, 7)),
                ellipsoid(q, (0, 86, -10), (15, 14, 24)),
            ),
            8.0,
        )
        ear = ellipsoid(shapes.turned(q, (77, -10, 2), shapes.rotation(2, 20)), (0, 0, 0), (3.5, 15, 28))
        return union(union(face, nose, 8.0), ear, 5.0)


def paint(rng: np.random.Generator, size: int, first: int = 0) -> Canvas:
    """Paint one head from row `first` on; the longest side has `size` voxels."""
    head = Skull(rng)
    canvas = Canvas(FIELD, size, (0, 6, 0), head.scale, first)
    fine, coarse = canvas.noise(rng, 2.5), canvas.noise(rng, 8.0)
    everywhere = canvas.region()
    p = everywhere.points
    cavity = head.cavity(p)
    skin = head.skin(p, cavity)
    fat = head.fat * (0.8 + 0.5 * profile(p[2], (-60, 1), (20, 0)))
    canvas.paint(everywhere, skin, 25.0)
    canvas.paint(everywhere, skin + 2, -95 + 8 * coarse)
    sheets = 45 * np.exp(-((coarse / 0.15) ** 2))  # of fat between the muscles
    canvas.paint(everywhere, skin + 2 + fat, 55 + 5 * fine - sheets)
    _paint_airway(canvas, head)
    _paint_vault(canvas, head, cavity, coarse)
    _paint_face(canvas, head, fine)
    _paint_ears(canvas, fine, coarse)
    _paint_brain(canvas, head, cavity, fine, coarse)
    paint_jaw(canvas, head.jaw, head.chin, fine)
    paint_teeth(canvas, head.missing, head.fillings)
    _paint_neck(canvas, head, fine)
    return canvas


def _paint_airway(canvas: Canvas, head: Skull) -> None:
    line = shapes.curve(
        [(0, 40, -14, 8), (0, 26, -24, 8), (0, 19, -42, 6), (0, 22, -62, 6), (0, 24, -84, 7), (0, 22, -140, 8)], 24
    )
    at, d = canvas.tube(line, wide=np.tile([1.0, 0, 0], (24, 1)), aspect=1.5)
    canvas.paint(at, d, -1000.0)
    at = canvas.around((0, 58, -40), (22, 30, 6))
    canvas.paint(at, ellipsoid(at.points, (0, 58, -39), (19, 26, 2)), -1000.0)


def _paint_vault(canvas: Canvas, head: Skull, cavity: np.ndarray, coarse: np.ndarray) -> None:
    everywhere = canvas.region()
    x, y, z = everywhere.points
    base = profile(z, (-30, 0.75), (0, 0.8), (25, 1))
    thick = head.thick * base * (1 + 0.06 * coarse) + 3 * np.exp(-((y + 92) ** 2 + (z - 6) ** 2 + x**2) / 300)
    shell = common(cavity - thick, -cavity)
    hole = capsule(everywhere.points, (0, -20, -60), (0, -18, -20), 15)
    shell = common(shell, -hole, 3.0)
    canvas.paint_bone(everywhere, shell, 1.7, 480 + 60 * coarse, 1250.0)
    # Sutures: coronal and lambdoid, as gaps of less than a mm that wander.
    wander = 2.5 * coarse
    for line in (y - 12 + 0.25 * (z - 60) + wander, 0.8 * (y + 62) + 0.6 * (z - 60) + 0.3 * np.abs(x) + wander):
        gap = common(common(np.abs(line) - 0.5, shell), 30 - z)
        canvas.paint(everywhere, gap, 350.0, bone=True)


def _paint_face(canvas: Canvas, head: Skull, fine: np.ndarray) -> None:
    at = canvas.region((-76, -30, -62), (76, 110, 52))
    x, y, z = at.points
    q = (np.abs(x), y, z)
    orbit = head.orbit(at.points)
    solid = common(ellipsoid(q, (0, 62, -17), (38, 27, 23)), -common(ellipsoid(q, (0, 40, -40), (22, 24, 30)), z + 30))
    brow = head.brow
    for part in (
        capsule(q, (50, 62, -9), (32, 76, -14), 8, 7),  # cheek bone
        ellipsoid(q, (50, 61, -8), (10, 11, 12)),
        capsule(q, (51, 66, -4), (49, 67, 28), 5, 5),
        capsule(q, (49, 67, 28), (32, 81 + brow, 34), 4.5, 4.5),  # upper rim of the orbit
        capsule(q, (32, 81 + brow, 34), (8, 87 + brow, 30), 4.5, 5),
        capsule(q, (50, 65, -6), (32, 78, -8), 4.5, 4),  # lower rim
        capsule(q, (32, 78, -8), (14, 85, 6), 4, 4),
        capsule(q, (14, 85, 6), (8, 87, 24), 4, 4.5),
        ellipsoid(q, (9, 86.5 + brow, 35), (19, 4.8, 17)),  # around the frontal sinus
        capsule(q, (5, 87, 26), (4, 96, 8), 3, 1.8),  # nasal bones
        box(q, (0, 27, 3), (16, 19, 12), 6),  # sphenoid
        capsule(q, (0, 12, 2), (0, -3, -27), 7, 4.5),  # clivus
        capsule(q, (9, 27, 17), (11, 19, 17), 2.5, 2),  # clinoid processes
        capsule(q, (0, 8.5, 15), (7, 8.5, 16), 2.2),
        ellipsoid(q, (18, -15, -33), (7, 11, 6)),  # condyles
    ):
        solid = union(solid, part, 3.0)
    wall = common(orbit - 1.6, y - 80)
    solid = union(solid, wall, 2.0)
    zygoma = shapes.curve([(56, 57, -6, 4.5), (66, 38, -4, 3), (69, 18, -2, 3), (62, 3, 3, 4)], 8)
    solid = union(solid, merged(capsule(q, a[:3], b[:3], a[3], b[3]) for a, b in pairwise(zygoma)), 1.5)
    for px in (10, 17):  # pterygoid plates
        plate = box(
            shapes.turned(q, (px, 31, -24), shapes.rotation(2, -15 if px > 10 else 0)), (0, 0, 0), (1.2, 8, 15), 1
        )
        solid = union(solid, plate, 1.0)
    solid = union(solid, box(q, (0, 62, -30.5), (22, 24, 2.2), 1.5), 2.0)  # hard palate
    ridge = arch(q, (0, 36), (27, 47))
    ridge = common(np.abs(ridge) - 6.0, np.abs(z + 36) - 8, 3.0)
    solid = union(solid, common(ridge, 34 - y, 3.0), 3.0)
    solid = common(solid, -orbit)
    sella = ellipsoid(q, (0, 16.5, 14), (9, 6, 7))
    solid = common(solid, -sella, 1.0)
    canvas.paint_bone(at, solid, 1.3, 320 + 60 * fine[at.slices], 1150.0)
    canvas.paint(at, sella, 40.0)
    # Orbits: fat, the eye with its lens, muscles and nerve.
    open_front = common(orbit, y - 84, 3.0)
    canvas.paint(at, open_front, -85.0)
    for (start, end), radius, hu in (
        (((17, 38, 14), (31, 62, 12)), 2.2, 35),
        (((18, 40, 19), (32, 70, 22)), 2, 55),
        (((18, 40, 8), (32, 70, 1)), 2, 55),
        (((14, 42, 13), (22, 70, 12)), 2, 55),
        (((22, 42, 13), (42, 70, 12)), 2, 55),
    ):
        canvas.paint(at, common(capsule(q, start, end, radius), orbit), float(hu))
    canvas.paint(at, ellipsoid(q, (32, 73, 12), (12, 12, 12)) - 0.7, 55.0)
    canvas.paint(at, ellipsoid(q, (32, 73, 12), (12, 12, 12)) + 0.7, 12.0)
    canvas.paint(at, ellipsoid(q, (32, 81, 12), (5, 2.2, 5)), 80.0)
    _paint_nose(canvas, head, fine)


def _paint_nose(canvas: Canvas, head: Skull, fine: np.ndarray) -> None:
    """Nasal cavity, septum, conchae and the sinuses around."""
    at = canvas.region((-46, 5, -40), (46, 112, 56))
    x, y, z = at.points
    q = (np.abs(x), y, z)
    cavity = union(box(q, (0, 58, -13), (12, 28, 15), 9), ellipsoid(q, (0, 60, 8), (5, 22, 14)), 5.0)
    nostril = capsule(q, (6, 84, -18), (8, 103, -20), 5, 3.5)
    canvas.paint_bone(at, common(cavity - 1.4, y - 84), 1.0, 500.0, 900.0)
    canvas.paint(at, cavity, 40.0)
    canvas.paint(at, union(cavity + 1.0, nostril, 3.0), -1000.0)
    side = np.where(x > 0, 1, -1)
    shift = np.float32(head.septum) * np.sin(np.pi * (z + 28) / 40) * side
    for cx, cz, r in ((8.5, -21, 5.2), (8.5, -9, 4.6), (6, 1, 3)):
        canvas.paint(at, capsule((q[0] - shift, y, z), (cx - 1, 42, cz - 2), (cx + 1, 80, cz + 3), r, 0.5 * r), 45.0)
    plate = common(np.abs(x - head.septum * np.sin(np.pi * (z + 28) / 40)) - 0.9, common(cavity, y - 90))
    canvas.paint(at, common(plate, 62 - y), 60.0)
    canvas.paint(at, common(plate, y - 66), 350.0, bone=True)
    # Ethmoid: cells behind thin walls.
    cells = box(q, (8, 58, 14), (5, 19, 12), 3)
    canvas.paint(at, cells, 250.0, bone=True)
    canvas.paint(at, common(cells + 0.8, (0.25 - np.abs(fine[at.slices])) * 2), -900.0)
    # Sinuses of each side differ.
    for n, s in enumerate((1, -1)):
        a, b, c = head.sinus[3 * n : 3 * n + 3]
        for cavity in (
            union(
                ellipsoid(at.points, (s * 28, 60, -13), (12.5 * a, 18 * a, 15 * a)),
                ellipsoid(at.points, (s * 28, 54, -19), (11 * a, 15 * a, 11)),
                6.0,
            ),
            ellipsoid(at.points, (s * 8, 27, 3), (7 * b, 13 * b, 9 * b)),
            union(
                ellipsoid(at.points, (s * 7, 86.5 + head.brow, 33), (6 * c, 2.9, 8 * c)),
                ellipsoid(at.points, (s * 14, 86 + head.brow, 36), (7 * c, 2.9, 9 * b)),
                3.0,
            ),
        ):
            canvas.paint(at, cavity, 30.0)
            canvas.paint(at, cavity + 0.8, -1000.0)


def _paint_ears(canvas: Canvas, fine: np.ndarray, coarse: np.ndarray) -> None:
    """Petrous bones, mastoid cells, ear canals, styloid processes."""
    at = canvas.region((-84, -45, -52), (84, 30, 22))
    q = (np.abs(at.points[0]), at.points[1], at.points[2])
    mastoid = union(ellipsoid(q, (57, -20, -16), (10, 13, 18)), capsule(q, (46, -3, -20), (37, 14, -48), 2, 1.3), 2.0)
    canvas.paint_bone(at, mastoid, 1.5, 250 + 80 * fine[at.slices], 1000.0)
    canvas.paint_bone(at, capsule(q, (57, -8, -3), (15, 12, -2), 8, 4.5), 2.0, 750.0, 1250.0)
    cells = common(ellipsoid(q, (57, -18, -11), (8, 12, 17)), (0.25 - np.abs(fine[at.slices])) * 2)
    canvas.paint(at, cells, -850.0)
    canvas.paint(at, ellipsoid(q, (44, 2, 1), (4, 4, 6)), -950.0)  # middle ear
    canvas.paint(at, capsule(q, (34, 0, 2), (38, 4, 2), 2.2), 10.0)  # inner ear
    canvas.paint(at, capsule(q, (85, -4, 0), (46, 2, 0), 3.2), -1000.0)


def _paint_brain(canvas: Canvas, head: Skull, cavity: np.ndarray, fine: np.ndarray, coarse: np.ndarray) -> None:
    """Fluid, grey and white matter, ventricles, falx; it spares the bones of the base that stand inside."""
    everywhere = canvas.region()
    x, y, z = everywhere.points
    bone = canvas.bone > 0.5
    inside = np.where(bone, np.float32(3), cavity)
    canvas.paint(everywhere, inside, 10.0)
    sulci = common(5 * np.abs(coarse) - 0.6, -14 - cavity)  # a sheet of fluid where the noise is 0, 14 mm deep
    fluid = union(-cavity - 2.2, sulci)
    canvas.paint(everywhere, common(inside, -fluid), 37 + 2 * fine)
    canvas.paint(everywhere, common(inside, 3.5 - fluid), 28 + 1.5 * fine)
    at = canvas.around((0, 0, 36), (36, 32, 18))
    q = (np.abs(at.points[0]), at.points[1], at.points[2])
    nuclei = union(ellipsoid(q, (12, -5, 36), (8, 14, 10)), ellipsoid(q, (24, 9, 36), (6, 17, 12)))
    canvas.paint(at, nuclei, 36 + 2 * fine[at.slices])
    v = head.ventricles
    for s in (1, -1):
        way = [(s * 7, 32, 42, 3), (s * 9, 20, 50, 5 * v), (s * 11, -8, 56, 5 * v), (s * 22, -34, 46, 7 * v),
               (s * 32, -24, 22, 4 * v), (s * 33, 4, 8, 2.5 * v)]  # fmt: skip
        at, d = canvas.tube(shapes.curve(way, 20))
        canvas.paint(at, d, 8.0)
    at = canvas.region((-8, -45, -15), (8, 20, 50))
    canvas.paint(at, ellipsoid(at.points, (0, 2, 34), (2.5 * v, 14, 10)), 8.0)
    canvas.paint(at, ellipsoid(at.points, (0, -32, -4), (6 * v, 5, 9)), 8.0)
    falx = common(np.abs(x) - 0.8, common(cavity, 62 - 0.009 * (y + 10) ** 2 + 0.25 * y - z))
    canvas.paint(everywhere, falx, 55.0)


def _paint_neck(canvas: Canvas, head: Skull, fine: np.ndarray) -> None:
    z = np.array([-66.0, -85.0, -102.5, -120.0, -137.5])
    y = -6 + head.lordosis * 4 * np.sin((z + 60) / 80 * np.pi * -1)
    slope = np.gradient(y, z)
    vertebrae = []
    for n in range(len(z)):
        up = np.array([0, slope[n], 1.0]) / np.hypot(slope[n], 1)
        axes = np.stack([[1, 0, 0], np.cross(up, [1, 0, 0]), up], axis=1)
        big = n == 0
        vertebrae.append(
            Vertebra(np.array([0, y[n], z[n]]), axes, 10.0, 8.0, 8.5 if big else 6.8, 26.0, 42.0 if big else 36.0, 8.0)
        )
    paint_spine(canvas, vertebrae, fine)
    for v in vertebrae:  # the pillars of the joints beside the canal
        at = canvas.around(v.at(0, -14, 0), (28, 12, 18))
        px, py, pz = shapes.turned(at.points, v.at(0, -14, 1), v.axes)
        pillar = box((np.abs(px), py, pz - 0.6 * py), (18, 0, 0), (5.5, 5.5, 7.4), 2.5)
        canvas.paint_bone(at, pillar, 1.2, 300 + 40 * fine[at.slices], 950.0)
    at = canvas.region((-46, -50, -64), (46, 16, -32))
    q = (np.abs(at.points[0]), at.points[1], at.points[2])
    dens = capsule(q, (0, y[0] + 1, -60), (0, y[0] + 2, -41), 5.5, 4)
    canvas.paint_bone(at, dens, 1.3, 300.0, 1000.0)
    atlas = merged(
        (
            capsule(q, (0, 6, -44), (14, 1, -44), 3.8, 4),
            capsule(q, (17, -8, -40), (18, -6, -49), 7.5),
            capsule(q, (19, -14, -44), (14, -34, -45), 4, 3.5),
            capsule(q, (14, -34, -45), (0, -42, -45), 3.5, 4.5),
            capsule(q, (20, -6, -45), (38, -8, -46), 4.5, 4),
        ),
        2.0,
    )
    canvas.paint_bone(at, atlas, 1.3, 300.0, 1050.0)
