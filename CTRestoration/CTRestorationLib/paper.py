"""The paper preset of the deep tier: a plain deep image prior, fitted from random weights to each slice."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from InverseImagingLib.errors import InputError

from .classical import InstantSolver
from .metrics import psnr
from .options import RestorationOptions
from .precision import channels_last
from .presets import Settings, settings_of
from .problem import Estimate, Problem, Step
from .resampling import Resampling, downsample
from .skip_network import SkipNetwork, cropped, fixed_input, padded_shape
from .stopping import VarianceStop

_BACKTRACK_DB = 5.0
_CHECK_EVERY = 50
_PATIENCE = 1000
_WARM_UP_SHARE = 10  # of the iterations; on small slices the variance dips in the first tenth, long before the best one
_BYTES_PER_CHANNEL = 90  # and pixel: activations and gradients of the whole network


def needed_memory(shape: tuple[int, int], settings: Settings) -> int:
    """Bytes that fitting a (H, W) slice takes, roughly."""
    return shape[0] * shape[1] * (settings.channels + settings.skip_channels) * _BYTES_PER_CHANNEL


class PaperSolver:
    """Fits a SkipNetwork to each slice; a slice starts from the weights of the one before."""

    def __init__(self, options: RestorationOptions, device: torch.device) -> None:
        self._options, self._device = options, device
        self._settings = settings_of(options)
        self._generator = torch.Generator().manual_seed(options.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            s = self._settings
            network = SkipNetwork(s.scales, s.channels, s.skip_channels, s.upsampling)
        self._network = channels_last(network, device)
        self._z: torch.Tensor | None = None

    def facts(self) -> dict[str, Any]:
        return {"network parameters": sum(p.numel() for p in self._network.parameters())}

    def quick(self, problem: Problem) -> Estimate:
        return InstantSolver().quick(problem)

    def solve(self, problem: Problem, step: Step) -> Estimate:
        self._check_memory(problem)
        if self._z is None:  # one for all slices, or the weights of the slice before would mean nothing
            shape = padded_shape(problem.output_shape, self._network.multiple)
            self._z = fixed_input(shape, self._generator).to(self._device)
        return _Fit(self._network, self._z, problem, self._settings, self._device, self._generator).run(step)

    def _check_memory(self, problem: Problem) -> None:
        from InverseImagingLib import device as devices

        needed, free = needed_memory(problem.output_shape, self._settings), devices.free_memory(self._device)
        if free is not None and needed > free:
            height, width = problem.output_shape
            raise InputError(
                f"The preset paper needs about {needed / 2**30:.0f} GiB for a slice of {height} x {width} pixels, but "
                f"{free / 2**30:.0f} GiB are free; choose the preset compact, fewer channels, or a smaller image."
            )


class _Fit:
    """One slice being fitted."""

    def __init__(
        self,
        network: SkipNetwork,
        z: torch.Tensor,
        problem: Problem,
        settings: Settings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._network, self._z, self._problem, self._settings = network, z, problem, settings
        self._device, self._generator = device, generator
        known = None if problem.missing is None else ~problem.missing
        seen = problem.values if known is None else problem.values[known]
        margin = 0.02 * float(np.ptp(seen))  # so that the sigmoid reaches the extremes
        self._low, self._width = float(seen.min()) - margin, float(np.ptp(seen)) + 2 * margin
        self._target = self._tensor((problem.values - self._low) / self._width)
        self._known = None if known is None else self._tensor(known)
        self._resampling = None
        if problem.factors != (1, 1):
            shape = (problem.values.shape[0], problem.values.shape[1])
            self._resampling = Resampling(shape, problem.factors, problem.kernel, device)

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(self._device)[None, None]

    def _loss(self, output: torch.Tensor) -> torch.Tensor:
        if self._resampling is not None:
            output = self._resampling.down(output)
        squares = (output - self._target).square()
        return squares.mean() if self._known is None else (squares * self._known).mean()

    def _hu(self, output: torch.Tensor) -> np.ndarray:
        """What an output of the network means, with the known pixels put back."""
        values = (output * self._width + self._low)[0, 0].cpu().numpy()
        return self._problem.consistent(values) if self._problem.missing is not None else values

    def _psnr_to_input(self, values: np.ndarray) -> float:
        problem = self._problem
        if self._resampling is not None:
            values = downsample(values, problem.factors, problem.kernel)
        window = (problem.companding.low, problem.companding.high)
        return psnr(values, problem.values, window, None if problem.missing is None else ~problem.missing)

    def run(self, step: Step) -> Estimate:
        settings, network, shape = self._settings, self._network, self._problem.output_shape
        z = self._z
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        patience = max(min(_PATIENCE, settings.iterations // 3), 10)
        steady = VarianceStop(patience, warm_up=settings.iterations // _WARM_UP_SHARE)
        average = square = best = best_spread = None
        kept, kept_loss, backtracked = copy.deepcopy(network.state_dict()), float("inf"), 0
        reason, iteration, finish = "all iterations were made", 0, False
        fraction, watched = 0.0, _Heartbeat(network, lambda: step(fraction))
        try:
            for iteration in range(1, settings.iterations + 1):
                fraction = iteration / settings.iterations
                jitter = torch.randn(z.shape, generator=self._generator).to(self._device) * settings.reg_noise_std
                output = cropped(network(z + jitter), shape)
                loss = self._loss(output)
                if settings.tv_weight > 0:
                    variation = output.diff(dim=2).abs().mean() + output.diff(dim=3).abs().mean()
                    loss = loss + settings.tv_weight * variation
                value = float(loss.detach())
                if value > kept_loss * 10 ** (_BACKTRACK_DB / 10):
                    network.load_state_dict(kept)
                    backtracked += 1
                else:
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    if iteration % _CHECK_EVERY == 0:
                        kept, kept_loss = copy.deepcopy(network.state_dict()), value
                    optimizer.step()
                picture = output.detach()
                past = min(settings.averaging, (iteration - 1) / iteration)
                average = picture.clone() if average is None else average.lerp_(picture, 1.0 - past)
                deviation = (picture - average).square()
                square = deviation if square is None else square.lerp_(deviation, 1.0 - past)
                if steady.update(picture):
                    best, best_spread = average.clone(), square.clone()
                curve = values = None
                if iteration % 10 == 0 or iteration == 1:
                    values = self._hu(average)
                    curve = {
                        "iteration": float(iteration),
                        "variance": steady.variance,
                        "PSNR to input": self._psnr_to_input(values),
                    }
                finish = step(fraction, f"iteration {iteration}", values, curve)
                if finish or steady.stop:
                    reason = "finished early on request" if finish else "the variance had no new minimum"
                    break
        finally:
            watched.remove()
        if best is None or best_spread is None:
            best, best_spread = average, square
        assert best is not None
        assert best_spread is not None
        facts = {
            "iterations": iteration,
            "best iteration": steady.best_update or iteration,
            "stopped": reason,
            "HU range": [round(self._low, 1), round(self._low + self._width, 1)],
            "backtracked": backtracked,
        }
        spread = best_spread.sqrt()[0, 0].cpu().numpy() * self._width
        if self._problem.missing is not None:
            spread = spread * self._problem.missing
        return Estimate(self._hu(best).astype(np.float32), spread.astype(np.float32), facts)


class _Heartbeat:
    """Calls back between the layers, forward and backward, so that a cancel need not wait for an iteration."""

    def __init__(self, network: nn.Module, beat: Any) -> None:
        def after_forward(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            beat()
            if output.requires_grad:
                output.register_hook(lambda gradient: (beat(), None)[1])

        convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        self._handles = [c.register_forward_hook(after_forward) for c in convolutions]

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()
