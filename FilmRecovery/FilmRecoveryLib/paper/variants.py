"""The rows of the paper's Table 2: its dewarping network, and that network without some of its parts."""

from __future__ import annotations

from torch import nn

from InverseImagingLib.method import Choice

from .dewarping import BackwardModule, DewarpingModule


class Variant(Choice):
    """What a network gives, from one row of the table to the next."""

    BACKWARD = "backward"
    UV = "uv"
    MAPS = "maps"
    FULL = "full"


def network_of(variant: Variant, width: int = 64) -> nn.Module:
    """The network of a variant, which has learned nothing. width: channels of its first level."""
    if variant is Variant.BACKWARD:
        return BackwardModule(width)
    return DewarpingModule(width, many=variant is not Variant.UV, deforming=variant is Variant.FULL)
