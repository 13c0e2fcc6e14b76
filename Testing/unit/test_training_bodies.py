"""Training data of any method: bodies of CTs and phantoms, their random parts, and how radiographs are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from dicom_samples import write_series
from training_samples import box_body

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, write
from InverseImagingLib.training.bodies import SPACING, bodies, body_of, prepare
from InverseImagingLib.training.looks import random_look
from InverseImagingLib.training.parts import random_part
from InverseImagingLib.xray.phantoms import Anatomy, phantom


def test_a_body_keeps_its_mass_whatever_its_grid():
    """Soft tissue of 1 g/cm3 in an oblique CT of 1 x 1.5 x 3 mm voxels."""
    hu = np.full((40, 90, 110), -1000, np.int16)
    hu[6:-6, 15:-15, 20:-20] = 0
    ijk_to_ras = np.diag([1.0, 1.5, 3.0, 1.0])
    turn = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]])
    ijk_to_ras[:3, :3] = turn @ ijk_to_ras[:3, :3]
    body = body_of(Image(hu, ijk_to_ras, Meaning.HU, "block"))
    grams = body.maps.astype(np.float64).sum() * SPACING**3 / 1000
    wanted = 28 * 60 * 70 * 1.5 * 3 / 1000
    assert grams == pytest.approx(wanted, rel=0.03)
    assert body.maps[0].max() < 0.01


def test_preparing_a_folder(tmp_path: Path):
    source, target = tmp_path / "cts", tmp_path / "data"
    source.mkdir()
    for number in range(5):
        write(phantom(Anatomy.LIMB, 32, number), source / f"knee_{number}.nrrd")
    (source / "notes.txt").write_text("no CT")
    write(Image(np.zeros((4, 8, 8), np.uint8), name="flat"), source / "flat.nrrd")
    said: list[str] = []
    prepare(source, target, say=said.append)
    assert any("flat.nrrd is left out" in line for line in said)
    train, weights = bodies(target, "train")
    test, _ = bodies(target, "test")
    assert len(train) == 4
    assert len(test) == 1
    assert not {body.name for body in train} & {body.name for body in test}
    assert weights.sum() == pytest.approx(1)
    with pytest.raises(InputError, match="holds no prepared data"):
        bodies(source, "train")


def test_phantoms_are_mostly_of_one_anatomy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.bodies._PHANTOM", 16)
    (tmp_path / "cts").mkdir()
    write(phantom(Anatomy.LIMB, 32, 0), tmp_path / "cts" / "knee.nrrd")
    prepare(tmp_path / "cts", tmp_path / "data", 5, lambda line: None, anatomy=Anatomy.SKULL)
    names = [body.name for body in bodies(tmp_path / "data", "train")[0] if body.name.startswith("phantom")]
    assert sorted(names) == [
        "phantom_limb_1000",
        *(f"phantom_skull_{1000 + n}" for n in range(5)),
        "phantom_thorax_1000",
    ]


def test_of_a_patient_the_ct_series_with_most_images_is_taken(tmp_path: Path):
    """As in LIDC-IDRI, whose folders hold radiographs, too."""
    study = tmp_path / "cts" / "LIDC-IDRI-0001" / "study"
    study.mkdir(parents=True)
    limb = phantom(Anatomy.LIMB, 32, 0)
    stored, lps = (limb.array + 1024).astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]) @ limb.ijk_to_ras
    write_series(study / "radiograph", stored[:1], lps, Modality="DX", SeriesNumber=1)
    write_series(study / "few", stored[:4], lps, SeriesNumber=2)
    write_series(study / "all", stored, lps, SeriesNumber=3)
    prepare(tmp_path / "cts", tmp_path / "data", say=lambda line: None)
    found, _ = bodies(tmp_path / "data", "train")
    assert [body.name for body in found] == ["LIDC-IDRI-0001"]
    np.testing.assert_allclose(found[0].maps.astype(float), body_of(limb).maps.astype(float), atol=2e-3)


def test_a_part_is_that_of_the_body_whichever_way_its_grid_lies():
    straight = np.diag([5.0, 5.0, 5.0, 1.0])
    straight[:3, 3] = -5.0 * 31 / 2
    turned = straight @ np.array([[0.0, -1, 0, 31], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])  # (i, j) to (31 - j, i)
    one, other = (
        random_part(box_body(), 160.0, (32, 32, 32), ijk_to_ras, np.random.default_rng(1))
        for ijk_to_ras in (straight, turned)
    )
    assert one.shape == (2, 32, 32, 32)
    assert one[0].max() > 1.0
    assert one[1].max() > 0.8
    apart = (one.rot90(1, (2, 3)) - other).abs().mean()  # the warps go with the grids
    assert apart < 0.1 * one.mean()
    assert (one - other).abs().mean() > 0.5 * one.mean()


def test_looks_are_radiographs():
    attenuation = torch.from_numpy(box_body().maps.astype(np.float32).sum(axis=(0, 2)) / 10)
    for seed in range(20):
        shown = random_look(attenuation, np.random.default_rng(seed))
        assert torch.isfinite(shown).all()
        assert shown.min() >= 0
        assert shown.max() <= 1
        order = torch.corrcoef(torch.stack([shown.flatten(), attenuation.flatten()]))[0, 1]
        assert order > 0.5
