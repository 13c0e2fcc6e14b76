"""Radiomics: the table of a volume's features, and whether features of films agree with those of the CTs.

Needs no torch.
"""

from __future__ import annotations

import csv
import importlib.util
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, write

from .options import RadiomicsOptions

_FEWEST = 64  # voxels
# Of the t distribution, for the paper's thresholds 1.660, 2.364 and 3.390 at 100 degrees of freedom
_QUANTILES = {"0.05": 0.95, "0.01": 0.99, "0.001": 0.9995}
_MARGIN = 0.5  # standard deviations of the truth: differences below are none that matter
_ALPHA, _CONCORDANT = 0.05, 0.9

Features = Mapping[str, float]


def package() -> str:
    """What measures: pyradiomics where it is installed, else MIRP, which follows the IBSI's standard; or nothing."""
    return next((name for name in _WAYS if importlib.util.find_spec(name)), "")


def features(volume: Image, mask: Image, bins: int = RadiomicsOptions.bins) -> dict[str, float]:
    """Features of the gray of a volume (K, J, I) where a mask on its grid is not 0: first order and texture, slice by
    slice. bins: of gray, between the lowest and the highest of the region.

    Raises InputError where the mask is too small, and where no package is installed.
    """
    if volume.array.shape != mask.array.shape:
        raise InputError(f"Mask '{mask.name}' does not lie on the voxels of '{volume.name}'; make it of that volume.")
    if np.count_nonzero(mask.array) < _FEWEST:
        raise InputError(f"Mask '{mask.name}' marks fewer than {_FEWEST} voxels, too few for radiomics; mark more.")
    if not package():
        raise InputError("Radiomics need a package that is missing; install SlicerRadiomics in Slicer, else 'mirp'.")
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "volume.nii.gz", Path(folder) / "mask.nii.gz"
        write(volume, paths[0])
        write(mask.with_array((mask.array > 0).astype(np.uint8)), paths[1])
        return _WAYS[package()](*paths, bins)


def write_table(found: Features, path: Path) -> None:
    """Features as a CSV file, one a row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("feature", "value"), *found.items()])


def compare(ours: Sequence[Features], truth: Sequence[Features]) -> dict[str, Any]:
    """Whether features of volumes agree with those of the same volumes in truth; JSON-ready.

    features: {name: {"t", "equivalence", "ccc", "icc"}}, see agreement. below: how many t lie below the thresholds of
    the paper, by level; not to be told apart is not the same as equal. equivalent: how many are. concordant: how many
    have a CCC of 0.9 or more. count: of volumes. Features that are the same in all volumes are left out.
    """
    names = [name for name in truth[0] if name in ours[0]]
    pairs = {
        name: np.array([[one[name], other[name]] for one, other in zip(ours, truth, strict=True)]) for name in names
    }
    rows = {name: agreement(*pair.T) for name, pair in pairs.items() if np.isfinite(pair).all() and np.ptp(pair[:, 1])}
    limits = {level: float(stats.t.ppf(quantile, len(ours) - 1)) for level, quantile in _QUANTILES.items()}
    return {
        "count": len(ours),
        "features": rows,
        "below": {level: sum(abs(row["t"]) < limit for row in rows.values()) for level, limit in limits.items()},
        "equivalent": sum(row["equivalence"] < _ALPHA for row in rows.values()),
        "concordant": sum(row["ccc"] >= _CONCORDANT for row in rows.values()),
    }


def agreement(ours: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How well values (n,) agree with the true ones (n,), which must differ.

    t: of the mean of ours against the mean of the truth, as the paper has it. equivalence: p of two one-sided paired t
    tests (Schuirmann 1987) that the mean difference is within half a standard deviation of the truth. ccc: Lin's
    concordance (1989). icc: ICC(A,1), absolute agreement of single values (McGraw and Wong 1996).
    """
    n, difference = len(truth), ours - truth
    margin = _MARGIN * truth.std(ddof=1)
    return {
        "t": _t(ours - truth.mean()),
        "equivalence": float(stats.t.sf(min(_t(difference + margin), -_t(difference - margin)), n - 1)),
        "ccc": float(2 * np.cov(ours, truth, ddof=0)[0, 1] / (ours.var() + truth.var() + difference.mean() ** 2)),
        "icc": icc(np.stack([ours, truth], axis=1)),
    }


def icc(values: np.ndarray) -> float:
    """The agreement ICC(A,1), which is also called ICC(2,1), of values (n, k) of n volumes by k methods."""
    n, k = values.shape
    rows, columns, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    between, methods = k * ((rows - mean) ** 2).sum() / (n - 1), n * ((columns - mean) ** 2).sum() / (k - 1)
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / ((n - 1) * (k - 1))
    return float((between - rest) / (between + (k - 1) * rest + k * (methods - rest) / n))


def _t(values: np.ndarray) -> float:
    """t of the mean of values against 0."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() / max(error, 1e-12 * np.abs(values).max() + 1e-300))


def _by_pyradiomics(volume: Path, mask: Path, bins: int) -> dict[str, float]:
    featureextractor = importlib.import_module("radiomics.featureextractor")

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    extractor = featureextractor.RadiomicsFeatureExtractor(binCount=bins, force2D=True, force2Ddimension=0)
    extractor.disableAllFeatures()
    for family in ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"):
        extractor.enableFeatureClassByName(family)
    found = extractor.execute(str(volume), str(mask))
    return {name: float(value) for name, value in found.items() if not name.startswith("diagnostics")}


def _by_mirp(volume: Path, mask: Path, bins: int) -> dict[str, float]:
    extract_features = importlib.import_module("mirp").extract_features
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # or it tells the root's log of each slice
    try:
        (table,) = extract_features(
            image=str(volume),
            mask=str(mask),
            image_modality="ct",
            by_slice=True,
            base_feature_families=["stat", "ih", "cm", "rlm", "szm", "ngtdm", "ngldm"],
            base_discretisation_method="fixed_bin_number",
            base_discretisation_n_bins=bins,
        )
    finally:
        logging.disable(before)
    numbers = table.select_dtypes("number").iloc[0]
    return {name: float(value) for name, value in numbers.items() if not name.startswith("image_")}


_WAYS = {"radiomics": _by_pyradiomics, "mirp": _by_mirp}
