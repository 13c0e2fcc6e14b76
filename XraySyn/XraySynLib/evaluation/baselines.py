"""Simple ways to do what the model does, which it has to beat.

Each is allowed what the model is allowed: the look under which it fits the radiograph best, and densities that are
scaled until they agree with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.training.bodies import Body, kind_of, resampled
from InverseImagingLib.xray.inversion import back_projection

from ..beam import Beam
from ..estimate import SIZE, agreeing, resized, scaled
from ..frame import Frame
from ..look import fit_look
from ..networks import DepthNet, network_input
from ..options import LARGEST_ANGLE
from .guesses import Guess, guess_of
from .scenes import VIEWS, Scene, frame_of

_STEPS = 6  # of making the mean body agree with the radiograph
_UNIT = 5.0  # g/cm2, about what a ray meets


def unchanged(scene: Scene) -> Guess:
    """The radiograph itself, from wherever it is seen, with its bones."""
    return Guess({azimuth: scene.radiograph for azimuth in VIEWS if azimuth}, free=scene.radiograph)


def back_projected(scene: Scene) -> Guess:
    """FP(BP(I)): views of the volume that spreads the radiograph evenly along its rays, and gives it back."""
    pictures = spread(scene.radiograph, scene.frame, VIEWS)
    return Guess(dict(zip(VIEWS, pictures, strict=True)))


def spread(shown: torch.Tensor, frame: Frame, azimuths: Sequence[float]) -> torch.Tensor:
    """Views (N, H, W) of a back-projected radiograph (H, W)."""
    volume = back_projection(frame.projector([(0.0, 0.0)]), shown[None, None])
    return frame.projector([(azimuth, 0.0) for azimuth in azimuths])(volume)[:, 0]


class MeanBody:
    """The mean of the training bodies of a kind, or of all where there are none, made to agree with the radiograph."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        kinds: dict[str, list[Body]] = {}
        for body in bodies:
            kinds.setdefault(kind_of(body.name), []).append(body)
        self._means = {kind: _mean(own) for kind, own in kinds.items()}
        self._of_all = torch.stack([self._means[kind] * len(own) for kind, own in kinds.items()]).sum(0) / len(bodies)

    def __call__(self, scene: Scene) -> Guess:
        maps, frame, beam = self._means.get(kind_of(scene.name), self._of_all), scene.frame, Beam()
        guess = beam(frame.projector([(0.0, 0.0)])(maps)[0] / 10)
        look = fit_look(scene.radiograph, guess)
        maps = agreeing(maps, frame, look.believable(scene.radiograph, guess), beam, _STEPS)
        along = frame.projector([(azimuth, 0.0) for azimuth in VIEWS])(maps) / 10
        return guess_of(scene, dict(zip(VIEWS, along, strict=True)), look)


def _in_frame(body: Body) -> torch.Tensor:
    """The middle of a body, (2, K, J, I), on the voxels of its own frame."""
    frame = frame_of(body)
    rows, planes, columns = frame.voxels
    fine = Frame(frame.side, (rows, 2 * planes, columns))
    maps = torch.from_numpy(body.maps.astype(np.float32))
    return functional.avg_pool3d(resampled(maps, body.ras_to_ijk @ fine.ijk_to_ras, fine.voxels), (1, 2, 1))


def _mean(bodies: Sequence[Body]) -> torch.Tensor:
    total = _in_frame(bodies[0])
    for body in bodies[1:]:
        total += _in_frame(body)
    return total / len(bodies)


class ViewNet(DepthNet):
    """A 2D U-Net that draws the material maps of another view at once, without a volume in between.

    It is the model's own network but for its ends. Takes (B, 5, H, W): what a DepthNet takes, and azimuth and elevation
    as shares of the largest. Gives bone and soft tissue in g/cm2 along the given rays, (B, 2, H, W), and along those of
    the other view, (B, 2, H / 2, W / 2).
    """

    def __init__(self) -> None:
        super().__init__(depth=1)
        first, fine = self.first, self.fine  # both see the angles
        self.first = nn.Conv2d(first.in_channels + 2, first.out_channels, 6, stride=2, padding=2)
        self.fine = nn.Conv2d(fine.in_channels + 2, fine.out_channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given, other = super().forward(x)
        return given, _UNIT * functional.softplus(other[:, :, 0])


def view_input(
    radiographs: torch.Tensor, frames: Sequence[Frame], angles: Sequence[tuple[float, float]]
) -> torch.Tensor:
    """What a ViewNet takes, (B, 5, H, W), of radiographs (B, H, W) and the angles of the other views."""
    turned = (torch.tensor(angles) / LARGEST_ANGLE).to(radiographs)[:, :, None, None]
    return torch.cat([network_input(radiographs, frames), turned.expand(-1, -1, *radiographs.shape[1:])], dim=1)


def drawn(network: ViewNet, scene: Scene) -> Guess:
    """What a ViewNet tells."""
    count, beam = len(VIEWS), Beam()
    inputs = view_input(scene.radiograph.expand(count, -1, -1), [scene.frame] * count, [(a, 0.0) for a in VIEWS])
    with torch.inference_mode():
        given, others = network(inputs)
    mass = given[VIEWS.index(0.0)]
    guess = beam(mass)
    look = fit_look(scene.radiograph, guess)
    along = {a: torch.stack([resized(one, SIZE) for one in other]) for a, other in zip(VIEWS, others, strict=True)}
    along[0.0] = scaled(mass, look.believable(scene.radiograph, guess), beam)
    return guess_of(scene, along, look)
