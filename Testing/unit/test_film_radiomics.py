"""Radiomics: agreement of features, the table, and what is missing is said."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from FilmRecoveryLib import radiomics
from FilmRecoveryLib.measuring import measure
from FilmRecoveryLib.options import RadiomicsOptions
from FilmRecoveryLib.radiomics import agreement, compare, features, icc, write_table
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read

TRUTH = np.random.default_rng(0).normal(10, 2, 50)


def images() -> tuple[Image, Image]:
    random = np.random.default_rng(1)
    mask = np.zeros((3, 16, 16), np.uint8)
    mask[:, 3:13, 3:13] = 1
    grid = np.diag([-0.5, -0.5, 5, 1])
    return (
        Image(random.normal(40, 10, mask.shape).astype(np.int16), grid, Meaning.HU, "head"),
        Image(mask, grid, Meaning.LABEL, "region"),
    )


def test_equal_values_agree_entirely():
    found = agreement(TRUTH, TRUTH)
    assert found["t"] == pytest.approx(0, abs=1e-9)
    assert found["equivalence"] < 1e-9
    assert found["ccc"] == pytest.approx(1)
    assert found["icc"] == pytest.approx(1)


def test_a_shift_of_the_mean_is_told_although_the_correlation_is_perfect():
    found = agreement(TRUTH + 4, TRUTH)
    assert found["t"] == pytest.approx(stats.ttest_1samp(TRUTH + 4, TRUTH.mean()).statistic)
    assert found["equivalence"] > 0.99
    assert found["ccc"] == pytest.approx(2 * TRUTH.var() / (2 * TRUTH.var() + 16))
    assert found["icc"] < 0.5


def test_values_that_vary_are_not_equivalent_only_because_no_difference_is_found():
    other = TRUTH + np.random.default_rng(3).normal(0, 12, 50)
    found = agreement(other, TRUTH)
    assert abs(found["t"]) < 2.7
    assert found["equivalence"] > 0.05
    assert found["ccc"] < 0.5


def test_icc_is_that_of_shrout_and_fleiss():
    """The example of their paper (1979): six targets, four judges, an ICC(2,1) of .29."""
    values = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert icc(np.array(values, float)) == pytest.approx(0.29, abs=0.005)


def test_features_are_counted_by_how_they_agree():
    random = np.random.default_rng(2)
    truth = [{"same": a, "shifted": b, "noise": c, "still": 1.0} for a, b, c in random.normal(5, 1, (60, 3))]
    ours = [
        {"same": row["same"] + 0.01, "shifted": row["shifted"] + 3, "noise": random.normal(5, 1), "still": 1.0}
        for row in truth
    ]
    found = compare(ours, truth)
    assert set(found["features"]) == {"same", "shifted", "noise"}
    assert found["count"] == 60
    assert found["below"]["0.001"] == 2
    assert found["below"]["0.05"] <= found["below"]["0.01"] <= found["below"]["0.001"]
    assert found["concordant"] == 1
    assert found["features"]["same"]["equivalence"] < 0.05 < found["features"]["shifted"]["equivalence"]
    json.dumps(found)


def test_the_thresholds_are_those_of_the_paper():
    assert [stats.t.ppf(each, 100) for each in (0.95, 0.99, 0.9995)] == pytest.approx([1.660, 2.364, 3.390], abs=1e-3)
    truth = [{"a": value} for value in np.random.default_rng(0).normal(0, 1, 101)]
    shift = [{"a": row["a"] + 2.0 * np.std([each["a"] for each in truth], ddof=1) / np.sqrt(101)} for row in truth]
    assert compare(shift, truth)["below"] == {"0.05": 0, "0.01": 1, "0.001": 1}


def test_a_table_has_a_feature_a_row(tmp_path: Path):
    write_table({"mean": 1.5, "energy": 2e9}, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["feature", "value"], ["mean", "1.5"], ["energy", "2000000000.0"]]


def test_without_a_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="SlicerRadiomics in Slicer, else 'mirp'"):
        features(*images())


@pytest.mark.parametrize(("meaning", "said"), [(Meaning.HU, 0), (Meaning.SCALAR, 1)])
def test_slices_are_measured_where_they_are_valid(monkeypatch: pytest.MonkeyPatch, meaning: Meaning, said: int):
    def by_hand(volume: Path, mask: Path, bins: int) -> dict[str, float]:
        inside = read(volume).array[read(mask).array > 0]
        return {"mean": float(inside.mean()), "bins": float(bins)}

    monkeypatch.setattr(radiomics, "_WAYS", {"numpy": by_hand})
    volume, mask = images()
    report = measure(dataclasses.replace(volume, meaning=meaning), RadiomicsOptions(bins=8), valid=mask).report
    assert report["features"] == {"mean": pytest.approx(volume.array[mask.array > 0].mean()), "bins": 8}
    assert report["by"] == "numpy"
    assert len(report["warnings"]) == said
    json.dumps(report)


def test_a_mask_that_does_not_fit_is_refused():
    volume, mask = images()
    with pytest.raises(InputError, match="too few"):
        features(volume, mask.with_array(np.zeros_like(mask.array)))
    with pytest.raises(InputError, match="does not lie on the voxels of 'head'"):
        features(volume, mask.with_array(mask.array[:2]))


@pytest.mark.skipif(importlib.util.find_spec("mirp") is None, reason="mirp is not installed")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")  # of ITK's wrapping
def test_mirp_gives_first_order_and_texture():
    volume, mask = images()
    found = features(volume, mask)
    assert found["stat_mean"] == pytest.approx(volume.array[mask.array > 0].mean(), rel=1e-5)
    assert len(found) > 90
    assert np.isfinite(list(found.values())).all()
