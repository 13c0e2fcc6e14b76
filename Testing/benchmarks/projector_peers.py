"""Other projectors behind one interface: RTK, DiffDRR and a plain march with grid_sample.

A peer is made from what a Projector is made from, the shape and the IJK-to-RAS of a volume and views of it, and like it
has project(volume) of (K, J, I) to (V, H, W) and adjoint(images) back, in the same units. That of DiffDRR and of
grid_sample is what autograd makes of project.

RTK and DiffDRR come with: pip install --no-deps -r requirements-peers.txt
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from InverseImagingLib.xray.geometry import Geometry

INSTALL = "pip install --no-deps -r requirements-peers.txt"


class Rtk:
    """Joseph's method in C++, of the Reconstruction Toolkit."""

    def __init__(self, shape: Sequence[int], ijk_to_ras: np.ndarray, views: Sequence[Geometry]) -> None:
        import itk
        from itk import RTK as rtk  # noqa: N811

        self._itk = itk
        itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(torch.get_num_threads())
        image = itk.Image[itk.F, 3]
        geometry = rtk.ThreeDCircularProjectionGeometry.New()
        for view in views:
            u, v = view.frame[:3, 0], view.frame[:3, 1]
            corner = view.pixel_to_ras[:3, 3]
            if not geometry.AddProjection(*([float(x) for x in values] for values in (view.source, corner, u, v))):
                raise ValueError("RTK cannot hold this geometry")
        self._size = (len(views), views[0].height, views[0].width)
        self._pixel, self._ijk_to_ras = views[0].pixel, ijk_to_ras
        self._forward = rtk.JosephForwardProjectionImageFilter[image, image].New()
        self._backward = rtk.JosephBackProjectionImageFilter[image, image].New()
        for operator in (self._forward, self._backward):
            operator.SetGeometry(geometry)
            operator.InPlaceOff()
        # ITK borrows the memory of arrays without holding them.
        self._start = self._images(np.zeros(self._size, np.float32)), self._volume(np.zeros(shape, np.float32))
        self._forward.SetInput(0, self._start[0])
        self._backward.SetInput(0, self._start[1])
        self._borrowed: list = []

    def project(self, volume: torch.Tensor) -> torch.Tensor:
        return self._run(self._forward, self._volume(volume.numpy()))

    def adjoint(self, images: torch.Tensor) -> torch.Tensor:
        return self._run(self._backward, self._images(images.numpy()))

    def _run(self, operator, values) -> torch.Tensor:  # type: ignore[no-untyped-def]
        """What is returned lives until the next run."""
        operator.SetInput(1, values)
        operator.Modified()
        operator.Update()
        result = operator.GetOutput()
        result.DisconnectPipeline()
        self._borrowed = [values, result]
        return torch.from_numpy(np.asarray(self._itk.array_view_from_image(result)))

    def _volume(self, values: np.ndarray):  # type: ignore[no-untyped-def]
        image = self._itk.image_view_from_array(values)
        spacing = np.linalg.norm(self._ijk_to_ras[:3, :3], axis=0)
        image.SetSpacing([float(x) for x in spacing])
        image.SetOrigin([float(x) for x in self._ijk_to_ras[:3, 3]])
        image.SetDirection(np.ascontiguousarray(self._ijk_to_ras[:3, :3] / spacing))
        return image

    def _images(self, values: np.ndarray):  # type: ignore[no-untyped-def]
        image = self._itk.image_view_from_array(values)
        image.SetSpacing([self._pixel, self._pixel, 1.0])
        return image


class ByAutograd:
    """A peer of which only project is known, and which takes memory for every sample of every ray."""

    bytes_per_sample = 0

    def __init__(self, shape: Sequence[int], ijk_to_ras: np.ndarray, views: Sequence[Geometry]) -> None:
        self.shape, self.size = tuple(shape), (len(views), views[0].height, views[0].width)
        v, u = np.mgrid[: self.size[1], : self.size[2]]
        pixels = np.stack([u, v, np.zeros_like(u), np.ones_like(u)], axis=-1).reshape(-1, 4)
        targets = np.stack([pixels @ view.pixel_to_ras[:3].T for view in views])
        sources = np.stack([view.source for view in views])[:, None]
        self._lengths = torch.from_numpy(np.linalg.norm(targets - sources, axis=-1)).float()
        to_ijk = np.linalg.inv(ijk_to_ras)
        self._targets, self._sources = (
            torch.from_numpy(points @ to_ijk[:3, :3].T + to_ijk[:3, 3]).float() for points in (targets, sources)
        )

    def to(self, device: torch.device) -> ByAutograd:
        for name in ("_lengths", "_targets", "_sources"):
            setattr(self, name, getattr(self, name).to(device))
        return self

    @property
    def gigabytes(self) -> float:
        """About what a pass forward and backward takes."""
        return self.bytes_per_sample * self._lengths.numel() * sum(self.shape) / 1e9

    def project(self, volume: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def adjoint(self, images: torch.Tensor) -> torch.Tensor:
        volume = torch.zeros(self.shape, device=images.device, requires_grad=True)
        (gradient,) = torch.autograd.grad(self.project(volume), volume, images)
        return gradient


class DiffDrr(ByAutograd):
    """The renderers of DiffDRR, after the exact lengths in voxels (Siddon) or at points on the rays (trilinear)."""

    def __init__(
        self,
        shape: Sequence[int],
        ijk_to_ras: np.ndarray,
        views: Sequence[Geometry],
        name: str = "Trilinear",
        points: int = 500,
    ) -> None:
        super().__init__(shape, ijk_to_ras, views)
        from diffdrr import renderers

        self._options = {"n_points": points} if name == "Trilinear" else {}
        self._render = getattr(renderers, name)()
        self.bytes_per_sample = 60 if name == "Siddon" else 40

    def project(self, volume: torch.Tensor) -> torch.Tensor:
        found = self._render(
            volume.permute(2, 1, 0), self._sources, self._targets, self._lengths[:, None], **self._options
        )
        return found.reshape(self.size)


class GridSample(ByAutograd):
    """One call of grid_sample for all samples, a voxel apart, of the part of each ray that may be in the volume."""

    bytes_per_sample = 40

    def project(self, volume: torch.Tensor) -> torch.Tensor:
        counts = torch.tensor(self.shape[::-1], device=volume.device)
        along = self._targets - self._sources
        ends = torch.stack([(edge - self._sources) / along for edge in (torch.full_like(counts, -1), counts)])
        near, far = ends.amin(0).amax(-1).clamp(0, 1), ends.amax(0).amin(-1).clamp(0, 1)
        count = int(((far - near) * along.norm(dim=-1)).amax().ceil().clamp_min(1))
        steps = (torch.arange(count, device=volume.device) + 0.5) / count
        share = near[..., None] + (far - near).clamp_min(0)[..., None] * steps
        points = self._sources[:, :, None] + share[..., None] * along[:, :, None]
        grid = (2 * points + 1) / counts - 1
        samples = torch.nn.functional.grid_sample(
            volume[None, None], grid.flatten(0, 1)[None, None], align_corners=False, padding_mode="zeros"
        )
        sums = samples[0, 0, 0].sum(-1).reshape(self._lengths.shape)
        return (sums * (far - near).clamp_min(0) * self._lengths / count).reshape(self.size)
