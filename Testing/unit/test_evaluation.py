"""Scores of pictures, and methods beside each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from InverseImagingLib.evaluation.comparison import comparison
from InverseImagingLib.evaluation.scores import interval, psnr, ssim
from InverseImagingLib.evaluation.tables import markdown, plain, within


def test_a_region_counts_alone():
    one, other, region = torch.full((64, 64), 0.5), torch.full((64, 64), 0.5), torch.zeros(64, 64, dtype=torch.bool)
    other[:32], region[40:] = 0.6, True
    assert psnr(one, other) == pytest.approx(23.01, abs=0.01)  # half of the pixels wrong by 0.1
    assert psnr(one, other, region) == 100
    assert ssim(one, other, region) == pytest.approx(1)
    assert ssim(one, other) < 0.999


def test_intervals_hold_the_mean_and_shrink_with_patients():
    rng = np.random.default_rng(0)
    few, many = interval(rng.normal(20, 3, 5).tolist()), interval(rng.normal(20, 3, 200).tolist())
    for one in (few, many):
        assert one["low"] < one["mean"] < one["high"]
    assert many["high"] - many["low"] < 0.5 * (few["high"] - few["low"])
    assert many["high"] - many["low"] == pytest.approx(2 * 1.96 * 3 / 200**0.5, rel=0.2)
    assert interval([7.0]) == {"mean": 7.0, "low": 7.0, "high": 7.0, "count": 1}


def test_methods_are_compared_body_by_body_where_both_have_a_score():
    rows = {
        "chest_1": {"ours": {"view": {"dB": 30.0}, "bone": {"dB": 20.0}}, "theirs": {"view": {"dB": 27.0}}},
        "chest_2": {"ours": {"view": {"dB": 31.0}}, "theirs": {"view": {"dB": 26.0}}},
        "knee_1": {"ours": {"view": {"dB": 20.0}}, "theirs": {"view": {"dB": 24.0}}},
    }
    found = comparison(rows, "ours")
    assert found["bodies"] == rows
    assert found["means"]["ours"]["view"]["dB"]["mean"] == pytest.approx(27)
    assert found["means"]["ours"]["bone"]["dB"]["count"] == 1
    gains = found["gains"]
    assert set(gains) == {"theirs"}
    assert set(gains["theirs"]) == {"view"}
    assert gains["theirs"]["view"]["dB"]["mean"] == pytest.approx((3 + 5 - 4) / 3)
    assert {kind: means["theirs"]["view"]["dB"]["mean"] for kind, means in found["kinds"].items()} == {
        "chest": 26.5,
        "knee": 24.0,
    }


def test_tables():
    rows = [["", "dB"], ["ours", within({"mean": 2.0, "low": 1.0, "high": 3.0})]]
    assert plain(rows) == "      dB\nours  (1.00 to 3.00)"
    assert markdown(rows) == "|  | dB |\n| --- | --- |\n| ours | (1.00 to 3.00) |"
