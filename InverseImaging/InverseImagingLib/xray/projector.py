"""The X-ray transform and its adjoint between a volume and views of it, differentiable in torch.

Line integrals by Joseph's method (see joseph_torch) in the volume's own place in RAS, whatever its IJK-to-RAS:
oblique, anisotropic and left-handed volumes give the same pictures as any other way to store the same body.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..method import Choice
from . import joseph_torch
from .geometry import Geometry


class Backend(Choice):
    """Who computes: torch is the reference, numba is fast on the CPU, triton on CUDA; auto takes the fastest there."""

    AUTO = "auto"
    TORCH = "torch"
    NUMBA = "numba"
    TRITON = "triton"


class Projector:
    """The operator A of some views of a volume: projector(volume) is A x, projector.adjoint(images) is A^T y.

    shape: (K, J, I) of the volume; ijk_to_ras: its 4 x 4 geometry, in mm.
    views: Geometries with detectors of one size; or their matrices (Geometry.matrix) as a tensor (V, 4, 4) with the
        size (height, width): where that requires a gradient, projecting gives one to the pose.
    Volumes are (C, K, J, I) and images (V, C, H, W) tensors of float32 or float64 on one device; images are in units of
    the volume times mm. Raises InputError.
    """

    def __init__(
        self,
        shape: Sequence[int],
        ijk_to_ras: np.ndarray,
        views: Sequence[Geometry] | torch.Tensor,
        size: tuple[int, int] | None = None,
        backend: Backend = Backend.AUTO,
    ) -> None:
        if isinstance(views, torch.Tensor):
            assert size is not None
            matrices, self.size = views, size
        else:
            sizes = {(view.height, view.width) for view in views}
            if not views:
                raise InputError("Projection needs at least one view.")
            if len(sizes) != 1:
                raise InputError("Views that are projected together need detectors of one size.")
            matrices, self.size = torch.from_numpy(np.stack([view.matrix for view in views])), sizes.pop()
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        to_mm = torch.as_tensor(np.asarray(ijk_to_ras, dtype=np.float64))
        if min(self.shape) < 1 or not torch.isfinite(to_mm).all() or abs(torch.linalg.det(to_mm)) < 1e-12:
            raise InputError("The volume's geometry is singular; give it voxels with a size above 0.")
        self._matrices = torch.linalg.inv(to_mm) @ matrices.to(torch.float64).cpu()
        self._to_mm = to_mm[:3, :3]
        self._backend = backend

    def __call__(self, volume: torch.Tensor) -> torch.Tensor:
        """Line integrals (V, C, H, W) of a volume (C, K, J, I)."""
        if volume.ndim != 4 or tuple(volume.shape[1:]) != self.shape:
            raise InputError(
                f"The projector is for volumes (channels, {str(self.shape)[1:]}, not {tuple(volume.shape)}."
            )
        return _Project.apply(_floating(volume), self._matrices, self)

    def adjoint(self, images: torch.Tensor) -> torch.Tensor:
        """The volume (C, K, J, I) whose inner product with any x is that of the images (V, C, H, W) with A x."""
        expected = (len(self._matrices), images.shape[1] if images.ndim == 4 else 1, *self.size)
        if tuple(images.shape) != expected:
            raise InputError(f"The projector is for images {expected}, not {tuple(images.shape)}.")
        return _Backproject.apply(_floating(images), self._matrices, self)

    def _forward(self, volume: torch.Tensor) -> torch.Tensor:
        return self._compute("project", volume, self.size)

    def _adjoint(self, images: torch.Tensor) -> torch.Tensor:
        return self._compute("backproject", images, self.shape)

    def _compute(self, name: str, values: torch.Tensor, target: Any) -> torch.Tensor:
        backend = choose_backend(values.device, self._backend)
        matrices = self._matrices.detach()
        if backend is Backend.NUMBA:
            from . import joseph_numba

            if math.prod(self.shape) >= 2**32:
                raise InputError("A volume of more than four billion voxels cannot be projected; crop or resample it.")
            arrays = (np.ascontiguousarray(t.detach().numpy()) for t in (values, matrices, self._to_mm))
            return torch.from_numpy(getattr(joseph_numba, name)(*arrays, target, torch.get_num_threads()))
        if backend is Backend.TRITON:
            from . import joseph_triton

            return getattr(joseph_triton, name)(values.detach().contiguous(), matrices, self._to_mm, target)
        return getattr(joseph_torch, name)(values.detach(), matrices, self._to_mm, target)


def choose_backend(device: torch.device, wanted: Backend = Backend.AUTO) -> Backend:
    """The backend for tensors on a device. Raises InputError when the wanted one cannot be had there."""
    if wanted is Backend.AUTO:
        fast = {"cpu": Backend.NUMBA, "cuda": Backend.TRITON}.get(device.type, Backend.TORCH)
        if fast is Backend.TRITON and not any(map(shutil.which, (os.environ.get("CC", "gcc"), "clang"))):
            return Backend.TORCH  # triton cannot do without a C compiler
        return fast if importlib.util.find_spec(fast.value) else Backend.TORCH
    if importlib.util.find_spec(wanted.value) is None:
        raise InputError(f"The package {wanted.value} is missing; install it, or choose another backend.")
    if wanted is Backend.NUMBA and device.type != "cpu":
        raise InputError("The backend numba computes on the CPU only; choose triton or torch.")
    if wanted is Backend.TRITON and device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise InputError(f"The backend triton computes on CUDA only, not on {device.type}; choose auto or torch.")
    return wanted


def _floating(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype in (torch.float32, torch.float64) else values.to(torch.float32)


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, volume: torch.Tensor, matrices: torch.Tensor, projector: Projector) -> torch.Tensor:
        ctx.projector = projector
        if matrices.requires_grad:
            ctx.save_for_backward(volume)
        return projector._forward(volume)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        projector, of_volume, of_pose = ctx.projector, None, None
        if ctx.needs_input_grad[0]:
            of_volume = _Backproject.apply(gradient, projector._matrices, projector)
        if ctx.needs_input_grad[1]:
            (volume,) = ctx.saved_tensors
            of_pose = _PoseGradient.apply(volume, projector._matrices, gradient, projector)
        return of_volume, of_pose, None


class _Backproject(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, matrices: torch.Tensor, projector: Projector) -> torch.Tensor:
        ctx.projector = projector
        if matrices.requires_grad:
            ctx.save_for_backward(images)
        return projector._adjoint(images)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        projector, of_images, of_pose = ctx.projector, None, None
        if ctx.needs_input_grad[0]:
            of_images = _Project.apply(gradient, projector._matrices, projector)
        if ctx.needs_input_grad[1]:
            (images,) = ctx.saved_tensors
            of_pose = _PoseGradient.apply(gradient, projector._matrices, images, projector)
        return of_images, of_pose, None


class _PoseGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, volume: torch.Tensor, matrices: torch.Tensor, images: torch.Tensor, projector: Projector
    ) -> torch.Tensor:
        return joseph_torch.pose_gradient(volume, matrices, projector._to_mm, images)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> None:
        raise NotImplementedError("The projector can be differentiated in the pose only once.")
