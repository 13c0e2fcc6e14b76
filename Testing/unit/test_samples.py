"""The little images on which a worker tries methods."""

from __future__ import annotations

import numpy as np
import pytest

from InverseImagingLib.methods import METHODS

LIVE = [method for method in METHODS.values() if method.sample]


@pytest.mark.parametrize("method", LIVE, ids=lambda method: method.name)
def test_a_method_works_on_its_sample(method):
    result = method.load_function()(method.load_sample(), method.load_options()())
    for image in result.images.values():
        assert np.isfinite(image.array).all()
    first = next(iter(result.images.values())).array
    assert first.min() < first.max()


def test_methods_that_follow_the_hand_have_one():
    assert {method.name for method in LIVE} == {"XraySyn", "XraySynRadiograph", "XrayTomography", "CT2RGB"}
