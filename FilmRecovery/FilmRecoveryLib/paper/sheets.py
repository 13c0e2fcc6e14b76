"""Where the paper's network finds a film: its uv map, filled by the deformation map, turned into the backward map."""

from __future__ import annotations

import numpy as np
import torch

from ..homography import aspect, transformed
from ..looks import frame_of, whole_frame
from ..sheet import NODES, Sheet
from ..warp import backward_map
from .dewarping import DewarpingModule, uv_of


def located(photo: np.ndarray, network: DewarpingModule) -> Sheet:
    """Where the film lies in a photo (H, W, 3) of uint8, by a network in evaluation mode. Raises InputError."""
    frame = whole_frame(photo.shape[:2])
    seen = torch.from_numpy(frame_of(photo, frame)[None, :3])
    device = next(network.parameters()).device
    with torch.inference_mode():
        maps = {name: values.cpu() for name, values in network(2 * seen.to(device) - 1).items()}
    uv = uv_of(maps)[0].permute(1, 2, 0).numpy()
    found, known = backward_map(uv, maps["mask"][0, 0].numpy() > 0, (NODES, NODES))
    backward = transformed(found, frame).astype(np.float32)
    sheet = Sheet(backward, np.where(known, 1.0, 0.3).astype(np.float32), 1.0, "model")
    return Sheet(backward, sheet.confidence, aspect(sheet.straight().corners, photo.shape[:2]), "model")
