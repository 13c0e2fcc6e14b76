from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from InverseImagingLib.errors import InputError
from InverseImagingLib.xray import joseph_torch
from InverseImagingLib.xray.geometry import Geometry, corners_of, pose
from InverseImagingLib.xray.projector import Backend, Projector

# Without a GPU, triton's own interpreter runs the same kernel on the CPU. It is slow, and reads this when imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [torch.float32, torch.float64]
RELATIVE = {torch.float32: 1e-5, torch.float64: 1e-10}  # float32: a few roundings of sums and of places in the volume


@pytest.fixture(params=["torch", "numba", "triton"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Each backend, with triton in tiles that suit its interpreter: that takes long per tile, however large."""
    if request.param == "triton":
        if sys.platform != "linux" and importlib.util.find_spec("triton") is None:
            pytest.skip("triton is made for Linux only")
        pytest.importorskip("triton", reason="pip install -r requirements-dev.txt brings triton")
        if GPU.type == "cpu":
            from InverseImagingLib.xray import joseph_triton

            monkeypatch.setattr(joseph_triton, "ACROSS", (16, 16, 8))
            monkeypatch.setattr(joseph_triton, "ALONG", (16, 16, 8))
    return Backend(request.param)


def examples(backend: Backend, count: int) -> settings:
    """So many examples of a property; few where each takes long."""
    few = backend is Backend.TRITON and GPU.type == "cpu"
    unlike = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors]
    return settings(max_examples=3 if few else count, deadline=None, derandomize=True, suppress_health_check=unlike)


class Scene:
    """A random volume, stored in any orientation, and random views of it, some of them from nearby."""

    def __init__(self, seed: int, shape: tuple[int, int, int], size: tuple[int, int], parallel: bool) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.shape, self.size = shape, size
        rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        self.ijk_to_ras = np.eye(4)
        self.ijk_to_ras[:3, :3] = rotation * rng.uniform(0.5, 3, 3) * rng.choice([-1, 1], 3)
        self.ijk_to_ras[:3, 3] = rng.uniform(-100, 100, 3)
        corners = corners_of(shape, self.ijk_to_ras)
        middle, radius = corners.mean(axis=0), np.linalg.norm(np.ptp(corners, axis=0)) / 2
        self.views = []
        for _ in range(rng.integers(1, 4)):
            sid = radius * rng.choice([0.7, 1.1, 5])
            angles = rng.choice([rng.uniform(-180, 180, 3), rng.choice([0, 90, 180], 3)])
            frame = pose(*angles, middle + radius * rng.uniform(-0.3, 0.3, 3), mirrored=bool(rng.integers(2)))
            pixel, sdd = 2 * radius * rng.choice([0.3, 1, 2]) / max(size), sid * rng.uniform(1, 2)
            self.views.append(Geometry(size[1], size[0], pixel, sdd, sid, frame, parallel))

    def projector(self, backend: Backend) -> Projector:
        return Projector(self.shape, self.ijk_to_ras, self.views, backend=backend)

    def volume(self, dtype: torch.dtype = torch.float64, channels: int = 2) -> torch.Tensor:
        return torch.from_numpy(self.rng.random((channels, *self.shape))).to(dtype)

    def images(self, dtype: torch.dtype = torch.float64, channels: int = 2) -> torch.Tensor:
        return torch.from_numpy(self.rng.random((len(self.views), channels, *self.size))).to(dtype)


sides = st.integers(1, 9)
scenes = st.builds(
    Scene, st.integers(0, 2**32 - 1), st.tuples(sides, sides, sides), st.tuples(sides, sides), st.booleans()
)


def scene(seed: int = 1, parallel: bool = False) -> Scene:
    return Scene(seed, (5, 6, 7), (4, 5), parallel)


def on(backend: Backend, values: torch.Tensor) -> torch.Tensor:
    """Where the backend computes."""
    return values.to(GPU) if backend is Backend.TRITON else values


def assert_close(actual: torch.Tensor, expected: torch.Tensor, relative: float, least: float = 0.0) -> None:
    """No value differs by more than a share of the largest, or of the least that matters."""
    actual, expected = actual.double().cpu(), expected.double().cpu()
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= relative * max(expected.abs().max(), least)


@pytest.mark.parametrize("dtype", DTYPES)
def test_adjointness(backend: Backend, dtype: torch.dtype):
    hits = []

    @examples(backend, 40)
    @given(scenes)
    def holds(scene: Scene) -> None:
        projector = scene.projector(backend)
        x, y = on(backend, scene.volume(dtype)), on(backend, scene.images(dtype))
        image_side, volume_side = (projector(x) * y).sum(), (x * projector.adjoint(y)).sum()
        assert abs(image_side - volume_side) <= RELATIVE[dtype] * abs(image_side)
        hits.append(image_side > 0)

    holds()
    assert any(hits)


@pytest.mark.parametrize("dtype", DTYPES)
def test_backends_agree(backend: Backend, dtype: torch.dtype):
    @examples(backend, 40)
    @given(scenes)
    def agree(scene: Scene) -> None:
        projector, reference = scene.projector(backend), scene.projector(Backend.TORCH)
        x, y = scene.volume(), scene.images()
        voxel = np.linalg.norm(scene.ijk_to_ras[:3, :3], axis=0).max()  # a ray may graze the corner of one
        assert_close(projector(on(backend, x.to(dtype))), reference(x), RELATIVE[dtype], voxel)
        assert_close(projector.adjoint(on(backend, y.to(dtype))), reference.adjoint(y), RELATIVE[dtype], voxel)

    agree()


@pytest.mark.parametrize("parallel", [False, True])
def test_gradients(backend: Backend, parallel: bool):
    small = Scene(11, (2, 3, 2), (2, 2), parallel)
    assert len(small.views) == 1
    projector = small.projector(backend)
    x, y = (on(backend, t).requires_grad_() for t in (small.volume(channels=1), small.images(channels=1)))
    slow = backend is Backend.TRITON
    options = {"fast_mode": slow, "nondet_tol": 1e-9 if slow else 0.0}  # atomics add in any order
    assert torch.autograd.gradcheck(projector, x, **options)
    assert torch.autograd.gradcheck(projector.adjoint, y, **options)
    assert torch.autograd.gradgradcheck(projector, x, **options)


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("adjoint", [False, True])
def test_gradients_of_the_pose(parallel: bool, adjoint: bool):
    one = Scene(8, (3, 4, 3), (2, 3), parallel)
    matrices = torch.from_numpy(np.stack([view.matrix for view in one.views]))
    values = one.images(channels=1) if adjoint else one.volume(channels=1)

    def of(changes: torch.Tensor, backend: Backend = Backend.NUMBA) -> torch.Tensor:
        moved = torch.cat([matrices[:, :3] + changes, matrices[:, 3:]], dim=1)
        projector = Projector(one.shape, one.ijk_to_ras, moved, one.size, backend)
        return projector.adjoint(values) if adjoint else projector(values)

    unchanged = torch.zeros(len(matrices), 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(of, unchanged, eps=1e-7, atol=1e-4)
    values.requires_grad_()
    (slope,) = torch.autograd.grad(of(unchanged).square().sum(), unchanged, create_graph=True)
    with pytest.raises(NotImplementedError, match="once"):
        slope.sum().backward()


def ball(radius: float, spacing: float, center: np.ndarray, count: int) -> tuple[torch.Tensor, np.ndarray]:
    """A ball of 1 in cubic voxels that are partly filled at its surface, and its IJK-to-RAS."""
    fine = 4
    places = (torch.arange(count * fine) + 0.5) * spacing / fine - count * spacing / 2
    x, y, z = (places - c for c in center)
    inside = (x**2 + y[:, None] ** 2 + z[:, None, None] ** 2 <= radius**2).float()[None]
    ijk_to_ras = np.diag([spacing, spacing, spacing, 1.0])
    ijk_to_ras[:3, 3] = (0.5 - count / 2) * spacing
    return torch.nn.functional.avg_pool3d(inside, fine), ijk_to_ras


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("angles", [(0, 0), (30, 20), (90, 0), (-45, 45)])
def test_chords_of_a_ball(angles: tuple[float, float], parallel: bool):
    """2 sqrt(r^2 - d^2), d from the center of the ball to the ray."""
    radius, center = 9.0, np.array([2.0, -1.0, 1.5])
    volume, ijk_to_ras = ball(radius, 0.5, center, 48)
    view = Geometry(23, 19, 1.3, 100.0, 80.0, pose(*angles), parallel)
    got = Projector(volume.shape[1:], ijk_to_ras, [view])(volume)[0, 0].numpy()
    v, u = np.mgrid[:19, :23]
    pixels = np.stack([u, v, np.zeros_like(u), np.ones_like(u)], axis=-1) @ view.pixel_to_ras.T
    beams = np.broadcast_to(view.frame[:3, 2], (19, 23, 3)) if parallel else pixels[..., :3] - view.source
    beams = beams / np.linalg.norm(beams, axis=-1, keepdims=True)
    distances = np.linalg.norm(np.cross(pixels[..., :3] - center, beams), axis=-1)
    expected = 2 * np.sqrt(np.maximum(radius**2 - distances**2, 0))
    assert (distances < 0.8 * radius).sum() > 60
    np.testing.assert_allclose(got[distances < 0.8 * radius], expected[distances < 0.8 * radius], rtol=0.02)
    assert np.abs(got - expected).mean() < 0.01 * radius
    assert (got[distances > radius + 1] == 0).all()


def test_lengths_through_a_box(backend: Backend):
    """Rays that pass two opposite faces of a box find its thickness over the cosine of their angle."""
    shape, spacing = (9, 11, 5), np.array([1.5, 0.8, 2.0])
    ijk_to_ras = np.diag([*spacing, 1.0])
    box = on(backend, torch.ones(1, *shape, dtype=torch.float64))
    for angles, thickness in (((0, 0), 11 * 0.8), ((90, 0), 5 * 1.5), ((0, 90), 9 * 2.0)):
        view = Geometry(3, 3, 1.0, 100.0, 90.0, pose(*angles, 0, corners_of(shape, ijk_to_ras).mean(axis=0)))
        got = Projector(shape, ijk_to_ras, [view], backend=backend)(box)[0, 0].cpu()
        off = torch.tensor([-1.0, 0, 1]).double()
        cosine = 100 / (100**2 + off[:, None] ** 2 + off**2).sqrt()
        torch.testing.assert_close(got, thickness / cosine, rtol=1e-12, atol=0)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_body_gives_one_picture_however_it_is_stored(parallel: bool):
    """All 48 ways to order and flip the axes of an array, its IJK-to-RAS telling which."""
    rng = np.random.default_rng(4)
    values, ijk_to_ras = rng.random((5, 7, 6)), scene(9).ijk_to_ras
    view = Geometry(9, 8, 2.1, 60.0, 45.0, pose(31, 17, 5, corners_of(values.shape, ijk_to_ras).mean(0)), parallel)
    expected = Projector(values.shape, ijk_to_ras, [view])(torch.from_numpy(values[None]))
    assert expected.max() > 1
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        for flips in np.ndindex(2, 2, 2):
            to_old = np.eye(4)  # indices (i, j, k) of the new array to those of the old one
            to_old[:3, :3] = 0
            for new, old in enumerate(order):
                to_old[2 - old, 2 - new] = -1 if flips[new] else 1
                to_old[2 - old, 3] = values.shape[old] - 1 if flips[new] else 0
            stored = np.flip(values.transpose(order), [axis for axis in range(3) if flips[axis]]).copy()
            got = Projector(stored.shape, ijk_to_ras @ to_old, [view])(torch.from_numpy(stored[None]))
            assert_close(got, expected, 1e-12)


@pytest.mark.parametrize("parallel", [False, True])
def test_quarter_turns_of_body_and_view_cancel(parallel: bool):
    rng = np.random.default_rng(5)
    values, ijk_to_ras = rng.random((6, 7, 7)), np.diag([2.0, 2, 3, 1])
    ijk_to_ras[:3, 3] = -6, -6, -7.5  # the middle of the volume is the isocenter

    def picture(array: np.ndarray, azimuth: float) -> torch.Tensor:
        view = Geometry(8, 9, 3.0, 80.0, 60.0, pose(azimuth, 12, 7), parallel)
        return Projector(array.shape, ijk_to_ras, [view])(torch.from_numpy(array[None].copy()))

    for turns in (1, 2, 3):
        # One turn: what was at +I is then at +J, which is where an azimuth of 90 degrees more looks from.
        turned = np.rot90(values, turns, axes=(2, 1))
        assert_close(picture(turned, 25 + 90 * turns), picture(values, 25), 1e-12)
        assert (picture(turned, 25) - picture(values, 25)).abs().max() > 1


def test_views_and_channels_together_equal_each_alone(backend: Backend):
    many = Scene(14, (5, 6, 7), (6, 5), False)
    assert len(many.views) > 1
    x, y = on(backend, many.volume()), on(backend, many.images())
    projector = many.projector(backend)
    images, volume = projector(x), torch.zeros_like(x)
    for n, view in enumerate(many.views):
        single = Projector(many.shape, many.ijk_to_ras, [view], backend=backend)
        for c in range(len(x)):
            assert_close(images[n : n + 1, c : c + 1], single(x[c : c + 1]), 1e-12)
            volume[c : c + 1] += single.adjoint(y[n : n + 1, c : c + 1])
    assert_close(projector.adjoint(y), volume, 1e-12)


def test_any_number_of_threads_gives_the_same_bits():
    many, found = Scene(14, (70, 40, 50), (20, 30), False), []
    volume, images = many.volume(torch.float32), many.images(torch.float32)
    before = torch.get_num_threads()
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        projector = many.projector(Backend.NUMBA)
        found.append((projector(volume), projector.adjoint(images)))
    torch.set_num_threads(before)
    for projected, spread in found[1:]:
        assert torch.equal(projected, found[0][0])
        assert torch.equal(spread, found[0][1])


def test_rays_that_miss_are_zero_and_give_nothing_back(backend: Backend):
    shape, middle = (5, 5, 5), np.array([2.0, 2, 2])
    view = Geometry(21, 1, 4.0, 100.0, 50.0, pose(0, 0, 0, middle))
    projector = Projector(shape, np.eye(4), [view], backend=backend)
    image = projector(on(backend, torch.ones(1, *shape)))[0, 0, 0].cpu()
    hits = (torch.arange(21) - 10).abs() < 2
    assert (image[hits] > 4).all()
    assert (image[(torch.arange(21) - 10).abs() > 3] == 0).all()
    beside = on(backend, (image == 0).float()[None, None, None])
    assert beside.sum() > 10
    assert (projector.adjoint(beside) == 0).all()
    away = Geometry(4, 4, 1.0, 100.0, 50.0, pose(0, 0, 0, middle + 1000))
    assert (Projector(shape, np.eye(4), [away], backend=backend)(on(backend, torch.ones(1, *shape))) == 0).all()


def test_rays_end_at_source_and_detector(backend: Backend):
    """A source and a detector inside a long bar see only what is between them."""
    bar = on(backend, torch.ones(1, 3, 101, 3, dtype=torch.float64))
    view = Geometry(1, 1, 1.0, 20.2, 10.1, pose(0, 0, 0, (1, 50, 1)))
    inside = Projector((3, 101, 3), np.eye(4), [view], backend=backend)
    assert inside(bar).item() == pytest.approx(21)  # slices 40 to 60
    spread = inside.adjoint(on(backend, torch.ones(1, 1, 1, 1).double()))[0, 1, :, 1].cpu()
    assert spread[40:61].tolist() == pytest.approx([1] * 21)
    assert spread.sum().item() == pytest.approx(21)


def test_whole_numbers_and_half_precision_become_float32():
    one, pictures = scene(), {}
    for dtype in (torch.int16, torch.float16, torch.bool):
        values = (one.volume() > 0.5).to(dtype)
        pictures[dtype] = one.projector(Backend.AUTO)(values)
        assert pictures[dtype].dtype == torch.float32
        torch.testing.assert_close(pictures[dtype], one.projector(Backend.TORCH)(values.float()))


def test_volumes_that_are_not_contiguous(backend: Backend):
    one = scene()
    x = on(backend, one.volume()).permute(0, 3, 2, 1).contiguous().permute(0, 3, 2, 1)
    y = on(backend, one.images()).permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2)
    projector = one.projector(backend)
    assert_close(projector(x), projector(x.contiguous()), 1e-12)
    assert_close(projector.adjoint(y), projector.adjoint(y.contiguous()), 1e-12)


def refused(**changes: Any) -> None:
    one = scene()
    arguments = {"shape": one.shape, "ijk_to_ras": one.ijk_to_ras, "views": one.views} | changes
    Projector(**arguments)


def test_what_cannot_be_projected_is_refused():
    one = scene()
    projector = one.projector(Backend.AUTO)
    with pytest.raises(InputError, match=r"for volumes \(channels, 5, 6, 7\), not \(5, 6, 7\)"):
        projector(one.volume()[0])
    with pytest.raises(InputError, match=r"for volumes \(channels, 5, 6, 7\), not \(2, 5, 6, 6\)"):
        projector(one.volume()[..., 1:])
    with pytest.raises(InputError, match=r"for images \(\d, 2, 4, 5\), not \(\d, 2, 3, 5\)"):
        projector.adjoint(one.images()[..., 1:, :])
    with pytest.raises(InputError, match=r"for images \(\d, 1, 4, 5\), not \(4, 5\)"):
        projector.adjoint(one.images()[0, 0])
    with pytest.raises(InputError, match="need detectors of one size"):
        refused(views=[one.views[0], Geometry(3, 3, 1.0, 100.0, 50.0)])
    with pytest.raises(InputError, match="needs at least one view"):
        refused(views=[])
    for ijk_to_ras in (np.diag([1.0, 0, 1, 1]), np.full((4, 4), np.nan)):
        with pytest.raises(InputError, match="geometry is singular; give it voxels with a size above 0"):
            refused(ijk_to_ras=ijk_to_ras)


def test_reference_is_differentiable_by_itself():
    """torch's own derivative of the reference is what the projector returns."""
    one = scene()
    projector = one.projector(Backend.TORCH)
    x, y = one.volume().requires_grad_(), one.images()
    own = joseph_torch.project(x, projector._matrices, projector._to_mm, one.size)
    (expected,) = torch.autograd.grad((own * y).sum(), x)
    assert expected.abs().max() > 0
    assert_close(projector.adjoint(y), expected, 1e-12)
