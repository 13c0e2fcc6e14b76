"""Which backend computes, and what compiling costs; what they compute is in test_xray_projector."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import torch

from InverseImagingLib.errors import InputError
from InverseImagingLib.xray import joseph_lanes, joseph_numba
from InverseImagingLib.xray.geometry import Geometry, pose
from InverseImagingLib.xray.projector import Backend, Projector, choose_backend

VIEW = Geometry(3, 3, 1.0, 100.0, 50.0)


def test_the_backend_follows_the_device(monkeypatch: pytest.MonkeyPatch):
    cpu, cuda, mps = map(torch.device, ("cpu", "cuda", "mps"))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("shutil.which", lambda name: name)
    assert [choose_backend(device) for device in (cpu, cuda, mps)] == [Backend.NUMBA, Backend.TRITON, Backend.TORCH]
    assert choose_backend(cuda, Backend.TORCH) is Backend.TORCH
    assert choose_backend(cuda, Backend.TRITON) is Backend.TRITON
    with pytest.raises(InputError, match="numba computes on the CPU only; choose triton or torch"):
        choose_backend(cuda, Backend.NUMBA)
    with pytest.raises(InputError, match="triton computes on CUDA only, not on cpu; choose auto or torch"):
        Projector((2, 2, 2), np.eye(4), [VIEW], backend=Backend.TRITON)(torch.ones(1, 2, 2, 2))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert choose_backend(cuda) is Backend.TORCH
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("numba", "triton") else name)
    assert [choose_backend(device) for device in (cpu, cuda)] == [Backend.TORCH, Backend.TORCH]
    with pytest.raises(InputError, match="The package triton is missing; install it, or choose another backend"):
        choose_backend(cuda, Backend.TRITON)


@pytest.mark.parametrize("shape", [(300, 9, 20), (20, 300, 9), (9, 20, 300)])
def test_long_volumes_and_tall_detectors_in_parts(shape: tuple[int, int, int]):
    """Slices and rows that several threads share give what the reference gives, and so do their ends."""
    generator, ijk_to_ras = torch.Generator().manual_seed(1), np.diag([1.0, 1.0, 1.0, 1.0])
    ijk_to_ras[:3, 3] = -0.5 * (np.array(shape[::-1]) - 1)
    volume = torch.rand(1, *shape, generator=generator, dtype=torch.float64)
    views = [
        Geometry(37, 45, 8.0, 900.0, 600.0, pose(*angles))
        for angles in ((0, 0, 0), (80, 10, 30), (45, 35, 0), (10, 80, 5))
    ]
    fast, exact = (Projector(shape, ijk_to_ras, views, backend=kind) for kind in (Backend.NUMBA, Backend.TORCH))
    images = exact(volume)
    assert images.max() > 5
    torch.testing.assert_close(fast(volume), images, rtol=1e-10, atol=1e-10)
    back = exact.adjoint(images)
    torch.testing.assert_close(fast.adjoint(images), back, rtol=1e-10, atol=1e-8)


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages of memory as Linux does")
def test_numba_reads_and_writes_nothing_beside_the_volume():
    """Volumes end, or begin, where pages begin that no program may touch; it would not live to print."""
    program = """
import ctypes, mmap
import numpy as np
from InverseImagingLib.xray import joseph_numba as joseph
from InverseImagingLib.xray.geometry import Geometry, pose

PAGE, protect, kept = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True).mprotect, []

def guarded(shape, at_end):
    size = 4 * int(np.prod(shape))
    room = -(-size // PAGE) * PAGE
    memory = mmap.mmap(-1, room + 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (start, start + PAGE + room):
        assert protect(ctypes.c_void_p(page), PAGE, 0) == 0
    kept.append(memory)
    offset = PAGE + (room - size if at_end else 0)
    return np.frombuffer(memory, np.float32, size // 4, offset).reshape(shape)

rng, seen = np.random.default_rng(5), 0
for scene in range(60):
    shape = tuple(rng.integers(2, 40, 3))
    volume = guarded((1, *shape), bool(scene % 2))
    volume[:] = 1
    to_ras = np.eye(4)
    to_ras[:3, 3] = -(np.array(shape[::-1]) - 1) / 2
    extent = float(np.linalg.norm(shape))
    size = tuple(map(int, rng.integers(1, 50, 2)))
    sid = extent * rng.uniform(0.5, 4)
    angles = rng.choice([0.0, 90.0, 45.0], 3) if scene % 3 == 0 else rng.uniform(-180, 180, 3)
    place, pixel = pose(*map(float, angles)), 1.3 * extent / max(size)
    view = Geometry(size[1], size[0], pixel, sid + extent, sid, place, scene % 4 == 0)
    matrices, to_mm = (np.linalg.inv(to_ras) @ view.matrix)[None], np.eye(3)
    images = joseph.project(volume, matrices, to_mm, size, 1)
    assert np.isfinite(images).all()
    seen += images.max() > 1
    for a in np.flatnonzero(joseph.measure(matrices, to_mm, *size, volume.dtype)[1].any(axis=0)):
        joseph._march(volume, np.ones_like(images), matrices, int(a), 0, shape[2 - a], 0, True)
    assert np.isfinite(volume).all()
print(seen)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 30


def test_more_voxels_than_can_be_counted():
    with pytest.raises(InputError, match="more than four billion voxels"):
        Projector((2048, 2048, 1024), np.eye(4), [VIEW], backend=Backend.NUMBA)(
            torch.zeros(1).expand(1, 2048, 2048, 1024)
        )


def test_another_process_compiles_nothing_again():
    """What numba compiled here for two kinds of numbers is taken from its cache."""
    projector = Projector((2, 2, 2), np.eye(4), [VIEW], backend=Backend.NUMBA)
    for dtype in (torch.float32, torch.float64):
        projector.adjoint(projector(torch.ones(1, 2, 2, 2, dtype=dtype)))
    program = """
import numpy as np
from InverseImagingLib.xray import joseph_numba as joseph
for kind in (np.float32, np.float64):
    matrices = np.array([[[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, -9, 20], [0, 0, 0, 1]]], np.float64)
    images = joseph.project(np.ones((1, 3, 3, 3), kind), matrices, np.eye(3), (3, 3), 1)
    assert images.max() > 2.9 and joseph.backproject(images, matrices, np.eye(3), (3, 3, 3), 1).max() > 0
for function in (joseph.measure, joseph._march):
    print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["2", "0"] * 2, ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="triton is made for Linux only")
def test_triton_compiles_for_a_gpu():
    """The interpreter allows what the compiler does not. No GPU is needed for compiling."""
    pytest.importorskip("triton", reason="pip install -r requirements-dev.txt brings triton")
    program = """
import triton, triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from InverseImagingLib.xray import joseph_triton as joseph
ones = dict.fromkeys(("n_i", "n_j", "n_k", "height", "width"), 1)
for kind, adjoint, tile, sides in (
    ("fp32", False, joseph.ACROSS, {}), ("fp64", True, joseph.ALONG, {}), ("fp32", True, joseph.ACROSS, ones)
):
    arrays = {"volume": "*" + kind, "images": "*" + kind, "views": "*fp64"}
    constants = dict(ADJOINT=adjoint, COLUMNS=tile[0], ROWS=tile[1], SLICES=tile[2], INDEX=tl.int32, **sides)
    kinds = {name: arrays.get(name, "constexpr" if name in constants else "i32") for name in joseph._march.arg_names}
    made = triton.compile(ASTSource(joseph._march, kinds, constants), target=GPUTarget("cuda", 90, 32))
    print(made.asm["ptx"].count("atom.global"), len(made.asm["cubin"]) > 1000)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TRITON_INTERPRET": "0"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    atomics, made = ran.stdout.split()[::2], ran.stdout.split()[1::2]
    assert made == ["True"] * 3, ran.stderr
    assert atomics[0] == "0"
    assert min(map(int, atomics[1:])) >= 4


def test_what_numba_keeps_is_of_these_lanes():
    """Else a change of joseph_lanes.py would not reach who has compiled the file that uses it."""
    lanes = Path(joseph_lanes.__file__).read_bytes().replace(b"\r\n", b"\n")
    assert hashlib.sha256(lanes).hexdigest() == joseph_numba.LANES_ARE


def test_compiled_where_nothing_can_be_kept():
    scope = {}
    exec(compile("def double(x): return 2 * x", "<nowhere>", "exec"), scope)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(scope["double"])
    assert joseph_numba._compiled()(scope["double"])(21) == 42
