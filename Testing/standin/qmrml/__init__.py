"""Stand-ins for the qMRML widgets in use in module panels, on the real MRML scene."""

from __future__ import annotations


def install(slicer) -> None:
    """Put the widget classes into the package `slicer`. Needs qt and ctk installed first."""
    from . import node_combo_box, plain, segment_selector, widget

    for module in (node_combo_box, plain, segment_selector, widget):
        for name, value in vars(module).items():
            if name.startswith(("qMRML", "qSlicer")):
                setattr(slicer, name, value)
