"""The fast tier and the compact preset of the deep tier: a small network adapted to the one image at hand.

The deep tier starts from a trained prior, the fast one from random weights. Source of the idea: Barbano et al., An
Educated Warm Start for Deep Image Prior-Based Micro CT Reconstruction, IEEE TCI 2022.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from .classical import InstantSolver, calibrate, denoise_with
from .metrics import psnr
from .noise import estimate_noise
from .options import RestorationOptions, Task, Tier
from .precision import channels_last, lower_precision
from .presets import settings_of
from .prior import DENOISE, FILL, REFINE, read_prior
from .prior_network import PriorNetwork
from .problem import Estimate, Problem, Step, no_step
from .self_supervision import CoarseImage, HiddenPixels, NoisePairs, Pairs, SelfSupervision
from .stopping import HeldOutStop, VarianceStop
from .tiles import tile_count, tiles

_NETWORK = {
    Task.DENOISE: DENOISE,
    Task.INPAINT: FILL,
    Task.RESTORE: FILL,
    Task.SUPER_RESOLUTION: REFINE,
}
_TILE, _OVERLAP = 512, 48
_CLIPPED = (-0.05, 1.05)  # what lies farther outside the window does not count
_CHECK_EVERY = 10
_MISFIT = 10.0  # how much more disagreement with the measurement counts than the held-out error
_HELD_OUT_BATCHES = 6
_PATIENCE = 4
_RETURN = 0.25  # of the way to the prior between slices
_FOLLOWING = 0.25  # share of the iterations for the slices after the first, which start warm


class AdaptiveSolver:
    """Adapts one network from slice to slice."""

    def __init__(self, options: RestorationOptions, device: torch.device) -> None:
        self._options, self._device = options, device
        self._settings = settings_of(options)
        self._deep = options.tier is Tier.DEEP
        self._warnings: list[str] = []
        self._manifest: dict[str, Any] = {}
        self._trained = False
        self._network = channels_last(self._make_network(), device)
        self._initial = copy.deepcopy(self._network.state_dict())
        self._solved = 0
        self._denoiser: tuple[str, float] | None = None  # chosen on the first slice

    def _make_network(self) -> nn.Module:
        settings, seed = self._settings, self._options.seed
        if self._deep:
            network, manifest, warning = read_prior(_NETWORK[self._options.task])
            if network is not None and (manifest["channels"], manifest["scales"]) == (
                settings.channels,
                settings.scales,
            ):
                self._manifest, self._trained = manifest, True
                return network
            self._warnings.append(
                warning
                or f"The trained prior has {manifest['channels']} channels and {manifest['scales']} scales; with other "
                "numbers the network started from random weights."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return PriorNetwork(settings.channels, settings.scales)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "network parameters": sum(p.numel() for p in self._network.parameters()),
            "warnings": self._warnings,
        }
        if self._manifest:
            facts |= {"model": self._manifest["file"], "model sha256": self._manifest["sha256"]}
        return facts

    def quick(self, problem: Problem) -> Estimate:
        if not self._trained and not self._solved:
            return InstantSolver().quick(problem)
        values, spread = self._apply(self._teacher(problem), problem)
        return Estimate(values, spread)

    def solve(self, problem: Problem, step: Step) -> Estimate:
        self._return_to_prior()
        teacher = self._teacher(problem, step)
        facts = self._adapt(problem, teacher, step)
        if isinstance(teacher, NoisePairs):
            facts["noise level HU"] = round(teacher.noise_level, 2)
        self._solved += 1
        turns = 8 if self._deep else 2
        values, spread = self._apply(teacher, problem, turns, lambda done: step(0.85 + 0.15 * done, "averaging"))
        step(1.0, "done", values)
        return Estimate(values, spread, facts)

    @torch.no_grad()
    def _return_to_prior(self) -> None:
        """Go a part of the way back, so that a trained network does not drift off over many slices."""
        if self._trained and self._solved:
            for name, value in self._network.named_parameters():
                value.lerp_(self._initial[name], _RETURN)

    def _teacher(self, problem: Problem, step: Step = no_step) -> SelfSupervision:
        device, seed = self._device, self._options.seed

        def beginning(fraction: float, message: str = "", values: Any = None, curve: Any = None) -> bool:
            return step(0.0, "first estimate")

        if problem.task is Task.DENOISE:
            noise = estimate_noise(problem.values)
            if self._trained:
                teacher = NoisePairs(problem, noise, device, seed)
                teacher.guide_by(self._apply(teacher, problem, beat=beginning)[0])
                return teacher
            if self._denoiser is None:
                self._denoiser = calibrate(problem, noise, step=beginning)[:2]
            name, parameter = self._denoiser
            return NoisePairs(
                problem,
                noise,
                device,
                seed,
                first=lambda values, sigma: denoise_with(problem, values, name, parameter, sigma, beginning),
            )
        if problem.missing is not None:
            return HiddenPixels(problem, device, seed, self._trained, beginning)
        return CoarseImage(problem, device, seed, self._trained)

    def _adapt(self, problem: Problem, teacher: SelfSupervision, step: Step) -> dict[str, Any]:
        """Train the network on the slice; leaves the best averaged weights in it."""
        settings, rng = self._settings, np.random.default_rng([self._options.seed, 3])
        held_out_rng = np.random.default_rng([self._options.seed, 5])
        held_out = [pairs for _ in range(_HELD_OUT_BATCHES) if (pairs := teacher.pairs(held_out_rng, True)) is not None]
        if sum(float(pairs.weight.sum()) for pairs in held_out) < 100:
            return {"iterations": 0, "stopped": "the slice is too small to learn from"}

        def beginning(done: float) -> bool:
            return step(0.0, "first estimate")

        average = copy.deepcopy(self._network)
        optimizer = torch.optim.Adam(self._network.parameters(), lr=settings.learning_rate)
        iterations = settings.iterations
        if self._solved:
            iterations = max(round(iterations * _FOLLOWING), 1)
        best, steady = HeldOutStop(average, _PATIENCE), VarianceStop(patience=10**9)
        raw, _ = self._apply(teacher, problem, beat=beginning, network=average, consistent=False)
        best.check(self._held_out_error(average, held_out) + _MISFIT * teacher.misfit(raw), 0)
        first_error, reason, iteration = best.error, "all iterations were made", 0
        share = 0.85

        def beat(done: float) -> bool:
            return step(share * iteration / iterations, f"iteration {iteration}")

        for iteration in range(1, iterations + 1):
            pairs = teacher.pairs(rng, False)
            assert pairs is not None
            inputs = pairs.inputs
            if settings.reg_noise_std > 0:
                jitter = torch.from_numpy(rng.standard_normal(inputs[:, :1].shape).astype(np.float32)).to(self._device)
                inputs = torch.cat([inputs[:, :1] + settings.reg_noise_std * jitter, inputs[:, 1:]], dim=1)
            with lower_precision(self._device):
                output = self._network(inputs.contiguous(memory_format=torch.channels_last))
            loss = _error(output, pairs)
            if settings.tv_weight > 0:
                loss = loss + settings.tv_weight * _total_variation(output)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                past = min(settings.averaging, iteration / (iteration + 10.0))
                for mean, value in zip(average.parameters(), self._network.parameters(), strict=True):
                    mean.lerp_(value, 1.0 - past)
            finish = False
            if iteration % _CHECK_EVERY == 0 or iteration == iterations:
                raw, _ = self._apply(teacher, problem, beat=beat, network=average, consistent=False)
                error = self._held_out_error(average, held_out) + _MISFIT * teacher.misfit(raw)
                best.check(error, iteration)
                picture = problem.consistent(raw)
                steady.update(torch.from_numpy(self._problem_unit(problem, picture)))
                curve = {"iteration": float(iteration), "variance": steady.variance, "held-out error": error}
                curve["PSNR to input"] = self._psnr_to_input(problem, picture)
                finish = step(share * iteration / iterations, f"iteration {iteration}", picture, curve)
            else:
                finish = step(share * iteration / iterations, f"iteration {iteration}")
            if finish:
                reason = "finished early on request"
                break
            if best.stop:
                reason = "the held-out error had no new minimum"
                break
        best.restore()
        self._network.load_state_dict(average.state_dict())
        return {
            "iterations": iteration,
            "best iteration": best.best_iteration,
            "stopped": reason,
            "held-out error": round(best.error, 8),
            "held-out error at the start": round(first_error, 8),
        }

    def _problem_unit(self, problem: Problem, picture: np.ndarray) -> np.ndarray:
        window = problem.companding
        return np.clip((picture - window.low) / window.width, 0.0, 1.0)

    def _psnr_to_input(self, problem: Problem, picture: np.ndarray) -> float:
        if problem.factors != (1, 1):
            from .resampling import downsample

            picture = downsample(picture, problem.factors, problem.kernel)
        window = (problem.companding.low, problem.companding.high)
        return psnr(picture, problem.values, window, None if problem.missing is None else ~problem.missing)

    @torch.no_grad()
    def _held_out_error(self, network: nn.Module, held_out: list[Pairs]) -> float:
        errors = []
        for pairs in held_out:
            with lower_precision(self._device):
                output = network(pairs.inputs.contiguous(memory_format=torch.channels_last))
            errors.append(float(_error(output, pairs)))
        return float(np.mean(errors))

    @torch.no_grad()
    def _apply(
        self,
        teacher: SelfSupervision,
        problem: Problem,
        turns: int = 1,
        beat: Callable[[float], bool] | None = None,
        network: nn.Module | None = None,
        consistent: bool = True,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The network's estimate (H, W) in HU and its spread, over up to 8 turned and mirrored copies of the input."""
        network = network or self._network
        inputs = teacher.inputs()
        shape = (inputs.shape[-2], inputs.shape[-1])
        total = np.zeros(shape, dtype=np.float64)
        squares = np.zeros(shape, dtype=np.float64)
        count = turns * tile_count(shape, _TILE)
        done = 0
        finishing = False
        for read, keep, put in tiles(shape, _TILE, _OVERLAP):
            part = inputs[..., read[0], read[1]]
            made = 0
            for turn in range(turns):
                if made and finishing:
                    break
                values = self._turned(network, part, turn)[keep]
                made += 1
                done += 1
                total[put] += values
                squares[put] += values**2
                if beat is not None:
                    finishing = beat(done / count)
            total[put] /= made
            squares[put] /= made
        spread = np.sqrt(np.maximum(squares - total**2, 0.0)).astype(np.float32) if turns > 1 else None
        if spread is not None and problem.missing is not None:
            spread *= problem.missing
        return problem.consistent(total) if consistent else total.astype(np.float32), spread

    def _turned(self, network: nn.Module, inputs: torch.Tensor, turn: int) -> np.ndarray:
        turned = torch.rot90(inputs, turn % 4, (2, 3))
        if turn % 4 % 2:  # rows became columns, and so did the factors
            turned = torch.cat([turned[:, :3], turned[:, 4:5], turned[:, 3:4]], dim=1)
        if turn >= 4:
            turned = turned.flip(3)
        output = network(turned.contiguous(memory_format=torch.channels_last)).float()
        if turn >= 4:
            output = output.flip(3)
        output = torch.rot90(output, -(turn % 4), (2, 3))
        companding = self._companding()
        return companding.expand(output)[0, 0].cpu().numpy()

    def _companding(self):  # type: ignore[no-untyped-def]
        from .companding import Companding

        return Companding(self._options.window_low, self._options.window_high)


def _error(output: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    """Mean square error of what lies in the window, in units of the window."""
    low, high = _CLIPPED
    target = pairs.target.clamp(low, high) if pairs.exact else pairs.target
    output = output.float() if pairs.measured is None else pairs.measured(output.float())
    difference = output.clamp(low, high) - target
    return (difference.square() * pairs.weight).sum() / pairs.weight.sum().clamp_min(1.0)


def _total_variation(output: torch.Tensor) -> torch.Tensor:
    rows, columns = output.diff(dim=2).abs(), output.diff(dim=3).abs()
    return rows.mean() + columns.mean()
