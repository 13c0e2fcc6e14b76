"""What was found of a film and its slices, in sentences for the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _


def about_film(report: Mapping[str, Any]) -> str:
    """How a flat film came about, and how sure that is, by its report."""
    parts = [
        {
            "model": _("Found by the network"),
            "outline": _("Found by its rim"),
            "user": _("Where you put it"),
        }[report["found by"]]
    ]
    if report["flat"]["flat"]:
        parts.append(_("flat already"))
    if report["turned"]:
        parts.append(_("turned by {degrees}°").format(degrees=report["turned"]))
    if report["mirrored"]:
        parts.append(_("mirrored"))
    sure = _("Confidence {percent:.0%}.").format(percent=report["confidence"])
    return f"{', '.join(parts)}. {sure}"


def about_slices(report: Mapping[str, Any]) -> str:
    """What slices are, and where that is known from, by their report."""
    source = {
        "text": _("from the text"),
        "ruler": _("from the ruler"),
        "user": _("as you say"),
        "unknown": _("a guess"),
    }
    window = report["window"]
    parts = [_("{layout} tiles, {count} slices.").format(layout=report["layout"], count=len(report["tiles"]))]
    if "added to" in report:
        text = _("They go on from the {slices} of '{name}'.")
        parts.append(text.format(**report["added to"]))
    if window["from"] == "none":
        parts.append(_("No window is known: these are relative grays, not HU; give level and width."))
    else:
        text = _("Window: width {width:g}, level {level:g} HU ({source}).")
        parts.append(text.format(**{**window, "source": source[window["from"]]}))
    spacing = [f"{size:.3g} mm ({source[report['spacing from'][axis]]})" for axis, size in _sizes(report)]
    parts.append(_("Spacing: {sizes}.").format(sizes=", ".join(spacing)))
    parts.append(_("The film tells {percent:.0%} of the values.").format(percent=report["valid share"]))
    return " ".join(parts)


def _sizes(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Spacings that are to be told, by axis: across and down are told once where they are the same."""
    x, y, z = report["spacing mm"]
    same = x == y and report["spacing from"]["x"] == report["spacing from"]["y"]
    return [("x", x), ("z", z)] if same else [("x", x), ("y", y), ("z", z)]
