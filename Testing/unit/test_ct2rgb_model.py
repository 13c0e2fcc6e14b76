"""Colors of a whole CT by the compact network."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from ct2rgb_samples import MUSCLE, disks, placed
from ct2rgb_sections import untrained, write_untrained
from safetensors.torch import save_file
from scipy.ndimage import binary_erosion

from CT2RGBLib import model
from CT2RGBLib.evaluation.methods import RANGES
from CT2RGBLib.guided import guided
from CT2RGBLib.model import ModelPainter, without_gelatin
from CT2RGBLib.networks import KNOTS, ColorNet
from CT2RGBLib.options import ColorizeOptions
from CT2RGBLib.palette import paint
from CT2RGBLib.preprocessing import sobel_in_range
from CT2RGBLib.slices import Slices
from InverseImagingLib.device import Device
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image
from InverseImagingLib.models import own_weights

CPU = ColorizeOptions(device=Device.CPU)


def cone(count: int = 9, apart: float = 1.0) -> Image:
    """Muscle with a bone that gets thicker from slice to slice."""
    hu = np.concatenate([disks((50, MUSCLE), (8 + 3 * index, 600), count=1) for index in range(count)])
    return placed(hu, (apart, 1.5, 1.5))


def slices_of(image: Image) -> Slices:
    return Slices(image, image.array > -300)


def painter(slices: Slices, network: ColorNet | None = None) -> ModelPainter:
    return ModelPainter(slices, network or untrained(), RANGES)


def test_the_blue_of_gelatin_gives_way_to_the_color_of_soft_tissue():
    """Muscle, fat and skin stay as they are."""
    tissues = [(85, 38, 26), (220, 195, 138), (181, 172, 134)]
    palettes = torch.tensor([*tissues, (80, 110, 120)]).float().div(255).T.reshape(1, 3, 1, 1, 4)
    palettes = palettes.repeat(1, 2, len(KNOTS), 1, 1)
    found = without_gelatin(palettes).unflatten(1, (2, 3))
    torch.testing.assert_close(found[..., :2], palettes.unflatten(1, (2, 3))[..., :2])
    torch.testing.assert_close(found[..., 2], palettes.unflatten(1, (2, 3))[..., 2], atol=0.03, rtol=0)
    muscle = found[0, 0, :, KNOTS.index(45), 0, 3]
    torch.testing.assert_close(255 * muscle, torch.tensor([85.0, 38, 26]))


def test_a_slice_has_the_colors_that_the_network_gives_it_and_its_mirror_image_between_neighbors():
    slices = slices_of(cone(apart=5.0))
    there = np.nonzero(slices.body(4).any(axis=0))[0]
    box = (slice(there[0] - 11, there[-1] + 12),) * 2  # the body, and 16 mm around it
    planes = [np.where(slices.body(index), slices.hu(index), -1000)[box] for index in (3, 4, 5)]
    hu = np.stack(planes).astype(np.float32)
    usual = paint(slices.hu(4)[box], slices.body(4)[box], (1.5, 1.5))
    sample = {
        "hu": torch.from_numpy(hu)[None],
        "sobel": torch.from_numpy(sobel_in_range(hu[1:2], RANGES, (1.5, 1.5)))[None],
        "body": torch.from_numpy(slices.body(4)[box].astype(np.float32))[None, None],
        "usual": torch.from_numpy(np.moveaxis(usual, -1, 0))[None],
    }
    with torch.inference_mode():
        network = untrained()
        seen = [sample["hu"], sample["sobel"], sample["body"]]
        palettes = network.palettes(*seen, (1.5, 1.5)) / 2
        palettes += network.palettes(*(each.flip(-1) for each in seen), (1.5, 1.5)).flip(-1) / 2
        given = sample["hu"][:, 1:2], sample["sobel"], sample["body"], sample["usual"]
        colors = network.colors(without_gelatin(palettes), *given)[0].clamp(0, 1).permute(1, 2, 0)
    found = painter(slices).paint(slices, 4)
    assert found.shape == (96, 96, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[box], colors.numpy(), atol=1e-4)


def smoothed(colors: np.ndarray, hu: np.ndarray, body: np.ndarray) -> np.ndarray:
    planes = np.moveaxis(colors, -1, 0), hu[None], body[None].astype(np.float32)
    return (
        guided(*(torch.from_numpy(np.ascontiguousarray(plane))[None] for plane in planes))[0].permute(1, 2, 0).numpy()
    )


def test_slices_between_key_slices_have_the_colors_between_theirs():
    """Where HU are alike in slices 1 mm apart, the network's share of colors changes evenly."""
    slices = slices_of(cone(count=7))
    cts = [(slices.hu(index), slices.body(index)) for index in range(4)]
    usual = np.stack([smoothed(0.35 * paint(*ct, (1.5, 1.5)), *ct) for ct in cts])
    network = copy.deepcopy(untrained())
    network.noise = torch.nn.Sequential(torch.nn.Conv2d(2, 1, 1)).requires_grad_(
        False
    )  # or colors would depend on what lies within 11 pixels more
    colors = np.stack([painter(slices, network).paint(slices, index) for index in range(4)]) - usual
    same = slices.body(0) & (np.ptp([slices.hu(index) for index in range(4)], axis=0) == 0)
    same &= np.ptp([sobel_in_range(slices.hu(index), RANGES) for index in range(4)], axis=0) == 0
    same &= ((colors > 0.02) & (colors < 0.63)).all(axis=(0, 3))
    same = binary_erosion(same, np.ones((5, 5)))
    first, second, third = np.diff(colors, axis=0)[:, same]
    assert np.abs(first).max() > 1e-3
    np.testing.assert_allclose(first, second, atol=1e-5)
    np.testing.assert_allclose(second, third, atol=1e-5)


def test_few_slices_are_predicted_and_the_rest_interpolated():
    counted = []

    class Counting(ColorNet):
        def palettes(self, hu, *rest):
            counted.append(hu)
            return super().palettes(hu, *rest)

    slices = slices_of(cone(count=10))
    own = painter(slices, Counting().eval())
    for index in range(slices.count):
        own.paint(slices, index)
    assert len(counted) == 4


def test_colors_do_not_depend_on_the_order_of_painting():
    slices = slices_of(cone())
    forwards, backwards = painter(slices), painter(slices)
    ahead = [forwards.paint(slices, index) for index in range(9)]
    back = [backwards.paint(slices, index) for index in range(8, -1, -1)][::-1]
    np.testing.assert_array_equal(ahead, back)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((1, 40, 50), (1, 1, 1)), ((2, 33, 71), (7, 0.4, 2.3)), ((3, 9, 5), (2, 6, 6))]
)
def test_any_size_and_spacing_works(shape: tuple[int, int, int], spacing: tuple[float, float, float]):
    hu = np.full(shape, -1000.0)
    hu[:, 1:-1, 1:-1] = 40
    slices = slices_of(placed(hu, spacing))
    for index in range(slices.count):
        colors = painter(slices).paint(slices, index)
        assert colors.shape == (*shape[1:], 3)
        assert np.isfinite(colors).all()
        assert colors.max() <= 1


def test_what_lies_around_the_body_does_not_matter():
    image = cone(count=3)
    body = image.array > -300
    table = image.array.copy()
    table[:, 90:92] = 200
    one, other = (Slices(image.with_array(array), body) for array in (image.array, table))
    np.testing.assert_array_equal(painter(one).paint(one, 1), painter(other).paint(other, 1))


def test_weights_of_another_network_are_refused(tmp_path: Path):
    slices = slices_of(cone(count=2))
    good = write_untrained(tmp_path / "w.safetensors")
    found = model.painter(CPU, slices, own_weights(good)).paint(slices, 0)
    np.testing.assert_allclose(found, painter(slices).paint(slices, 0), atol=1e-6)
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="holds another architecture"):
        model.painter(CPU, slices, own_weights(tmp_path / "other.safetensors"))
