"""The command film: what the functions make, in the format asked for, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from film_samples import COLUMNS, CORNERS, LEVEL, ROWS, WIDTH, photo
from PIL import Image as Pillow

from InverseImagingLib import cli
from InverseImagingLib import image as images
from InverseImagingLib.image import Meaning

CORNER_TEXT = " ".join(f"{x:g},{y:g}" for x, y in CORNERS)
LAYOUT = ("--layout", f"{ROWS}x{COLUMNS}")
FAST = ("--corners", CORNER_TEXT, "--size", 324)
WINDOW = ("--window", LEVEL, WIDTH)

pytestmark = pytest.mark.usefixtures("no_film_weights")


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    Pillow.fromarray(photo().array[0]).save(tmp_path / "IMG_0042.jpg", quality=95)
    return tmp_path / "IMG_0042.jpg"


def run(*arguments: Any) -> int:
    return cli.main(["film", *(str(argument) for argument in arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    assert run(*arguments) == 2
    text = capsys.readouterr().err.strip()
    assert "\n" not in text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("name", ["out.nrrd", "out.nii.gz"])
def test_slices_in_hu_with_all_beside(jpeg: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    files = ("--flat", tmp_path / "flat.png", "--valid", tmp_path / "valid.nrrd", "--report", tmp_path / "report.json")
    assert run(jpeg, tmp_path / name, *FAST, *WINDOW, *LAYOUT, "--spacing", 2, 2, 5, *files) == 0
    volume, valid = images.read(tmp_path / name), images.read(tmp_path / "valid.nrrd")
    assert volume.array.shape == valid.array.shape
    assert len(volume.array) == ROWS * COLUMNS
    assert (volume.meaning if name == "out.nrrd" else Meaning.HU) is Meaning.HU
    assert (volume.array.min(), volume.array.max()) == (LEVEL - WIDTH / 2, LEVEL + WIDTH / 2)
    np.testing.assert_allclose(volume.spacing, (2, 2, 5), rtol=1e-5)
    assert set(np.unique(valid.array)) == {0, 1}
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["layout"] == f"{ROWS}x{COLUMNS}"
    assert report["films"][0]["found by"] == "user"
    told = capsys.readouterr()
    assert "3x4 tiles in HU" in told.out
    assert "taken where it was marked" in told.err


def test_the_flat_film_alone(jpeg: Path, tmp_path: Path):
    assert run(jpeg, tmp_path / "film.png", *FAST, "--quiet") == 0
    with Pillow.open(tmp_path / "film.png") as picture:
        assert "Derived" in picture.text["Comment"]
        steps = np.asarray(picture)
    assert max(steps.shape) == 324
    assert steps.max() > 60_000
    assert len(np.unique(steps)) > 1000


def test_several_films_make_one_volume(jpeg: Path, tmp_path: Path):
    fine = ("--size", 400, "--corners", CORNER_TEXT)
    both = (jpeg, jpeg, tmp_path / "both.nrrd", *LAYOUT, *WINDOW, "--size", 324, "--flat", tmp_path / "flat.png")
    assert run(*both) == 0
    assert run(jpeg, tmp_path / "one.nrrd", *LAYOUT, *WINDOW, *fine) == 0
    volume = images.read(tmp_path / "both.nrrd").array
    assert len(volume) == 2 * ROWS * COLUMNS
    np.testing.assert_array_equal(volume[: ROWS * COLUMNS], volume[ROWS * COLUMNS :])
    assert (tmp_path / "flat-1.png").read_bytes() == (tmp_path / "flat-2.png").read_bytes()


def test_without_a_window_it_says_so(jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(jpeg, tmp_path / "out.nrrd", *FAST, *LAYOUT) == 0
    assert images.read(tmp_path / "out.nrrd").meaning is Meaning.SCALAR
    told = capsys.readouterr()
    assert "no HU" in told.err
    assert "relative gray" in told.out


def test_a_table_of_radiomics(jpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def features(volume: images.Image, mask: images.Image) -> dict[str, float]:
        return {"mean": float(volume.array[mask.array > 0].mean())}

    monkeypatch.setattr("FilmRecoveryLib.export.features", features)
    assert run(jpeg, tmp_path / "out.nrrd", *FAST, *WINDOW, "--radiomics", tmp_path / "table.csv") == 0
    rows = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "feature,value"
    assert LEVEL - WIDTH / 2 < float(rows[1].removeprefix("mean,")) < LEVEL + WIDTH / 2


# What is refused


def test_nothing_is_written_where_anything_fails(jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = ("--flat", tmp_path / "flat.png", "--skip", "99")
    assert "Tile 99" in refused(capsys, jpeg, tmp_path / "out.nrrd", *FAST, *WINDOW, *files)
    assert [path.name for path in tmp_path.iterdir()] == [jpeg.name]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--valid", "valid.png"), "'valid.png' names no format"),
        (("--flat", "flat.jpg"), "must end in .png"),
        (("--radiomics", "table.txt"), "must end in .csv"),
        (("--valid", "out.nrrd"), "the same name"),
        (("--window", "40", "0"), "no width"),
        (("--window", "40", "-3"), "at least"),
        (("--window", "40"), "expected 2"),
        (("--spacing", "1", "1"), "expected 3"),
        (("--layout", "4by5"), "'4by5' is none"),
        (("--corners", "1,2"), "no four points"),
        (("--turn", "45"), "45"),
    ],
)
def test_flags_that_cannot_be(
    jpeg: Path,
    tmp_path: Path,
    flags: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    assert words in refused(capsys, jpeg, "out.nrrd", *flags)


def test_outputs_that_cannot_be(jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "names no format" in refused(capsys, jpeg, tmp_path / "out.jpg")
    assert "already" in refused(capsys, jpeg, tmp_path / "out.png", "--flat", tmp_path / "flat.png")
    assert "no slices" in refused(capsys, jpeg, tmp_path / "out.png", "--valid", tmp_path / "valid.nrrd")
    assert "no folder" in refused(capsys, jpeg, tmp_path / "none" / "out.nrrd")
    Pillow.fromarray(photo().array[0]).save(tmp_path / "photo.png")
    assert "input of this run" in refused(capsys, tmp_path / "photo.png", tmp_path / "photo.png")


def test_photos_that_cannot_be(jpeg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "no photo" in refused(capsys, tmp_path / "none.jpg", tmp_path / "out.nrrd")
    (tmp_path / "half.jpg").write_bytes(jpeg.read_bytes()[:9000])
    assert "damaged" in refused(capsys, tmp_path / "half.jpg", tmp_path / "out.nrrd")
    assert "one photo at a time" in refused(capsys, jpeg, jpeg, tmp_path / "out.nrrd", *FAST)
    assert not (tmp_path / "out.nrrd").exists()
