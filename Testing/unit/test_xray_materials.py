"""Maps of materials: they attenuate as the HU say, show the body alone, and lie where the CT lies."""

from __future__ import annotations

import numpy as np
import pytest

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.materials import Densities, body, densities
from InverseImagingLib.xray.options import Beam
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.spectrum import Material, mass_attenuation


def ball(shape: tuple[int, int, int] = (20, 22, 24), spacing: tuple[float, float, float] = (2.0, 3.0, 4.0)) -> Image:
    """A ball of muscle in air, with fat in front, a rod of bone on the right and a bead of metal near the top."""
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = [-30.0, 12.0, 70.0]
    k, j, i = np.indices(shape)
    x, y, z = (axis * step for axis, step in zip((i, j, k), spacing, strict=True))
    center = (np.array(shape[::-1]) - 1) / 2 * spacing
    x, y, z = x - center[0], y - center[1], z - center[2]
    hu = np.full(shape, -1000, np.int16)
    inside = x**2 + y**2 + z**2 < 22**2
    hu[inside] = 45
    hu[inside & (y > 9)] = -90
    hu[inside & ((x - 10) ** 2 + y**2 < 25)] = 1100
    hu[inside & (np.abs(x) < 4) & (np.abs(y) < 4) & (np.abs(z - 12) < 5)] = 3071
    return Image(hu, matrix, Meaning.HU, "ball")


def attenuation(maps: Densities) -> np.ndarray:
    """In 1/cm at 70 keV (K, J, I)."""
    mu = [mass_attenuation(material, np.array([70.0]))[0] for material in maps.materials]
    return np.tensordot(mu, maps.array.astype(float), axes=1)


def of(maps: Densities, material: Material) -> np.ndarray:
    return maps.array[maps.materials.index(material)]


def at(maps: Densities, ras: np.ndarray) -> np.ndarray:
    """(materials, n) densities at (n, 3) points in RAS of voxel centers; 0 outside of the maps."""
    ijk = (ras - maps.ijk_to_ras[:3, 3]) @ np.linalg.inv(maps.ijk_to_ras[:3, :3]).T
    np.testing.assert_allclose(ijk, np.rint(ijk), atol=1e-6)
    i, j, k = np.rint(ijk).astype(int).T
    padded = np.pad(maps.array, [(0, 0), (1, 1), (1, 1), (1, 1)])
    k, j, i = (np.clip(index + 1, 0, n - 1) for index, n in zip((k, j, i), padded.shape[1:], strict=True))
    return padded[:, k, j, i]


def places(image: Image) -> np.ndarray:
    """(voxels, 3) RAS of the voxel centers, in the order of the array."""
    k, j, i = np.indices(image.array.shape).reshape(3, -1)
    return np.column_stack([i, j, k]) @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]


@pytest.mark.parametrize("threshold", [150.0, 250.0, 900.0])
@pytest.mark.parametrize("segmented", [False, True])
def test_maps_attenuate_at_70_kev_as_the_hu_say(threshold: float, segmented: bool) -> None:
    rng = np.random.default_rng(0)
    hu = rng.uniform(-999, 5000, (7, 8, 9)).astype(np.float32)
    image = Image(hu, np.eye(4), Meaning.HU)
    labels = image.with_array((rng.random(hu.shape) < 0.3).astype(np.uint8), meaning=Meaning.LABEL)
    maps = densities(image, labels if segmented else None, bone_threshold=threshold, remove_table=False)
    assert set(maps.materials) == {Material.SOFT_TISSUE, Material.BONE, Material.ADIPOSE, Material.METAL}
    water = mass_attenuation(Material.WATER, np.array([70.0]))[0]
    np.testing.assert_allclose(attenuation(maps), water * (1 + hu / 1000), rtol=2e-5)
    assert maps.array.min() >= 0


def test_tissues_get_their_material_and_about_their_density() -> None:
    image = ball()
    maps = densities(image)
    found = at(maps, places(image)).reshape(len(maps.materials), *image.array.shape)
    for hu, material, low, high in (
        (45, Material.SOFT_TISSUE, 1.03, 1.07),
        (-90, Material.ADIPOSE, 0.91, 0.97),
        (1100, Material.BONE, 1.4, 1.95),
        (3071, Material.METAL, 1.0, 4.6),
    ):
        for other, values in zip(maps.materials, found, strict=True):
            values = values[image.array == hu]
            assert (low < values.min() and values.max() < high) if other is material else not values.any()
    assert not found[:, image.array == -1000].any()


def test_bone_begins_softly_around_the_threshold() -> None:
    hu = np.arange(0, 600, 10, np.float32).reshape(1, 1, -1)
    maps = densities(Image(hu, np.eye(4), Meaning.HU), bone_threshold=250.0, remove_table=False)
    bone, soft = of(maps, Material.BONE)[0, 0], of(maps, Material.SOFT_TISSUE)[0, 0]
    assert not bone[hu[0, 0] <= 150].any()
    assert not soft[hu[0, 0] >= 350].any()
    assert (np.diff(bone) >= 0).all()
    assert bone[25] == pytest.approx(soft[25])  # half of each at the threshold


def test_a_segmentation_says_what_is_bone() -> None:
    image = ball()
    labels = np.zeros(image.array.shape, np.uint8)
    labels[image.array == 45] = 7
    maps = densities(image, image.with_array(labels, meaning=Meaning.LABEL))
    found = at(maps, places(image)).reshape(len(maps.materials), *image.array.shape)
    bone = found[maps.materials.index(Material.BONE)]
    assert (bone[labels > 0] > 0.5).all()
    assert not bone[labels == 0].any()  # however dense


def test_the_paper_knows_its_line_and_two_materials_only() -> None:
    image = ball()
    maps = densities(image, beam=Beam.PAPER, bone_threshold=300.0)
    assert maps.materials == (Material.SOFT_TISSUE, Material.BONE)
    assert maps.array.shape[1:] == image.array.shape  # air counts as tissue
    np.testing.assert_allclose(maps.array.sum(0), 0.0008088 * image.array + 1.030, rtol=1e-5)
    assert of(maps, Material.SOFT_TISSUE)[0, 0, 0] == pytest.approx(0.2212)
    np.testing.assert_array_equal(of(maps, Material.BONE) > 0, image.array > 300)


def with_table(image: Image) -> Image:
    """The patient on a curved shell behind the back, with its foam pad, a little apart."""
    hu = np.pad(image.array, [(0, 0), (14, 0), (0, 0)], constant_values=-1000)
    matrix = image.ijk_to_ras.copy()
    matrix[:3, 3] -= 14 * matrix[:3, 1]
    i = np.arange(hu.shape[2])
    depth = np.rint(8 * ((i - i.mean()) / i.mean()) ** 2).astype(int)
    for shift, value in ((1, 150), (2, -850), (3, -850), (4, 150)):
        hu[:, depth + shift, i] = value
    return Image(hu, matrix, Meaning.HU, "on a table")


def test_the_body_is_found_with_its_lungs_and_without_the_table() -> None:
    image = phantom(Anatomy.THORAX, 96, 0)
    lying = with_table(image)
    found = body(lying.array.astype(np.float32), lying.ijk_to_ras)[:, 14:]
    tissue = image.array > -990
    assert found[tissue].mean() > 0.995
    assert found[(image.array > -900) & (image.array < -750)].mean() > 0.999
    assert not body(lying.array.astype(np.float32), lying.ijk_to_ras)[:, :10].any()
    alone, freed, kept = densities(image), densities(lying), densities(lying, remove_table=False)
    assert freed.materials == alone.materials
    np.testing.assert_array_equal(freed.array, alone.array)
    np.testing.assert_allclose(freed.ijk_to_ras, alone.ijk_to_ras, atol=1e-9)
    assert kept.array.sum() > 1.02 * alone.array.sum()


def test_a_table_is_dropped_from_a_few_thick_slices() -> None:
    hu = np.full((3, 60, 60), -1000, np.float32)
    j, i = np.indices((60, 60))
    disc = (i - 30) ** 2 + (j - 35) ** 2 < 20**2
    hu[:, disc] = 40
    hu[:, 14:16, 5:55] = 200  # touches the disc
    found = body(hu, np.diag([1.0, 1.0, 5.0, 1.0]))
    assert found[:, disc].all()
    assert not found[:, 14:16, 5:20].any()
    assert not found[:, 14:16, 40:].any()


def test_both_arms_or_legs_are_kept() -> None:
    hu = np.full((10, 30, 60), -1000, np.float32)
    hu[:, 8:22, 5:20] = 40
    hu[:, 8:22, 40:52] = 40
    assert body(hu, np.diag([2.0, 2.0, 2.0, 1.0]))[hu > 0].all()


def oblique() -> np.ndarray:
    """A rotation about no axis of the patient, 4 x 4."""
    a, b = 0.35, -0.5
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ tip
    return matrix


@pytest.mark.parametrize("turn", [np.eye(4), oblique()], ids=["straight", "oblique"])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)], ids=["kji", "jik", "ijk"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_one_body_has_the_same_maps_however_it_is_stored(
    turn: np.ndarray, order: tuple[int, int, int], mirrored: bool
) -> None:
    straight = ball()
    image = Image(straight.array, turn @ straight.ijk_to_ras, Meaning.HU, "ball")
    columns = [2 - order[2], 2 - order[1], 2 - order[0], 3]  # of the matrix, for I, J, K of the new array
    array, matrix = image.array.transpose(order), image.ijk_to_ras[:, columns]
    if mirrored:
        matrix = matrix @ np.array([[-1, 0, 0, array.shape[2] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
        array = array[:, :, ::-1]
    stored = Image(np.ascontiguousarray(array), matrix, Meaning.HU, "stored otherwise")
    maps, same = densities(image), densities(stored)
    assert same.materials == maps.materials
    points = places(image)
    np.testing.assert_array_equal(at(same, points), at(maps, points))
    assert at(maps, points).any()
    for one, other in ((maps, same), (same, maps)):  # the hulls hold each other's corners
        assert (np.column_stack([one.corners, np.ones(len(one.corners))]) @ other.hull.T).max() < 1e-6


def test_the_hull_holds_the_body_and_little_else() -> None:
    image = ball()
    maps = densities(image)
    points = np.column_stack([places(image), np.ones(image.array.size)])
    within = (points @ maps.hull.T).max(axis=1).reshape(image.array.shape) <= 0
    assert within[image.array > -1000].all()
    center = (image.ijk_to_ras @ [*(np.array(image.array.shape[::-1]) - 1) / 2, 1.0])[:3]
    far = np.linalg.norm(places(image) - center, axis=1).reshape(image.array.shape) > 22 + np.linalg.norm(image.spacing)
    assert far.any()
    assert not within[far].any()


@pytest.mark.parametrize("shape", [(20, 22, 24), (19, 21, 23)], ids=["even", "odd"])
def test_a_draft_keeps_mass_and_place(shape: tuple[int, int, int]) -> None:
    image = ball(shape)
    array = np.where(image.array == 45, 45, -1000)  # one tissue, where the density follows the HU in a line
    image = image.with_array(array)
    full, draft = (densities(image, draft=draft, remove_table=False) for draft in (False, True))
    np.testing.assert_allclose(draft.ijk_to_ras[:3, :3], 2 * full.ijk_to_ras[:3, :3])

    def attenuates(maps: Densities) -> tuple[float, np.ndarray]:
        """In all, and its center in RAS."""
        values = attenuation(maps)
        k, j, i = np.indices(values.shape)
        center = [np.average(axis, weights=values) for axis in (i, j, k)]
        return values.sum() * abs(np.linalg.det(maps.ijk_to_ras[:3, :3])), maps.ijk_to_ras @ [*center, 1.0]

    (total, center), (total_draft, center_draft) = attenuates(full), attenuates(draft)
    assert total_draft == pytest.approx(total, rel=1e-3)
    np.testing.assert_allclose(center_draft, center, atol=0.15)  # half a voxel is 1 mm


def test_the_ct_is_left_as_it_was() -> None:
    image = with_table(phantom(Anatomy.LIMB, 32, 0))
    before = image.array.copy()
    densities(image, draft=True)
    np.testing.assert_array_equal(image.array, before)


CT = np.linspace(-1000, 800, 60).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("array", "meaning", "says"),
    [
        (
            np.arange(60.0).reshape(3, 4, 5),
            Meaning.SCALAR,
            "'scan' holds 0 to 59, as an 8-bit picture does; a CT in HU",
        ),
        (CT, Meaning.DISPLAY, "'scan' is a display image; a CT in HU is needed"),
        (np.zeros((3, 4, 5, 3), np.uint8), Meaning.RGB, "'scan' is a color image"),
        (np.zeros((3, 4, 5, 3), np.uint8), Meaning.SCALAR, "'scan' is a color image"),
        (CT, Meaning.LABEL, "'scan' is a label image"),
        (np.where(CT > 700, np.nan, CT), Meaning.HU, "'scan' holds NaN or infinite values; replace them"),
        (np.where(CT > 700, np.inf, CT), Meaning.HU, "'scan' holds NaN or infinite values; replace them"),
        (CT + 1024, Meaning.SCALAR, r"no air at about -1000 HU; convert it to HU \(subtract 1024"),
        (np.full((3, 4, 5), -1000.0), Meaning.HU, "'scan' holds nothing but air; choose a CT"),
        (np.full((3, 4, 5), -1024), Meaning.HU, "'scan' holds nothing but air; choose a CT"),
    ],
    ids=["8-bit", "display", "rgb", "color", "label", "nan", "inf", "stored values", "air", "padding"],
)
@pytest.mark.parametrize("beam", Beam)
def test_what_is_no_ct_is_refused(array: np.ndarray, meaning: Meaning, says: str, beam: Beam) -> None:
    with pytest.raises(InputError, match=says):
        densities(Image(array, np.eye(4), meaning, "scan"), beam=beam)


def test_a_segmentation_of_another_grid_is_refused() -> None:
    image = ball()
    labels = image.with_array((image.array > 300).astype(np.uint8), meaning=Meaning.LABEL, name="bones")
    moved = image.ijk_to_ras.copy()
    moved[0, 3] += 1.0
    for wrong in (labels.with_array(labels.array[1:]), labels.with_array(labels.array, ijk_to_ras=moved)):
        with pytest.raises(InputError, match="Segmentation 'bones' lies on another grid than 'ball'; resample it"):
            densities(image, wrong)
