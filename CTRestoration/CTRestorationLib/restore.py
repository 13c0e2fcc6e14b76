"""Restore a CT: from an image in HU and options to a result, slice by slice."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, check_options, ignore_progress, options_to_dict
from InverseImagingLib.slices import cropped_geometry, slice_range

from .companding import Companding
from .masks import dropped
from .metrics import psnr
from .options import FACTORS, Direction, Preset, RestorationOptions, Task, Tier
from .problem import Estimate, Problem, Solver
from .resampling import downsampler
from .slices import finer_geometry, slice_axis

VERSION = "1.0"
_SMALLEST = 8  # pixels along each side of a slice
_PREVIEW_SECONDS = 0.5
_BYTES_PER_VOXEL = 48  # of the result, with what is made on the way


def restore(
    image: Image, options: RestorationOptions, on_progress: OnProgress = ignore_progress, *, mask: Image | None = None
) -> Result:
    """Denoise, refine, inpaint or restore a CT image.

    image: (K, J, I) in HU. mask: for inpainting and restoration, an image on the same grid; what is not 0 gets filled.
    The result is float32 in HU. Denoise, inpaint and restore keep the grid and copy the slices that were not chosen;
    super-resolution gives the chosen slices only. "residual" is input minus result (for super-resolution, minus the
    downsampled result), "uncertainty" the standard deviation of the estimates in HU.
    Raises InputError when the image, the mask or an option cannot be used; Cancelled passes through.
    """
    from InverseImagingLib import device as devices

    began = time.monotonic()
    check_options(options)
    work = _Work(image, options, mask)
    device = devices.choose(options.device)
    work.check_memory(devices.free_memory(device))
    result, warnings = devices.run_or_fall_back(lambda where: work.run(where, on_progress), device)
    result.report["warnings"].extend(warnings)
    result.report["seconds"] = round(time.monotonic() - began, 2)
    return result


class _Work:
    """A checked request, cut into slices."""

    def __init__(self, image: Image, options: RestorationOptions, mask: Image | None) -> None:
        _check_image(image, options)
        self.image, self.options = image, options
        self.warnings: list[str] = []
        if image.meaning is Meaning.SCALAR:
            self.warnings.append(f"The values of '{image.name}' were taken for HU.")
        self.axis = slice_axis(image, options.plane)
        self.range = slice_range(options.slices, image.array.shape[self.axis])
        self.factors = [1, 1, 1]
        self.cut = self.axis
        if options.task is Task.SUPER_RESOLUTION:
            self._plan_super_resolution()
        chosen = [slice(None)] * 3
        chosen[self.axis] = slice(self.range.start, self.range.stop)
        self.chosen = tuple(chosen)
        part = image.array[self.chosen]
        sides = [n for axis, n in enumerate(part.shape) if axis not in (self.cut, self.axis)]
        if min(sides) < _SMALLEST:
            shape = " x ".join(str(n) for axis, n in enumerate(part.shape) if axis != self.axis)
            raise InputError(
                f"The slices of '{image.name}' are {shape} pixels; at least {_SMALLEST} x {_SMALLEST} are needed."
            )
        self.missing = self._missing(mask)
        values = part.astype(np.float32)
        if self.missing is not None:
            values[self.missing] = 0.0
        if not np.isfinite(values).all():
            raise InputError(
                f"Image '{image.name}' holds NaN or infinite values; replace them or put them into the mask."
            )
        seen = values if self.missing is None else values[~self.missing]
        if np.ptp(seen) == 0:
            raise InputError(f"Image '{image.name}' has the same value everywhere; there is nothing to restore.")
        self.values = values

    def _plan_super_resolution(self) -> None:
        options = self.options
        if options.factor not in FACTORS:
            raise InputError(f"Option 'factor' must be 2, 4 or 8, not {options.factor}.")
        if options.direction is Direction.IN_PLANE:
            self.factors = [1 if axis == self.axis else options.factor for axis in range(3)]
            return
        if len(self.range) < 2:
            raise InputError(
                f"Super-resolution through the plane needs at least 2 slices, but {len(self.range)} of "
                f"'{self.image.name}' is chosen; choose more slices, or the direction in-plane."
            )
        self.factors[self.axis] = options.factor
        others = [axis for axis in range(3) if axis != self.axis]
        self.cut = min(others, key=lambda axis: self.image.array.shape[axis])

    def _missing(self, mask: Image | None) -> np.ndarray | None:
        """Where the chosen part has to be filled; None where the task fills nothing."""
        options, image = self.options, self.image
        if options.task not in (Task.INPAINT, Task.RESTORE):
            if mask is not None:
                self.warnings.append(f"The mask was not used: the task {options.task.value} needs none.")
            return None
        missing = np.zeros(image.array.shape, dtype=bool)
        if mask is not None:
            if mask.array.shape != image.array.shape or not np.allclose(mask.ijk_to_ras, image.ijk_to_ras, atol=1e-3):
                raise InputError(
                    f"Mask '{mask.name}' lies on another grid than image '{image.name}'; resample it to that image."
                )
            missing |= mask.array != 0
        if options.mask_above > 0:
            missing |= image.array > options.mask_above
        if mask is None and options.mask_above == 0:
            if options.task is Task.INPAINT:
                raise InputError("Inpainting needs a mask of what is to be filled, or a threshold (mask above).")
            missing = dropped(image.array.shape, options.drop, np.random.default_rng(options.seed))
        missing = missing[self.chosen]
        if not missing.any():
            raise InputError(
                f"The mask marks nothing in the chosen slices of '{image.name}'; mark what is to be filled."
            )
        counts = np.moveaxis(~missing, self.axis, 0).reshape(missing.shape[self.axis], -1).sum(axis=1)
        if counts.min() == 0:
            number = self.range.start + int(np.argmin(counts))
            raise InputError(
                f"The mask covers all of slice {number} of '{image.name}'; leave known pixels in each slice."
            )
        return missing

    def check_memory(self, free: int | None) -> None:
        """Raise InputError when the slices cannot be held; the networks themselves work in tiles and crops."""
        needed = self.values.size * int(np.prod(self.factors)) * _BYTES_PER_VOXEL
        if free is not None and needed > free:
            raise InputError(
                f"Restoring the chosen slices of '{self.image.name}' needs about {needed / 2**30:.1f} GiB of memory, "
                f"but {free / 2**30:.1f} GiB are free; choose fewer slices or a smaller factor."
            )

    def problems(self) -> list[Problem]:
        """One problem a slice, in order."""
        options = self.options
        companding = Companding(options.window_low, options.window_high)
        factors = tuple(f for axis, f in enumerate(self.factors) if axis != self.cut)
        kernel = "box" if options.direction is Direction.THROUGH_PLANE else "lanczos"
        planes = np.moveaxis(self.values, self.cut, 0)
        holes = None if self.missing is None else np.moveaxis(self.missing, self.cut, 0)
        whole = np.moveaxis(self.image.array, self.cut, 0)
        first = self.range.start if self.cut == self.axis else 0
        return [
            Problem(
                options.task,
                np.ascontiguousarray(plane),
                companding,
                missing=None if holes is None else np.ascontiguousarray(holes[index]),
                factors=(factors[0], factors[1]),
                kernel=kernel,
                neighbors=_neighbors(whole, first + index) if options.task is Task.DENOISE else (),
            )
            for index, plane in enumerate(planes)
        ]

    def run(self, device: Any, on_progress: OnProgress) -> Result:
        problems = self.problems()
        solver = _solver(self.options, device)
        watch = _Watch(self, on_progress, len(problems))
        estimates: list[Estimate] = []
        for index, problem in enumerate(problems):
            watch.index = index
            if problem.missing is not None and not problem.missing.any():
                estimates.append(Estimate(problem.values, facts={"unchanged": True}))
            elif watch.finishing:
                estimates.append(solver.quick(problem))
            else:
                watch(0.0, "starting")
                estimates.append(solver.solve(problem, watch))
        return self._result(estimates, solver, watch.finishing, device)

    def _result(self, estimates: list[Estimate], solver: Solver, finished_early: bool, device: Any) -> Result:
        image, options = self.image, self.options
        stacked = np.stack([e.values for e in estimates])
        part = np.ascontiguousarray(np.moveaxis(stacked, 0, self.cut), dtype=np.float32)
        original = image.array[self.chosen].astype(np.float32)
        spread = None
        if options.uncertainty:
            maps = [np.zeros_like(e.values) if e.spread is None else e.spread for e in estimates]
            spread = np.ascontiguousarray(np.moveaxis(np.stack(maps), 0, self.cut), dtype=np.float32)
        if options.task is Task.SUPER_RESOLUTION:
            coarse_geometry = cropped_geometry(image, self.axis, self.range.start)
            geometry = finer_geometry(coarse_geometry, (self.factors[0], self.factors[1], self.factors[2]))
            result = image.with_array(part, ijk_to_ras=geometry, meaning=Meaning.HU)
            residual = image.with_array(
                original - self._downsampled(part), ijk_to_ras=coarse_geometry, meaning=Meaning.HU
            )
        else:
            full = image.array.astype(np.float32)
            full[self.chosen] = part
            result = image.with_array(full, meaning=Meaning.HU)
            difference = np.zeros_like(full)
            difference[self.chosen] = np.nan_to_num(original, nan=0.0, posinf=0.0, neginf=0.0) - part
            residual = image.with_array(difference, meaning=Meaning.HU)
            if len(self.range) < image.array.shape[self.axis]:
                self.warnings.append(
                    f"Only slices {self.range.start} to {self.range.stop - 1} were processed; the others are the input."
                )
            if spread is not None:
                everywhere = np.zeros_like(full)
                everywhere[self.chosen] = spread
                spread = everywhere
        images = {"result": result, "residual": residual}
        if spread is not None:
            images["uncertainty"] = result.with_array(spread, meaning=Meaning.SCALAR)
        if finished_early:
            self.warnings.append("The run was finished early on request; the result is the best one so far.")
        return Result(images, self._report(estimates, solver, part, original, device))

    def _downsampled(self, part: np.ndarray) -> np.ndarray:
        kernel = "box" if self.options.direction is Direction.THROUGH_PLANE else "lanczos"
        for axis, factor in enumerate(self.factors):
            if factor > 1:
                matrix = downsampler(part.shape[axis] // factor, factor, kernel).astype(np.float32)
                part = np.moveaxis(np.tensordot(matrix, part, axes=(1, axis)), 0, axis)
        return part

    def _report(
        self, estimates: list[Estimate], solver: Solver, part: np.ndarray, original: np.ndarray, device: Any
    ) -> dict[str, Any]:
        from InverseImagingLib import device as devices

        options, image = self.options, self.image
        window = (options.window_low, options.window_high)
        metrics: dict[str, Any] = {}
        if options.task is Task.SUPER_RESOLUTION:
            metrics["PSNR to input"] = round(psnr(self._downsampled(part), original, window), 2)
        else:
            known = None if self.missing is None else ~self.missing
            metrics["PSNR to input"] = round(psnr(part, original, window, known), 2)
            if self.missing is not None:
                metrics["filled pixels"] = int(self.missing.sum())
        about = dict(solver.facts())
        warnings = [*self.warnings, *about.pop("warnings", [])]
        first = self.range.start if self.cut == self.axis else 0
        each = [
            {"slice": first + index, **estimate.facts} for index, estimate in enumerate(estimates) if estimate.facts
        ]
        return {
            "method": "CT Restoration",
            "version": VERSION,
            "remark": "For research use only; not for diagnosis.",
            "settings": options_to_dict(options),
            "input": {"name": image.name, "shape": list(image.array.shape), "spacing mm": list(image.spacing)},
            "slices": [self.range.start, self.range.stop],
            "window HU": list(window),
            "seed": options.seed,
            "device": devices.describe(device),
            **about,
            "metrics": metrics,
            "per slice": each,
            "warnings": warnings,
        }


class _Watch:
    """The Step of a slice as part of the progress of the whole run, with a preview now and then."""

    def __init__(self, work: _Work, on_progress: OnProgress, count: int) -> None:
        self._work, self._on_progress, self._count = work, on_progress, count
        self._last_preview = 0.0
        self.index = 0
        self.finishing = False

    def __call__(self, fraction: float, message: str = "", values: np.ndarray | None = None, curve: Any = None) -> bool:
        preview = None
        if values is not None and time.monotonic() - self._last_preview >= _PREVIEW_SECONDS:
            preview, self._last_preview = self._preview(values), time.monotonic()
        if self._count > 1:
            message = f"slice {self.index + 1} of {self._count}: {message}"
        whole = (self.index + min(max(fraction, 0.0), 1.0)) / self._count
        if self._on_progress(Progress(whole, message, preview, curve)):
            self.finishing = True
        return self.finishing

    def _preview(self, values: np.ndarray) -> Image:
        """The slice alone, where it lies in the patient."""
        work = self._work
        geometry = cropped_geometry(work.image, work.axis, work.range.start)
        if work.options.task is Task.SUPER_RESOLUTION:
            geometry = finer_geometry(geometry, (work.factors[0], work.factors[1], work.factors[2]))
        array = np.expand_dims(values.astype(np.float32), work.cut)
        image = work.image.with_array(array, ijk_to_ras=geometry, meaning=Meaning.HU)
        return image.with_array(array, ijk_to_ras=cropped_geometry(image, work.cut, self.index))


def _check_image(image: Image, options: RestorationOptions) -> None:
    if image.is_color:
        raise InputError(f"Image '{image.name}' has {image.array.shape[-1]} colors a voxel; one value in HU is needed.")
    if image.meaning not in (Meaning.HU, Meaning.SCALAR):
        raise InputError(f"Image '{image.name}' holds {image.meaning.value} values; a CT in HU is needed.")
    if options.window_low >= options.window_high:
        raise InputError("The low end of the HU window must be below its high end.")


def _neighbors(planes: np.ndarray, index: int) -> tuple[np.ndarray, ...]:
    """The planes before and after one, where there are any and they hold numbers."""
    beside = [planes[n] for n in (index - 1, index + 1) if 0 <= n < len(planes)]
    return tuple(plane for plane in beside if np.isfinite(plane).all())


def _solver(options: RestorationOptions, device: Any) -> Solver:
    if options.tier is Tier.INSTANT:
        from .classical import InstantSolver

        return InstantSolver()
    if options.tier is Tier.DEEP and options.preset is Preset.PAPER:
        from .paper import PaperSolver

        return PaperSolver(options, device)
    from .adaptive import AdaptiveSolver

    return AdaptiveSolver(options, device)
