"""Pictures: of panels, of slice views, and of both side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

BACKGROUND = "#1f1f1f"


def wait_until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Let Qt run, as its event loop does, until `condition()` is true.

    Raises:
        AssertionError: It was not after `timeout` seconds.
    """
    end = time.monotonic() + timeout
    loop, look = qt.QEventLoop(), qt.QTimer()
    look.start(5)
    while not condition():
        assert time.monotonic() < end, f"Not true after {timeout} s"
        loop.processEvents(qt.QEventLoop.WaitForMoreEvents)
    look.stop()
    slicer.app.processEvents()


def panel_image(widget, width: int = 480, height: int = 0) -> qt.QImage:
    """A module widget (what open() returns) or a Qt widget, as high as it needs to be unless `height` is given."""
    widget = getattr(widget, "parent", widget) if not isinstance(widget, qt.QWidget) else widget
    widget.resize(width, height or widget.height)
    slicer.app.processEvents()
    if not height:
        widget.resize(width, max(widget.minimumSizeHint.height(), _used_height(widget)))
        slicer.app.processEvents()
    return widget.grab().toImage()


def slice_image(view: str = "Red", size: int = 512, marks: bool = False) -> qt.QImage:
    """What the slice view shows, fitted: its layers blended by the view's own slice logic, without annotations.

    marks: with markups and models, which take their time.
    """
    logic = slicer.app.layoutManager().sliceWidget(view).sliceLogic()
    node = logic.GetSliceNode()
    old_size = node.GetDimensions()
    node.SetDimensions(size, size, 1)
    logic.FitSliceToAll()
    logic.UpdatePipeline()
    image = _marked(logic, size) if marks else _blended(logic, size)
    node.SetDimensions(*old_size)
    logic.FitSliceToAll()
    return image


def three_d_image(size: int = 512) -> qt.QImage:
    """What the first 3D view shows from its camera: models, visible slices and volume rendering."""
    view = slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    window, renderer, _interactor = _window(size)
    renderer.SetBackground(view.GetBackgroundColor())
    renderer.SetBackground2(view.GetBackgroundColor2())
    renderer.GradientBackgroundOn()
    factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
    managers = _managers(factory, ("Model", "VolumeRendering"), renderer, view)
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view)
    renderer.SetActiveCamera(camera.GetCamera())
    renderer.ResetCameraClippingRange()
    return _drawn(window, managers)


def side_by_side(*images: qt.QImage) -> qt.QImage:
    """Images in one row, at the top, on a dark background."""
    picture = qt.QImage(
        sum(image.width() for image in images), max(image.height() for image in images), qt.QImage.Format_RGB32
    )
    picture.fill(qt.QColor(BACKGROUND))
    painter = qt.QPainter(picture)
    left = 0
    for image in images:
        painter.drawImage(left, 0, image)
        left += image.width()
    painter.end()
    return picture


def slice_picture(path: str | Path, size: int = 512, view: str = "Red") -> Path:
    """Write a slice view to a PNG file."""
    return save(slice_image(view, size), path)


def save(image: qt.QImage, path: str | Path) -> Path:
    """Write a picture; folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(path)):
        raise OSError(f"Could not write {path}")
    return path


def _used_height(widget) -> int:
    layout = widget.layout()
    return layout.sizeHint().height() if layout else widget.sizeHint.height()


def _blended(logic, size: int) -> qt.QImage:
    blend = logic.GetBlend()
    if blend.GetNumberOfInputConnections(0) == 0:
        image = qt.QImage(size, size, qt.QImage.Format_RGB32)
        image.fill(qt.QColor("black"))
        return image
    blend.Update()
    return _image_of(logic.GetImageDataConnection().GetProducer())


def _marked(logic, size: int) -> qt.QImage:
    window, renderer, _interactor = _window(size)
    picture = vtk.vtkActor2D()
    picture.SetMapper(vtk.vtkImageMapper())
    picture.GetMapper().SetColorWindow(255)
    picture.GetMapper().SetColorLevel(127.5)
    picture.GetMapper().SetInputConnection(logic.GetImageDataConnection())
    picture.GetProperty().SetDisplayLocationToBackground()
    renderer.AddViewProp(picture)
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    return _drawn(window, _managers(factory, ("Markups", "ModelSlice"), renderer, logic.GetSliceNode()))


def _window(size: int):
    """A render window, its renderer, and the interactor that managers want to have."""
    window, renderer, interactor = vtk.vtkRenderWindow(), vtk.vtkRenderer(), vtk.vtkRenderWindowInteractor()
    window.SetOffScreenRendering(True)
    window.SetSize(size, size)
    window.AddRenderer(renderer)
    interactor.SetRenderWindow(window)
    return window, renderer, interactor


def _managers(factory, kinds: tuple[str, ...], renderer, view):
    """What draws nodes of these kinds in a view."""
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    for kind in kinds:
        if not factory.IsDisplayableManagerRegistered(f"vtkMRML{kind}DisplayableManager"):
            factory.RegisterDisplayableManager(f"vtkMRML{kind}DisplayableManager")
    managers = factory.InstantiateDisplayableManagers(renderer)
    managers.SetMRMLDisplayableNode(view)
    return managers


def _drawn(window, managers) -> qt.QImage:
    window.Render()
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    image = _image_of(grabber)
    managers.SetMRMLDisplayableNode(None)
    return image


def _image_of(producer) -> qt.QImage:
    """The output of a VTK filter, whose first row is the lowest, where Qt's is the highest."""
    producer.Update()
    data = producer.GetOutput()
    width, height, _ = data.GetDimensions()
    components = data.GetNumberOfScalarComponents()
    pixels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, components)[::-1].tobytes()
    kind = {3: qt.QImage.Format_RGB888, 4: qt.QImage.Format_RGBA8888}[components]
    return qt.QImage(pixels, width, height, width * components, kind).convertToFormat(qt.QImage.Format_RGB32)
