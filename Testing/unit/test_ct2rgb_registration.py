"""Cryosections and a CT of the same body: that they are laid on each other, and the pairs that come of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from CT2RGBLib.training import pairs, registration
from CT2RGBLib.training.alignment import Volume, aligned, overlap
from CT2RGBLib.training.registration import prepare_registered
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, write

COUNTS, SPACING = (32, 46, 56), (6.0, 4.0, 4.0)  # mm along K, J, I
HU = np.array([-1000, -100, 50, 700, -800])  # air, fat, muscle, bone, lung
COLORS = np.array([[40, 60, 200], [225, 195, 140], [110, 45, 38], [215, 195, 165], [70, 42, 36]])
BRIGHTNESS = np.array([0, 200, 60, 198, 45])


def tissues(points: np.ndarray) -> np.ndarray:
    """Of a torso around the origin, at points (..., 3) in mm: to the left, to the back, to the head."""
    x, y, z = np.moveaxis(points, -1, 0)
    size = np.sqrt((1 - (z / 80) ** 4).clip(1e-3))
    depth = np.hypot(x / (90 * size), y / (62 * size))
    found = np.where(depth < 1, np.where(depth < 0.85, 2, 1), 0)
    for side in (-38, 38):
        found[((x - side) / 26) ** 2 + ((y + 8) / 30) ** 2 + (z / 50) ** 2 < 1] = 4
    rib = (np.abs(np.hypot(x / 72, y / 46) - 1) < 0.08) & (np.cos(z / 5) > 0.2)
    spine = np.hypot(x, y - 38) < 12
    found[(rib | spine) & (depth < 0.85)] = 3
    return found


def grid() -> np.ndarray:
    """Points (K, J, I, 3) in mm around the origin."""
    index = np.stack(np.indices(COUNTS), axis=-1) - np.array(COUNTS) / 2
    return (index * SPACING)[..., ::-1]


def back(points: np.ndarray) -> np.ndarray:
    """Where points of the cryosections were in the CT: turned, stretched, moved, and softly deformed."""
    turn = np.array([[0.996, -0.087, 0], [0.087, 0.996, 0], [0, 0, 1]]) @ np.diag([1.06, 0.95, 1.03])
    x, y, _ = np.moveaxis(points, -1, 0)
    soft = 6 * np.stack([np.sin(y / 35), np.cos(x / 40), np.sin(y / 45)], axis=-1)
    return points @ turn.T + [9, -7, 6] + soft


def volume(points: np.ndarray, values: np.ndarray) -> Volume:
    found = tissues(points)
    noise = np.random.default_rng(0).normal(0, 8, found.shape)
    made = [
        sitk.GetImageFromArray(array) for array in ((values[found] + noise).astype(np.float32), np.uint8(found > 0))
    ]
    for image in made:
        image.SetSpacing(SPACING[::-1])
        image.SetOrigin(grid()[0, 0, 0].tolist())
    return Volume(*made)


def test_pictures_of_other_intensities_are_laid_on_each_other():
    points = grid()
    fixed, moving = volume(points, HU + 1000), volume(back(points), BRIGHTNESS)
    inside = points[tissues(points) > 0][::10]

    def pixels_off(transform: sitk.Transform) -> float:
        found = np.array([transform.TransformPoint(point.tolist()) for point in inside])
        return float(np.linalg.norm(back(found) - inside, axis=-1).mean() / SPACING[1])

    transform = aligned(fixed, moving)
    assert pixels_off(sitk.Transform()) > 3
    assert pixels_off(transform) < 1.5
    affine = sitk.CompositeTransform(transform).GetNthTransform(0)
    assert pixels_off(transform) < 0.8 * pixels_off(affine)
    assert overlap(fixed, moving, sitk.Transform()) < 0.9 < 0.95 < overlap(fixed, moving, transform)


# Pairs

SHIFT = np.array([8.0, -4.0, -300.0])  # mm from the CT to the cryosections


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of cryosections, with twice the pixels, and a CT whose slices run to the feet."""
    folder, ct = tmp_path / "sections", tmp_path / "ct.nrrd"
    folder.mkdir()
    points = grid() - SHIFT * [1, 1, 0]
    for number, rgb in enumerate(COLORS[tissues(points)].astype(np.uint8)):
        position = 300 - 6 * number
        picture = rgb.repeat(2, axis=0).repeat(2, axis=1)
        write(Image(picture[None], meaning=Meaning.RGB), folder / f"vm_{position:04d}.png")
    lps = np.diag([*SPACING[:0:-1], -SPACING[0], 1.0])
    hu = HU[tissues(grid())][::-1].astype(np.int16)
    write(Image(np.ascontiguousarray(hu), np.diag([-1, -1, 1, 1]) @ lps, Meaning.HU), ct)
    return folder, ct


def moved_by(shift: np.ndarray) -> sitk.Transform:
    return sitk.TranslationTransform(3, shift.tolist())


def test_sections_have_the_hu_of_the_ct_and_the_colors_of_the_same_place(
    sources: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registration, "aligned", lambda fixed, moving: moved_by(SHIFT))
    folder, ct = sources
    said: list[str] = []
    prepare_registered(folder, tmp_path / "data", ct, pixel=2.0, say=said.append)
    found = [section for name in ("train", "test", "gap") for section in pairs.sections(tmp_path / "data", name)]
    assert len(found) > 20
    assert {section.part for section in found} == {"head", "body"}
    agreement = next(line for line in said if "Dice" in line)
    assert float(agreement.rstrip(".").split()[-1]) > 0.95
    for section in found:
        assert section.pixel == 4.0
        assert section.hu is not None
        assert section.hu.shape == section.tissues.shape
        known = section.hu.astype(int)
        classes = np.abs(known[..., None] - HU).argmin(axis=-1)
        inside = section.body & (section.rgb.any(axis=-1))
        colors = np.linalg.norm(section.rgb[..., None, :].astype(float) - COLORS, axis=-1).argmin(axis=-1)
        assert (classes == colors)[inside].mean() > 0.97
        height = (300 - section.position) / 6
        assert height == pytest.approx(int(section.name[-4:]), abs=0.02)


def test_what_does_not_agree_is_refused(sources: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registration, "aligned", lambda fixed, moving: moved_by(SHIFT + np.array([60.0, 40.0, 0.0])))
    folder, ct = sources
    with pytest.raises(InputError, match="do not agree"):
        prepare_registered(folder, tmp_path / "data", ct, pixel=2.0, say=lambda line: None)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("fault", "sentence"), [("missing", "is missing"), ("size", "another size"), ("ct", "no HU")])
def test_faults_are_said(fault: str, sentence: str, sources: tuple[Path, Path], tmp_path: Path):
    folder, ct = sources
    picture = folder / "vm_0210.png"
    if fault == "missing":
        picture.unlink()
    elif fault == "size":
        write(Image(np.zeros((1, 40, 40, 3), np.uint8), meaning=Meaning.RGB), picture)
    else:
        write(Image(np.zeros((4, 8, 8), np.int16), meaning=Meaning.SCALAR), ct)
    with pytest.raises(InputError, match=sentence):
        prepare_registered(folder, tmp_path / "data", ct, pixel=2.0, say=lambda line: None)
