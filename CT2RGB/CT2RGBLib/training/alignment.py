"""Where the points of a CT lie in another picture of the same body, whose intensities are others: with SimpleITK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import SimpleITK as sitk  # noqa: N813

_GRID = 2.5  # mm, about, of what is compared
_SAMPLES, _SHARE = 8_000, 0.01  # of the voxels, at least
_ITERATIONS = 40
_BINS = 40
_AROUND = 10.0  # mm beside the body that count
_MESH = 50.0  # mm between the knots of the deformation
_SOFT = 5.0  # mm that body masks are blurred by


@dataclass(frozen=True)
class Volume:
    """A picture of a body, and where in it the body is: scalar images on the same grid, mm in LPS."""

    picture: sitk.Image
    body: sitk.Image

    def coarse(self) -> Volume:
        """The same at about 2.5 mm, as float32, with 0 outside the body."""
        factors = [max(int(_GRID / spacing), 1) for spacing in self.picture.GetSpacing()]
        inside = sitk.Mask(self.picture, self.body, outsideValue=0)
        shrunk = [sitk.BinShrink(image, factors) for image in (sitk.Cast(inside, sitk.sitkFloat32), self.body)]
        return Volume(shrunk[0], shrunk[1] > 0)


def aligned(fixed: Volume, moving: Volume) -> sitk.Transform:
    """The transform of points of the fixed volume to those of the moving one that show the same.

    The bodies are laid on each other by their centers, then rigidly and affinely by their masks, then by the mutual
    information of the pictures, and at last with a B-spline deformation. Values outside of the bodies do not matter;
    0 should be what is least dense, or darkest.
    """
    fixed, moving = fixed.coarse(), moving.coarse()
    masks = [_softened(volume.body) for volume in (fixed, moving)]
    by_moments = sitk.CenteredTransformInitializerFilter.MOMENTS
    rigid = sitk.Euler3DTransform(sitk.CenteredTransformInitializer(*masks, sitk.Euler3DTransform(), by_moments))
    _improve(rigid, _on_masks(masks[0], 2.0), *masks)
    affine = sitk.AffineTransform(rigid.GetMatrix(), rigid.GetTranslation(), rigid.GetCenter())
    _improve(affine, _on_masks(masks[0], 2.0), *masks)
    _improve(affine, _on_pictures(fixed, 1.0), fixed.picture, moving.picture)
    return sitk.CompositeTransform([affine, _deformation(fixed, moving, affine)])


def overlap(fixed: Volume, moving: Volume, transform: sitk.Transform) -> float:
    """Dice's coefficient of the bodies, the moving one as the transform lays it onto the fixed one: 1 is best."""
    fixed, moving = fixed.coarse(), moving.coarse()
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(fixed.body, sitk.Resample(moving.body, fixed.body, transform, sitk.sitkNearestNeighbor))
    return measure.GetDiceCoefficient()


def _softened(body: sitk.Image) -> sitk.Image:
    return sitk.SmoothingRecursiveGaussian(sitk.Cast(body, sitk.sitkFloat32), _SOFT)


def _improve(transform: sitk.Transform, method: sitk.ImageRegistrationMethod, *pictures: sitk.Image) -> None:
    """Change a rigid or an affine transform to the better."""
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform)
    method.Execute(*pictures)


def _deformation(fixed: Volume, moving: Volume, affine: sitk.Transform) -> sitk.Transform:
    """What is to happen to points before they are transformed affinely."""
    picture = fixed.picture
    extent = [size * spacing for size, spacing in zip(picture.GetSize(), picture.GetSpacing(), strict=True)]
    spline = sitk.BSplineTransformInitializer(picture, [max(round(length / _MESH), 1) for length in extent])
    method = _on_pictures(fixed, step=len(spline.GetParameters()) ** 0.5, slowing=0.7)  # 1 mm for all knots alike
    method.SetMovingInitialTransform(affine)
    method.SetInitialTransform(spline)
    method.Execute(picture, moving.picture)
    return spline


def _on_masks(fixed: sitk.Image, step: float) -> sitk.ImageRegistrationMethod:
    method = _method(fixed, (4, 2), step)
    method.SetMetricAsMeanSquares()
    return method


def _on_pictures(fixed: Volume, step: float, slowing: float = 0.5) -> sitk.ImageRegistrationMethod:
    method = _method(fixed.picture, (2, 1), step, slowing)
    method.SetMetricAsMattesMutualInformation(_BINS)
    radius = [round(_AROUND / spacing) for spacing in fixed.body.GetSpacing()]
    method.SetMetricFixedMask(sitk.BinaryDilate(fixed.body, radius))
    return method


def _method(
    fixed: sitk.Image, shrinks: Sequence[int], step: float, slowing: float = 0.5
) -> sitk.ImageRegistrationMethod:
    """A descent on coarse pictures, then on finer ones. step: its first; slowing: share that is left where it turns."""
    method = sitk.ImageRegistrationMethod()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(step, 0.02 * step, _ITERATIONS, relaxationFactor=slowing)
    share = max(_SAMPLES / fixed.GetNumberOfPixels(), _SHARE)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([min(share * shrink**3, 1.0) for shrink in shrinks], seed=1)
    method.SetShrinkFactorsPerLevel(shrinks)
    method.SetSmoothingSigmasPerLevel([0.5 * (shrink - 1) for shrink in shrinks])
    return method
