"""A chest: wall, lungs with their vessels, heart, aorta, spine, ribs, shoulders and the organs below the diaphragm."""

from __future__ import annotations

import numpy as np

from . import shapes
from .ribcage import paint_ribcage
from .shapes import Canvas, Points, capsule, common, ellipsoid, profile, union

FIELD = (400.0, 275.0, 375.0)  # mm
_SIDES = (1, -1)  # right, left: the sign of x
_SQUARE = 2.3  # exponent of the chest's section: between an ellipse and a box


class Thorax:
    """One person's chest, drawn by chance, in the mm of a standard body."""

    def __init__(self, rng: np.random.Generator) -> None:
        def vary(mean: float, spread: float) -> float:
            return mean + spread * float(np.clip(rng.standard_normal(), -2, 2))

        self.rng = rng
        self.female = bool(rng.random() < 0.5)
        size = vary(0.955 if self.female else 1.0, 0.02)
        self.scale = (size * vary(1, 0.03), size * vary(1, 0.05), size * vary(1, 0.025))
        self.fat = max(vary(15 if self.female else 11, 5), 4)
        self.heart_scale = vary(1.0, 0.07)
        self.heart_turn = vary(0, 6)
        self.breath = vary(0, 8)  # mm that the diaphragm stands higher
        self.right_higher = max(vary(14, 5), 3)
        self.slope = vary(1.0, 0.12)
        self.kyphosis = vary(20, 6)
        self.bend = vary(0, 4)  # mm of scoliosis
        self.ribs = 12 + int(rng.choice([-1, 0, 0, 0, 0, 0, 0, 0, 0, 1]))
        self.last_rib = vary(1.0, 0.2)
        self.shoulder = vary(0, 6)
        self.knob = vary(1.0, 0.1)
        self.breast = vary(50, 7)

    # Lines along the body, in mm at heights z.

    def spine(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the middle of the vertebral bodies is: x and y."""
        return self.bend * np.sin(z / 70), -58 + self.kyphosis * (z / 150) ** 2

    def sternum(self, z: np.ndarray) -> np.ndarray:
        """y of the inner face of the sternum, and of the belly below it."""
        return profile(z, (-190, 58), (-120, 62), (-60, 62), (0, 47), (60, 29), (105, 15), (160, 0))

    def width(self, z: np.ndarray) -> np.ndarray:
        """Half the inner width of the rib cage."""
        u = np.clip((158 - z) / 172, 0, 1)
        return 3 + 133 * (1 - (1 - u) ** 2) ** 0.52 - profile(z, (-190, 8), (-60, 0), (0, 0))

    def back(self, z: np.ndarray) -> np.ndarray:
        u = np.clip((158 - z) / 110, 0, 1)
        return self.spine(z)[1] - 8 - 25 * (1 - (1 - u) ** 2) ** 0.6

    def front(self, z: np.ndarray) -> np.ndarray:
        u = np.clip((160 - z) / 60, 0, 1)
        part = (1 - (1 - u) ** 2) ** 0.6
        return (1 - part) * (self.spine(z)[1] + 5) + part * (self.sternum(z) + 5)

    def wall(self, angle: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the rib cage at z (n,) and angles from the back (0) by the side to the front (pi)."""
        a, front, back = self.width(z), self.front(z), self.back(z)
        b, n = (front - back) / 2, _SQUARE
        r = (np.abs(np.sin(angle) / (a + 1)) ** n + np.abs(np.cos(angle) / (b + 1)) ** n) ** (-1 / n)
        return np.column_stack([r * np.sin(angle), (front + back) / 2 - r * np.cos(angle), z])

    def behind(self, x: float, z: float) -> np.ndarray:
        """The point 15 mm behind the rib cage at x and z, where the shoulder blade lies."""
        a, front, back = (float(line(np.array([z]))[0]) for line in (self.width, self.front, self.back))
        share = min(x / (a + 15), 0.98)
        y = (front + back) / 2 - ((front - back) / 2 + 15) * (1 - share**_SQUARE) ** (1 / _SQUARE)
        return np.array([x, y, z])

    # Signed distances.

    def cage(self, p: Points) -> np.ndarray:
        """To the inner face of the rib cage, which goes on below as the wall of the belly."""
        x, y, z = p
        a, front, back = self.width(z), self.front(z), self.back(z)
        return _section(x, y - ((front + back) / 2).astype(np.float32), a, ((front - back) / 2).astype(np.float32))

    def dome(self, p: Points) -> np.ndarray:
        """To the diaphragm: positive above."""
        x, y, z = p
        y0 = np.float32(-4)
        rho = np.minimum(np.sqrt((x / 135) ** 2 + ((y - y0) / np.where(y < y0, 82, 76)) ** 2), 1)
        toward = (y - y0) / np.maximum(np.sqrt(x**2 + (y - y0) ** 2), 1)
        depth = 58 - 30 * np.maximum(toward, 0) + 30 * np.maximum(-toward, 0)
        right = 0.5 + 0.5 * np.tanh(x / 18)
        height = -76 + self.breath + self.right_higher * right - 14 * np.exp(-((x / 30) ** 2))
        return (z - height + depth * (1 - np.sqrt(np.maximum(1 - rho**2.4, 0)))) * np.float32(0.8)

    def heart(self, p: Points) -> np.ndarray:
        s, lift = self.heart_scale, self.breath * 0.6
        p = (p[0], p[1], np.maximum(p[2], np.float32(-56 + lift)))  # it rests on the diaphragm
        turn = shapes.rotation(1, self.heart_turn)
        q = shapes.turned(p, (-10, 14, -44 + lift), turn / s)
        axis = shapes.rotation(2, -35) @ shapes.rotation(1, -30)
        left = ellipsoid(shapes.turned(q, (-34, 8, -6), axis), (0, 0, 0), (54, 36, 38))
        parts = [
            ellipsoid(q, (24, 0, 8), (24, 30, 40)),  # right atrium
            ellipsoid(q, (-6, 20, -12), (50, 28, 32)),  # right ventricle
            ellipsoid(q, (2, -26, 30), (38, 22, 26)),  # left atrium
            capsule(q, (-14, 16, 74), (-34, 10, 10), 13, 26),  # outflow to the pulmonary trunk
            capsule(q, (10, 8, 84), (14, 4, 30), 16, 22),  # root of the aorta
        ]
        for part in parts:
            left = union(left, part, 16.0)
        return left * np.float32(s)

    def mediastinum(self, p: Points) -> np.ndarray:
        """To what lies between the lungs: spine, esophagus, trachea, fat and the heart."""
        x, y, z = p
        sx, sy = (line.astype(np.float32) for line in self.spine(z))
        column = np.sqrt((x - sx) ** 2 + (np.maximum(np.abs(y - sy + 8) - 12, 0)) ** 2) - profile(
            z, (-190, 24), (-60, 22), (60, 19), (150, 16)
        )
        middle = np.abs(x - sx * 0.3 + profile(z, (-40, 8), (40, 3), (80, 0))) - _between(
            y, self.sternum(z), sy
        ) * profile(z, (-60, 12), (30, 22), (60, 27), (90, 25), (150, 26))
        whole = union(column, middle.astype(np.float32), 10.0)
        return union(whole, self.heart(p) - 2, 8.0)

    def lung(self, p: Points) -> np.ndarray:
        """To both lungs."""
        wall = self.cage(p) + 2.5
        return common(common(wall, -self.mediastinum(p), 5.0), -self.dome(p), 3.0)

    def body(self, p: Points) -> np.ndarray:
        """To the skin."""
        x, y, z = p
        fat = self.fat
        half = (
            profile(z, (-190, 140), (-100, 146), (20, 154), (70, 156), (105, 140), (135, 92), (165, 62), (190, 58))
            + fat
        )
        front = profile(z, (-190, 80), (-60, 84), (30, 70), (90, 44), (130, 24), (165, 28), (190, 34)) + fat * 0.9
        back = self.spine(z)[1] - profile(z, (-190, 60), (-60, 57), (110, 57), (190, 44)) - fat * 0.6
        back = back.astype(np.float32)
        trunk = _section(x, y - (front + back) / 2, half, (front - back) / 2)
        for s in _SIDES:
            drop = self.shoulder
            bulge = union(
                capsule(p, (s * 60, -44, 132), (s * 150, -32, 108 + drop), 34 + fat * 0.5, 36 + fat * 0.5),
                capsule(p, (s * 150, -28, 108 + drop), (s * 250, -24, 175 + drop), 40 + fat * 0.5, 36 + fat * 0.8),
                30.0,
            )
            trunk = union(trunk, bulge, 40.0)
            if self.female:
                cup = self.breast
                breast = ellipsoid(p, (s * 74, 68 + fat, -44), (cup * 1.15, cup, cup * 1.1))
                trunk = union(trunk, breast, 30.0)
        return trunk


def _section(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance to a rounded box of half width a and half depth b, first order and in the plane."""
    u, v = np.abs(x) / a, np.abs(y) / b
    n = np.float32(_SQUARE)
    up, vp = u ** (n - 1), v ** (n - 1)
    rho = np.maximum(up * u + vp * v, np.float32(1e-6)) ** (1 / n)
    slope = np.sqrt((up / a) ** 2 + (vp / b) ** 2) * rho ** (1 - n)
    return ((rho - 1) / np.maximum(slope, np.float32(1e-5))).astype(np.float32)


def _between(y: np.ndarray, front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """1 near the spine, falling to a narrow strip behind the sternum."""
    share = np.clip((y - back) / np.maximum(front - back, 1), 0, 1)
    return 1 - 0.72 * share**3


def paint(rng: np.random.Generator, size: int, first: int = 0) -> Canvas:
    """Paint one chest from row `first` on; the longest side has `size` voxels."""
    body = Thorax(rng)
    canvas = Canvas(FIELD, size, (0, -6, 0), body.scale, first)
    fine, coarse = canvas.noise(rng, 3.0), canvas.noise(rng, 12.0)
    everywhere = canvas.region()
    p = everywhere.points
    cage = body.cage(p)
    lung = _paint_soft(canvas, body, cage, fine, coarse)
    _paint_middle(canvas, body)
    _paint_vessels(canvas, body)
    del lung
    paint_ribcage(canvas, body, cage, fine)
    return canvas


def _paint_soft(canvas: Canvas, body: Thorax, cage: np.ndarray, fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    everywhere = canvas.region()
    p = everywhere.points
    skin = body.body(p)
    muscle = common(union(skin + 2 + body.fat, cage - 13, 6.0), skin + 4)
    canvas.paint(everywhere, skin, 20.0)
    canvas.paint(everywhere, skin + 2, -100 + 8 * coarse)
    canvas.paint(everywhere, muscle, 52 + 5 * fine)
    if body.female:
        for s in _SIDES:
            at = canvas.around((s * 74, 84 + body.fat, -44), (60, 50, 60))
            gland = ellipsoid(at.points, (s * 74, 84 + body.fat, -45), (32, 26, 30)) + 8 * coarse[at.slices]
            canvas.paint(at, common(gland, skin[at.slices] + 5), 25.0)
    dome = body.dome(p)
    canvas.paint(everywhere, cage + 4, np.where(dome < 0, 40 * coarse, -90 + 10 * coarse))
    inside = common(cage + 3, dome)
    under = p[2] + 165 - 0.45 * (p[0] - 90) * -1 - 0.15 * p[1]  # its lower face, oblique
    liver = common(common(inside, -p[0] - 50 + 0.2 * (p[2] + 150), 12.0), -under, 10.0)
    canvas.paint(everywhere, liver, 58 + 4 * fine)
    at = canvas.around((-75, -45, -115), (60, 60, 60))
    spleen = common(inside[at.slices] + 2, ellipsoid(at.points, (-95, -45, -115), (42, 42, 42)), 4.0)
    canvas.paint(at, spleen, 52 + 4 * fine[at.slices])
    at = canvas.around((-55, 15, -110), (60, 60, 60))
    stomach = common(inside[at.slices] + 5, ellipsoid(at.points, (-62, 14, -112), (44, 46, 48)), 4.0)
    canvas.paint(at, stomach, 40.0)
    level = np.float32(-96 + body.breath + body.rng.uniform(-10, 6))  # of the fluid, under a bubble
    canvas.paint(at, common(stomach + 4, level - at.points[2]), -1000.0)
    canvas.paint(everywhere, np.abs(dome) * 1.0 - 1.5 + np.maximum(cage + 4, 0) * 4, 50.0)
    lung = body.lung(p)
    gravity = 25 * (-p[1] - 10) / 80
    canvas.paint(everywhere, lung, -855 + gravity + 14 * fine + 12 * coarse)
    return lung


def _paint_middle(canvas: Canvas, body: Thorax) -> None:
    """Heart, great vessels, airway and esophagus."""
    everywhere = canvas.region((-120, -60, -120), (90, 100, 60))
    heart = common(body.heart(everywhere.points), -body.dome(everywhere.points) + 1, 3.0)
    canvas.paint(everywhere, heart, 48.0)
    k, lift = body.knob, body.breath * 0.6
    for line, hu in (
        ([(4, 4, 5 + lift, 15), (20, 16, 40, 16 * k), (10, 4, 70, 15 * k), (-12, -22, 78, 14.5 * k),
          (-27, -48, 66, 14 * k), (-27, -58, 40, 13 * k), (-24, -58, -20, 12), (-12, -48, -90, 11.5),
          (-4, -38, -190, 10.5)], 46),
        ([(24, 2, 0, 11), (27, 2, 50, 10), (27, 4, 85, 9), (28, 6, 105, 8)], 44),  # superior vena cava
        ([(26, -4, -20, 13), (24, -8, -75, 13), (20, -20, -190, 12)], 44),  # inferior vena cava
        ([(-14, 30, 5 + lift, 14), (-24, 20, 38, 14), (-30, -8, 44, 13), (-42, -20, 34, 10)], 46),  # pulmonary trunk
        ([(-24, 10, 34, 11), (5, -6, 30, 11), (38, -14, 22, 10)], 46),  # right pulmonary artery
        ([(27, 4, 95, 8), (-20, 12, 104, 7), (-40, 5, 122, 7)], 44),  # brachiocephalic vein
        ([(4, 0, 78, 7), (18, -4, 110, 6), (24, -12, 190, 5)], 46),
        ([(-12, -16, 84, 6), (-20, -14, 120, 5), (-24, -14, 190, 5)], 46),
        ([(-2, -38, 190, 7), (-4, -40, 60, 6), (-8, -36, -60, 6), (-28, -5, -100, 8)], 40),  # esophagus
    ):  # fmt: skip
        at, d = canvas.tube(shapes.curve(line, 3 * len(line)))
        canvas.paint(at, d, float(hu))
    at, d = canvas.tube(shapes.curve([(0, -8, 195, 9), (0, -18, 110, 9), (3, -25, 56, 9)], 12))
    canvas.paint(at, d - 1.5, 45.0)
    canvas.paint(at, d, -1000.0)


def _paint_vessels(canvas: Canvas, body: Thorax) -> None:
    """Arteries, veins and bronchi of the lungs."""
    rng = body.rng
    threads, airways = [], []
    for s in _SIDES:
        goals = _inside_lung(body, s, 700)
        hilum = np.array([s * 42.0, -18.0, 26.0 if s > 0 else 33.0])
        threads.append(_tree(hilum, goals[:380], 11.0, 0.45))
        threads.append(_tree(np.add(hilum, (-s * 12.0, 4.0, -24.0)), goals[380:], 10.0, 0.45))
        carina = np.array([3.0, -25.0, 56.0])
        main = np.add(hilum, (-s * 2.0, -4.0, 4.0))
        airways.append(np.array([[*carina, *main, 7.0, 6.0]]))
        airways.append(_tree(main, goals[:24], 5.0, 0.45))
    del rng
    vessels = np.concatenate(threads)
    canvas.paint_threads(vessels, 45.0)
    tubes = np.concatenate(airways)
    walls = tubes.copy()
    walls[:, 6:] += 0.8
    canvas.paint_threads(walls, 20.0)
    canvas.paint_threads(tubes, -990.0)


def _inside_lung(body: Thorax, side: int, count: int) -> np.ndarray:
    """(count, 3) points of one lung, a few mm from its surface."""
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        points = body.rng.uniform((5, -100, -150), (140, 90, 160), (8 * count, 3)) * (side, 1, 1)
        x, y, z = points.T.astype(np.float32)
        found.append(points[body.lung((x, y, z)) < -4])
    return np.concatenate(found)[:count]


def _tree(start: np.ndarray, goals: np.ndarray, radius: float, power: float) -> np.ndarray:
    """(n, 8) segments and radii of a tree that branches in two until it reaches every goal."""
    scale = radius / len(goals) ** power
    rows = []
    open_ends = [(start, goals)]
    while open_ends:
        start, goals = open_ends.pop()
        center = goals.mean(0)
        end = goals[0] if len(goals) == 1 else start + 0.38 * (center - start)
        rows.append([*start, *end, scale * len(goals) ** power, scale * max(len(goals) * 0.7, 0.5) ** power])
        if len(goals) > 1:
            spread = goals - center
            along = (center - start) / max(np.linalg.norm(center - start), 1e-6)
            spread = spread - 0.6 * np.outer(spread @ along, along)
            direction = np.linalg.eigh(spread.T @ spread)[1][:, -1]
            order = np.argsort(spread @ direction)
            cut = max(1, int(len(goals) * (0.42 if len(goals) % 2 else 0.55)))
            open_ends += [(end, goals[order[:cut]]), (end, goals[order[cut:]])]
    return np.array(rows)
