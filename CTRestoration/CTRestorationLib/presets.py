"""What 0 (or -1) means in RestorationOptions: the settings of each preset for each task."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .options import Preset, RestorationOptions, Task, Tier


@dataclass(frozen=True)
class Settings:
    """Learning rate, levels, channels per level and skip connection, standard deviation of the noise on the network's
    input, most iterations, weight of the past in the running average, weight of total variation, upsampling."""

    learning_rate: float
    scales: int
    channels: int
    skip_channels: int
    reg_noise_std: float
    iterations: int
    averaging: float
    tv_weight: float
    upsampling: str = "bilinear"


# Source: Ulyanov et al., Deep Image Prior, supplementary material and code; Yin 2024 uses the same networks.
PAPER = {
    Task.DENOISE: Settings(0.01, 5, 128, 4, 1 / 30, 3000, 0.99, 0.0),
    Task.SUPER_RESOLUTION: Settings(0.01, 5, 128, 4, 0.03, 2000, 0.99, 0.0),
    Task.INPAINT: Settings(0.01, 5, 128, 128, 0.03, 6000, 0.99, 0.0, "nearest"),
    Task.RESTORE: Settings(0.001, 5, 128, 4, 0.03, 11000, 0.99, 0.0),
}
_PAPER_X8 = replace(PAPER[Task.SUPER_RESOLUTION], reg_noise_std=0.05, iterations=4000)

# Tuned on patient A058062.
COMPACT = {
    Task.DENOISE: Settings(1e-5, 3, 32, 32, 0.0, 30, 0.95, 0.0),
    Task.SUPER_RESOLUTION: Settings(2e-5, 3, 32, 32, 0.0, 40, 0.95, 0.0),
    Task.INPAINT: Settings(2e-4, 3, 32, 32, 0.0, 80, 0.95, 0.0),
    Task.RESTORE: Settings(2e-4, 3, 32, 32, 0.0, 80, 0.95, 0.0),
}

_FAST_FILL = Settings(1e-3, 2, 32, 32, 0.0, 200, 0.97, 0.0)
FAST = {
    Task.DENOISE: replace(_FAST_FILL, learning_rate=5e-4, iterations=50),
    Task.SUPER_RESOLUTION: replace(_FAST_FILL, learning_rate=1e-4, iterations=30),
    Task.INPAINT: _FAST_FILL,
    Task.RESTORE: _FAST_FILL,
}


def settings_of(options: RestorationOptions) -> Settings:
    """The preset's settings for the task, with what the options state instead."""
    if options.tier is Tier.FAST:
        preset = FAST[options.task]
    elif options.preset is Preset.COMPACT:
        preset = COMPACT[options.task]
    elif options.task is Task.SUPER_RESOLUTION and options.factor == 8:
        preset = _PAPER_X8
    else:
        preset = PAPER[options.task]
    own: tuple[str, ...] = ("learning_rate", "scales", "channels", "skip_channels", "iterations", "averaging")
    if options.tier is not Tier.DEEP:  # the other options are the paper's
        own = ("iterations",)
    stated = {name: getattr(options, name) for name in own if getattr(options, name) > 0}
    if options.tier is Tier.DEEP:
        stated |= {
            name: getattr(options, name) for name in ("reg_noise_std", "tv_weight") if getattr(options, name) >= 0
        }
    return replace(preset, **stated)
