"""Pictures of a colored volume in 3D, drawn by VTK without a window. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from InverseImagingLib.animation import Angles
from InverseImagingLib.errors import InputError
from InverseImagingLib.files import quiet
from InverseImagingLib.image import Image
from InverseImagingLib.slices import patient_axes
from InverseImagingLib.xray.geometry import corners_of

from .coarser import coarser, softened
from .opacity import Opacity

_VOXELS = 24e6  # more are not seen
_MARGIN = 1.04  # around the body
_BORDER = 2  # voxels
_AWAY = 4.0  # of the camera, in radii of the body
_LAMP = (-0.4, 0.6, 1.0)  # from the body, as the camera sees it: right, up, towards
_AMBIENT, _DIFFUSE, _SPECULAR, _SHININESS = 0.3, 1.0, 0.1, 12.0


def rendered(colors: Image, opacity: Opacity, angles: Sequence[Angles], size: int) -> Iterator[np.ndarray]:
    """Pictures (size, size, 3), 0 to 1, of an RGBA volume of uint8 whose alphas are those of opacity.code.

    angles: azimuth from the patient's front towards the left, and elevation towards the head. What is seen fills the
    pictures, which have one scale. Raises InputError for a volume without alpha or of which nothing is seen, and where
    VTK cannot draw.
    """
    if colors.array.shape[3:] != (4,):
        raise InputError(f"'{colors.name}' has no transparency, by which it could be seen in 3D; make it with that.")
    seen = _seen(colors, opacity)
    corners = corners_of(seen.array.shape[:3], seen.ijk_to_ras)
    middle = corners.mean(axis=0)
    with quiet():  # VTK tells where it looked for a screen
        window, camera = _scene(softened(_bordered(_upright(coarser(seen, _VOXELS)))), opacity, size)
        if not window.SupportsOpenGL():
            raise InputError("VTK cannot draw on this computer; install Mesa's EGL or OSMesa (libegl1, libosmesa6).")
    frames = [_frame(*each) for each in angles]
    radius = float(np.linalg.norm(corners - middle, axis=1).max())
    camera.ParallelProjectionOn()
    camera.SetParallelScale(max(np.abs((corners - middle) @ frame[:2].T).max() for frame in frames) * _MARGIN)
    camera.SetFocalPoint(middle)
    for frame in frames:
        camera.SetPosition(middle + _AWAY * radius * frame[2])
        camera.SetViewUp(frame[1])
        camera.SetClippingRange((_AWAY - 1) * radius, (_AWAY + 1) * radius)
        window.Render()
        yield _picture(window)


def _frame(azimuth: float, elevation: float) -> np.ndarray:
    """The directions right, up and towards the viewer, in RAS, as rows."""
    cos_azimuth, sin_azimuth, cos_elevation, sin_elevation = (
        function(np.deg2rad(angle)) for angle in (azimuth, elevation) for function in (np.cos, np.sin)
    )
    right = [-cos_azimuth, -sin_azimuth, 0.0]
    up = [sin_azimuth * sin_elevation, -cos_azimuth * sin_elevation, cos_elevation]
    return np.array([right, up, np.cross(right, up)])


def _seen(colors: Image, opacity: Opacity) -> Image:
    """The box of a volume in which something is seen."""
    start = next(alpha for (alpha, _), (_, share) in pairwise(opacity.points) if share > 0)
    visible = colors.array[..., 3] > start
    box = []
    for others in ((1, 2), (0, 2), (0, 1)):
        found = np.flatnonzero(visible.any(axis=others))
        if not found.size:
            raise InputError(f"'{colors.name}' has nothing to show as {opacity.value}; choose another opacity.")
        box.append(slice(max(found[0] - 1, 0), found[-1] + 2))
    matrix = colors.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ [each.start for each in reversed(box)]
    return colors.with_array(colors.array[tuple(box)], ijk_to_ras=matrix)


def _upright(volume: Image) -> Image:
    """A volume whose voxels run to the right, the front and the head, as nearly as they can without new values: VTK
    lights one that it has to turn from another side."""
    right, anterior, superior = patient_axes(volume.ijk_to_ras)
    array = volume.array.transpose(superior, anterior, right, 3)
    matrix = volume.ijk_to_ras[:, [2 - right, 2 - anterior, 2 - superior, 3]]
    for column in range(3):
        if matrix[column, column] < 0:
            array = np.flip(array, 2 - column)
            matrix[:3, 3] += matrix[:3, column] * (array.shape[2 - column] - 1)
            matrix[:3, column] *= -1
    return volume.with_array(array, ijk_to_ras=matrix)


def _bordered(volume: Image) -> Image:
    """A volume with nothing around it, so that light falls on sections where it ends as on a plane."""
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 3] -= matrix[:3, :3].sum(axis=1) * _BORDER
    return volume.with_array(np.pad(volume.array, [(_BORDER, _BORDER)] * 3 + [(0, 0)]), ijk_to_ras=matrix)


def _scene(volume: Image, opacity: Opacity, size: int) -> tuple[vtk.vtkRenderWindow, vtk.vtkCamera]:
    grid = vtk.vtkImageData()
    grid.SetDimensions(volume.array.shape[2::-1])
    grid.SetSpacing(volume.spacing)
    grid.GetPointData().SetScalars(numpy_to_vtk(volume.array.reshape(-1, 4)))
    mapper = vtk.vtkSmartVolumeMapper()
    mapper.SetInputData(grid)
    mapper.SetUseJittering(True)
    actor = vtk.vtkVolume()
    actor.SetMapper(mapper)
    dress(actor.GetProperty(), opacity)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((volume.ijk_to_ras / [*volume.spacing, 1.0]).ravel())
    actor.SetUserMatrix(matrix)
    lamp = vtk.vtkLight()
    lamp.SetLightTypeToCameraLight()
    lamp.SetPosition(*_LAMP)
    lamp.SetFocalPoint(0, 0, 0)
    renderer = vtk.vtkRenderer()
    renderer.AddViewProp(actor)
    renderer.AddLight(lamp)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(size, size)
    window.AddRenderer(renderer)
    return window, renderer.GetActiveCamera()


def dress(look: vtk.vtkVolumeProperty, opacity: Opacity) -> None:
    """Let a volume rendering of RGBA show what an opacity does, shaded."""
    function = look.GetScalarOpacity()
    function.RemoveAllPoints()
    for alpha, share in opacity.points:
        function.AddPoint(alpha, share)
    look.IndependentComponentsOff()
    look.SetInterpolationTypeToLinear()
    look.SetScalarOpacityUnitDistance(1.0)
    look.ShadeOn()
    look.SetAmbient(_AMBIENT)
    look.SetDiffuse(_DIFFUSE)
    look.SetSpecular(_SPECULAR)
    look.SetSpecularPower(_SHININESS)


def _picture(window: vtk.vtkRenderWindow) -> np.ndarray:
    seen = vtk.vtkWindowToImageFilter()
    seen.SetInput(window)
    seen.ReadFrontBufferOff()
    seen.ShouldRerenderOff()
    seen.Update()
    width, height, _ = seen.GetOutput().GetDimensions()
    rows = vtk_to_numpy(seen.GetOutput().GetPointData().GetScalars()).reshape(height, width, 3)
    return rows[::-1].astype(np.float32) / 255
