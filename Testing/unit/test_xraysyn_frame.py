"""The cube behind a radiograph: what is lifted into it along the rays is seen where it came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from XraySynLib.frame import Frame


@pytest.mark.parametrize("from_behind", [False, True])
@pytest.mark.parametrize("depth", [0, 5, 15])
def test_a_lifted_point_is_projected_onto_its_pixel(from_behind: bool, depth: int):
    frame = Frame(300.0, (32, 16, 32), 32, from_behind)
    planes = torch.zeros(1, 1, 16, 32, 32)
    planes[0, 0, depth, 9:11, 21:23] = 1.0
    picture = frame.projector([(0.0, 0.0)])(frame.lift(planes)[0])[0, 0]
    rows, columns = (picture.sum(dim=d) @ torch.arange(32.0) / picture.sum() for d in (1, 0))
    assert abs(float(rows) - 9.5) < 0.15
    assert abs(float(columns) - 21.5) < 0.15


def test_the_right_of_the_patient_is_on_the_left_of_the_picture_from_both_sides():
    for from_behind in (False, True):
        frame = Frame(300.0, from_behind=from_behind)
        right = np.linalg.inv(frame.ijk_to_ras) @ [100.0, 0.0, 0.0, 1.0]
        front = np.linalg.inv(frame.ijk_to_ras) @ [0.0, 100.0, 0.0, 1.0]
        head = np.linalg.inv(frame.ijk_to_ras) @ [0.0, 0.0, 100.0, 1.0]
        assert right[0] < 30
        assert head[2] < 30
        assert (front[1] > 32) != from_behind  # planes run from the source to the detector


def test_a_coarser_frame_is_the_same_cube():
    frame = Frame(300.0)
    coarse = frame.coarser()
    corners = [f.ijk_to_ras @ [*(np.array(f.voxels[::-1]) - 0.5), 1.0] for f in (frame, coarse)]
    np.testing.assert_allclose(*corners)
    assert coarse.view().pixel * coarse.size == pytest.approx(frame.view().pixel * frame.size)
