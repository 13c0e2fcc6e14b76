"""How near the views, material maps and bone suppression come to the truth, on bodies that no network has seen.

The truth is rendered otherwise than in training: samples of the trilinearly interpolated body every 1.5 mm instead of
Joseph's method, another spectrum, scatter, and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch.nn import functional

from InverseImagingLib.xray.inversion import back_projection

from .bodies import SPACING, Body
from .cubes import Beam
from .estimate import SIZE, Estimate, estimate
from .frame import Frame
from .networks import DepthNet
from .views import suppressed, view

ANGLES = (*(float(a) for a in np.linspace(-9, 9, 20)), -18.0, 18.0)
_STEP = 1.5  # mm between samples
_BEAM = (100.0, 4.0)  # kVp, mm of aluminum
_SCATTER = 0.15  # of the mean signal
_SHARE = 0.8  # of the body's width that the radiograph shows


@dataclass(frozen=True, eq=False)
class Scene:
    """A body's true pictures (128, 128) from 0 to 1 by azimuth, and along the rays of the first: bone and tissue."""

    name: str
    frame: Frame
    radiograph: torch.Tensor
    views: dict[float, torch.Tensor]
    along: torch.Tensor
    free: torch.Tensor


def scene(body: Body) -> Scene:
    """What there is to be found from a frontal radiograph of the middle of a body."""
    side = float(np.clip(_SHARE * SPACING * body.maps.shape[3], 150.0, 460.0))
    frame = Frame(side)
    maps = torch.from_numpy(body.maps.astype(np.float32))
    beam = Beam(*_BEAM)
    along = {angle: render(maps, frame, angle) for angle in (0.0, *ANGLES)}
    signal = torch.exp(-beam(along[0.0]))
    scattered = signal + _SCATTER * signal.mean()
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(signal.shape).astype(np.float32))
    scattered = (scattered + noise * (scattered / 1e5).sqrt()).clamp(min=1e-5)
    attenuation = -torch.log(scattered)
    low, high = float(attenuation.min()), float(torch.quantile(attenuation, 0.995))

    def shown(attenuation: torch.Tensor) -> torch.Tensor:
        signal = torch.exp(-attenuation) + _SCATTER * torch.exp(-beam(along[0.0])).mean()
        return ((-torch.log(signal) - low) / (high - low)).clamp(0, 1)

    bone, tissue = along[0.0]
    fill = beam(torch.stack([torch.zeros_like(bone), bone + tissue]))
    views = {angle: shown(beam(one)) for angle, one in along.items()}
    return Scene(body.name, frame, ((attenuation - low) / (high - low)).clamp(0, 1), views, along[0.0], shown(fill))


def render(maps: torch.Tensor, frame: Frame, azimuth: float) -> torch.Tensor:
    """Bone and tissue along the rays in g/cm2, (2, 128, 128), of a body (2, K, J, I) in the middle of the frame."""
    geometry = frame.view(azimuth)
    rows, columns = np.mgrid[: geometry.height, : geometry.width]
    pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)], -1) @ geometry.pixel_to_ras.T
    beams = pixels[..., :3] - geometry.source
    beams = torch.from_numpy(beams / np.linalg.norm(beams, axis=-1, keepdims=True)).float()
    source = torch.from_numpy(geometry.source).float()
    reach = frame.side / 2 * np.sqrt(3.0)
    middle = np.linalg.norm(geometry.source)
    extent = torch.tensor(maps.shape[:0:-1]) * (SPACING / 2)
    total = torch.zeros(2, geometry.height, geometry.width)
    for distances in torch.arange(middle - reach, middle + reach, _STEP).split(32):
        points = source + distances[:, None, None, None] * beams
        within = (points.abs().amax(dim=-1) <= frame.side / 2).float()
        found = functional.grid_sample(maps[None], (points / extent)[None], align_corners=False)[0]
        total += (found * within).sum(dim=1) * (_STEP / 10)
    return total


def psnr(image: torch.Tensor, truth: torch.Tensor) -> float:
    error = float(((image.clamp(0, 1) - truth.clamp(0, 1)) ** 2).mean())
    return min(-10 * float(np.log10(max(error, 1e-12))), 100.0)


def ssim(image: torch.Tensor, truth: torch.Tensor) -> float:
    one, other = (x.clamp(0, 1).double().numpy() for x in (image, truth))
    return float(structural_similarity(one, other, data_range=1.0, gaussian_weights=True, sigma=1.5))


def by_back_projection(scene: Scene) -> dict[float, torch.Tensor]:
    """Views of a volume that spreads the radiograph evenly along its rays."""
    spread = back_projection(scene.frame.projector([(0.0, 0.0)]), scene.radiograph[None, None])
    pictures = scene.frame.projector([(angle, 0.0) for angle in ANGLES])(spread)[:, 0]
    return dict(zip(ANGLES, pictures, strict=True))


def by_network(scene: Scene, network: DepthNet, *, tries: int = 1) -> tuple[Estimate, dict[float, torch.Tensor]]:
    found = estimate(scene.radiograph, scene.frame, network, tries=tries)
    with torch.inference_mode():
        return found, {angle: view(found, angle, 0.0, SIZE).shown for angle in (0.0, *ANGLES)}


def scores(scene: Scene, found: Estimate, pictures: Mapping[float, torch.Tensor]) -> dict[str, float]:
    """PSNR and SSIM of one scene."""
    with torch.inference_mode():
        given = view(found, 0.0, 0.0, SIZE)
        free = suppressed(scene.radiograph, given.bone, given.tissue, found.look, 1.0)
    small = [a for a in ANGLES if abs(a) <= 9]
    peaks = [float(x.max()) for x in scene.along]
    row = {
        "input view": psnr(given.shown, scene.radiograph),
        "input view, SSIM": ssim(given.shown, scene.radiograph),
        "novel views": float(np.mean([psnr(pictures[a], scene.views[a]) for a in small])),
        "novel views, SSIM": float(np.mean([ssim(pictures[a], scene.views[a]) for a in small])),
        "18 degrees": float(np.mean([psnr(pictures[a], scene.views[a]) for a in (-18.0, 18.0)])),
        "bone": psnr(given.bone / peaks[0], scene.along[0] / peaks[0]) if peaks[0] > 0 else float("nan"),
        "tissue": psnr(given.tissue / peaks[1], scene.along[1] / peaks[1]),
        "suppressed": psnr(free, scene.free),
        "not suppressed": psnr(scene.radiograph, scene.free),
    }
    return row


def evaluate(bodies: Sequence[Body], network: DepthNet, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Means over bodies, with bootstrap intervals, and the scores of each.

    "ours": see scores; "back projection": the novel views of by_back_projection; "by angle": PSNR of both.
    """
    rows: dict[str, dict[str, float]] = {}
    angles: dict[float, dict[str, list[float]]] = {a: {"ours": [], "back projection": []} for a in ANGLES}
    for body in bodies:
        one = scene(body)
        found, pictures = by_network(one, network)
        naive = by_back_projection(one)
        row = scores(one, found, pictures)
        small = [a for a in ANGLES if abs(a) <= 9]
        row["novel views, back projection"] = float(np.mean([psnr(naive[a], one.views[a]) for a in small]))
        row["18 degrees, back projection"] = float(np.mean([psnr(naive[a], one.views[a]) for a in (-18.0, 18.0)]))
        for a in ANGLES:
            angles[a]["ours"].append(psnr(pictures[a], one.views[a]))
            angles[a]["back projection"].append(psnr(naive[a], one.views[a]))
        rows[body.name] = row
        say(f"{body.name}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
    names = list(next(iter(rows.values())))
    means = {name: _interval([row[name] for row in rows.values()]) for name in names}
    by_angle = {
        f"{a:.2f}": {kind: float(np.mean(values)) for kind, values in kinds.items()} for a, kinds in angles.items()
    }
    return {"bodies": rows, "means": means, "by angle": by_angle}


def _interval(values: list[float]) -> dict[str, float]:
    """The mean and the 95 % interval of a bootstrap over patients."""
    sample = np.array(values)
    rng = np.random.default_rng(0)
    means = sample[rng.integers(len(sample), size=(2000, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": float(sample.mean()), "low": float(low), "high": float(high)}
