"""Cryosections that a program draws, training data of them, and an untrained network, for the tests of CT2RGB."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from safetensors.torch import save_file
from torch import nn

from CT2RGBLib.networks import ColorNet
from CT2RGBLib.training import pairs
from CT2RGBLib.training.pairs import Section

PIXEL = 1.0  # mm
SIZE = (150, 190)
GELATIN, FAT, MUSCLE, BONE = (40, 60, 150), (225, 190, 110), (120, 40, 35), (225, 212, 200)
RADII = {FAT: 60.0, MUSCLE: 48.0, BONE: 12.0}  # mm, of a thigh as wide as it is from front to back
TRAINING, TESTS = (1020.0, 1025.0, 1030.0), (1080.0, 1085.0)  # mm from the vertex


def cryosection(seed: int = 0, colors: tuple[tuple[int, int, int], ...] = (FAT, MUSCLE, BONE)) -> np.ndarray:
    """A thigh in blue gelatin, uint8 (J, I, 3), with a gray ruler above it and a green label below."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(SIZE) - np.array([SIZE[0] / 2 - seed % 3, SIZE[1] / 2])[:, None, None]
    picture = np.full((*SIZE, 3), GELATIN, float)
    picture[4:10, 20:170] = 200
    picture[140:148, 60:120] = (60, 170, 60)
    for layer, color in zip(RADII, colors, strict=True):
        picture[np.hypot(rows, columns) < RADII[layer] - seed % 2] = color
    return (picture + rng.normal(0, 2, picture.shape)).clip(0, 255).round().astype(np.uint8)


def write_pictures(folder: Path) -> Path:
    """Such sections as files, the back above."""
    folder.mkdir()
    for seed, position in enumerate((*TRAINING, *TESTS)):
        PIL.Image.fromarray(cryosection(seed)[::-1]).save(folder / f"body_{position:04.0f}.png")
    return folder


@functools.cache
def sections() -> tuple[Section, ...]:
    """Such sections, from the vertex down."""
    found = (
        pairs.section_of(f"body_{position:.0f}", cryosection(seed), position, PIXEL)
        for seed, position in enumerate((*TRAINING, *TESTS))
    )
    return tuple(section for section in found if section)


def write_prepared(folder: Path) -> Path:
    """Data as inverse-imaging prepare makes them: three sections for training, two for tests."""
    (folder / pairs.FOLDER).mkdir(parents=True)
    for section in sections():
        pairs.write(section, folder)
    rows = [(each.name, each.part, each.position, each.pixel, pairs.set_of(each.position)) for each in sections()]
    pairs.write_list(folder, rows)
    return folder


@functools.cache
def untrained() -> ColorNet:
    """A network that has learned nothing, but gives other colors here than there."""
    torch.manual_seed(0)
    network = ColorNet()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    planes = nn.functional.interpolate(torch.randn(4, 5, 8, 8), size=(128, 128), mode="bilinear")
    hu, edges, body = 300 * planes[:, :3], planes[:, 3:4].abs(), (planes[:, 4:] > -0.5).float()
    with torch.no_grad():
        network({"hu": hu, "sobel": edges, "body": body, "usual": 0 * hu, "spacing": torch.full((4, 1), 2.0)})
        network.head.weight *= 10
    return network.eval()


def write_untrained(path: Path) -> Path:
    save_file(untrained().state_dict(), path)
    return path
