"""Joseph's projector and its adjoint in torch: the reference of all backends, on any device, and the pose's gradient.

A ray is followed along the voxel axis that dominates its direction: at each slice of the volume that it crosses, the
slice is interpolated bilinearly (zero outside), and the sum is multiplied with the length of the ray between two
slices. Both directions take voxels and weights from one place, so that each is the other's exact adjoint.

P. M. Joseph. An improved algorithm for reprojecting rays through pixel images. IEEE Trans. Med. Imaging 1, 1982.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

TIE = 1.0 + 1e-9  # the first of two equally long components dominates, whatever the rounding
_SAMPLES = 1 << 20  # interpolated at a time


def project(volume: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Line integrals (V, C, H, W) of a volume (C, K, J, I), value * mm; see projector for the matrices.

    Differentiable, in the volume and in the matrices.
    """
    flat = volume.flatten(1)
    images = volume.new_zeros(len(volume), len(matrices) * size[0] * size[1])
    for rays, voxels, weights in _samples(volume.shape[1:], matrices, to_mm, size, volume):
        images = images.index_add(1, rays, (flat[:, voxels] * weights).sum((1, 3)))
    return images.unflatten(1, (len(matrices), *size)).movedim(1, 0)


def backproject(
    images: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, shape: tuple[int, int, int]
) -> torch.Tensor:
    """The exact adjoint of project: a volume (C, K, J, I) from images (V, C, H, W)."""
    size = (images.shape[2], images.shape[3])
    values = images.movedim(0, 1).flatten(1)
    volume = images.new_zeros(images.shape[1], shape[0] * shape[1] * shape[2])
    for rays, voxels, weights in _samples(shape, matrices, to_mm, size, images):
        spread = values[:, None, rays, None] * weights
        volume.index_add_(1, voxels.flatten(), spread.flatten(1))
    return volume.unflatten(1, shape)


def pose_gradient(
    volume: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor:
    """The gradient (V, 4, 4) of (project(volume, matrices) * gradient).sum() in the matrices, in little memory."""
    flat, values = volume.flatten(1), gradient.movedim(0, 1).flatten(1)
    size = (gradient.shape[2], gradient.shape[3])
    total = torch.zeros_like(matrices)
    for view in range(len(matrices)):
        pixels = slice(view * size[0] * size[1], (view + 1) * size[0] * size[1])
        matrix = matrices[view : view + 1].detach().requires_grad_()
        with torch.enable_grad():
            for rays, voxels, weights in _samples(volume.shape[1:], matrix, to_mm, size, volume):
                sums = (flat[:, voxels] * weights).sum((1, 3))
                (part,) = torch.autograd.grad((sums * values[:, pixels][:, rays]).sum(), matrix, retain_graph=True)
                total[view] += part[0]
    return total


def _samples(
    shape: tuple[int, ...], matrices: torch.Tensor, to_mm: torch.Tensor, size: tuple[int, int], like: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Some rays (R,) at a time, with the voxels (4, R, N) that their N samples touch and the weights of these."""
    height, width = size
    v, u = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    column = torch.stack([u.flatten(), v.flatten(), torch.ones(height * width).double()])
    pixels = (matrices[:, :3, :3] @ column).mT.flatten(0, 1)  # in indices (I, J, K), in double precision on the CPU
    sources = matrices[:, :3, 3].repeat_interleave(height * width, 0)
    cone = matrices[:, 3, 3].detach().repeat_interleave(height * width)
    directions = cone[:, None] * pixels + (1.0 - 2.0 * cone)[:, None] * sources
    lengths = (directions @ to_mm.mT).norm(dim=1)
    x, y, z = directions.detach().abs().unbind(1)
    by_x = (x * TIE >= y) & (x * TIE >= z)
    dominant = torch.where(by_x, 0, torch.where(y * TIE >= z, 1, 2))
    counts, strides = shape[::-1], (1, shape[2], shape[2] * shape[1])
    for a in range(3):
        b, c = (axis for axis in range(3) if axis != a)
        slices = torch.arange(counts[a], dtype=like.dtype, device=like.device)
        mine = torch.nonzero((dominant == a) & (directions[:, a] != 0))[:, 0]
        for rays in mine.split(max(_SAMPLES // counts[a], 1)):
            direction, pixel = directions[rays], pixels[rays]
            slopes = direction / direction[:, a : a + 1]
            first = pixel - pixel[:, a : a + 1] * slopes  # where the ray crosses slice 0
            ends = torch.stack([pixel[:, a], sources[rays, a]]).detach()
            low = torch.where(cone[rays] != 0, ends.amin(0), -torch.inf)
            high = torch.where(cone[rays] != 0, ends.amax(0), torch.inf)
            # The middle as origin keeps coordinates small, and single precision with them exact.
            middle = counts[a] / 2.0
            origin, slope, length, low, high = (
                t.to(like)[..., None]
                for t in (first + middle * slopes, slopes, lengths[rays] / direction[:, a].abs(), low, high)
            )
            weights = length * ((slices >= low) & (slices <= high))
            voxels = (slices * strides[a]).long().expand(len(rays), -1)
            yield (
                rays.to(like.device),
                *_corners(
                    voxels,
                    weights,
                    [(origin[:, n] + (slices - middle) * slope[:, n], counts[n], strides[n]) for n in (b, c)],
                ),
            )


def _corners(
    voxels: torch.Tensor, weights: torch.Tensor, axes: list[tuple[torch.Tensor, int, int]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Voxels and weights (4, R, N) of bilinear interpolation from (coordinates, count, stride) of two axes."""
    both_voxels, both_weights = [voxels], [weights]
    for coordinates, count, stride in axes:
        below = coordinates.detach().floor()
        fraction = coordinates - below
        index = below.clamp(-2, count).long()
        found_voxels, found_weights = [], []
        for known_voxels, known_weights in zip(both_voxels, both_weights, strict=True):
            for corner, weight in ((index, 1.0 - fraction), (index + 1, fraction)):
                inside = (corner >= 0) & (corner < count)
                found_voxels.append(known_voxels + corner.clamp(0, count - 1) * stride)
                found_weights.append(torch.where(inside, known_weights * weight, 0.0))
        both_voxels, both_weights = found_voxels, found_weights
    return torch.stack(both_voxels), torch.stack(both_weights)
