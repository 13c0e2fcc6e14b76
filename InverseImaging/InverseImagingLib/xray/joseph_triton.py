"""Joseph's projector and its adjoint on a GPU, compiled by triton when first used. See joseph_torch for the method.

One kernel does both directions, one small tile of rays at a time: what it reads forward it adds to atomically backward,
so that each is the other's exact adjoint, nothing is stored on the way, and the volume is all that goes through the
memory. Atomics, not a gather over pixels: few rays meet in a voxel, additions of neighboring rays are merged in the
cache, and no view, however magnified, costs more than its samples. The order of additions, and so the last bit of
an adjoint, varies. Along the axis that is contiguous in memory, lanes walk along the rays instead of across them.
"""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

TIE = tl.constexpr(1.0 + 1e-9)  # the first of two equally long components dominates, whatever the rounding
ACROSS, ALONG = (32, 4, 1), (8, 4, 8)  # pixels of a row, rows, slices that a program takes at a time
_UNROLL = tl.constexpr(4)  # steps whose reads are under way together, since a single view fills few threads
_NUMBERS = tl.constexpr(26)  # of a view: its 4 x 4 matrix, to_mm, and which of the images it is


@triton.jit
def _component(view, r, u, v):
    """Axis r of the detector's pixels and of the direction towards the source, in voxels; double precision."""
    cone, source = tl.load(view + 15), tl.load(view + 4 * r + 3)
    pixel = tl.load(view + 4 * r) * u + tl.load(view + 4 * r + 1) * v + tl.load(view + 4 * r + 2)
    return pixel, cone * pixel + (1.0 - 2.0 * cone) * source, source


@triton.jit
def _millimeters(view, r, x, y, z):
    return tl.load(view + 16 + 3 * r) * x + tl.load(view + 17 + 3 * r) * y + tl.load(view + 18 + 3 * r) * z


@triton.jit
def _within(first, slope, count, low, high):
    """Cut the slices low..high to those in which a ray is less than a voxel outside."""
    steep = tl.where(tl.abs(slope) < 1e-12, 1e-12, slope)
    one, other = (-1.0 - first) / steep, (count - first) / steep
    return tl.maximum(low, tl.minimum(one, other)), tl.minimum(high, tl.maximum(one, other))


@triton.jit
def _corner(volume, voxel, inside, weight, value, ADJOINT: tl.constexpr):  # type: ignore[no-untyped-def]
    if ADJOINT:
        tl.atomic_add(volume + voxel, weight * value, mask=inside, sem="relaxed")
        return weight
    return weight * tl.load(volume + voxel, mask=inside, other=0.0)


@triton.jit
def _march(  # type: ignore[no-untyped-def]
    volume,
    images,
    views,
    n_i,
    n_j,
    n_k,
    height,
    width,
    ADJOINT: tl.constexpr,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
    SLICES: tl.constexpr,
    INDEX: tl.constexpr,
):
    """A tile of pixels of one view and channel: their line integrals, or their addition to the volume."""
    kind = volume.dtype.element_ty
    ray, step = tl.arange(0, ROWS * COLUMNS)[:, None], tl.arange(0, SLICES)[None, :]
    tiles = tl.cdiv(width, COLUMNS)
    v = (tl.program_id(0) // tiles) * ROWS + ray // COLUMNS
    u = (tl.program_id(0) % tiles) * COLUMNS + ray % COLUMNS
    on_detector = (u < width) & (v < height)
    channel = tl.program_id(2).to(tl.int64)
    volume += channel * n_i * n_j * n_k
    view = views + tl.program_id(1) * _NUMBERS
    images += ((tl.load(view + 25).to(tl.int64) * tl.num_programs(2) + channel) * height + v) * width + u

    q_x, d_x, p_x = _component(view, 0, u, v)
    q_y, d_y, p_y = _component(view, 1, u, v)
    q_z, d_z, p_z = _component(view, 2, u, v)
    x_mm, y_mm, z_mm = (
        _millimeters(view, 0, d_x, d_y, d_z),
        _millimeters(view, 1, d_x, d_y, d_z),
        _millimeters(view, 2, d_x, d_y, d_z),
    )
    x, y, z = tl.abs(d_x), tl.abs(d_y), tl.abs(d_z)
    by_x = (x * TIE >= y) & (x * TIE >= z)
    by_y = (by_x == 0) & (y * TIE >= z)
    # Axis a dominates; b and c are the others, c the one along which memory is contiguous, unless that is a.
    q_a, d_a = tl.where(by_x, q_x, tl.where(by_y, q_y, q_z)), tl.where(by_x, d_x, tl.where(by_y, d_y, d_z))
    p_a = tl.where(by_x, p_x, tl.where(by_y, p_y, p_z))
    q_b, d_b = tl.where(by_x | by_y, q_z, q_y), tl.where(by_x | by_y, d_z, d_y)
    q_c, d_c = tl.where(by_x, q_y, q_x), tl.where(by_x, d_y, d_x)
    n_a, n_b, n_c = (
        tl.where(by_x, n_i, tl.where(by_y, n_j, n_k)),
        tl.where(by_x | by_y, n_k, n_j),
        tl.where(by_x, n_j, n_i),
    )
    row_voxels = tl.full([], 0, INDEX) + n_i  # compiled anew for sides of 1, which are plain numbers there
    slice_voxels = row_voxels * n_j
    stride_a = tl.where(by_x, 1, tl.where(by_y, row_voxels, slice_voxels))
    stride_b = tl.where(by_x | by_y, slice_voxels, row_voxels)
    stride_c = tl.where(by_x, row_voxels, 1)

    runs = on_detector & (d_a != 0.0)
    d_a = tl.where(runs, d_a, 1.0)
    slope_b, slope_c = d_b / d_a, d_c / d_a
    first_b, first_c = q_b - q_a * slope_b, q_c - q_a * slope_c
    cone = tl.load(view + 15) != 0.0
    low = tl.where(cone, tl.minimum(q_a, p_a), 0.0)
    high = tl.where(cone, tl.maximum(q_a, p_a), n_a - 1.0)
    low, high = tl.maximum(low, 0.0), tl.minimum(high, n_a - 1.0)
    near, far = _within(first_b, slope_b, n_b, low, high)
    near, far = _within(first_c, slope_c, n_c, near, far)
    runs = runs & (near <= far)
    begin = tl.min(tl.where(runs, tl.floor(near), 1e9)).to(tl.int32)
    end = tl.max(tl.where(runs, tl.ceil(far), -1.0)).to(tl.int32)

    # The middle as origin keeps coordinates small, and single precision with them exact.
    middle = n_a / 2.0
    at_b, at_c = (first_b + middle * slope_b).to(kind), (first_c + middle * slope_c).to(kind)
    slope_b, slope_c, middle = slope_b.to(kind), slope_c.to(kind), middle.to(kind)
    low, high = tl.where(runs, low, 1.0).to(kind), tl.where(runs, high, 0.0).to(kind)
    length = tl.sqrt(x_mm * x_mm + y_mm * y_mm + z_mm * z_mm) / tl.abs(d_a)
    value, sums = length.to(kind), tl.zeros([ROWS * COLUMNS, SLICES], kind)
    if ADJOINT:
        value *= tl.load(images, mask=on_detector, other=0.0)
    for m in tl.range(begin, end + 1, SLICES, loop_unroll_factor=_UNROLL):
        a = m + step
        x_b, x_c = at_b + (a.to(kind) - middle) * slope_b, at_c + (a.to(kind) - middle) * slope_c
        i_b, i_c = tl.floor(x_b), tl.floor(x_c)
        f_b, f_c = x_b - i_b, x_c - i_c
        i_b, i_c = i_b.to(tl.int32), i_c.to(tl.int32)
        on = (a >= low) & (a <= high)
        on_b, on_c = on & (i_b >= 0) & (i_b < n_b), (i_c >= 0) & (i_c < n_c)
        on_e, on_f = on & (i_b >= -1) & (i_b < n_b - 1), (i_c >= -1) & (i_c < n_c - 1)
        voxel = a * stride_a + i_b * stride_b + i_c * stride_c
        below = voxel + stride_b
        sums += _corner(volume, voxel, on_b & on_c, (1.0 - f_b) * (1.0 - f_c), value, ADJOINT)
        sums += _corner(volume, voxel + stride_c, on_b & on_f, (1.0 - f_b) * f_c, value, ADJOINT)
        sums += _corner(volume, below, on_e & on_c, f_b * (1.0 - f_c), value, ADJOINT)
        sums += _corner(volume, below + stride_c, on_e & on_f, f_b * f_c, value, ADJOINT)
    if not ADJOINT:
        tl.store(images, tl.sum(sums, 1, keep_dims=True) * value, mask=on_detector)


def project(volume: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Line integrals (V, C, H, W) of a contiguous volume (C, K, J, I), value * mm; see projector for the matrices."""
    images = volume.new_empty(len(matrices), len(volume), *size)
    _run(volume, images, matrices, to_mm, adjoint=False)
    return images


def backproject(
    images: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, shape: tuple[int, int, int]
) -> torch.Tensor:
    """The adjoint of project: a volume (C, K, J, I) from contiguous images (V, C, H, W)."""
    volume = images.new_zeros(images.shape[1], *shape)
    _run(volume, images, matrices, to_mm, adjoint=True)
    return volume


def _run(
    volume: torch.Tensor, images: torch.Tensor, matrices: torch.Tensor, to_mm: torch.Tensor, *, adjoint: bool
) -> None:
    """Fill one of volume and images from the other: one launch for the views along rows of voxels, one for others."""
    (n_k, n_j, n_i), (height, width), p = volume.shape[1:], images.shape[2:], matrices.numpy()
    views, cone = len(p), p[:, 3, 3, None]
    table = np.column_stack([p.reshape(views, 16), np.tile(to_mm.numpy().ravel(), (views, 1)), np.arange(views)])
    central = cone * (p[:, :3, :3] @ ((width - 1) / 2, (height - 1) / 2, 1.0)) + (1.0 - 2.0 * cone) * p[:, :3, 3]
    along = np.abs(central).argmax(axis=1) == 0
    index = tl.int32 if n_k * n_j * n_i < 2**31 else tl.int64
    for mine, (columns, rows, slices) in ((along, ALONG), (~along, ACROSS)):
        if mine.any():
            numbers = torch.from_numpy(table[mine]).to(volume.device)
            grid = (triton.cdiv(width, columns) * triton.cdiv(height, rows), len(numbers), len(volume))
            sizes = (n_i, n_j, n_k, height, width)
            _march[grid](volume, images, numbers, *sizes, adjoint, columns, rows, slices, index)
