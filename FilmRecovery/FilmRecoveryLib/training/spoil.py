"""What a phone's camera and its files make of light: exposure, white balance, blur, noise, tone, moire, JPEG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch.nn import functional


@dataclass(frozen=True)
class Spoiling:
    """One photo. exposure: what clear film of brightness 1 becomes, 1 is white. balance (3,): gains. vignetting: share
    of light that the corners lose. flare: share of it that the lens scatters far. blur, motion: standard deviations, in
    shares of the photo's longer side, and the angle of the latter in degrees. noise: of white, and grain: of black.
    contrast: of a curve after that of sRGB. moire: strength, waves over half the photo across and down, and phase.
    quality: of JPEG; 0 means none. seed: of the noise."""

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignetting: float = 0.0
    flare: float = 0.0
    blur: float = 0.0
    motion: float = 0.0
    angle: float = 0.0
    noise: float = 0.0
    grain: float = 0.0
    contrast: float = 0.0
    moire: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    quality: int = 0
    seed: int = 0


def draw_spoiling(rng: np.random.Generator) -> Spoiling:
    """A phone's photo, from good to poor."""
    chance = rng.random
    warm, green = rng.normal(0, 0.07), rng.normal(0, 0.025)
    return Spoiling(
        exposure=float(np.exp(rng.normal(0.1, 0.35))),
        balance=(float(np.exp(warm)), float(np.exp(green)), float(np.exp(-warm))),
        vignetting=float(rng.uniform(0, 0.35)),
        flare=float(rng.uniform(0, 0.04)) if chance() < 0.7 else 0.0,
        blur=float(rng.uniform(0.0003, 0.0035)) if chance() < 0.5 else 0.0,
        motion=float(rng.uniform(0.0005, 0.004)) if chance() < 0.1 else 0.0,
        angle=float(rng.uniform(0, 180)),
        noise=float(rng.uniform(0, 0.02)),
        grain=float(rng.uniform(0, 0.006)),
        contrast=float(rng.uniform(-0.1, 0.5)),
        moire=(float(chance() < 0.12) * rng.uniform(0.01, 0.05), rng.normal(0, 25), rng.normal(0, 25), 7 * chance()),
        quality=int(rng.integers(40, 97)) if chance() < 0.6 else 0,
        seed=int(rng.integers(2**31)),
    )


def spoiled(linear: torch.Tensor, place: torch.Tensor, scale: float, how: Spoiling) -> torch.Tensor:
    """A photo (3, H, W) in sRGB, 0 to 1, of linear light (3, H, W).

    place (2, H, W): where in the photo each pixel lies, from -1 to 1 along its longer side. scale: pixels that the
    photo's longer side would have at the size of these.
    """
    light = torch.lerp(_blurred(linear, scale, how), _spread(linear), how.flare)
    fall = 1 - how.vignetting * 0.5 * place.square().sum(dim=0, keepdim=True)
    strength, across, down, phase = how.moire
    if strength:
        wave = across * place[:1] + down * place[1:] + 3 * torch.sin(2 * place[:1] + phase)
        fall = fall * (1 + strength * torch.sin(math.pi * wave + phase))
    gains = light.new_tensor(how.balance).reshape(3, 1, 1) * how.exposure
    light = light * gains * fall
    if how.noise or how.grain:
        generator = torch.Generator(device="cpu").manual_seed(how.seed)
        noise = torch.randn(light.shape, generator=generator).to(light)
        light = light + noise * (how.noise**2 * light.clamp(min=0) + how.grain**2).sqrt()
    photo = to_srgb(_shouldered(light.clamp(min=0)))
    photo = torch.lerp(photo, photo * photo * (3 - 2 * photo), how.contrast)
    return compressed(photo, how.quality) if how.quality else photo


def to_srgb(linear: torch.Tensor) -> torch.Tensor:
    """sRGB of linear light, both 0 to 1 (IEC 61966-2-1)."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-8) ** (1 / 2.4) - 0.055)


def _shouldered(light: torch.Tensor, knee: float = 0.8) -> torch.Tensor:
    """Bright light pressed below 1, as phones do, and clipped."""
    over = (light - knee).clamp(min=0)
    return light.clamp(max=knee) + (1 - knee) * (1 - torch.exp(-over / (1 - knee)))


def _spread(light: torch.Tensor) -> torch.Tensor:
    """Light (3, H, W), as a lens scatters a little of it over the whole photo."""
    coarse = functional.adaptive_avg_pool2d(light[None], 8)
    soft = functional.avg_pool2d(coarse, 5, 1, 2, count_include_pad=False)
    return functional.interpolate(soft, light.shape[1:], mode="bilinear", align_corners=False)[0]


def _blurred(light: torch.Tensor, scale: float, how: Spoiling) -> torch.Tensor:
    """Out of focus, and moved while the shutter was open."""
    reach = math.ceil(2.5 * max(how.blur, how.motion) * scale)
    if how.blur * scale < 0.25 and how.motion * scale < 0.25:
        return light
    ticks = torch.arange(-reach, reach + 1, device=light.device, dtype=light.dtype)
    if how.motion * scale < 0.25:
        line = torch.exp(-0.5 * (ticks / (how.blur * scale)) ** 2)
        line = line / line.sum()
        padded = functional.pad(light[:, None], (reach,) * 4, mode="replicate")
        return functional.conv2d(functional.conv2d(padded, line[None, None, None]), line[None, None, :, None])[:, 0]
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    cosine, sine = math.cos(math.radians(how.angle)), math.sin(math.radians(how.angle))
    along, across = max(how.motion * scale, 0.3), max(how.blur * scale, 0.3)
    kernel = torch.exp(-0.5 * (((cosine * x + sine * y) / along) ** 2 + ((cosine * y - sine * x) / across) ** 2))
    padded = functional.pad(light[:, None], (reach,) * 4, mode="replicate")
    return functional.conv2d(padded, (kernel / kernel.sum())[None, None])[:, 0]


def compressed(photo: torch.Tensor, quality: int) -> torch.Tensor:
    """As JPEG gives it back."""
    pixels = (photo.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    found = np.array(Image.open(file))
    return torch.from_numpy(found).to(photo.device).permute(2, 0, 1).to(photo.dtype) / 255
