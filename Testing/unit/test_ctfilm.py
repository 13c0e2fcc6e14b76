"""The generator of test films in Testing/ctfilm: all that needs no Blender, and one film where CTFILM_PYTHON names a
Python that has it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ctfilm import folders, render
from ctfilm.maps import exposed, linear_of, own_places, photo_maps, sampled
from ctfilm.shots import Shot, draw_shot
from ctfilm.surface import flat, normals, refined, steepest, stiff, strain, upright
from ctfilm.textures import write_films
from ctfilm.view import FILLED, Camera, draw_camera, filled
from PIL import Image as Picture
from scipy import ndimage

from FilmRecoveryLib.training.subjects import subjects

ASPECT = 0.8
BLENDER = os.environ.get("CTFILM_PYTHON", sys.executable)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def shots(count: int) -> list[Shot]:
    return [draw_shot(np.random.default_rng(seed)) for seed in range(count)]


def bend(points: np.ndarray, degrees: float) -> np.ndarray:
    """A flat sheet on a cylinder, over so large an angle, as long as before."""
    radius = 2 * ASPECT / np.deg2rad(degrees)
    angle = points[..., 0] / radius
    return np.stack([radius * np.sin(angle), points[..., 1], radius * (np.cos(angle) - 1)], axis=-1)


def camera_of(size: tuple[int, int], distance: float) -> Camera:
    """In front of a flat sheet of height 2 that is as high as the photo."""
    return Camera(size, size[0] * distance / 2, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.0, distance]))


# Scenes


def test_scenes_are_within_the_ranges_of_the_authors():
    for shot in shots(100):
        assert 2 <= shot.distance <= 4
        assert 10 <= shot.bend.frame <= 150
        assert 1.1 <= shot.material.ior <= 1.6
        assert all(2700 <= lamp.kelvin <= 10200 for lamp in (shot.front, shot.behind))
        assert 300 <= shot.behind.watts <= 500
        assert shot.front.at[2] > 0 > shot.behind.at[2]
        assert all(0 <= place <= 1 for pin in shot.bend.pins for place in pin)


def test_a_seed_is_a_scene():
    first, again = shots(5), shots(5)
    assert first == again
    assert len(set(first)) == 5


def test_films_are_lit_in_all_ways():
    drawn = shots(100)
    assert {shot.back for shot in drawn} == {"none", "lamp", "box"}
    assert {shot.view for shot in drawn} == {"Filmic", "AgX"}
    assert {shot.bend.body for shot in drawn} == {"cloth", "soft"}
    assert {bool(shot.front.side) for shot in drawn} == {False, True}


# Sheets


def test_a_flat_sheet_faces_along_z():
    sheet = flat(5, 4, ASPECT)
    assert np.ptp(sheet, axis=(0, 1)) == pytest.approx([2 * ASPECT, 2, 0])
    assert sheet[0, 0] == pytest.approx([-ASPECT, 1, 0])
    assert normals(sheet) == pytest.approx(np.broadcast_to([0, 0, 1], sheet.shape))
    assert steepest(sheet) == pytest.approx(0, abs=1e-4)


def test_the_steepest_normal_and_the_strain_of_a_cylinder():
    sheet = flat(33, 33, ASPECT)
    cylinder = bend(sheet, 80)
    assert steepest(cylinder) == pytest.approx(40, abs=2)
    assert strain(cylinder, sheet) < 1e-3
    assert strain(1.1 * sheet, sheet) == pytest.approx(0.1)
    assert steepest(np.full_like(sheet, np.nan)) == 180


def test_a_turned_sheet_is_set_upright(rng):
    sheet = bend(flat(9, 9, ASPECT), 60)
    sheet -= sheet.mean(axis=(0, 1))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    assert upright(sheet @ turn.T + [1, 2, 3]) == pytest.approx(sheet, abs=1e-9)


def test_a_finer_sheet_goes_through_the_points_and_along_lines(rng):
    sheet = rng.normal(size=(5, 4, 3))
    assert refined(sheet, 3).shape == (13, 10, 3)
    assert refined(sheet, 3)[::3, ::3] == pytest.approx(sheet)
    assert refined(flat(5, 4, ASPECT), 3) == pytest.approx(flat(13, 10, ASPECT))


def test_stiff_sheets_have_no_ripples():
    sheet = flat(9, 7, ASPECT)
    ripples = np.zeros_like(sheet)
    ripples[1:-1, 1:-1, 2] = 0.1 * (-1.0) ** np.add(*np.indices((7, 5)))
    assert stiff(sheet) == pytest.approx(sheet)
    assert stiff(sheet + ripples)[2:-2, 2:-2] == pytest.approx(sheet[2:-2, 2:-2])


# Cameras


@pytest.mark.parametrize("aspect", [0.8, 1.25])
def test_cameras_see_the_whole_film_and_little_else(aspect: float, rng):
    sheet = flat(9, 9, aspect)
    for distance in (2.0, 3.0, 4.0):
        camera = draw_camera(rng, sheet, distance, 640)
        assert camera is not None
        assert camera.size == ((640, 480) if aspect < 1 else (480, 640))
        pixels = camera.project(sheet)
        assert (pixels > 0).all()
        assert (pixels < np.array(camera.size[::-1]) - 1).all()
        assert filled(camera, sheet) >= FILLED
        assert np.linalg.norm(camera.move) == pytest.approx(distance)
        assert camera.turn @ camera.turn.T == pytest.approx(np.eye(3), abs=1e-9)
        assert (pixels[0, -1] - pixels[0, 0])[0] > 0 < (pixels[-1, 0] - pixels[0, 0])[1]


def test_no_camera_sees_the_front_of_all_of_half_a_tube(rng):
    assert draw_camera(rng, bend(flat(17, 17, ASPECT), 200), 2.0, 640) is None


# Maps


def test_maps_of_a_flat_film_in_front_of_the_camera(rng):
    rows, columns, width = 20, 16, 2 * ASPECT
    camera = camera_of((rows, columns), 3.0)
    own = own_places((rows, columns))
    position = np.stack([ASPECT * (2 * own[..., 0] - 1), 1 - 2 * own[..., 1], np.zeros((rows, columns))], axis=-1)
    place = np.dstack([own[..., 0], 1 - own[..., 1], np.ones((rows, columns))])
    place[:2] = 0
    normal = np.broadcast_to([0.0, 0.0, 1.0], place.shape)
    maps = photo_maps(place, position, normal, rng.random((40, 32)), camera, width)
    assert camera.project(position) == pytest.approx(np.stack(np.indices((rows, columns))[::-1], axis=-1))
    assert not any(values[:2].any() for values in maps.values())
    inside = {name: values[2:] for name, values in maps.items()}
    assert inside["mask"].all()
    assert inside["uv"] == pytest.approx(own[2:], abs=1e-6)
    assert inside["deformation"] == pytest.approx(0, abs=1e-6)
    assert inside["depth"] == pytest.approx(3 / width)
    assert inside["normal"] == pytest.approx(np.broadcast_to([0, 0, -1], inside["normal"].shape))


def test_textures_are_sampled_as_scipy_does(rng):
    texture, uv = rng.random((7, 5)), rng.random((50, 2))
    at = (uv * [5, 7] - 0.5)[:, ::-1].T
    assert sampled(texture, uv) == pytest.approx(ndimage.map_coordinates(texture, at, order=1, mode="nearest"))


def test_exposure_makes_film_white_and_gray(rng):
    albedo = rng.uniform(0.2, 1, (8, 8))
    linear = linear_of(albedo)[..., None] * [4.0, 2.0, 1.0]
    taken = exposed(linear, {"albedo": albedo}, white=0.9, balance=1.0)
    assert taken == pytest.approx(np.repeat(0.9 * linear_of(albedo)[..., None], 3, axis=2))
    colored = exposed(linear, {"albedo": albedo}, white=0.9, balance=0.0)
    assert colored / linear == pytest.approx(0.9 / (7 / 3))


# Films and the command


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one film of a phantom."""
    folder = tmp_path_factory.mktemp("films") / "0000"
    write_films([folder], 1, 256, subjects(None, "test", phantoms=1))
    return folder


def test_the_files_of_a_film_agree(made: Path):
    texture = np.asarray(Picture.open(made / folders.TEXTURE)) / 255
    film = json.loads((made / folders.FILM).read_text(encoding="utf-8"))
    with np.load(made / folders.PAGE) as page:
        hu, ink = page["hu"], page["ink"]
    assert list(texture.shape) == film["size"] == list(ink.shape)
    assert max(texture.shape) == 256
    assert len(hu) == len(film["tiles"]) <= film["rows"] * film["columns"]
    gray = ((hu - film["level"]) / film["width"] + 0.5).clip(0, 1)
    for (left, top, right, bottom), expected in zip(film["tiles"], gray, strict=True):
        bare = ink[top:bottom, left:right] == 0
        assert bare.mean() > 0.5
        assert texture[top:bottom, left:right][bare] == pytest.approx(
            expected[bare], abs=0.5 / 255 + 0.6 / film["width"]
        )


def test_a_film_does_not_depend_on_those_before_it(made: Path, tmp_path: Path):
    write_films([tmp_path / "0001", tmp_path / "0000"], 1, 256, subjects(None, "test", phantoms=1))
    assert (tmp_path / "0000" / folders.TEXTURE).read_bytes() == (made / folders.TEXTURE).read_bytes()
    assert (tmp_path / "0001" / folders.TEXTURE).read_bytes() != (made / folders.TEXTURE).read_bytes()


def test_films_that_are_there_are_kept(made: Path):
    before = (made / folders.FILM).stat().st_mtime_ns
    render.write_textures(argparse.Namespace(out=made.parent, count=1, seed=2, size=160, data=Path("nowhere")))
    assert (made / folders.FILM).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--count", "0", "--out", "films"], "--count: '0' is less than 1"),
        (["--count", "many", "--out", "films"], "--count"),
        (["--count", "1"], "--out"),
    ],
)
def test_wrong_arguments_are_said(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        render.main(arguments)
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_a_python_without_blender_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        render.main(["--count", "1", "--out", str(tmp_path / "films"), "--python", str(tmp_path / "python")])
    assert "has no bpy" in capsys.readouterr().err
    assert not (tmp_path / "films").exists()


@pytest.mark.slow
@pytest.mark.skipif(not render.has_blender(BLENDER), reason="needs bpy: let CTFILM_PYTHON name a Python that has it")
def test_blender_and_its_maps_agree(made: Path):
    told = ["--count=1", "--seed=1", f"--out={made.parent}", "--size=160", "--samples=8", "--data=nowhere"]
    subprocess.run([BLENDER, Path(render.__file__).with_name("photos.py"), *told], check=True)
    photo = np.asarray(Picture.open(made / folders.PHOTO)).mean(axis=2)
    truth = json.loads((made / folders.SCENE).read_text(encoding="utf-8"))
    with np.load(made / folders.MAPS) as file:
        maps = dict(file)
    inside = ndimage.binary_erosion(maps["mask"], iterations=2)
    x, y, z = np.moveaxis(maps["position"][inside], -1, 0)
    rows, columns = truth["camera"]["size"]
    seen = truth["camera"]["focal"] * np.stack([y, x]) / z + np.array([[rows - 1], [columns - 1]]) / 2
    assert seen == pytest.approx(np.stack(np.nonzero(inside)), abs=0.03)
    assert np.linalg.norm(maps["normal"][inside].astype(float), axis=-1) == pytest.approx(1, abs=0.01)
    drawn, shown = (picture - ndimage.gaussian_filter(picture, 3) for picture in (maps["albedo"].astype(float), photo))
    moves = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)]
    alike = [np.corrcoef(np.roll(shown, move, (0, 1))[inside], drawn[inside])[0, 1] for move in moves]
    assert alike[0] > 0.6
    assert alike[0] == max(alike)
