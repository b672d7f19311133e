"""What to change where nothing comes, from given topics."""

from __future__ import annotations

import pytest

from motion_seg_ros.io.video_packets import FFMPEG_PACKET
from motion_seg_ros.ros.topic_advice import (
    COMPRESSED,
    IMAGE,
    WantedTopic,
    advice,
    mistake,
)

RAW = WantedTopic("/cam/image_raw")
PACKED = WantedTopic("/cam/image_raw/compressed", COMPRESSED)
DEPTH = WantedTopic(
    "/cam/depth", remapped="depth", setting="depth.transport", suffix="/compressedDepth"
)


@pytest.mark.parametrize(
    ("wanted", "published", "told"),
    [
        # What `ros2 topic list` shows, given for `image`.
        (
            WantedTopic("/cam/image_raw/compressed"),
            {"/cam/image_raw/compressed": {COMPRESSED}},
            f"{COMPRESSED}, expected {IMAGE}: set image_transport to compressed and remap "
            "image to /cam/image_raw",
        ),
        (
            WantedTopic("/cam/image_raw/compressed/compressed", COMPRESSED),
            {"/cam/image_raw/compressed": {COMPRESSED}},
            "has it already: remap image to /cam/image_raw",
        ),
        # The other transport alone.
        (RAW, {"/cam/image_raw/compressed": {COMPRESSED}}, "set image_transport to compressed"),
        (PACKED, {"/cam/image_raw": {IMAGE}}, "set image_transport to raw"),
        (DEPTH, {"/cam/depth/compressedDepth": {COMPRESSED}}, "depth.transport to compressedDepth"),
        # No image.
        (RAW, {"/cam/image_raw": {"std_msgs/msg/String"}}, "std_msgs/msg/String, expected sensor"),
        # Video, which needs a decoder.
        (RAW, {"/cam/image_raw": {FFMPEG_PACKET}}, f"expected {IMAGE}: ros2 run image_transport"),
        (
            RAW,
            {"/cam/image_raw/ffmpeg": {FFMPEG_PACKET}},
            "on /cam/image_raw/ffmpeg: ros2 run image_transport republish",
        ),
        # Another name.
        (RAW, {"/rs/color": {IMAGE}, "/rs/info": {"x"}}, "published on /rs/color: remap image"),
        (
            RAW,
            {f"/rs{i}/color": {IMAGE} for i in range(9)},
            "/rs0/color, /rs1/color, /rs2/color, /rs3/color, ...: remap image",
        ),
    ],
)
def test_advice(wanted: WantedTopic, published: dict[str, set[str]], told: str) -> None:
    assert told in advice(wanted, published)


@pytest.mark.parametrize("published", [{}, {"/cam/image_raw": {IMAGE}}, {"/x": {"x_msgs/msg/X"}}])
def test_no_advice(published: dict[str, set[str]]) -> None:
    assert advice(RAW, published) == ""
    assert mistake(RAW, published) == ""


def test_what_can_never_come_is_told_apart_from_a_camera_that_is_late() -> None:
    name = "/cam/image_raw/compressed"
    assert "expected" in mistake(WantedTopic(name), {name: {COMPRESSED}})
    twice = WantedTopic(f"{name}/compressed", COMPRESSED)
    assert "has it already" in mistake(twice, {name: {COMPRESSED}})
    assert mistake(RAW, {name: {COMPRESSED}}) == ""
    assert mistake(RAW, {"/rs/color": {IMAGE}}) == ""
