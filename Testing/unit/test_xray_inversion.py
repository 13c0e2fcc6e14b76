from __future__ import annotations

import numpy as np
import pytest
import torch

from InverseImagingLib.xray.geometry import Preset, preset_geometry
from InverseImagingLib.xray.inversion import back_projection, mart, sirt
from InverseImagingLib.xray.projector import Projector

COUNT, SPACING = 32, 4.0
SHAPE = (COUNT, COUNT, COUNT)
PLACE = np.diag([SPACING, SPACING, SPACING, 1.0])


def projector(preset: Preset = Preset.XRAYSYN, azimuths: tuple[float, ...] = (0.0,), width: int = COUNT) -> Projector:
    views = [preset_geometry(preset, SHAPE, PLACE, width=width, azimuth=azimuth) for azimuth in azimuths]
    return Projector(SHAPE, PLACE, views)


def body() -> torch.Tensor:
    """Two channels of smooth bodies with some fine grain, 0 outside."""
    k, j, i = torch.meshgrid(*[torch.linspace(-1, 1, COUNT)] * 3, indexing="ij")
    outline = ((i / 0.8) ** 2 + (j / 0.6) ** 2 + (k / 0.9) ** 2 < 1).float()
    grain = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    return torch.stack([outline * (1 + 0.3 * grain), outline * torch.exp(-4 * (i - 0.3) ** 2 - 4 * k**2)])


def picture() -> torch.Tensor:
    """A picture of edges and a gradient that is no projection of anything in particular."""
    v, u = torch.meshgrid(torch.linspace(-1, 1, COUNT), torch.linspace(-1, 1, COUNT), indexing="ij")
    return (torch.exp(-3 * (u**2 + 2 * v**2)) + 0.5 * ((u - 0.2).abs() < 0.3) * (v.abs() < 0.5))[None, None]


@pytest.mark.parametrize("azimuth", [0.0, 33.0, 90.0])
@pytest.mark.parametrize("preset", [Preset.XRAYSYN, Preset.HENZLER])
def test_back_projection_projects_to_the_image_again(preset: Preset, azimuth: float):
    a = projector(preset, (azimuth,))
    for image in (a(body()), picture()):
        hit = a(torch.ones(1, *SHAPE)) > 0.5
        error = (a(back_projection(a, image)) - image) * hit
        assert error.abs().max() <= 1e-3 * image.max()
        assert error.norm() <= 1e-3 * image.norm()


def test_back_projection_of_several_views_and_double_precision():
    a = projector(azimuths=(0, 45, 90))
    images = a(body().double())
    assert (a(back_projection(a, images)) - images).abs().max() <= 1e-3 * images.max()


def test_back_projection_spreads_evenly_along_the_rays():
    """V = A^T(I / A 1): of a uniform body, uniform, in the units of the body."""
    a = projector(Preset.HENZLER)
    uniform = torch.full((1, *SHAPE), 0.7)
    torch.testing.assert_close(back_projection(a, a(uniform)), uniform)
    image = a(body())
    flat = back_projection(a, image)
    torch.testing.assert_close(flat, flat.mean(dim=2, keepdim=True).expand_as(flat))
    torch.testing.assert_close(flat[:, :, 0], image[0].flip(2, 1) / (COUNT * SPACING))


def test_back_projection_of_nothing_and_of_what_misses():
    a = projector(width=4)
    assert (back_projection(a, torch.zeros(1, 1, 4, 4)) == 0).all()
    beside = Projector(SHAPE, PLACE, [preset_geometry(Preset.XRAYSYN, SHAPE, PLACE, offset=(9999, 0, 0))])
    assert (back_projection(beside, torch.ones(1, 1, 128, 128)) == 0).all()


def test_back_projection_is_differentiable():
    shape, place = (4, 4, 4), np.diag([30.0, 30, 30, 1])
    a = Projector(shape, place, [preset_geometry(Preset.XRAYSYN, shape, place, width=3, azimuth=20)])
    image = torch.rand(1, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: back_projection(a, y, steps=3, tolerance=0), image)


def errors(a: Projector, images: torch.Tensor, volumes: list[torch.Tensor]) -> list[float]:
    return [float((a(volume) - images).norm() / images.norm()) for volume in volumes]


def test_sirt_comes_closer_with_every_step():
    a = projector(azimuths=(0, 60, 120))
    images = a(body())
    found = errors(a, images, [sirt(a, images, steps=steps) for steps in (1, 2, 4, 8, 16)])
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.2 * found[0]
    halfway = sirt(a, images, steps=4)
    torch.testing.assert_close(sirt(a, images, start=halfway, steps=4), sirt(a, images, steps=8))
    assert torch.equal(sirt(a, images, start=halfway, steps=0), halfway)


def test_sirt_is_the_formula():
    """One step from zero: C A^T R y, with R and C one over the sums of the operator's rows and columns."""
    a = projector(width=8)
    y = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3)).double()
    rows = a(torch.ones(1, *SHAPE).double())
    columns = a.adjoint(torch.ones(1, 1, 8, 8).double())
    expected = torch.where(columns > 0, a.adjoint(y / rows) / columns, 0)
    torch.testing.assert_close(sirt(a, y), expected)


def test_mart_keeps_the_outline_and_comes_closer():
    a = projector(azimuths=(0, 60, 120))
    truth = body()
    images, outline = a(truth), (truth[:1] > 0).float().expand(2, -1, -1, -1)
    volumes = [mart(a, images, start=outline, steps=steps) for steps in (0, 1, 2, 4, 8, 16)]
    found = errors(a, images, volumes)
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.05
    for volume in volumes:
        assert (volume[outline == 0] == 0).all()
        assert (volume >= 0).all()
        assert torch.isfinite(volume).all()
    torch.testing.assert_close(mart(a, images, start=truth, steps=3), truth)


def test_mart_of_a_dark_image_and_of_an_empty_start_is_zero():
    a = projector()
    dark = mart(a, torch.zeros(1, 1, COUNT, COUNT), start=torch.ones(1, *SHAPE))
    seen = a.adjoint(torch.ones(1, 1, COUNT, COUNT)) > 0
    assert (dark[seen] == 0).all()
    assert (mart(a, picture(), start=torch.zeros(1, *SHAPE)) == 0).all()
