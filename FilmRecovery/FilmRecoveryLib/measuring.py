"""From slices to a table of their radiomics, in a run of its own."""

from __future__ import annotations

import time

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import OnProgress, Progress, Result, ignore_progress, options_to_dict

from .flatten import REMARK, VERSION
from .options import RadiomicsOptions
from .radiomics import features, package


def measure(
    slices: Image, options: RadiomicsOptions, on_progress: OnProgress = ignore_progress, *, valid: Image
) -> Result:
    """Measure features of intensity and texture of slices (K, J, I), in HU or relative gray, where the film tells them.

    valid: of extract, on their grid. The features are in the report, by name; there are no images. Raises InputError;
    Cancelled passes through.
    """
    began = time.monotonic()
    options.check()
    on_progress(Progress(0.0, "measuring the slices"))
    warnings = []
    if slices.meaning is not Meaning.HU:
        warnings.append("The slices are relative gray, no HU, so that features of intensity cannot be compared.")
    report = {
        "method": "FilmRadiomics",
        "version": VERSION,
        "remark": REMARK,
        "input": {"name": slices.name, "shape": list(slices.array.shape)},
        "settings": options_to_dict(options),
        "features": features(slices, valid, options.bins),
        "by": package(),
        "seconds": round(time.monotonic() - began, 3),
        "warnings": warnings,
    }
    return Result({}, report)
