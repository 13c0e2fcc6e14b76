"""Phantoms: the same body at every size and for every run, with the HU, bones and sides of a body."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import ndimage

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.phantoms import Anatomy, phantom, phantom_with_bone, shapes

ANATOMIES = list(Anatomy)


@functools.cache
def made(anatomy: Anatomy, size: int, seed: int = 0) -> tuple[Image, Image]:
    """A phantom and its bones, painted once for all tests, which only read them."""
    return phantom_with_bone(anatomy, size, seed)


def positions(image: Image, mask: np.ndarray) -> np.ndarray:
    """(n, 3) RAS in mm of the voxels of a mask."""
    ijk = np.argwhere(mask)[:, ::-1]
    return ijk @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_a_seed_gives_one_body_and_another_seed_another(anatomy: Anatomy) -> None:
    first, again, other = made(anatomy, 48, 2)[0].array, phantom(anatomy, 48, 2).array, phantom(anatomy, 48, 4).array
    np.testing.assert_array_equal(first, again)
    assert other.shape != first.shape or np.abs(other.astype(float) - first).mean() > 20


@pytest.mark.parametrize("anatomy", ANATOMIES)
@pytest.mark.parametrize("size", [16, 50, 64])
def test_the_field_has_one_place_and_extent_at_every_size(anatomy: Anatomy, size: int) -> None:
    (image, _), (fine, _) = made(anatomy, size), made(anatomy, 96)
    assert image.array.dtype == np.int16
    assert image.meaning is Meaning.HU
    assert max(image.array.shape) == size
    assert np.ptp(image.spacing) < 1e-9
    shape, fine_shape = np.array(image.array.shape[::-1]), np.array(fine.array.shape[::-1])
    np.testing.assert_allclose(shape * image.spacing, fine_shape * fine.spacing, atol=image.spacing[0])
    middle = image.ijk_to_ras @ [*(shape - 1) / 2, 1]
    np.testing.assert_allclose(middle, [0, 0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(image.ijk_to_ras[:3, :3], np.diag(image.spacing))


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_the_body_is_the_same_at_another_size(anatomy: Anatomy) -> None:
    coarse, fine = (made(anatomy, size)[0].array.astype(float) for size in (64, 128))
    if (np.array(fine.shape) != 2 * np.array(coarse.shape)).any():
        fine = ndimage.zoom(fine, 2 * np.array(coarse.shape) / fine.shape, order=1, grid_mode=True, mode="nearest")
    small = fine.reshape(*(m for n in coarse.shape for m in (n, 2))).mean((1, 3, 5))
    assert np.corrcoef(small.ravel(), coarse.ravel())[0, 1] > 0.98
    assert abs(small.mean() - coarse.mean()) < 10


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_painting_by_parts_gives_the_same_body(anatomy: Anatomy, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(anatomy, 48, 2)
    monkeypatch.setattr(shapes, "_AT_ONCE", whole[0].array.size // 2)  # in three parts, as rows are whole
    for image, part in zip(whole, phantom_with_bone(anatomy, 48, 2), strict=True):
        np.testing.assert_allclose(part.array, image.array, atol=1)
        np.testing.assert_array_equal(part.ijk_to_ras, image.ijk_to_ras)


@pytest.mark.parametrize("anatomy", ANATOMIES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bones_are_where_the_mask_says(anatomy: Anatomy, seed: int) -> None:
    image, bone = made(anatomy, 96, seed)
    assert bone.meaning is Meaning.LABEL
    assert bone.array.dtype == np.uint8
    np.testing.assert_array_equal(bone.ijk_to_ras, image.ijk_to_ras)
    assert set(np.unique(bone.array)) == {0, 1}
    inside = bone.array == 1
    dense = image.array > (600 if anatomy is Anatomy.THORAX else 800)  # ribs are thinner than these voxels
    assert inside[dense].mean() > 0.98  # what is dense is bone
    assert np.median(image.array[inside]) > 200
    assert np.mean(image.array[inside] > -150) > 0.97  # marrow is fat at the least
    liters = inside.sum() * np.prod(image.spacing) / 1e6
    assert {Anatomy.THORAX: 0.5, Anatomy.SKULL: 0.35, Anatomy.LIMB: 0.04}[anatomy] < liters < 1.6


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_values_are_those_of_tissues(anatomy: Anatomy) -> None:
    array = made(anatomy, 96)[0].array
    assert array.min() == -1000
    assert array.max() <= 3071
    corner = (0, -1, 0)  # at the feet, in front, beside
    assert array[corner] == -1000
    counts = np.histogram(array, [-1024, -950, -700, -150, -50, 20, 80, 3072])[0] / array.size
    assert counts[0] > 0.15  # air
    assert counts[3] > 0.02  # fat
    assert counts[5] > 0.05  # muscle


def test_a_head_has_teeth_with_enamel() -> None:
    assert made(Anatomy.SKULL, 192)[0].array.max() > 2200


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_chest_has_two_lungs_and_its_heart_on_the_left(seed: int) -> None:
    image, _ = made(Anatomy.THORAX, 96, seed)
    parts, count = ndimage.label((image.array > -940) & (image.array < -600))
    sizes = ndimage.sum_labels(np.ones(parts.shape), parts, np.arange(1, count + 1))
    largest = np.argsort(sizes)[-2:] + 1
    lungs = sorted((positions(image, parts == n) for n in largest), key=lambda points: points[:, 0].mean())
    left, right = lungs
    assert left[:, 0].mean() < -40
    assert right[:, 0].mean() > 40
    liter = np.prod(image.spacing) / 1e6
    assert 1.0 < len(left) * liter < len(right) * liter < 4.5  # the heart takes from the left one
    # Soft tissue between the lungs, in front of the spine.
    top, bottom = right[:, 2].max(), right[:, 2].min()
    soft = positions(image, (image.array > 20) & (image.array < 90))
    between = (np.abs(soft[:, 0]) < 85) & (np.abs(soft[:, 1] - 20) < 25)
    level = bottom + np.array([0.37, 0.46]) * (top - bottom)
    heart = soft[between & (soft[:, 2] > level[0]) & (soft[:, 2] < level[1])]
    assert heart[:, 0].mean() < -4


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ribs_cross_the_side_of_the_chest_one_below_the_other(seed: int) -> None:
    image, bone = made(Anatomy.THORAX, 96, seed)
    middle = bone.array.shape[1] // 2
    for side in (-1, 1):
        parts, count = ndimage.label(bone.array[:, middle, :])
        at = image.ijk_to_ras
        wall = 0
        for k, i in ndimage.center_of_mass(parts > 0, parts, np.arange(1, count + 1)):
            x, z = side * (at[0, 0] * i + at[0, 3]), at[2, 2] * k + at[2, 3]
            wall += 95 < x < 165 and z < 60
        assert 5 <= wall <= 10


def volumes(bone: Image) -> np.ndarray:
    """The volumes of separate bones in ml, the largest first."""
    parts, _ = ndimage.label(bone.array)
    return np.sort(np.bincount(parts.ravel())[1:])[::-1] * np.prod(bone.spacing) / 1000


def test_a_head_is_nearly_symmetrical_and_its_jaw_a_bone_of_its_own() -> None:
    _, bone = made(Anatomy.SKULL, 192)
    rest, jaw = volumes(bone)[:2]
    assert 50 < jaw < 120 < rest / 3
    assert 0.9 < (bone.array & bone.array[:, :, ::-1]).sum() / bone.array.sum() < 1


def test_a_knee_has_four_bones_and_its_patella_in_front() -> None:
    image, bone = made(Anatomy.LIMB, 192, 0)
    femur, tibia, patella, fibula = volumes(bone)
    assert femur > tibia > 5 * patella > 5 * fibula > 20
    parts, _ = ndimage.label(bone.array)
    front = parts[bone.array.nonzero()][np.argmax(positions(image, bone.array == 1)[:, 1])]
    assert (parts == front).sum() * np.prod(image.spacing) / 1000 == pytest.approx(patella)


def test_the_joints_of_a_hand_are_open() -> None:
    _, bone = made(Anatomy.LIMB, 256, 4)
    fingers = volumes(bone)[1:]  # the largest is the palm
    assert ((fingers > 0.1) & (fingers < 8)).sum() >= 14  # phalanges


def test_limbs_are_knees_and_hands_of_either_side() -> None:
    images = [made(Anatomy.LIMB, 32, seed)[0] for seed in range(10)]
    assert len({image.array.shape for image in images}) == 2
    sides = {np.sign((positions(image, image.array > 250)[:, 0]).mean()) for image in images}
    assert sides == {-1, 1}


@pytest.mark.parametrize("size", [15, 0, -3, 64.0, True])
def test_a_wrong_size_is_refused(size: object) -> None:
    with pytest.raises(InputError, match="size"):
        phantom(Anatomy.THORAX, size)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_a_wrong_seed_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="seed"):
        phantom(Anatomy.THORAX, 32, seed)  # type: ignore[arg-type]


def test_an_unknown_anatomy_is_refused() -> None:
    with pytest.raises(InputError, match="thorax"):
        phantom("tail", 32)  # type: ignore[arg-type]


def test_a_size_beyond_the_memory_is_refused_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"GiB.*choose a smaller size"):
        phantom(Anatomy.THORAX, 10**9)
    monkeypatch.setattr("InverseImagingLib.device.free_memory", lambda _: 2**30)
    with pytest.raises(InputError, match=r"about 1\.2 GiB, but 1\.0 GiB are free"):
        phantom(Anatomy.SKULL, 700)
