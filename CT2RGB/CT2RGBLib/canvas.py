"""The colored volume while it is painted, slice by slice. Needs no torch."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress
from InverseImagingLib.slices import cropped_geometry

from .opacity import code
from .options import ColorizeOptions
from .painters import Painter
from .slices import Slices, canonical, slice_axes

_WINDOW = (-160.0, 240.0)  # HU that are black and white in the gray of the CT
_PREVIEW_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Canvas:
    """A CT, and what is to be colored of it: chosen slices, where a mask is not 0, below the tints of segments."""

    image: Image
    slices: Slices
    chosen: range
    options: ColorizeOptions
    mask: Image | None = None
    tints: Image | None = None

    def painted(self, painter: Painter, on_progress: OnProgress, threads: int = 1) -> Image:
        """The chosen slices, uint8 RGB or RGBA (K, J, I, C), with previews of single ones on the way."""
        (axis, *_), (step, *_) = slice_axes(self.image.ijk_to_ras, self.image.array.shape)
        shape = list(self.image.array.shape)
        shape[axis] = len(self.chosen)
        colors = np.zeros((*shape, 4 if self.options.rgba else 3), np.uint8)
        pages = canonical(colors, self.image.ijk_to_ras)
        first = self.chosen.start if step > 0 else self.slices.count - self.chosen.stop
        last_preview = time.monotonic()

        def paint(page: int) -> int:
            pages[page] = self._page(painter, first + page)
            return page

        pool = ThreadPoolExecutor(threads)
        try:
            for page in pool.map(paint, range(len(pages))):
                preview = None
                if time.monotonic() - last_preview > _PREVIEW_SECONDS:
                    at = page if step > 0 else len(pages) - 1 - page
                    preview = self._placed(colors.take([at], axis), axis, self.chosen.start + at)
                    last_preview = time.monotonic()
                on_progress(Progress((page + 1) / len(pages), f"slice {page + 1} of {len(pages)}", preview))
        finally:
            pool.shutdown(cancel_futures=True)
        return self._placed(colors, axis, self.chosen.start)

    def _page(self, painter: Painter, index: int) -> np.ndarray:
        """A slice as uint8 (J, I, C)."""
        hu, body = self.slices.hu(index), self.slices.body(index)
        seen = body if self.options.masked else np.ones_like(body)
        colors = painter.paint(self.slices, index)
        share = np.float32(self.options.strength)
        if self.mask is not None:
            share = share * (canonical(self.mask.array, self.image.ijk_to_ras)[index] != 0)[..., None]
        if np.min(share) < 1:
            gray = ((hu - _WINDOW[0]) / (_WINDOW[1] - _WINDOW[0])).clip(0, 1)[..., None]
            colors = gray + share * (colors - gray)
        colors = colors * seen[..., None]
        if self.tints is not None:
            tints = canonical(self.tints.array, self.image.ijk_to_ras)[index].astype(np.float32) / 255
            colors += tints[..., 3:] * (tints[..., :3] - colors)
        page = (255 * colors.clip(0, 1) + 0.5).astype(np.uint8)
        return np.concatenate([page, code(hu, seen)[..., None]], axis=-1) if self.options.rgba else page

    def _placed(self, colors: np.ndarray, axis: int, first: int) -> Image:
        return self.image.with_array(
            colors,
            ijk_to_ras=cropped_geometry(self.image, axis, first),
            meaning=Meaning.RGB,
            name=f"{self.image.name} colors (illustrative)".strip(),
        )
