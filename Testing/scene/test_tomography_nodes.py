"""What is made of densities, as nodes: windows, the volume in 3D, surfaces, passing pictures in gray and color."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import node_from_image
from XrayTomographyLib import nodes
from XrayTomographyLib.options import Product, TomographyOptions
from XrayTomographyLib.transfer import Colors

MATRIX = np.diag([-0.5, -0.5, 1.0, 1.0])
PLACE = np.diag([2.0, -3.0, -2.0, 1.0])


def picture(value: float, shape: tuple[int, ...] = (1, 20, 30)) -> Image:
    array = np.full(shape, value, np.float32)
    array[0, 0, 0] = 0
    return Image(array, MATRIX, Meaning.SCALAR)


def densities(value: float = 0.5) -> Image:
    array = np.zeros((10, 12, 14), np.float32)
    array[2:8, 3:9, 4:10] = value
    return Image(array, PLACE, Meaning.SCALAR)


@pytest.fixture
def source(scene: Any) -> Any:
    return node_from_image(Image(np.ones((1, 20, 30), np.uint8), MATRIX, Meaning.DISPLAY, "head"), "head")


def added(source: Any, product: Product, image: Image) -> Any:
    return nodes.add_tomography(Result({product.value: image}, {}), source)[0]


@pytest.mark.parametrize(
    ("product", "value", "window"),
    [
        (Product.VOLUME, 3.0, (0, 0.6)),
        (Product.UNCERTAINTY, 0.2, (0, 0.2)),
        (Product.UNCERTAINTY, 0.0, (0, 0.001)),
        (Product.RESIDUAL, -0.5, (-0.5, 0.5)),
        (Product.RESIDUAL, 1e-6, (-0.001, 0.001)),
        (Product.OPACITY, 0.3, (0, 1)),
        (Product.VIEW, 0.3, (0, 1)),
    ],
)
def test_each_product_has_a_window_of_its_own(source: Any, product: Product, value: float, window: tuple) -> None:
    display = added(source, product, picture(value)).GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(window, abs=1e-6)
    assert (display.GetColorNode().GetName() == "PET-Heat") == (product is Product.UNCERTAINTY)


def test_the_newest_of_a_radiograph_is_found(scene: Any, source: Any) -> None:
    other = node_from_image(picture(1), "other")
    first, second = (added(source, Product.VOLUME, densities()) for _ in range(2))
    added(other, Product.VOLUME, densities())
    assert nodes.newest(source, Product.VOLUME) is second
    assert nodes.newest(source, Product.RESIDUAL) is None
    scene.RemoveNode(second)
    assert nodes.newest(source, Product.VOLUME) is first


def test_a_volume_looks_like_bone_and_takes_the_place_of_the_last_one(scene: Any, source: Any) -> None:
    import slicer

    logic = slicer.modules.volumerendering.logic()
    patient, first, second = (
        node_from_image(densities(), "patient"),
        *(added(source, Product.VOLUME, densities()) for _ in range(2)),
    )
    logic.CreateDefaultVolumeRenderingNodes(patient).SetVisibility(True)
    nodes.show_volume(first, False, False)
    assert logic.GetFirstVolumeRenderingDisplayNode(first) is None
    nodes.show_volume(first, True, True)
    nodes.show_volume(second, True, False)
    displays = [logic.GetFirstVolumeRenderingDisplayNode(each) for each in (patient, first, second)]
    assert [display.GetVisibility() for display in displays] == [1, 0, 1]
    assert not displays[1].GetROINode().GetDisplayVisibility()
    look = displays[2].GetVolumePropertyNode().GetVolumeProperty()
    assert_looks(look, Colors.BONE)
    assert look.GetScalarOpacityUnitDistance() == pytest.approx(12 * 3 / 100)


def assert_looks(rendering: Any, colors: Colors) -> None:
    for density, (*rgb, lost) in colors.look.transfer:
        assert rendering.GetScalarOpacity().GetValue(density) == pytest.approx(lost)
        assert rendering.GetRGBTransferFunction().GetColor(density) == pytest.approx(tuple(rgb))
    assert rendering.GetShade() == colors.look.shaded


def test_colors_that_the_user_has_changed_stay_until_others_are_chosen(source: Any) -> None:
    import slicer

    volume = added(source, Product.VOLUME, densities())
    nodes.show_volume(volume, True, False, Colors.FILM)
    display = slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(volume)
    rendering = display.GetVolumePropertyNode().GetVolumeProperty()
    assert_looks(rendering, Colors.FILM)
    rendering.GetScalarOpacity().AddPoint(0.5, 0.77)
    for visible in (False, True):
        nodes.show_volume(volume, visible, visible, Colors.FILM)
        assert rendering.GetScalarOpacity().GetValue(0.5) == pytest.approx(0.77)
    nodes.show_volume(volume, True, False, Colors.HEAT)
    assert_looks(rendering, Colors.HEAT)


def test_a_surface_is_red_where_it_is_uncertain(source: Any) -> None:
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    volume = added(source, Product.VOLUME, densities())
    spread = densities(0.0)
    spread.array[:, :, 7:] = 1.0  # towards the patient's right
    uncertainty = added(source, Product.UNCERTAINTY, spread)
    node = nodes.add_surface(volume, uncertainty, 0.1)
    mesh, display = node.GetPolyData(), node.GetDisplayNode()
    x = vtk_to_numpy(mesh.GetPoints().GetData())[:, 0]
    colors = vtk_to_numpy(mesh.GetPointData().GetArray("RGB")).astype(int)
    assert (colors[x > 14, 1] < 100).all()
    assert (colors[x < 12, 1] > 200).all()
    assert display.GetScalarVisibility()
    assert display.GetActiveScalarName() == "RGB"
    assert display.GetScalarRangeFlag() == display.UseDirectMapping
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(each)) for each in (node, volume)}
    assert len(folders) == 1
    assert "Not for clinical use" in node.GetAttribute("InverseImaging.Derived")
    assert not nodes.add_surface(volume, None, 0.1).GetDisplayNode().GetScalarVisibility()


def test_a_preview_in_gray_and_color_comes_and_goes(scene: Any, source: Any) -> None:
    import slicer

    slicer.util.setSliceViewerLayers(background=source, fit=True)
    widget = slicer.app.layoutManager().sliceWidget("Red")
    composite, view = widget.mrmlSliceCompositeNode(), widget.mrmlSliceNode()
    pose, count = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()).copy(), scene.GetNumberOfNodes()
    preview = nodes.TomographyPreview()

    def show(product: Product, image: Image) -> Any:
        options = TomographyOptions(only=product.value)
        preview.show(Result({product.value: image}, {}), options, source)
        shown = scene.GetNodeByID(composite.GetBackgroundVolumeID())
        assert shown.GetName() == f"{product.label()} (estimate, preview)"
        assert view.GetSliceVisible() == 0
        return shown

    gray = show(Product.VIEW, picture(0.5))
    view.SetFieldOfView(7, 7, 1)
    assert show(Product.VIEW, picture(0.6)) is gray
    assert view.GetFieldOfView()[0] == 7, "the user's zoom stays"
    assert show(Product.SIDE_BY_SIDE, picture(0.6, (1, 20, 60))) is gray
    assert view.GetFieldOfView()[0] > 25, "another shape is seen as a whole"
    colored = Image(np.full((1, 20, 30, 3), 9, np.uint8), MATRIX, Meaning.RGB)
    for product in (Product.ANAGLYPH, Product.GUESSED):
        assert show(product, colored).IsA("vtkMRMLVectorVolumeNode")
    assert not show(Product.VIEW, picture(0.5)).IsA("vtkMRMLVectorVolumeNode")
    preview.remove()
    assert scene.GetNumberOfNodes() == count
    assert composite.GetBackgroundVolumeID() == source.GetID()
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()), pose)
