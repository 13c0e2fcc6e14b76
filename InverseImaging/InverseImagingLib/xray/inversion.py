"""Volumes whose projections are given images: back projection, and the iterations that make it exact."""

from __future__ import annotations

import torch

from .projector import Projector


def back_projection(
    projector: Projector, images: torch.Tensor, *, tolerance: float = 5e-4, steps: int = 80
) -> torch.Tensor:
    """The volume (C, K, J, I) that spreads images (V, C, H, W) evenly along their rays and projects to them again.

    Its first step is, up to a factor, V = A^T(I / A 1), each voxel divided by the rays that meet it so that it holds in
    millimetres (Peng et al., XraySyn, 2021, equation 7). Interpolation blurs that; conjugate gradients in the norms of
    SIRT take off what is left, until no pixel is wrong by more than the tolerance, as a share of the brightest, or the
    steps are used up. Pixels whose rays miss the volume, and detail finer than voxels, cannot be reproduced.
    Differentiable. M. R. Hestenes, E. Stiefel. Methods of conjugate gradients for solving linear systems. 1952.
    """
    along, over = _sums(projector, images)
    rest = torch.where(along > 0, images, 0.0)
    limit = tolerance * rest.detach().abs().amax()
    volume = images.new_zeros(images.shape[1], *projector.shape)
    direction, before = volume, None
    for _ in range(steps):
        if rest.detach().abs().amax() <= limit:
            break
        gradient = projector.adjoint(rest * along)
        slope = (gradient**2 * over).sum((1, 2, 3), keepdim=True)
        direction = gradient * over + (0.0 if before is None else _ratio(slope, before) * direction)
        before = slope
        change = torch.where(along > 0, projector(direction), 0.0)
        length = _ratio(slope[:, 0], (change**2 * along).sum((0, 2, 3))[:, None, None])
        volume = volume + length[:, None] * direction
        rest = rest - length * change
    return volume


def _ratio(over: torch.Tensor, under: torch.Tensor) -> torch.Tensor:
    """Their quotient, 0 where a channel is done."""
    return torch.where(under > 0, over / torch.where(under > 0, under, 1.0), 0.0)


def sirt(
    projector: Projector, images: torch.Tensor, *, start: torch.Tensor | None = None, steps: int = 1
) -> torch.Tensor:
    """Simultaneous iterative reconstruction: x + C A^T R (y - A x), with R and C one over the row and column sums.

    images: (V, C, H, W); start: (C, K, J, I), zero by default. Differentiable.
    P. Gilbert. Iterative methods for the three-dimensional reconstruction of an object from projections. 1972.
    """
    along, over = _sums(projector, images)
    volume = images.new_zeros(images.shape[1], *projector.shape) if start is None else start
    for step in range(steps):
        rest = images if step == 0 and start is None else images - projector(volume)
        volume = volume + projector.adjoint(rest * along) * over
    return volume


def mart(projector: Projector, images: torch.Tensor, *, start: torch.Tensor, steps: int = 1) -> torch.Tensor:
    """Simultaneous multiplicative reconstruction: x * C A^T(y / A x), for images and a start that are not negative.

    What is zero in the start stays zero, so that it keeps the body's outline and its distribution along the rays.
    R. Gordon, R. Bender, G. T. Herman. Algebraic reconstruction techniques. J. Theor. Biol. 29, 1970.
    """
    _, over = _sums(projector, images)
    volume = start
    for _ in range(steps):
        projected = projector(volume)
        ratio = torch.where(projected > 0, images / projected.clamp_min(torch.finfo(images.dtype).tiny), 1.0)
        volume = volume * torch.where(over > 0, projector.adjoint(ratio) * over, 1.0)
    return volume


def _sums(projector: Projector, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One over the row and the column sums of A, zero where these are; (V, 1, H, W) and (1, K, J, I)."""
    with torch.no_grad():
        rows = projector(images.new_ones(1, *projector.shape))
        columns = projector.adjoint(images.new_ones(len(images), 1, *images.shape[2:]))
        floor = 1e-3 * rows.amax()  # a ray that barely touches the volume must not be blown up
        return torch.where(rows > floor, 1 / rows, 0.0), torch.where(columns > 0, 1 / columns, 0.0)
