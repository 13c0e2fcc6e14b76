"""What the user can choose in a CT restoration."""

from __future__ import annotations

from dataclasses import dataclass

from InverseImagingLib.device import Device
from InverseImagingLib.method import Choice, option

FACTORS = (2, 4, 8)


class Task(Choice):
    """What has been lost."""

    DENOISE = "denoise"
    SUPER_RESOLUTION = "super-resolution"
    INPAINT = "inpaint"
    RESTORE = "restore"


class Tier(Choice):
    """How much effort is made to get it back."""

    INSTANT = "instant"
    FAST = "fast"
    DEEP = "deep"


class Preset(Choice):
    """Which network the deep tier fits to the image."""

    COMPACT = "compact"
    PAPER = "paper"


class Plane(Choice):
    """The slices that are processed: perpendicular to the voxel axis nearest to this plane's normal."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Direction(Choice):
    """Where super-resolution adds samples."""

    IN_PLANE = "in-plane"
    THROUGH_PLANE = "through-plane"


@dataclass(frozen=True)
class RestorationOptions:
    """Settings of a restoration. 0 or "" stands for the preset's own value, or for all."""

    task: Task = option(
        Task.DENOISE,
        "What to do: denoise, super-resolution, inpaint (fill a mask) or restore (fill randomly missing pixels).",
    )
    tier: Tier = option(
        Tier.DEEP,
        "Effort: instant (classical, seconds), fast (learns from the image alone) or deep (deep image prior).",
    )
    preset: Preset = option(
        Preset.COMPACT, "Network of the deep tier: compact, or the paper's own (about a hundred times slower)."
    )
    plane: Plane = option(Plane.AXIAL, "Plane of the slices; the voxel axis nearest to its normal counts.")
    slices: str = option("", "Slices to process, as A:B (from A up to, not including, B); empty means all.")
    factor: int = option(2, "Super-resolution factor: 2, 4 or 8.", low=2, high=8)
    direction: Direction = option(
        Direction.IN_PLANE, "Super-resolution adds pixels in the plane, or slices between thick slices."
    )
    mask_above: float = option(
        0.0,
        "Voxels above this value are filled, for example 2500 for metal; 0 turns the threshold off.",
        low=0.0,
        high=100000.0,
        unit="HU",
    )
    drop: float = option(
        0.5, "Restore without a mask: this share of the pixels is dropped at random and filled.", low=0.01, high=0.99
    )
    window_low: float = option(
        -160.0,
        "Lower end of the HU window that the restoration is weighted towards.",
        low=-32768,
        high=32767,
        unit="HU",
    )
    window_high: float = option(
        240.0, "Upper end of the HU window that the restoration is weighted towards.", low=-32768, high=32767, unit="HU"
    )
    seed: int = option(0, "Seed of all random numbers; on the CPU one seed gives one result.", low=0, high=2**31 - 1)
    device: Device = option(Device.AUTO, "What computes: auto, cpu, cuda or mps.")
    uncertainty: bool = option(False, "Also give a volume of the spread of the estimates, in HU.")
    learning_rate: float = option(0.0, "Step size of the optimizer; 0 means the preset's.", low=0.0, high=1.0)
    scales: int = option(0, "Levels of the encoder-decoder; 0 means the preset's.", low=0, high=8)
    channels: int = option(0, "Channels of each level; 0 means the preset's.", low=0, high=512)
    skip_channels: int = option(0, "Channels of each skip connection; 0 means the preset's.", low=0, high=512)
    reg_noise_std: float = option(
        -1.0, "Standard deviation of the noise added to the network's input; -1 means the preset's.", low=-1.0, high=1.0
    )
    iterations: int = option(0, "Most iterations per slice; 0 means the preset's.", low=0, high=1000000)
    averaging: float = option(
        0.0, "Weight of the past in the running average of outputs; 0 means the preset's.", low=0.0, high=0.9999
    )
    tv_weight: float = option(-1.0, "Weight of total variation; -1 means the preset's.", low=-1.0, high=100.0)
