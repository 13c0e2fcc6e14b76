"""Where the paper's network, or a variant of it, finds a film."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..homography import aspect, transformed
from ..looks import SIZE, frame_of, whole_frame
from ..sheet import NODES, Sheet
from ..warp import backward_map
from .dewarping import uv_of


def located(photo: np.ndarray, network: nn.Module) -> Sheet:
    """Where the film lies in a photo (H, W, 3) of uint8, by a network in evaluation mode. Raises InputError.

    The uv map, which the deformation map fills, is turned into the backward map, unless the network gives that itself.
    """
    frame = whole_frame(photo.shape[:2])
    seen = torch.from_numpy(frame_of(photo, frame)[None, :3])
    device = next(network.parameters()).device
    with torch.inference_mode():
        maps = {name: values.cpu() for name, values in network(2 * seen.to(device) - 1).items()}
    found, known = _told(maps["backward"]) if "backward" in maps else _inverted(maps)
    backward = transformed(found, frame).astype(np.float32)
    sheet = Sheet(backward, np.where(known, 1.0, 0.3).astype(np.float32), 1.0, "model")
    return Sheet(backward, sheet.confidence, aspect(sheet.straight().corners, photo.shape[:2]), "model")


def _inverted(maps: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    uv = uv_of(maps)[0].permute(1, 2, 0).numpy()
    return backward_map(uv, maps["mask"][0, 0].numpy() > 0, (NODES, NODES))


def _told(backward: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the frame (NODES, NODES, 2) of a map (1, 2, SIZE, SIZE) from -1 to 1, all of them known."""
    nodes = functional.adaptive_avg_pool2d(0.5 * (backward + 1) * SIZE - 0.5, NODES)
    return nodes[0].permute(1, 2, 0).numpy(), np.ones((NODES, NODES), bool)
