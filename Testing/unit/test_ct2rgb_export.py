"""The command's files: each as what it is read by others, all or nothing, and with words that say what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from InverseImagingLib.errors import Cancelled, InputError
from InverseImagingLib.image import Image, Meaning, read
from InverseImagingLib.labels import labelled
from InverseImagingLib.method import Progress

vtk = pytest.importorskip("vtk")

from CT2RGBLib import export as exports  # noqa: E402
from CT2RGBLib.colorize import colorize  # noqa: E402
from CT2RGBLib.export import Outputs, SightOptions, export  # noqa: E402
from CT2RGBLib.opacity import Opacity  # noqa: E402
from CT2RGBLib.options import ColorizeOptions, Tier  # noqa: E402
from CT2RGBLib.pictures import WORDS  # noqa: E402

PALETTE = ColorizeOptions(tier=Tier.PALETTE)
SMALL = SightOptions(size=64)


@pytest.fixture(scope="module")
def ct() -> Image:
    """A limb: fat around muscle around bone, in air."""
    _, j, i = np.mgrid[:8, :40, :48]
    away = np.hypot((j - 20) * 2, (i - 24) * 1.7)
    hu = np.select([away < 8, away < 22, away < 32], [900.0, 55.0, -100.0], -1000.0).astype(np.float32)
    matrix = np.diag([-2.0, -2.0, 4.0, 1.0])
    matrix[:3, 3] = 48.0, 40.0, -12.0
    return Image(hu, matrix, Meaning.HU, "limb")


@pytest.fixture(scope="module")
def colors(ct: Image) -> np.ndarray:
    return colorize(ct, PALETTE).images["colors"].array


@pytest.fixture(autouse=True)
def _few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_VIEWS", 3)


def test_everything_is_written_as_what_it_is(tmp_path: Path, ct: Image, colors: np.ndarray):
    outputs = Outputs(tmp_path / "out.nrrd", tmp_path / "limb.glb", tmp_path / "limb.gif", tmp_path / "slices")
    seen: list[float] = []
    report = export(ct, PALETTE, outputs, lambda progress: seen.append(progress.fraction), sight=SMALL)
    assert (report["method"], report["tier"]) == ("CT2RGB", "palette")
    assert sorted(tmp_path.iterdir()) == sorted(outputs.paths())
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.5 < seen[-1] == 1

    volume = read(outputs.colors)
    assert volume.meaning is Meaning.RGB
    np.testing.assert_array_equal(volume.array, colors)
    np.testing.assert_allclose(volume.ijk_to_ras, ct.ijk_to_ras)

    reader = vtk.vtkGLTFReader()
    reader.SetFileName(str(outputs.surface))
    reader.Update()
    bounds = np.reshape(reader.GetOutput().NewIterator().GetCurrentDataObject().GetBounds(), (3, 2)) * 1000
    np.testing.assert_allclose(bounds[1], (-14, 18), atol=0.5)  # from the feet to the head, half a slice beyond
    assert np.ptp(bounds[0]) == pytest.approx(2 * 2 * 32 / 1.7, abs=4)
    assert b"illustrative" in outputs.surface.read_bytes()

    with Pillow.open(outputs.turntable) as gif:
        assert (gif.size, gif.n_frames) == ((64, 64), 3)

    pictures = sorted(outputs.png.iterdir())
    assert [path.name for path in pictures] == [f"slices-{number:04d}.png" for number in range(1, 9)]
    for path, page in zip(pictures, colors, strict=True):  # rows run to the back and columns to the left as given
        with Pillow.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), labelled(page, WORDS))
            assert "illustrative" in picture.text["Comment"]


def test_a_folder_gets_dicom_and_opacity_stays_where_it_is_wanted(tmp_path: Path, ct: Image, colors: np.ndarray):
    export(ct, replace(PALETTE, rgba=True), Outputs(tmp_path / "rgba.nii.gz"))
    np.testing.assert_array_equal(read(tmp_path / "rgba.nii.gz").array[..., :3], colors)
    assert read(tmp_path / "rgba.nii.gz").array.shape[3] == 4
    export(ct, PALETTE, Outputs(tmp_path / "series", surface=tmp_path / "limb.ply"))
    np.testing.assert_array_equal(read(tmp_path / "series").array, colors)


def test_the_surface_is_that_of_the_opacity(tmp_path: Path, ct: Image):
    widths = []
    for opacity in (Opacity.SKIN, Opacity.MUSCLE, Opacity.BONE):
        path = tmp_path / f"{opacity.value}.ply"
        export(
            ct, PALETTE, Outputs(tmp_path / f"{opacity.value}.mha", surface=path), sight=replace(SMALL, opacity=opacity)
        )
        reader = vtk.vtkPLYReader()
        reader.SetFileName(str(path))
        reader.Update()
        bounds = reader.GetOutput().GetBounds()
        widths.append(bounds[1] - bounds[0])
    np.testing.assert_allclose(widths, np.array([64, 44, 16]) * 2 / 1.7, atol=4)


def test_the_surface_is_where_a_level_is(tmp_path: Path, ct: Image):
    made = []
    for name, sight in (("muscle", replace(SMALL, opacity=Opacity.MUSCLE)), ("level", replace(SMALL, level=10.0))):
        export(ct, PALETTE, Outputs(tmp_path / f"{name}.mha", surface=tmp_path / f"{name}.ply"), sight=sight)
        made.append((tmp_path / f"{name}.ply").read_bytes())
    assert made[0] == made[1]


def test_one_slice_is_a_picture_or_a_file(tmp_path: Path, ct: Image, colors: np.ndarray):
    one = replace(PALETTE, slices="3:4")
    export(ct, one, Outputs(tmp_path / "slice.png"))
    with Pillow.open(tmp_path / "slice.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), labelled(colors[3], WORDS))
    export(ct, one, Outputs(tmp_path / "slice.dcm"))
    assert read(tmp_path / "slice.dcm").array.shape == (1, 40, 48, 3)


@pytest.mark.parametrize(
    ("names", "slices", "words"),
    [
        ({"colors": "out.vtk"}, "", "names no format that holds colors"),
        ({"colors": "out.jpg"}, "", "names no format that holds colors"),
        ({"colors": "out.png"}, "", "can hold one slice, not 8"),
        ({"colors": "out.dcm"}, "2:4", "can hold one slice, not 2"),
        ({"colors": "out.nrrd", "surface": "x.stl"}, "", r"must end in \.glb, \.ply"),
        ({"colors": "out.nrrd", "turntable": "x.mp4"}, "", r"must end in \.gif"),
        ({"colors": "out.nrrd", "png": "x.png"}, "", "go into a folder"),
        ({"colors": "out.nrrd", "surface": "x.glb"}, "1:2", "A single slice has no surface"),
        ({"colors": "out.nrrd", "turntable": "x.gif"}, "1:2", "A single slice has no surface"),
        ({"colors": "same", "png": "same"}, "", "Two of the outputs have the same name"),
        ({"colors": "no/out.nrrd"}, "", "There is no folder"),
        ({"colors": "out.nrrd"}, "7:9", "lie outside the image"),
    ],
)
def test_what_cannot_be_written_is_said_and_leaves_nothing(
    tmp_path: Path, ct: Image, names: dict[str, str], slices: str, words: str
):
    outputs = Outputs(**{kind: tmp_path / name for kind, name in names.items()})
    with pytest.raises(InputError, match=words):
        export(ct, replace(PALETTE, slices=slices), outputs, sight=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_limits_of_the_view_are_said(tmp_path: Path, ct: Image):
    with pytest.raises(InputError, match="'size' must be at most 2048"):
        export(ct, PALETTE, Outputs(tmp_path / "x.nrrd"), sight=SightOptions(size=9999))


@pytest.mark.parametrize("until", [0.2, 0.7])
def test_a_cancelled_run_leaves_nothing(tmp_path: Path, ct: Image, until: float):
    def cancel(progress: Progress) -> None:
        if progress.fraction > until:
            raise Cancelled

    with pytest.raises(Cancelled):
        export(ct, PALETTE, Outputs(tmp_path / "x.nrrd", turntable=tmp_path / "x.gif"), cancel, sight=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_segments_keep_their_colors_in_every_file(tmp_path: Path, ct: Image):
    tints = ct.with_array(np.zeros((*ct.array.shape, 4), np.uint8), meaning=Meaning.RGB)
    tints.array[:, 18:23, 22:27] = (10, 250, 20, 255)
    export(ct, PALETTE, Outputs(tmp_path / "x.nrrd"), tints=tints)
    assert (read(tmp_path / "x.nrrd").array[4, 20, 24] == (10, 250, 20)).all()
