"""What can be set of the colors of a CT. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.method import Choice, check_options, option

from .opacity import HIGHEST, LOWEST, Opacity

_LEAST, _MOST = -1024.0, 4000.0  # HU


class Tier(Choice):
    """What gives the colors."""

    MODEL = "model"
    PALETTE = "palette"


class Part(Choice):
    """The part of the body, each of which has a model of its own."""

    AUTO = "auto"
    HEAD = "head"
    BODY = "body"

    def label(self) -> str:
        return {"auto": "As it looks"}.get(self.value, self.value.capitalize())


@dataclass(frozen=True)
class ColorizeOptions:
    """Settings of the colors of a CT."""

    tier: Tier = option(Tier.MODEL, "What gives the colors: model (a network) or palette (of tissues; at once).")
    part: Part = option(Part.AUTO, "Which model: auto (as the image looks), head or body.")
    slices: str = option("", "Axial slices to color, as A:B (from A up to, not including, B); empty means all.")
    strength: float = option(1.0, "Share of the colors; the rest is the gray of the CT.", low=0, high=1)
    rgba: bool = option(False, "Also give an opacity for 3D views, in a fourth channel.")
    solid: bool = option(False, "Also give a volume for 3D views, with opacity, soft and not too large for them.")
    masked: bool = option(True, "Leave what is outside the body black, and transparent.")
    threshold: float = option(
        0.0, "What is denser may be body; 0 means as Otsu finds it.", low=_LEAST, high=_MOST, unit="HU"
    )
    fat_low: float = option(-190.0, "Lower end of the range of fat.", low=_LEAST, high=_MOST, unit="HU")
    fat_high: float = option(-30.0, "Upper end of the range of fat.", low=_LEAST, high=_MOST, unit="HU")
    bone_low: float = option(150.0, "Lower end of the range of bone.", low=_LEAST, high=_MOST, unit="HU")
    bone_high: float = option(1500.0, "Upper end of the range of bone.", low=_LEAST, high=_MOST, unit="HU")
    as_hu: bool = option(False, "Take the values for HU, even where they do not look like it.")
    weights: str = option("", "A safetensors file with weights of your own; empty means those of the model.")
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")

    @property
    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """HU of fat and of bone, from low to high."""
        return (self.fat_low, self.fat_high), (self.bone_low, self.bone_high)

    def check(self) -> None:
        """Raise InputError for a value that is out of its limits, and for a range without extent."""
        check_options(self)
        for name, (low, high) in zip(("fat", "bone"), self.ranges, strict=True):
            if low >= high:
                raise InputError(f"The range of {name} ends at {high:g} HU, below its start at {low:g}; swap the two.")


@dataclass(frozen=True)
class SightOptions:
    """How the colors are seen in 3D."""

    opacity: Opacity = option(Opacity.SKIN, "What a surface and a turntable show: skin, muscle, bone or vessels.")
    level: float = option(
        LOWEST,
        f"Where the surface is; {LOWEST:g} means where the tissues of the opacity begin.",
        low=LOWEST,
        high=HIGHEST,
        unit="HU",
    )
    size: int = option(384, "Pixels along the sides of a turntable.", low=64, high=2048)
