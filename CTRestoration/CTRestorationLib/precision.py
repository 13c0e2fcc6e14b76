"""The memory layout and the precision that are fastest."""

from __future__ import annotations

import contextlib
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network, device: torch.device) -> Network:
    """Move a network to the device, its weights laid out channels last (twice as fast on processors)."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def lower_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """bfloat16 autocast where the processor multiplies it natively, else nothing."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.autocast("cpu", torch.bfloat16)
    return contextlib.nullcontext()
