"""Packets of a video, for tests where PyAV is installed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from motion_seg_ros.types import UInt8Array

KEY_EVERY = 8
H264 = ("libx264", {"tune": "zerolatency", "g": str(KEY_EVERY), "keyint_min": "8", "qp": "4"})
"""Encoder and its options: nearly without loss, each packet as soon as its image."""


def encoded(images: Sequence[UInt8Array], name: str, options: dict[str, str]) -> list[bytes]:
    """The images as a video, a packet each."""
    import av

    encoder = av.CodecContext.create(name, "w")
    encoder.height, encoder.width = images[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, 30), options
    made = []
    for index, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = index
        made += encoder.encode(frame)
    made += encoder.encode(None)
    assert len(made) == len(images)
    return [bytes(each) for each in made]
