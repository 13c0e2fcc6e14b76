"""Little images on which a worker tries a method, so that all is loaded and compiled when the first real one comes."""

from __future__ import annotations

import numpy as np

from .image import Image, Meaning


def ct() -> Image:
    """A bone within a body, in air, 24 x 24 x 24 voxels of 10 mm."""
    hu = np.full((24, 24, 24), -1000, np.int16)
    hu[4:20, 4:20, 4:20] = 40
    hu[8:16, 8:16, 8:16] = 1000
    return Image(hu, np.diag([10.0, 10, 10, 1]), Meaning.HU, "sample")


def radiograph() -> Image:
    """A bright blob, 128 x 128 pixels."""
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    return Image(np.exp(-2 * (x**2 + y**2))[None].astype(np.float32), name="sample")
