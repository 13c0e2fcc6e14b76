"""Pictures of all panels - empty, running, finished, failed - as a user meets them, into panels/.

With --screenshots the ones that the README and the extension index show go to Resources/Screenshots as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("InverseImaging", "CTRestoration", "XraySyn", "XrayTomography", "CT2RGB", "FilmRecovery")
sys.path[:0] = [str(REPOSITORY / folder) for folder in ("Testing", *MODULES)]

import standin  # noqa: E402

slicer = standin.boot()

from standin import modules, views  # noqa: E402

PANEL_WIDTH = 460
README = (
    "ctrestoration",
    "ctrestoration-running",
    "ctrestoration-inpaint",
    "inverseimaging",
    "xraysyn",
    "xraysyn-radiograph",
    "xraysyn-live",
    "xraytomography",
    "ct2rgb",
    "filmrecovery",
    "filmrecovery-slices",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "panels", help="folder for the pictures (%(default)s)")
    parser.add_argument("--screenshots", action="store_true", help="renew Resources/Screenshots, too")
    arguments = parser.parse_args()
    for name in MODULES:
        modules.load(REPOSITORY / name / f"{name}.py")
    pictures = Pictures(arguments.out, REPOSITORY / "Resources" / "Screenshots" if arguments.screenshots else None)
    start = time.monotonic()
    home(pictures)
    restoration(pictures)
    slicer.mrmlScene.Clear(False)
    module = modules.show("XraySyn")
    module.sections.show(module.fromCT)
    simulation(pictures, module)
    slicer.mrmlScene.Clear(False)
    module.sections.show(module.fromRadiograph)
    synthesis(pictures, module)
    slicer.mrmlScene.Clear(False)
    tomography(pictures, modules.show("XrayTomography"))
    slicer.mrmlScene.Clear(False)
    colors(pictures, modules.show("CT2RGB"))
    slicer.mrmlScene.Clear(False)
    films(pictures, modules.show("FilmRecovery"))
    for name in reversed(MODULES):
        modules.unload(name)
    if standin.errors:
        raise SystemExit("\n".join(standin.errors))
    print(f"{pictures.count} pictures in {arguments.out} after {time.monotonic() - start:.0f} s")


class Pictures:
    """Writes pictures of panels, alone or beside slice views and the 3D view."""

    def __init__(self, folder: Path, screenshots: Path | None) -> None:
        self.folder, self.screenshots, self.count = folder, screenshots, 0

    def add(self, name: str, widget: Any, *shown: str, marks: bool = False) -> None:
        image = views.panel_image(widget, PANEL_WIDTH)
        if shown:
            size = max(512, image.height() // len(shown)) if len(shown) > 1 else 512
            image = views.side_by_side(image, *(self.view_image(view, size, marks) for view in shown))
        for folder in filter(None, (self.folder, self.screenshots if name in README else None)):
            views.save(image, folder / f"{name}.png")
        self.count += 1

    def view_image(self, view: str, size: int, marks: bool) -> Any:
        return views.three_d_image(size) if view == "3D" else views.slice_image(view, size, marks)


def home(pictures: Pictures) -> None:
    panel = modules.show("InverseImaging")
    views.wait_until(lambda: not panel.runner.isRunning, 60)
    text = panel.ui.packagesText.plainText
    panel.ui.packagesText.plainText = text.replace(sys.executable, "PythonSlicer")  # nobody's own folders in pictures
    pictures.add("inverseimaging", panel)
    panel.ui.whereComboBox.currentIndex = 2
    panel.ui.hostLineEdit.text = "user@no-such-host.invalid"
    panel.onSettingsChanged()
    panel.ui.checkButton.click()
    pictures.add("inverseimaging-running", panel)
    views.wait_until(lambda: not panel.runner.isRunning, 60)
    pictures.add("inverseimaging-failed", panel)
    panel.ui.whereComboBox.currentIndex = 0


def restoration(pictures: Pictures) -> None:
    import SampleData

    from CTRestoration import MaskSource
    from CTRestorationLib.options import Task

    panel = modules.show("CTRestoration")
    parameters = panel.panel.parameters
    pictures.add("ctrestoration-empty", panel)

    parameters.inputVolume = SampleData.downloadSample("CT Restoration low-dose slice")
    display = parameters.inputVolume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(-160, 240)
    slicer.util.setSliceViewerLayers(background=parameters.inputVolume, fit=True)
    panel.ui.advancedButton.collapsed = False
    pictures.add("ctrestoration-advanced", panel)
    panel.ui.advancedButton.collapsed = True

    panel.ui.applyButton.click()
    views.wait_until(lambda: slicer.mrmlScene.GetFirstNodeByName("Inverse Imaging preview"), 300)
    pictures.add("ctrestoration-running", panel, "Red")
    views.wait_until(lambda: panel.ui.applyButton.text == "Apply", 600)
    pictures.add("ctrestoration-finished", panel, "Red")
    panel.ui.sideBySideButton.click()
    pictures.add("ctrestoration", panel, "Red", "Yellow")

    parameters.task = Task.INPAINT
    parameters.maskSource = MaskSource.THRESHOLD
    parameters.mask_above = 2500.0
    panel.ui.applyButton.click()
    views.wait_until(lambda: panel.ui.applyButton.text == "Apply", 60)
    pictures.add("ctrestoration-failed", panel)
    parameters.maskSource = MaskSource.SEGMENT
    pictures.add("ctrestoration-inpaint", panel)


def simulation(pictures: Pictures, module: Any) -> None:
    """Returns a radiograph."""
    import SampleData

    section = module.fromCT
    panel, parameters = section.panel, section.panel.parameters
    pictures.add("xraysyn-empty", module)

    def settled() -> bool:
        return is_settled(panel)

    volume = parameters.inputVolume = SampleData.downloadSample("X-ray Synthesis thorax phantom")
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    section.ui.advancedButton.collapsed = False
    pictures.add("xraysyn-advanced", module)
    section.ui.advancedButton.collapsed = True

    render(volume)
    camera = section.logic.activeCamera()
    camera.SetPosition(1850, 1600, 950)
    camera.SetFocalPoint(-150, -480, -60)
    camera.SetViewUp(0, 0, 1)
    parameters.azimuth = -25.0
    parameters.livePreview = True
    views.wait_until(settled, 120)
    pictures.add("xraysyn-live", module, "Red", "3D")
    parameters.livePreview = False

    parameters.azimuth = 0.0
    parameters.scatter, parameters.photons = 0.3, 5000.0
    section.ui.applyButton.click()
    views.wait_until(settled, 120)
    pictures.add("xraysyn", module, "Red", "3D")
    section.ui.boneMapButton.click()
    pictures.add("xraysyn-bone-map", module, "Red")

    section.ui.sweepButton.click()
    views.wait_until(lambda: section.ui.progressBar.value > 30, 120)
    pictures.add("xraysyn-running", module)
    views.wait_until(settled, 120)
    pictures.add("xraysyn-sweep", module, "Red", "3D")

    parameters.offset_right = 3000.0
    section.ui.applyButton.click()
    views.wait_until(settled, 120)
    pictures.add("xraysyn-failed", module)


def synthesis(pictures: Pictures, module: Any) -> None:
    import SampleData

    from XraySynLib.options import Picture

    section = module.fromRadiograph
    ui, panel, parameters = section.ui, section.panel, section.panel.parameters
    pictures.add("xraysyn-radiograph-empty", module)

    def settled() -> bool:
        return is_settled(panel)

    source = parameters.inputVolume = SampleData.downloadSample("X-ray Synthesis thorax radiograph")
    slicer.util.setSliceViewerLayers(background=source, fit=True)
    ui.advancedButton.collapsed = False
    pictures.add("xraysyn-radiograph-advanced", module)
    ui.advancedButton.collapsed = True
    ui.applyButton.click()
    views.wait_until(lambda: ui.progressBar.value > 5, 120)
    pictures.add("xraysyn-radiograph-running", module)
    views.wait_until(settled, 120)
    parameters.azimuth = 15.0
    views.wait_until(settled, 60)
    camera = module.fromCT.logic.activeCamera()
    camera.SetPosition(450, 1250, 300)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    ui.sideBySideButton.click()
    pictures.add("xraysyn-radiograph", module, "Red", "Yellow", "3D")
    for picture in Picture:
        parameters.shown = picture
        views.wait_until(settled, 60)
        pictures.add(f"xraysyn-radiograph-{picture.value.replace(' ', '-')}", module, "Red", "Yellow")
    parameters.shown = Picture.VIEW
    ui.sweepButton.click()
    views.wait_until(settled, 120)
    pictures.add("xraysyn-radiograph-sweep", module, "Red")
    parameters.weights = "missing.safetensors"
    ui.applyButton.click()
    views.wait_until(settled, 60)
    pictures.add("xraysyn-radiograph-failed", module)


def tomography(pictures: Pictures, module: Any) -> None:
    import SampleData

    from XrayTomographyLib.options import Picture

    section = module.section
    ui, panel, parameters = section.ui, section.panel, section.panel.parameters
    pictures.add("xraytomography-empty", module)

    def settled() -> bool:
        return is_settled(panel)

    source = parameters.inputVolume = SampleData.downloadSample("X-ray Tomography skull radiograph")
    slicer.util.setSliceViewerLayers(background=source, fit=True)
    ui.advancedButton.collapsed = False
    pictures.add("xraytomography-advanced", module)
    ui.advancedButton.collapsed = True
    ui.applyButton.click()
    pictures.add("xraytomography-running", module)
    views.wait_until(settled, 120)
    parameters.azimuth = 30.0
    views.wait_until(settled, 60)
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(
        slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    )
    camera.SetPosition(300, 520, 95)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    pictures.add("xraytomography", module, "Red", "3D")
    for picture in Picture:
        parameters.shown = picture
        views.wait_until(settled, 60)
        pictures.add(f"xraytomography-{picture.value.replace(' ', '-')}", module, "Red")
    parameters.shown, parameters.cutAway = Picture.VIEW, True
    (box,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    box.SetSize(box.GetSize()[0], box.GetSize()[1] / 2, box.GetSize()[2])
    views.wait_until(settled, 60)
    pictures.add("xraytomography-cut-away", module, "Red", "3D")
    ui.surfaceButton.click()
    pictures.add("xraytomography-surface", module, "Red", "3D")
    ui.wiggleButton.click()
    views.wait_until(settled, 120)
    pictures.add("xraytomography-wiggle", module, "Red")
    parameters.weights = "missing.safetensors"
    ui.applyButton.click()
    views.wait_until(settled, 60)
    pictures.add("xraytomography-failed", module)


def colors(pictures: Pictures, module: Any) -> None:
    import SampleData

    from CT2RGBLib.opacity import Opacity
    from CT2RGBLib.options import Tier
    from CT2RGBLib.scope import Region

    section = module.section
    ui, panel, parameters = section.ui, section.panel, section.panel.parameters
    pictures.add("ct2rgb-empty", module)

    def settled() -> bool:
        return is_settled(panel)

    source = parameters.inputVolume = SampleData.downloadSample("CT2RGB chest phantom")
    source.GetDisplayNode().SetWindowLevelMinMax(-160, 240)
    slicer.util.setSliceViewerLayers(background=source, fit=True)
    ui.advancedButton.collapsed = False
    pictures.add("ct2rgb-advanced", module)
    ui.advancedButton.collapsed = True
    parameters.region = Region.BOX
    ui.boxButton.click()
    parameters.livePreview = True
    views.wait_until(settled, 60)
    pictures.add("ct2rgb-live", module, "Red")
    parameters.region = Region.ALL
    parameters.box.SetDisplayVisibility(False)
    ui.applyButton.click()
    views.wait_until(lambda: ui.progressBar.value > 20, 120)
    pictures.add("ct2rgb-running", module)
    views.wait_until(settled, 120)
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(
        slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    )
    camera.SetPosition(500, 1150, 350)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    parameters.fade = 0.5
    pictures.add("ct2rgb-faded", module, "Red", "Yellow")
    parameters.fade, parameters.showVolume = 1.0, True
    pictures.add("ct2rgb", module, "Red", "3D")
    for opacity in Opacity:
        parameters.opacity = opacity
        pictures.add(f"ct2rgb-{opacity.value}", module, "3D")
    parameters.cutAway = True
    box = slicer.util.getNode("Volume rendering ROI")
    box.SetSize(box.GetSize()[0] / 2, *box.GetSize()[1:])
    pictures.add("ct2rgb-cut-away", module, "Red", "3D")
    parameters.tier, parameters.weights = Tier.MODEL, "missing.safetensors"
    ui.applyButton.click()
    views.wait_until(settled, 60)
    pictures.add("ct2rgb-failed", module)


def films(pictures: Pictures, module: Any) -> None:
    from FilmRecoveryLib.grids import Handles
    from FilmRecoveryLib.nodes import Shown

    section = module.section
    ui, panel, parameters = section.ui, section.panel, section.panel.parameters
    pictures.add("filmrecovery-empty", module)

    def ended() -> bool:
        return not panel.isRunning

    photo = REPOSITORY / "FilmRecovery" / "Resources" / "SampleData" / "FilmPhoto.jpg"
    parameters.inputVolume = section.logic.loadPhoto(photo)
    ui.advancedButton.collapsed = False
    pictures.add("filmrecovery-advanced", module)
    ui.advancedButton.collapsed = True
    ui.outlineButton.click()
    pictures.add("filmrecovery-by-hand", module, "Red", marks=True)
    ui.outlineFoundButton.click()
    parameters.handles = Handles.GRID
    ui.applyButton.click()
    views.wait_until(lambda: ui.progressBar.value > 10, 120)
    pictures.add("filmrecovery-running", module)
    views.wait_until(ended, 300)
    pictures.add("filmrecovery-gray", module, "Red", "Yellow", "Green")
    parameters.width, parameters.level, parameters.spacing_z = 400.0, 40.0, 10.0
    ui.extractButton.click()
    views.wait_until(ended, 300)
    pictures.add("filmrecovery-slices", module, "Red", "Yellow", "Green")
    parameters.showLost = True
    pictures.add("filmrecovery-lost", module, "Red", "Yellow", "Green")
    parameters.shown, parameters.doubt = Shown.FILM, 0.0
    pictures.add("filmrecovery", module, "Red", "Yellow", marks=True)
    parameters.doubt = 0.6
    pictures.add("filmrecovery-doubt", module, "Red", "Yellow", marks=True)
    parameters.weights = "missing.safetensors"
    ui.applyButton.click()
    views.wait_until(ended, 60)
    pictures.add("filmrecovery-failed", module)


def is_settled(panel: Any) -> bool:
    return not (panel.isRunning or panel._runner.isRunning or panel._settling.isActive())


def render(volume: Any) -> None:
    """Show the bones of a CT in the 3D view."""
    display = slicer.modules.volumerendering.logic().CreateDefaultVolumeRenderingNodes(volume)
    display.SetVisibility(True)
    look = display.GetVolumePropertyNode().GetVolumeProperty()
    opacity, color = look.GetScalarOpacity(), look.GetRGBTransferFunction()
    for function, points in (
        (opacity, ((-1000, 0.0), (150, 0.0), (300, 0.3), (1200, 0.8))),
        (color, ((0, 0.6, 0.3, 0.2), (300, 0.95, 0.85, 0.7), (1200, 1.0, 1.0, 1.0))),
    ):
        function.RemoveAllPoints()
        for point in points:
            function.AddPoint(*point) if function is opacity else function.AddRGBPoint(*point)
    look.ShadeOn()


if __name__ == "__main__":
    main()
