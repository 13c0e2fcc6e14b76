"""A volume from one radiograph: that it projects to it, where it lies, and what else is made; with a network that knows
nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_samples import write_bundle
from pydicom import Dataset
from tomography_samples import skull, untrained, write_untrained

from InverseImagingLib.animation import turntable
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read
from InverseImagingLib.method import Progress, Result
from InverseImagingLib.models import write_weights
from InverseImagingLib.xray.geometry import corners_of
from InverseImagingLib.xray.intake import Crop, Invert
from InverseImagingLib.xray.projector import Projector
from XrayTomographyLib import fusion, tomograph
from XrayTomographyLib.formation import Frame, opacity, radiograph
from XrayTomographyLib.guess import guess
from XrayTomographyLib.options import Facing, Product, TomographyOptions
from XrayTomographyLib.pictures import anaglyph, eyes, views, wiggle

USUAL = {"volume", "uncertainty", "residual", "opacity"}
AS_IT_IS: dict[str, Any] = {"crop": Crop.NONE, "invert": Invert.NO, "low": 0.0, "high": 100.0}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_untrained(tmp_path_factory.mktemp("weights") / "own.safetensors"))


def made(weights: str, image: Image | None = None, **options: Any) -> Result:
    return tomograph.tomograph(image or skull(), TomographyOptions(weights=weights, field=200.0, **options))


def strip(height: int, width: int) -> Image:
    """Some part of the skull, in so many pixels."""
    part = torch.from_numpy(skull().array.astype(np.float32))[None, :, 20:140, 30:130]
    return Image(torch.nn.functional.interpolate(part, (height, width), mode="bilinear")[0].numpy(), name="strip")


# The volume


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_the_volume_shows_the_radiograph(weights: str, beta: float):
    result = made(weights, beta=beta)
    volume, shown = result.images["volume"], result.images["opacity"].array[0]
    assert volume.array.dtype == np.float32
    assert volume.array.shape == (160, 128, 160)
    assert volume.array.min() >= 0
    assert shown.max() > 0.8
    np.testing.assert_allclose(radiograph(torch.from_numpy(volume.array)).numpy(), shown, atol=1e-5)
    assert np.abs(result.images["residual"].array).max() < 1e-5
    report = result.report
    assert report["reprojection PSNR"] > 90
    assert report["largest residual"] < 1e-5
    assert report["unexplained"] == 0


def test_it_does_so_where_it_lies_in_the_patient(weights: str):
    volume = made(weights, size=64).images["volume"]
    view = Frame(200.0, (64, 128, 64)).view()
    integrals = Projector(volume.array.shape, volume.ijk_to_ras, [view])(torch.from_numpy(volume.array)[None])[0, 0]
    expected = radiograph(torch.from_numpy(volume.array))
    torch.testing.assert_close(opacity(integrals / 200.0), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("facing", "towards_viewer", "right"),
    [
        (Facing.AUTO, (0, 1, 0), (-1, 0, 0)),
        (Facing.FRONT, (0, 1, 0), (-1, 0, 0)),
        (Facing.LEFT, (-1, 0, 0), (0, -1, 0)),
        (Facing.BACK, (0, -1, 0), (1, 0, 0)),
        (Facing.RIGHT, (1, 0, 0), (0, 1, 0)),
    ],
)
def test_the_viewer_stands_where_it_is_said(weights: str, facing: Facing, towards_viewer: tuple, right: tuple):
    result = made(weights, size=32, facing=facing)
    columns = result.images["volume"].ijk_to_ras[:3, :3] / result.images["volume"].spacing
    np.testing.assert_allclose(columns[:, 0], right, atol=1e-9)
    np.testing.assert_allclose(-columns[:, 1], towards_viewer, atol=1e-9)
    np.testing.assert_allclose(columns[:, 2], (0, 0, -1), atol=1e-9)
    assert result.report["facing"] == (facing if facing is not Facing.AUTO else Facing.FRONT).value


@pytest.mark.parametrize(("told", "facing"), [("LL", "left"), ("RL", "right"), ("AP", "front"), ("", "front")])
def test_the_header_tells_where_the_viewer_stands(weights: str, told: str, facing: str):
    header = Dataset()
    header.ViewPosition = told
    image = Image(skull().array, meaning=Meaning.DISPLAY, name="skull", dicom=header)
    assert made(weights, image, size=16).report["facing"] == facing
    assert made(weights, image, size=16, facing=Facing.BACK).report["facing"] == "back"


def test_sizes_in_mm_come_from_the_field_or_the_pixels(weights: str):
    known = Image(skull().array, np.diag([1.5, 1.5, 1, 1]), Meaning.DISPLAY, "skull")
    own = TomographyOptions(weights=weights, size=64, crop=Crop.NONE)
    for image, field, side in ((known, 0.0, 160 * 1.5 * 0.9), (known, 100.0, 100.0), (skull(), 0.0, 240.0)):
        result = tomograph.tomograph(image, TomographyOptions(**{**vars(own), "field": field}))
        volume = result.images["volume"]
        np.testing.assert_allclose(np.array(volume.spacing) * (64, 128, 64), side)
        np.testing.assert_allclose(corners_of(volume.array.shape, volume.ijk_to_ras).mean(axis=0), 0, atol=1e-9)
        assert ("set the field" in " ".join(result.report["warnings"])) == (image is not known and not field)


@pytest.mark.parametrize(("shape", "coarse"), [((90, 60), (128, 85)), ((40, 300), (17, 128)), ((60, 60), (128, 128))])
def test_radiographs_of_other_shapes_keep_them(weights: str, shape: tuple[int, int], coarse: tuple[int, int]):
    result = made(weights, strip(*shape), **AS_IT_IS)
    volume, uncertainty = result.images["volume"], result.images["uncertainty"]
    assert volume.array.shape == (shape[0], 128, shape[1])
    assert uncertainty.array.shape == (coarse[0], 128, coarse[1])
    assert volume.spacing[0] == pytest.approx(200 / max(shape))
    assert volume.spacing[0] == pytest.approx(volume.spacing[2])
    for one, other in zip(
        *(corners_of(each.array.shape, each.ijk_to_ras) for each in (volume, uncertainty)), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1.0)  # half a coarse voxel
    assert result.report["largest residual"] < 1e-5


def test_a_strip_is_guessed_as_in_the_middle_of_a_square():
    """Whose edges are carried on."""
    shown = torch.rand(64, 32)
    found = guess(shown, untrained())
    square = torch.cat([shown[:, :1].expand(-1, 16), shown, shown[:, -1:].expand(-1, 16)], dim=1)
    whole = guess(square, untrained())
    assert found.densities.shape == (128, 128, 64)
    torch.testing.assert_close(found.densities[:, :, 1:-1], whole.densities[:, :, 33:95], atol=0.02, rtol=0.1)


def test_the_uncertainty_is_none_where_there_is_nothing(weights: str):
    uncertainty = made(weights).images["uncertainty"].array
    assert uncertainty.max() > 0
    assert uncertainty.min() >= 0
    assert uncertainty[:4].max() < 2e-4
    assert uncertainty[:, :, :4].max() < 2e-4


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, 160), ({"size": 40}, 40), ({"size": 300}, 300), ({"draft": True}, 128), ({"draft": True, "size": 40}, 40)],
)
def test_the_size_is_as_asked_for(weights: str, options: dict[str, Any], size: int):
    assert made(weights, **options).images["volume"].array.shape == (size, 128, size)


def test_large_radiographs_get_a_usual_size(weights: str):
    result = made(weights, strip(60, 1030), only="residual", **AS_IT_IS)
    assert result.report["size"] == [30, 512]


def test_what_does_not_fit_into_memory_gets_smaller(weights: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tomograph, "_UNNOTICED", 1e6)
    monkeypatch.setattr("InverseImagingLib.device.free_memory", lambda device: 3 * 4 * 128 * 50**2)
    result = made(weights)
    assert result.report["size"] == [50, 50]
    assert "50 pixels along its longer side instead of 160" in result.report["warnings"][0]
    monkeypatch.setattr("InverseImagingLib.device.free_memory", lambda device: None)
    assert made(weights).report["size"] == [160, 160]


def test_row_by_row_into_a_file_it_is_the_same(weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = TomographyOptions(weights=weights, field=200.0, size=70, facing=Facing.LEFT)
    whole, told = tomograph.tomograph(strip(90, 60), own), []
    monkeypatch.setattr(fusion, "_CPU_BLOCK", 4 * 128 * 47 * 9)
    result = tomograph.tomograph_to_file(strip(90, 60), own, tmp_path / "v.nrrd", told.append)
    file, volume = read(tmp_path / "v.nrrd"), whole.images["volume"]
    np.testing.assert_allclose(file.array, volume.array, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(file.ijk_to_ras, volume.ijk_to_ras, atol=1e-9)
    assert file.meaning is Meaning.SCALAR
    assert file.array.dtype == np.float32
    assert set(result.images) == USUAL - {"volume"}
    for name, image in result.images.items():
        np.testing.assert_allclose(image.array, whole.images[name].array, atol=1e-6)
    assert [each.message for each in told if "row" in each.message][1:] == [f"row {n} of 70" for n in (16, 32, 48, 64)]
    with pytest.raises(InputError, match=r"'v\.mha' .* let it end in \.nrrd"):
        tomograph.tomograph_to_file(strip(90, 60), own, tmp_path / "v.mha")


# What else is made


def test_pictures_lie_on_the_radiograph(weights: str):
    place = np.array([[-0.4, 0, 0, 9], [0, -0.4, 0, 8], [0, 0, 1, 7], [0, 0, 0, 1.0]])
    image = Image(strip(90, 60).array, place, Meaning.DISPLAY, "strip")
    options = {**AS_IT_IS, "crop": Crop.MANUAL, "crop_top": 10.0, "crop_left": 20.0, "size": 27}
    part = Image(image.array[:, 9:, 12:], place @ [[1, 0, 0, 12], [0, 1, 0, 9], [0, 0, 1, 0], [0, 0, 0, 1]])
    images = made(weights, image, **options).images | {
        name: made(weights, image, only=name, **options).images[name] for name in ("view", "side by side")
    }
    for name, shape in {"residual": (27, 16), "opacity": (27, 16), "view": (27, 27), "side by side": (27, 54)}.items():
        assert images[name].array.shape[1:] == shape
        found, wanted = (corners_of(each.array.shape, each.ijk_to_ras) for each in (images[name], part))
        np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), atol=1e-9)
        assert np.ptp(found[:, 1]) == pytest.approx(np.ptp(wanted[:, 1]))


def test_one_product_alone(weights: str):
    for product in Product:
        result = made(weights, only=product.value, size=24)
        assert set(result.images) == {product.value}
        assert result.images[product.value].name == f"skull {product.value} (estimate)"
    assert set(made(weights, size=24).images) == USUAL
    with pytest.raises(InputError, match="There is no product 'bones'; known are volume, uncertainty"):
        made(weights, only="bones")


def test_the_view_from_the_front_is_the_radiograph(weights: str):
    shown = made(weights, strip(64, 40), only="opacity", **AS_IT_IS).images["opacity"].array[0]
    view = made(weights, strip(64, 40), only="view", **AS_IT_IS).images["view"].array[0]
    assert view.shape == (64, 64)
    np.testing.assert_allclose(view[:, 12:52], shown, atol=1e-4)
    assert not view[:, :12].any()


def test_animations_are_the_views_at_the_angles_of_the_report(weights: str):
    volume = made(weights, only="volume", size=24).images["volume"].array
    for product, count in (("wiggle", 5), ("turntable", 48)):
        result = made(weights, only=product, size=24, azimuth=20.0, elevation=5.0)
        angles = result.report["angles"]
        assert len(angles) == len(result.images[product].array) == count
        expected = views(torch.from_numpy(volume), angles)
        np.testing.assert_allclose(result.images[product].array, expected, atol=1e-6)
    assert "angles" not in made(weights, only="opacity", size=24).report


def test_what_is_guessed_is_red_in_views_from_aside(weights: str):
    def shown(product: str, azimuth: float) -> np.ndarray:
        return made(weights, only=product, size=24, azimuth=azimuth).images[product].array[0].astype(float)

    front, aside = shown("guessed", 0.0), shown("guessed", 60.0)
    np.testing.assert_allclose(front, np.repeat(255 * shown("view", 0.0)[..., None], 3, axis=2), atol=0.51)
    np.testing.assert_allclose(aside[..., 0], 255 * shown("view", 60.0), atol=0.51)
    assert aside[..., 1].sum() < 0.9 * aside[..., 0].sum()


def test_from_aside_one_sees_the_depth():
    densities = torch.zeros(8, 16, 4)
    densities[2, 3, 1] = 1.0  # near the viewer
    front, left, right = views(densities, [(0, 0), (90, 0), (-90, 0)])
    assert front.shape == (8, 8)
    for picture, column in ((front, 3), (left, 1), (right, 6)):
        assert divmod(int(picture.argmax()), 8) == (2, column)


def test_each_eye_sees_what_is_near_on_the_other_side():
    densities = torch.zeros(65, 65, 65)
    densities[32, 1, 32] = 1.0
    left, right = views(densities, eyes(0.0, 0.0, 20.0)).numpy()
    assert left.argmax() % 65 > 33 > 31 > right.argmax() % 65
    colors = anaglyph(left / left.max(), right / right.max())
    assert colors.shape == (65, 65, 3)
    assert colors[..., 0].argmax() == left.argmax()
    assert colors[..., 1].argmax() == colors[..., 2].argmax() == right.argmax()


def test_angles_of_animations():
    assert wiggle(10.0, 5.0, 4.0, count=3) == [(8.0, 5.0), (10.0, 5.0), (12.0, 5.0)]
    assert turntable(5.0, count=4) == [(0.0, 5.0), (90.0, 5.0), (180.0, 5.0), (270.0, 5.0)]


def test_progress_and_report(weights: str):
    told: list[Progress] = []
    own = TomographyOptions(weights=weights, size=24)
    report = tomograph.tomograph(skull(), own, told.append).report
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert all(progress.message for progress in told)
    assert report["weights"] == "own.safetensors"
    assert len(report["sha256"]) == 64
    assert report["settings"]["size"] == 24
    assert report["crop"] == [0, 160, 0, 160]
    json.dumps(report)


def test_the_report_tells_the_interval_that_the_weights_of_a_bundle_know(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("InverseImagingLib.models.shipped_folder", lambda method: tmp_path / method)
    bundle = write_bundle(tmp_path / "XrayTomography", method="XrayTomography")
    known = {"50": 0.6, "80": 1.5, "90": 2.34, "95": 3.1}
    for settings, told in (({"intervals": known}, True), ({"steps": 4000}, False)):
        write_weights(bundle, "volume", untrained(), settings)
        report = tomograph.tomograph(skull(), TomographyOptions(size=24)).report
        assert report["model"] == "XrayTomography"
        assert report.get("intervals") == (known if told else None)
        sentence = "In 90 of 100 voxels the true density is expected within 2.3 times the uncertainty."
        assert report.get("expected") == (sentence if told else None)
    assert "expected" not in made(weights, size=24).report


def test_limits_of_the_options_are_those_of_the_fusion():
    beta = TomographyOptions.__dataclass_fields__["beta"]
    assert (beta.default, beta.metadata["high"]) == (fusion.BETA, fusion.STEEPEST)
