"""What a viewer shows of a DICOM radiograph: its lookup tables and its window, white where the header wants white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..image import Image

if TYPE_CHECKING:
    from pydicom import Dataset


def displayed(image: Image) -> np.ndarray:
    """Gray of a radiograph as its header wants it shown, any numbers (K, J, I), higher is brighter.

    image: as image.read gives it: rescaled, and MONOCHROME1 turned around by ITK. image.dicom: its header; without one,
    or where the header knows no window, the values come back as they are. A Modality LUT, which ITK leaves out, is
    applied, then the first VOI LUT, else the first window, which gives 0 to 1. Presentation LUT Shape says the same as
    MONOCHROME1 and 2 and is not asked. Source: DICOM PS3.3, C.7.6.3.1.2, C.11.1 and C.11.2. Raises ValueError where the
    header's tables or windows are invalid.
    """
    header = image.dicom
    if header is None or image.is_color:
        return image.array
    modality = header.get("ModalityLUTSequence") or []
    voi = header.get("VOILUTSequence") or []
    window = _first(header, "WindowCenter"), _first(header, "WindowWidth")
    if not modality and not voi and None in window:
        return image.array
    inverted = header.get("PhotometricInterpretation") == "MONOCHROME1"
    values = _turned_back(image.array, header) if inverted else image.array
    if modality:
        values = _look_up(values, modality[0])
    if voi:
        values = _look_up(values, voi[0])
    elif window[0] is not None and window[1] is not None:
        values = _windowed(values, window[0], window[1], str(header.get("VOILUTFunction") or "LINEAR"))
    return values.max() - values if inverted else values


def _turned_back(array: np.ndarray, header: Dataset) -> np.ndarray:
    """The rescaled values before ITK turned them around, within the range of the stored bits."""
    lowest_and_highest = -1 if header.get("PixelRepresentation") else 2 ** int(header.BitsStored) - 1
    slope, intercept = (_first(header, name) for name in ("RescaleSlope", "RescaleIntercept"))
    return (slope or 1.0) * lowest_and_highest + 2 * (intercept or 0.0) - array.astype(np.float64)


def _look_up(values: np.ndarray, item: Dataset) -> np.ndarray:
    """A Modality or VOI LUT; what lies below or above it gets its first or last entry (PS3.3 C.11.2.1.1)."""
    count, first = int(item.LUTDescriptor[0]) or 2**16, int(item.LUTDescriptor[1])
    data: Any = item.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if len(data) >= 2 * count else np.uint8)
    table = np.asarray(data, dtype=np.float32)[:count]
    if first >= 2**15 and values.min() < 0:
        first -= 2**16  # written as unsigned
    if len(table) < count:
        raise ValueError(f"a lookup table has {len(table)} entries instead of {count}")
    return table[np.clip(np.rint(values).astype(np.int64) - first, 0, count - 1)]


def _windowed(values: np.ndarray, center: float, width: float, function: str) -> np.ndarray:
    """0 to 1; see PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function.upper() == "LINEAR":
        center, width = center - 0.5, max(width - 1, 1e-6)
    if width <= 0:
        raise ValueError(f"a window is {width:g} wide")
    share = (values.astype(np.float32) - np.float32(center)) / np.float32(width)
    return 1 / (1 + np.exp(-4 * share.clip(-20, 20))) if function.upper() == "SIGMOID" else (share + 0.5).clip(0, 1)


def _first(header: Dataset, keyword: str) -> float | None:
    """The first number of an attribute that may hold several; None where it holds none."""
    values = np.atleast_1d(np.array(header.get(keyword), dtype=object))
    try:
        return float(values[0]) if values.size and values[0] not in (None, "") else None
    except (TypeError, ValueError):
        return None
