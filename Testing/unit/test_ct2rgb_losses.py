"""What the paper's generator minimizes: features of pictures, and terms inside the body."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.networks.nets import resnet50
from safetensors.torch import save_file
from skimage.color import rgb2gray

from CT2RGBLib.paper.features import FilterBank, ResNet50, features
from CT2RGBLib.paper.losses import adversarial_losses, mean_inside, similarity_losses
from CT2RGBLib.paper.network import paper_discriminator
from CT2RGBLib.training.structure import dissimilarity
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.scores import ssim


def pictures(seed: int = 0, height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))


def body_in(shown: torch.Tensor) -> torch.Tensor:
    body = torch.zeros_like(shown[:, :1])
    body[..., 8:40, 16:40] = 1
    return body


# Structure


def test_dissimilarity_is_1_less_ssim_of_the_luminance_in_the_body():
    truth, ours = pictures(1), 0.5 * pictures(1) + 0.5 * pictures(2)
    body = body_in(truth)
    expected = [
        1
        - ssim(
            *(torch.from_numpy(rgb2gray((each * body)[n].movedim(0, -1).numpy())) for each in (ours, truth)),
            body[n, 0] > 0,
        )
        for n in range(2)
    ]
    assert float(dissimilarity(ours, truth, body)) == pytest.approx(sum(expected) / 2, abs=5e-3)
    assert float(dissimilarity(truth, truth, body)) == pytest.approx(0, abs=1e-5)


# Features


def test_resnet_50_is_that_of_others(tmp_path: Path):
    """MONAI's, which has the names and the layers of torchvision's."""
    torch.manual_seed(0)
    settings = {"num_classes": 1000, "conv1_t_stride": 2, "bias_downsample": False}
    other = resnet50(spatial_dims=2, n_input_channels=3, **settings).eval()
    for name, value in other.state_dict().items():
        if "running" in name:
            value.copy_(torch.rand_like(value) + 0.5)
    path = tmp_path / "resnet50.safetensors"
    save_file(other.state_dict(), path)
    ours = features(str(path))
    expected = []
    for stage in (other.layer1, other.layer2, other.layer3, other.layer4):
        stage.register_forward_hook(lambda _module, _given, made: expected.append(made.clone()))
    shown = pictures()
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        other((shown - mean[:, None, None]) / deviation[:, None, None])
        found = ours(shown)
    assert [tuple(each.shape[1:]) for each in found] == [(256, 12, 16), (512, 6, 8), (1024, 3, 4), (2048, 2, 2)]
    for one, its in zip(found, expected, strict=True):
        torch.testing.assert_close(one, its)


def test_resnet_50_stays_as_it_is():
    with torch.device("meta"):
        network = torch.nn.Sequential(ResNet50()).train()
    assert sum(p.numel() for p in network.parameters()) == 25_557_032
    assert not any(p.requires_grad for p in network.parameters())
    assert not any(module.training for module in network[0].modules())


@pytest.mark.parametrize(
    ("name", "reason"), [("a.pth", "can hold programs"), ("b.safetensors", "another architecture")]
)
def test_other_weights_are_refused(name: str, reason: str, tmp_path: Path):
    save_file({"x": torch.zeros(2)}, tmp_path / name)
    with pytest.raises(InputError, match=reason):
        features(str(tmp_path / name))


def test_the_filters_see_edges_and_not_brightness():
    bank = FilterBank()
    flat = torch.tensor([0.7, 0.2, 0.4])[None, :, None, None].expand(1, 3, 32, 32)
    assert all(response.abs().max() < 1e-6 for response in bank(flat))
    step = torch.zeros(1, 3, 32, 32)
    step[..., 16:] = 1  # gray: no color, and no slope along columns
    found = [response.unflatten(1, (3, 3)) for response in bank(step)]
    assert [tuple(response.shape[3:]) for response in found] == [(32, 32), (16, 16), (8, 8)]
    for response in found:
        assert response[:, 1:].abs().max() < 1e-6
        assert response[:, 0, [0, 2]].abs().amax(dim=(0, 2, 3)).min() > 0.2
        assert response[:, 0, 1].abs().max() < 1e-6


def test_the_slope_of_a_ramp_is_its_rise_for_each_pixel():
    ramp = (torch.arange(40) / 40).expand(1, 3, 40, 40)
    for n, response in enumerate(features()(ramp)):
        slope = response.unflatten(1, (3, 3))[0, 0, 2]
        inner = slope[:, 4:-4] / 3**0.5  # from opponent brightness to gray
        torch.testing.assert_close(inner, torch.full_like(inner, 2**n / 40), rtol=1e-4, atol=0)


# Terms


@pytest.mark.parametrize("kind", [FilterBank, ResNet50])
def test_only_the_body_counts(kind: type[torch.nn.Module]):
    torch.manual_seed(0)
    own, truth = kind(), pictures()
    body = body_in(truth)
    elsewhere = torch.where(body > 0, truth, pictures(1))
    assert all(float(term) == 0 for term in similarity_losses(elsewhere, truth, body, own).values())
    inside = torch.where(body > 0, pictures(1), truth).requires_grad_()
    terms = similarity_losses(inside, truth, body, own)
    assert all(term.item() > 0 for term in terms.values())
    torch.stack(list(terms.values())).sum().backward()
    assert (inside.grad.abs().sum(dim=1, keepdim=True) > 0)[body > 0].float().mean() > 0.99
    assert not inside.grad[(body == 0).expand_as(inside)].any()


def test_colors_count_by_their_mean_in_each_body():
    truth = torch.zeros(2, 3, 8, 8)
    body = torch.zeros(2, 1, 8, 8)
    body[0, :, :2, :2], body[1] = 1, 1
    ours = truth.clone()
    ours[0, 0], ours[1, 2] = 0.3, 0.6
    assert float(similarity_losses(ours, truth, body, FilterBank())["colors"]) == pytest.approx(10 * (0.1 + 0.2) / 2)


def test_means_of_coarse_maps_are_by_the_share_of_the_body():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2, :2], mask[..., 0, 2] = 1, 1
    values = torch.tensor([[[[2.0, 4.0], [100.0, 100.0]]]])
    assert float(mean_inside(values, mask)) == pytest.approx((4 * 2 + 1 * 4) / 5)
    assert float(mean_inside(values, torch.zeros_like(mask))) == 0


def test_generator_and_critic_learn_each_for_itself():
    torch.manual_seed(0)
    critic, ours, truth = paper_discriminator(width=4), pictures().requires_grad_(), pictures(1)
    terms = adversarial_losses(critic, torch.rand(2, 2, 48, 64), ours, truth, body_in(truth))
    terms["adversarial"].backward(retain_graph=True)
    assert all(p.grad is None for p in critic.parameters())
    assert ours.grad[body_in(truth).expand_as(ours) > 0].any()
    assert not ours.grad[body_in(truth).expand_as(ours) == 0].any()
    ours.grad = None
    terms["critic"].backward()
    assert ours.grad is None
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in critic.parameters())


def test_a_critic_that_knows_nothing_has_half_the_loss():
    critic, truth = paper_discriminator(width=4), pictures()
    torch.nn.init.zeros_(critic.steps[-1].weight)
    terms = adversarial_losses(critic, torch.rand(2, 2, 48, 64), truth, truth, body_in(truth))
    wrong = 1 - critic.steps[-1].bias.item()
    assert terms["adversarial"].item() == pytest.approx(wrong**2)
    assert terms["critic"].item() == pytest.approx(0.5 * (wrong**2 + (1 - wrong) ** 2))
