"""The views of a sweep, or from all around, as an animated GIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from .errors import InputError
from .files import beside
from .labels import LABEL, labelled

Angles = tuple[float, float]  # azimuth and elevation of a view, in degrees

_LARGEST = 512  # pixels along the longer side
_MILLISECONDS = 80  # that a view is seen


def turntable(elevation: float, count: int = 48) -> list[Angles]:
    """Views from all around."""
    return [(360.0 * number / count, elevation) for number in range(count)]


def check_animation(path: Path) -> None:
    """Raise InputError for a file that does not end as an animation does."""
    if path.suffix.lower() != ".gif":
        raise InputError(f"Animation '{path.name}' must end in .gif; name it so.")


def write_animation(
    views: Sequence[np.ndarray], path: Path, *, around: bool = False, words: str = LABEL, largest: int = _LARGEST
) -> None:
    """Write views (H, W), or (H, W, 3) of colors, 0 to 1, as a GIF that turns to and fro without end and
    says what it is.

    around: the first view follows the last, so that it always turns the same way. words: what it says, in the corner.
    largest: pixels along the longer side; larger views are made smaller.
    Raises InputError for fewer than two views, another ending, and a place that cannot be written to.
    """
    check_animation(path)
    if len(views) < 2:
        raise InputError("An animation needs the views of a sweep; take a sweep first.")
    back = () if around else views[-2:0:-1]
    frames = [Pillow.fromarray(labelled(_small(view, largest), words)) for view in (*views, *back)]
    with beside(path) as folder:
        frames[0].save(
            folder / path.name, save_all=True, append_images=frames[1:], duration=_MILLISECONDS, loop=0, optimize=False
        )


def _small(view: np.ndarray, largest: int) -> np.ndarray:
    picture = Pillow.fromarray((view.clip(0, 1) * 255).round().astype(np.uint8))
    picture.thumbnail((largest, largest))
    return np.asarray(picture)
