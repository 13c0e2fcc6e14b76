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
sys.path[:0] = [str(REPOSITORY / folder) for folder in ("Testing", "InverseImaging", "CTRestoration")]

import standin  # noqa: E402

slicer = standin.boot()

from standin import modules, views  # noqa: E402

PANEL_WIDTH = 460
README = ("ctrestoration", "ctrestoration-running", "ctrestoration-inpaint", "inverseimaging")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "panels", help="folder for the pictures (%(default)s)")
    parser.add_argument("--screenshots", action="store_true", help="renew Resources/Screenshots, too")
    arguments = parser.parse_args()
    for name in ("InverseImaging", "CTRestoration"):
        modules.load(REPOSITORY / name / f"{name}.py")
    pictures = Pictures(arguments.out, REPOSITORY / "Resources" / "Screenshots" if arguments.screenshots else None)
    start = time.monotonic()
    home(pictures)
    restoration(pictures)
    for name in ("CTRestoration", "InverseImaging"):
        modules.unload(name)
    if standin.errors:
        raise SystemExit("\n".join(standin.errors))
    print(f"{pictures.count} pictures in {arguments.out} after {time.monotonic() - start:.0f} s")


class Pictures:
    """Writes pictures of panels, alone or beside the slice views."""

    def __init__(self, folder: Path, screenshots: Path | None) -> None:
        self.folder, self.screenshots, self.count = folder, screenshots, 0

    def add(self, name: str, widget: Any, *slice_views: str) -> None:
        image = views.panel_image(widget, PANEL_WIDTH)
        if slice_views:
            size = max(512, image.height() // len(slice_views)) if len(slice_views) > 1 else 512
            image = views.side_by_side(image, *(views.slice_image(view, size) for view in slice_views))
        for folder in filter(None, (self.folder, self.screenshots if name in README else None)):
            views.save(image, folder / f"{name}.png")
        self.count += 1


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


if __name__ == "__main__":
    main()
