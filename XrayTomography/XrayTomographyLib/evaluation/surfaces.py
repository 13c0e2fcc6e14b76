"""Pictures of densities as surfaces, by which volumes are compared as eyes compare them. Needs VTK.

Source: Henzler et al., Single-image Tomography, Eurographics 2018, section 5.2: the iso-surface at .1, from an
orthographic camera where the radiograph was taken, with ambient occlusion and slight specular shading. The light comes
from the camera, and not from an image as there; the occlusion is that of the picture's own depths.
"""

from __future__ import annotations

import numpy as np
import torch
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

ISO = 0.1
_PIXELS = 128  # along each side of a picture
_REACH = 0.1  # of the cube's side, from where surfaces shade each other
_BIAS = 0.002  # of the cube's side, within which a surface does not shade itself
_RAYS = 32  # per pixel


class SurfaceCamera:
    """Pictures (128, 128), 0 to 1, of the surface in cubes of densities (K, J, I), seen along J."""

    def __init__(self) -> None:
        self._edges = vtk.vtkFlyingEdges3D()
        self._edges.SetValue(0, ISO)
        self._edges.ComputeScalarsOff()
        renderer = vtk.vtkRenderer()
        renderer.AddActor(_actor(self._edges))
        renderer.SetPass(_occlusion())
        camera = renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetParallelScale(0.5)
        camera.SetFocalPoint(0.5, 0.5, 0.5)
        camera.SetPosition(0.5, -1.5, 0.5)
        camera.SetViewUp(0, 0, 1)
        camera.SetClippingRange(1.4, 2.6)
        vtk.vtkObject.GlobalWarningDisplayOff()  # about there being no screen, which does not matter
        self._window = vtk.vtkRenderWindow()
        vtk.vtkObject.GlobalWarningDisplayOn()
        self._window.OffScreenRenderingOn()
        self._window.SetMultiSamples(0)
        self._window.SetSize(_PIXELS, _PIXELS)
        self._window.AddRenderer(renderer)

    def __call__(self, densities: torch.Tensor) -> torch.Tensor:
        self._edges.SetInputData(_image(densities))
        self._window.Render()
        picture = vtk.vtkWindowToImageFilter()
        picture.SetInput(self._window)
        picture.ReadFrontBufferOff()
        picture.ShouldRerenderOff()
        picture.Update()
        values = vtk_to_numpy(picture.GetOutput().GetPointData().GetScalars())
        gray = values.reshape(_PIXELS, _PIXELS, 3)[::-1, :, 0]
        return torch.from_numpy(gray / np.float32(255))


def _image(densities: torch.Tensor) -> vtk.vtkImageData:
    """The densities with K upwards in a cube of side 1, and air around them, which closes the surface."""
    k, j, i = densities.shape
    values = np.pad(densities.numpy()[::-1], 1)
    image = vtk.vtkImageData()
    image.SetDimensions(i + 2, j + 2, k + 2)
    image.SetSpacing(1 / i, 1 / j, 1 / k)
    image.SetOrigin(-0.5 / i, -0.5 / j, -0.5 / k)
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    return image


def _actor(surface: vtk.vtkFlyingEdges3D) -> vtk.vtkActor:
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(surface.GetOutputPort())
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    material = actor.GetProperty()
    material.SetAmbient(0.2)
    material.SetDiffuse(0.65)
    material.SetSpecular(0.15)
    material.SetSpecularPower(20)
    return actor


def _occlusion() -> vtk.vtkSSAOPass:
    occlusion = vtk.vtkSSAOPass()
    occlusion.SetDelegatePass(vtk.vtkRenderStepsPass())
    occlusion.SetRadius(_REACH)
    occlusion.SetBias(_BIAS)
    occlusion.SetKernelSize(_RAYS)
    occlusion.BlurOn()
    return occlusion
