"""LPIPS: how different two pictures look, told by a network whose weights the user gives."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_STAGES = (
    ("slice1", "0", (3, 64, 11, 4, 2)),
    ("slice2", "3", (64, 192, 5, 1, 2)),
    ("slice3", "6", (192, 384, 3, 1, 1)),
    ("slice4", "8", (384, 256, 3, 1, 1)),
    ("slice5", "10", (256, 256, 3, 1, 1)),
)  # name, number, and channels in and out, size, stride and padding of the convolutions
_POOLED = 2  # stages whose features are pooled before the next


class Lpips(nn.Module):
    """LPIPS 0.1 with AlexNet, whose weights have the names of the package lpips; where that is, a file is made so:
    `save_file({n: v for n, v in lpips.LPIPS(net="alex").state_dict().items() if n.startswith(("net.", "lin0", "lin1",
    "lin2", "lin3", "lin4"))}, "lpips.safetensors")`.

    Source: Zhang, Isola, Efros, Shechtman, Wang, The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric, CVPR 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.ModuleDict({name: nn.ModuleDict({at: nn.Conv2d(*sizes)}) for name, at, sizes in _STAGES})
        for number, (_, _, (_, channels, *_)) in enumerate(_STAGES):
            weights = nn.ModuleDict({"1": nn.Conv2d(channels, 1, 1, bias=False)})
            self.add_module(f"lin{number}", nn.ModuleDict({"model": weights}))

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The distances (B) of pictures (B, 3, H, W), sRGB from 0 to 1; 0 is that of equal ones."""
        total = one.new_zeros(len(one))
        for number, features in enumerate(zip(self._features(one), self._features(other), strict=True)):
            first, second = (functional.normalize(maps, dim=1, eps=1e-10) for maps in features)
            weighted = self.get_submodule(f"lin{number}.model.1")((first - second) ** 2)
            total = total + weighted.mean(dim=(1, 2, 3))
        return total

    def distance(self, colors: np.ndarray, truth: np.ndarray) -> float:
        """That of pictures (J, I, 3)."""
        pictures = (torch.from_numpy(each).float().permute(2, 0, 1)[None] for each in (colors, truth))
        with torch.inference_mode():
            return float(self(*pictures))

    def _features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        shift, scale = (pictures.new_tensor(values).view(3, 1, 1) for values in (_SHIFT, _SCALE))
        maps, found = (2 * pictures - 1 - shift) / scale, []
        for number, (name, at, _) in enumerate(_STAGES):
            maps = torch.relu(self.get_submodule(f"net.{name}.{at}")(maps))
            found.append(maps)
            if number < _POOLED:
                maps = functional.max_pool2d(maps, 3, 2)
        return found
