"""Lower precision where it is faster."""

from __future__ import annotations

import contextlib

import torch


def lower_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """bfloat16 autocast where the processor multiplies it natively, else nothing."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.autocast("cpu", torch.bfloat16)
    return contextlib.nullcontext()
