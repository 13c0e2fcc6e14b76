"""Train a network of the compact preset: python -m CTRestorationLib.train_prior denoise --data DIR --out DIR.

DIR is a folder of CT volumes and slices in HU (NIfTI, NRRD, MHA). Of the slices named slice2d_<patient>_..., only
TRAINING_PATIENTS are read; the others stay unseen for tuning and testing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from .degradation import Degradation
from .dose import dose_noise, line_integrals
from .precision import channels_last
from .prior import DENOISE, NETWORKS, write_prior
from .prior_network import PriorNetwork

TRAINING_PATIENTS = ("A002304", "A027284", "A056642")
VOLUMES = ("chest_lidc*", "abdomen_crlm*", "limb_sts*", "thoraxcrop_*")
_SLICE_SHARE = 0.7  # of the samples; the volumes have lower resolution
_NOISE_KERNELS = ("ramp", "ramp", "shepp-logan", "hann")


def read_slices(folder: Path) -> list[tuple[np.ndarray, float]]:
    """The full-resolution training slices: (H, W) HU and pixel size in mm."""
    paths = sorted(p for patient in TRAINING_PATIENTS for p in folder.rglob(f"slice2d_{patient}_*.nii.gz"))
    return [(array[0], spacing) for array, spacing in map(_read, paths)]


def read_volumes(folder: Path) -> list[np.ndarray]:
    """The training volumes, (K, J, I) HU."""
    return [_read(p)[0] for pattern in VOLUMES for p in sorted(folder.rglob(f"{pattern}.nii.gz"))]


def _read(path: Path) -> tuple[np.ndarray, float]:
    from InverseImagingLib.image import read

    image = read(path)
    return image.array.astype(np.float32), image.spacing[0]


def noise_bank(slices: list[tuple[np.ndarray, float]], cache: Path, seed: int) -> list[np.ndarray]:
    """Realizations of projection noise, made once and kept in `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    bank = []
    for index, (hu, spacing) in enumerate(slices):
        path = cache / f"noise{index:03d}.npy"
        if not path.exists():
            rng = np.random.default_rng([seed, index])
            integrals = line_integrals(hu, spacing)
            kinds = [dose_noise(integrals, hu.shape, spacing, 0.2, rng, kernel=kernel) for kernel in _NOISE_KERNELS]
            np.save(path, np.stack(kinds).astype(np.float16))
        bank.extend(np.load(path).astype(np.float32))
    return bank


class Samples:
    """Random crops of the training images, in HU."""

    def __init__(self, slices: list[tuple[np.ndarray, float]], volumes: list[np.ndarray], size: int) -> None:
        self._slices = [hu for hu, _ in slices]
        self._volumes = volumes
        self._size = size

    def crop(self, rng: np.random.Generator) -> np.ndarray:
        """(size, size) HU, at least a fifth of it soft tissue."""
        for _ in range(20):
            source = self._source(rng)
            factor = 2 if rng.random() < 0.15 and min(source.shape) >= 2 * self._size else 1
            extent = self._size * factor
            if min(source.shape) < extent:
                continue
            top, left = (rng.integers(0, n - extent + 1) for n in source.shape)
            crop = source[top : top + extent, left : left + extent]
            if factor == 2:  # the mean of four pixels has less noise of its own: what a clean image looks like
                crop = crop.reshape(self._size, 2, self._size, 2).mean(axis=(1, 3))
            if ((crop > -160) & (crop < 240)).mean() > 0.2:
                break
        else:
            return self._slices[0][: self._size, : self._size]
        crop = np.rot90(crop, int(rng.integers(4)))
        return crop[:, ::-1] if rng.random() < 0.5 else crop

    def _source(self, rng: np.random.Generator) -> np.ndarray:
        if not self._volumes or rng.random() < _SLICE_SHARE:
            return self._slices[rng.integers(len(self._slices))]
        volume = self._volumes[rng.integers(len(self._volumes))]
        axis = 0 if rng.random() < 0.8 else rng.integers(1, 3)
        return np.take(volume, rng.integers(volume.shape[axis]), axis=axis)


def loss_of(output: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Minus half the mean log of the mean square errors of the samples, so that each counts in decibels."""
    inside = (output.clamp(-0.02, 1.02) - truth.clamp(-0.02, 1.02)).square()
    error = ((inside + 0.2 * (output - truth).square()) * weight).sum(dim=(1, 2, 3)) / weight.sum(
        dim=(1, 2, 3)
    ).clamp_min(1.0)
    return 0.5 * torch.log(error + 3e-5).mean()


def train(arguments: argparse.Namespace) -> None:
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    out = Path(arguments.out)
    slices, volumes = read_slices(Path(arguments.data)), read_volumes(Path(arguments.data))
    if not slices:
        raise SystemExit(f"No slice of the training patients {', '.join(TRAINING_PATIENTS)} is in {arguments.data}.")
    samples = Samples(slices, volumes, arguments.crop)
    out.mkdir(parents=True, exist_ok=True)
    noise = noise_bank(slices, out / "noise", arguments.seed) if arguments.network == DENOISE else []
    degradation = Degradation(arguments.network, noise)
    network = channels_last(PriorNetwork(arguments.channels, arguments.scales), torch.device("cpu"))
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.999)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.learning_rate, weight_decay=1e-5)
    state = _state_path(arguments)
    spent, step = 0.0, 0
    if arguments.resume and state.exists():
        spent, step = _resume(state, network, average, optimizer)
    began, seconds, mean = time.monotonic(), 60.0 * arguments.minutes, None
    while True:
        elapsed = spent + time.monotonic() - began
        share = min(elapsed / seconds, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = (
                arguments.learning_rate * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * share)))
            )
        rng = np.random.default_rng([arguments.seed, step])
        crops = [samples.crop(rng) for _ in range(arguments.batch)]
        inputs, truth, weight = degradation.batch(crops, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bfloat16):
            output = network(inputs.contiguous(memory_format=torch.channels_last))
        loss = loss_of(output, truth, weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        mean = loss.item() if mean is None else 0.99 * mean + 0.01 * loss.item()
        step += 1
        if step % 100 == 0:
            print(f"step {step} minutes {elapsed / 60:.1f} loss {mean:.4f}", flush=True)
        if step % 500 == 0 or share >= 1.0:
            _save(arguments, network, average, optimizer, elapsed, step)
        if share >= 1.0:
            return


def _state_path(arguments: argparse.Namespace) -> Path:
    return Path(arguments.out) / f"{arguments.network}-state.safetensors"


def _save(arguments, network, average, optimizer, elapsed, step) -> None:  # type: ignore[no-untyped-def]
    moments = {
        f"optimizer.{index}.{key}": value
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }
    weights = {f"network.{k}": v for k, v in network.state_dict().items()}
    averages = {f"average.{k}": v for k, v in average.module.state_dict().items()}
    tensors = {k: v.detach().clone().contiguous() for k, v in {**weights, **averages, **moments}.items()}
    state = _state_path(arguments)
    partial = state.with_suffix(".partial")
    save_file(tensors, partial, metadata={"elapsed": str(elapsed), "step": str(step)})
    partial.replace(state)
    training = {"steps": step, "minutes": round(elapsed / 60, 1), "patients": list(TRAINING_PATIENTS)}
    training |= {name: getattr(arguments, name) for name in ("seed", "batch", "crop", "learning_rate")}
    settings = {"channels": arguments.channels, "scales": arguments.scales, "training": training}
    write_prior(arguments.network, average.module, Path(arguments.out), settings)


def _resume(state, network, average, optimizer) -> tuple[float, int]:  # type: ignore[no-untyped-def]
    from safetensors import safe_open

    tensors = load_file(state)
    with safe_open(state, framework="pt") as file:
        metadata = file.metadata()
    step = int(metadata["step"])
    network.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("network.")})
    average.module.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("average.")})
    average.n_averaged.fill_(step)
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return float(metadata["elapsed"]), step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("network", choices=NETWORKS, help="which of the networks")
    parser.add_argument("--data", required=True, help="folder of the CT images")
    parser.add_argument("--out", required=True, help="folder for weights, state and simulated noise")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time, over all resumed runs")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=96, help="side of the training crops in pixels, a multiple of 8")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--scales", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--bfloat16", action=argparse.BooleanOptionalAction, default=True)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
