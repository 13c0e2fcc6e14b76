"""How many radiographs a second X-ray Synthesis shows while a slider is dragged, as a Markdown table.

A thorax phantom of 256 voxels along its longest side is turned in the panel on the Slicer stand-in: slider, parameter
node, worker process, slice view's nodes; not the drawing on a screen. While dragged, the detector has 256 x 256 pixels
and the body half its resolution; at rest, 512 x 512 and all of it. Run it on an idle computer.

Measured on two cores that other programs used as well: 18 views a second, 55 ms from slider to view; at rest, the full
view follows 0.5 s after the last step, 0.3 s of which it waits. The first view, with the start of the worker, came 4 s
after the CT was chosen.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / folder) for folder in ("Testing", "InverseImaging", "XraySyn")]

import standin  # noqa: E402

slicer = standin.boot()

from standin import modules, views  # noqa: E402

SIZE, VIEWS = 256, 60


def main() -> None:
    from InverseImagingLib.nodes import node_from_image
    from InverseImagingLib.xray.phantoms import Anatomy, phantom

    for name in ("InverseImaging", "XraySyn"):
        modules.load(REPOSITORY / name / f"{name}.py")
    module = modules.show("XraySyn")
    module.sections.show(module.fromCT)
    widget = module.fromCT
    panel, slider = widget.panel, widget.ui.azimuthSlider
    panel.parameters.inputVolume = node_from_image(phantom(Anatomy.THORAX, SIZE), "thorax")
    shown: list[float] = []
    show = panel._preview.show
    panel._preview.show = lambda *arguments: (show(*arguments), shown.append(time.perf_counter()))

    start = time.perf_counter()
    widget.ui.livePreviewCheckBox.click()
    views.wait_until(lambda: len(shown) == 2, 300)  # the draft, then the whole
    first, whole = shown[0] - start, shown[1] - shown[0]
    latencies, start = [], time.perf_counter()
    for number in range(VIEWS):  # the next step of the slider as soon as the one before is seen
        count, began = len(shown), time.perf_counter()
        slider.value = -30.0 + number
        views.wait_until(lambda count=count: len(shown) > count, 60)
        latencies.append(time.perf_counter() - began)
    seconds = time.perf_counter() - start
    count = len(shown)
    began = shown[-1]
    views.wait_until(lambda: len(shown) > count, 60)
    settled = shown[-1] - began
    modules.unload("XraySyn")
    if standin.errors:
        raise SystemExit("\n".join(standin.errors))
    print("| live preview | |\n|---|---|")
    print(f"| views per second | {VIEWS / seconds:.1f} |")
    print(f"| median from slider to view | {1000 * statistics.median(latencies):.0f} ms |")
    print(f"| first view, with the start of the worker | {first:.1f} s |")
    print(f"| first view at rest | {whole:.1f} s |")
    print(f"| view at rest, from the last one dragged | {settled:.2f} s |")


if __name__ == "__main__":
    main()
