"""The projector gives the pictures that RTK and DiffDRR give of the same scene."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from benchmarks import projector_peers as peers

from InverseImagingLib.xray.geometry import Geometry, corners_of, pose
from InverseImagingLib.xray.projector import Projector

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ITK's wrapping
SHAPE = (66, 78, 72)


def place(kind: str) -> np.ndarray:
    """IJK-to-RAS of a volume that is straight, or oblique and anisotropic."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag([1.4, 1.4, 1.4])
    if kind == "oblique":
        matrix[:3, :3] = pose(20, 35, 10, mirrored=True)[:3, :3] * [1.4, 1.1, 1.7]
    matrix[:3, 3] = -40, -50, 30
    return matrix


def bump() -> torch.Tensor:
    """A smooth body, off center, that ends before the volume does: what all ways to interpolate agree on."""
    k, j, i = (torch.linspace(-1, 1, n).double() for n in SHAPE)
    outside = (k[:, None, None] - 0.1) ** 2 + (j[:, None] + 0.05) ** 2 + (i - 0.05) ** 2
    return (0.02 * torch.cos(torch.pi / 2 * (outside / 0.7).clamp(max=1)) ** 2).float()


@pytest.fixture(params=["straight", "oblique"])
def scene(request: pytest.FixtureRequest) -> tuple[np.ndarray, list[Geometry]]:
    ijk_to_ras = place(request.param)
    middle = corners_of(SHAPE, ijk_to_ras).mean(axis=0) + np.array([3, -2, 4])
    frames = [pose(*angles, middle) for angles in ((0, 0, 0), (33, 20, 10), (90, 0, 0), (-130, -40, 70))]
    return ijk_to_ras, [Geometry(40, 36, 4.0, 900.0, 650.0, frame) for frame in frames]


def assert_same_pictures(peer, scene: tuple[np.ndarray, list[Geometry]], bins: int = 1) -> None:
    ijk_to_ras, views = scene
    volume = bump()
    ours, theirs = (
        torch.nn.functional.avg_pool2d(images, bins)
        for images in (Projector(SHAPE, ijk_to_ras, views)(volume[None])[:, 0], peer.project(volume))
    )
    assert ours.max() > 0.5
    for our, their in zip(ours, theirs, strict=True):
        assert (our - their).norm() <= 1e-3 * our.norm()
        assert (our - their).abs().max() <= 2e-3 * our.max()


def test_rtk(scene):
    if importlib.util.find_spec("itk") is None or importlib.util.find_spec("itk.RTKPython") is None:
        pytest.skip(f"RTK is not installed: {peers.INSTALL}")
    rtk = peers.Rtk(SHAPE, *scene)
    assert_same_pictures(rtk, scene)
    ijk_to_ras, views = scene
    images = torch.rand(len(views), 36, 40, generator=torch.Generator().manual_seed(1))
    ours, theirs = Projector(SHAPE, ijk_to_ras, views).adjoint(images[:, None])[0], rtk.adjoint(images)
    inside = (slice(2, -2),) * 3  # RTK treats the outermost voxels in its own way
    assert (ours - theirs)[inside].norm() <= 1e-3 * ours.norm()


def test_trilinear_diffdrr(scene):
    pytest.importorskip("diffdrr.renderers", reason=f"DiffDRR is not installed: {peers.INSTALL}")
    assert_same_pictures(peers.DiffDrr(SHAPE, *scene, points=1500), scene)


def test_siddon_diffdrr(scene):
    """Blocks of constant voxels are another body; their means over a few rays in each voxel are the same."""
    pytest.importorskip("diffdrr.renderers", reason=f"DiffDRR is not installed: {peers.INSTALL}")
    ijk_to_ras, views = scene
    fine = [Geometry(120, 108, 4 / 3, view.sdd, view.sid, view.frame) for view in views]
    assert_same_pictures(peers.DiffDrr(SHAPE, ijk_to_ras, fine, name="Siddon"), (ijk_to_ras, fine), bins=12)


def test_grid_sample(scene):
    """Needs no package, and is the plainest of all."""
    assert_same_pictures(peers.GridSample(SHAPE, *scene), scene)
