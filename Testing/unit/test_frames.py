"""Frames carry headers and arrays exactly, in pieces of any size, and refuse what is not a frame."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from InverseImagingLib.frames import Decoder, FrameError, encode, read_frames, write_frame
from InverseImagingLib.image import Image, Meaning

DTYPES = ["<f4", "<f8", "<i2", "|u1", "<u2", ">i2", "<i4"]


@settings(max_examples=60, deadline=None)
@given(
    arrays=st.lists(
        st.sampled_from(DTYPES).flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=3, max_dims=4, max_side=5))),
        max_size=3,
    ),
    piece=st.integers(1, 300),
)
def test_frames_survive_any_cut(arrays: list[np.ndarray], piece: int) -> None:
    images = {f"image{i}": Image(a, np.diag([1.5, -2, 3, 1]), Meaning.HU, "näme") for i, a in enumerate(arrays)}
    header = {"type": "run", "options": {"window": [-160, 240], "text": "é"}}
    data = b"".join(bytes(chunk) for chunk in [*encode(header, images), *encode({"type": "next"})])
    decoder = Decoder()
    frames = [frame for start in range(0, len(data), piece) for frame in decoder.feed(data[start : start + piece])]
    assert [header for header, _ in frames] == [header, {"type": "next"}]
    decoded = frames[0][1]
    assert list(decoded) == list(images)
    for name, image in images.items():
        np.testing.assert_array_equal(decoded[name].array, image.array)
        assert decoded[name].array.dtype == image.array.dtype.newbyteorder("<")
        np.testing.assert_array_equal(decoded[name].ijk_to_ras, image.ijk_to_ras)
        assert (decoded[name].meaning, decoded[name].name) == (Meaning.HU, "näme")


def test_views_are_sent_as_they_look() -> None:
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)[:, ::-1, ::2]
    stream = io.BytesIO()
    write_frame(stream, {"type": "run"}, {"image": Image(array)})
    stream.seek(0)
    ((_, images),) = read_frames(stream)
    np.testing.assert_array_equal(images["image"].array, array)


@pytest.mark.parametrize(
    "data", [b"bash: inverse-imaging: command not found\n", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x02{}"]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FrameError, match="unreadable answer"):
        list(Decoder().feed(data))
