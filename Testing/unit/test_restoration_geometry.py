from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from restoration_samples import volume

from CTRestorationLib.options import Direction, Plane, RestorationOptions, Task, Tier
from CTRestorationLib.restore import restore
from CTRestorationLib.slices import finer_geometry, slice_axis
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.slices import slice_range

matrices = st.lists(st.floats(-3, 3), min_size=12, max_size=12).map(
    lambda values: np.vstack([np.reshape(values, (3, 4)), [0, 0, 0, 1]])
)


@given(matrix=matrices, factors=st.tuples(*[st.sampled_from([1, 2, 4, 8])] * 3))
def test_finer_voxels_fill_the_same_box(matrix: np.ndarray, factors: tuple[int, int, int]) -> None:
    shape = np.array([5, 6, 7])  # K, J, I
    fine = finer_geometry(matrix, factors)
    for corner in np.ndindex(2, 2, 2):
        at = np.array(corner[::-1])
        coarse_corner = np.append(at * shape[::-1] - 0.5, 1.0)
        fine_corner = np.append(at * (shape * factors)[::-1] - 0.5, 1.0)
        np.testing.assert_allclose(fine @ fine_corner, matrix @ coarse_corner, atol=1e-9)


@given(seed=st.integers(0, 10000))
def test_each_plane_has_its_own_axis(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * rng.uniform(0.3, 5, 3)
    image = Image(np.zeros((2, 3, 4)), matrix)
    axes = {plane: slice_axis(image, plane) for plane in Plane}
    assert sorted(axes.values()) == [0, 1, 2]


@settings(max_examples=20)
@given(order=st.permutations([0, 1, 2]), signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
def test_axis_of_permuted_and_mirrored_grids(order: list[int], signs: tuple[float, ...]) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = 0.0
    for column, (row, sign) in enumerate(zip(order, signs, strict=True)):
        matrix[row, column] = sign
    image = Image(np.zeros((2, 3, 4)), matrix)
    for plane, row in ((Plane.SAGITTAL, 0), (Plane.CORONAL, 1), (Plane.AXIAL, 2)):
        assert slice_axis(image, plane) == 2 - order.index(row)


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("direction", list(Direction))
def test_super_resolution_keeps_the_center_and_divides_the_spacing(plane: Plane, direction: Direction) -> None:
    image = volume((9, 12, 10))
    options = RestorationOptions(
        task=Task.SUPER_RESOLUTION, tier=Tier.INSTANT, factor=2, plane=plane, direction=direction, slices="0:9"
    )
    result = restore(image, options).images["result"]
    axis = slice_axis(image, plane)
    doubled = [(n == axis) == (direction is Direction.THROUGH_PLANE) for n in range(3)]
    shape = [min(n, 9) if a == axis else n for a, n in enumerate(image.array.shape)]
    assert result.array.shape == tuple(n * (2 if d else 1) for n, d in zip(shape, doubled, strict=True))
    for own, old, d in zip(result.spacing[::-1], image.spacing[::-1], doubled, strict=True):
        assert own == pytest.approx(old / (2 if d else 1))
    center = result.ijk_to_ras @ np.append((np.array(result.array.shape[::-1]) - 1) / 2, 1)
    np.testing.assert_allclose(center, image.ijk_to_ras @ np.append((np.array(shape[::-1]) - 1) / 2, 1), atol=1e-9)


def test_super_resolution_of_a_range_lies_where_it_was() -> None:
    image = volume((6, 16, 16))
    options = RestorationOptions(task=Task.SUPER_RESOLUTION, tier=Tier.INSTANT, factor=2, slices="2:4")
    result = restore(image, options)
    assert result.images["result"].array.shape == (2, 32, 32)
    assert result.images["residual"].array.shape == (2, 16, 16)
    first = result.images["residual"].ijk_to_ras @ [0, 0, 0, 1]
    np.testing.assert_allclose(first, image.ijk_to_ras @ [0, 0, 2, 1])


def test_unprocessed_slices_are_the_input() -> None:
    image = volume((4, 24, 24))
    result = restore(image, RestorationOptions(tier=Tier.INSTANT, slices="1:2"))
    restored, residual = result.images["result"], result.images["residual"]
    assert restored.array.dtype == np.float32
    np.testing.assert_array_equal(restored.ijk_to_ras, image.ijk_to_ras)
    np.testing.assert_array_equal(restored.array[[0, 2, 3]], image.array[[0, 2, 3]])
    assert np.abs(restored.array[1] - image.array[1]).max() > 1.0
    np.testing.assert_allclose(residual.array, image.array - restored.array, atol=1e-4)
    assert any("slices 1 to 1" in sentence for sentence in result.report["warnings"])


@pytest.mark.parametrize(
    ("text", "expected"), [("", range(5)), ("1:3", range(1, 3)), (":-1", range(4)), ("2:", range(2, 5))]
)
def test_slice_range(text: str, expected: range) -> None:
    assert slice_range(text, 5) == expected


@pytest.mark.parametrize("text", ["3", "a:b", "1:2:3", "3:3", "4:2", "0:6", "-9:2", "1.5:2"])
def test_bad_slice_range(text: str) -> None:
    with pytest.raises(InputError, match=r"[Ss]lice"):
        slice_range(text, 5)


def test_previews_lie_on_their_slice() -> None:
    image = volume((3, 24, 32))
    seen = []

    def watch(progress) -> None:  # type: ignore[no-untyped-def]
        if progress.preview is not None:
            seen.append(progress.preview)

    restore(image, RestorationOptions(tier=Tier.FAST, slices="1:2"), watch)
    assert seen
    assert seen[0].array.shape == (1, 24, 32)
    assert seen[0].meaning is Meaning.HU
    np.testing.assert_allclose(seen[0].ijk_to_ras @ [0, 0, 0, 1], image.ijk_to_ras @ [0, 0, 1, 1])
