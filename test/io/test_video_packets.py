"""Video in messages, against the pictures that it was made of."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import recordings
from encoded_video import H264, KEY_EVERY, encoded

from motion_seg_ros.errors import FrameError
from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.stream_images import StreamImages
from motion_seg_ros.io.video_packets import COMPRESSED_VIDEO, FFMPEG_PACKET, codec_of

pytest.importorskip("av", reason="needs PyAV: pip install av")

# Grey, as encoders halve the resolution of colour.
IMAGES = [np.dstack([cv2.cvtColor(each, cv2.COLOR_BGR2GRAY)] * 3) for each in recordings.pan(20)]
ENCODERS = [
    H264,
    ("libx265", {"tune": "zerolatency", "x265-params": "bframes=0:qp=4:log-level=none"}),
    ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0", "crf": "4", "b": "0"}),
    ("libsvtav1", {"svtav1-params": "pred-struct=1", "crf": "5"}),
]


def packets(name: str, options: dict[str, str]) -> list[bytes]:
    return encoded(IMAGES, name, options)


def assert_close(found: np.ndarray, image: np.ndarray) -> None:
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).mean() < 4


def compressed(data: bytes, format_: str = "h264") -> Any:
    return SimpleNamespace(format=format_, data=np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(("name", "options"), ENCODERS)
def test_each_packet_is_its_own_picture(name: str, options: dict[str, str]) -> None:
    pictures = StreamImages()
    for data, image in zip(packets(name, options), IMAGES, strict=True):
        assert_close(pictures.to_bgr(compressed(data, name)), image)


def test_a_recording_that_begins_between_key_frames_waits_for_one() -> None:
    pictures = StreamImages()
    for index, data in enumerate(packets(*H264)):
        if index < 3:
            continue
        if index < KEY_EVERY:
            with pytest.raises(FrameError, match="before the first key frame"):
                pictures.to_bgr(compressed(data))
        else:
            assert_close(pictures.to_bgr(compressed(data)), IMAGES[index])


@pytest.mark.parametrize("damage", ["cut", "empty", "skipped"])
def test_no_picture_is_made_of_a_damaged_one(damage: str) -> None:
    pictures, good = StreamImages(), []
    for index, data in enumerate(packets(*H264)):
        if index == 3 and damage == "skipped":
            pictures.skip()
            continue
        part = {"cut": data[: len(data) // 2], "empty": b""}.get(damage, data)
        try:
            found = pictures.to_bgr(compressed(part if index == 3 else data))
        except FrameError:
            continue
        assert_close(found, IMAGES[index])
        good.append(index)
    assert good == [0, 1, 2, *range(KEY_EVERY, len(IMAGES))]


def test_b_frames_are_refused_with_a_remedy() -> None:
    pictures = StreamImages()
    for data in packets("libx264", {"bf": "3", "g": "8"}):
        with pytest.raises(FrameError, match="no B-frames"):
            pictures.to_bgr(compressed(data))


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("h264", "h264"),
        ("libx264", "h264"),
        ("h264_nvenc;yuv420p;bgr8;bgr8", "h264"),
        ("H265", "hevc"),
        ("hevc_vaapi", "hevc"),
        ("libsvtav1", "libdav1d"),
        ("jpeg", None),
        ("rgb8; jpeg compressed bgr8", None),
        ("", None),
    ],
)
def test_codecs(name: str, decoder: str | None) -> None:
    assert codec_of(name) == decoder


def test_an_unknown_codec_is_refused_with_a_remedy() -> None:
    message = SimpleNamespace(encoding="theora", pts=1, data=b"x")
    with pytest.raises(FrameError, match="found 'theora'; ros2 run image_transport republish"):
        StreamImages().to_bgr(message)


def test_video_is_no_single_image() -> None:
    with pytest.raises(FrameError, match="expected a whole JPEG or PNG"):
        image_to_bgr(compressed(packets(*H264)[0]))


def message(kind: str, data: bytes, stamp_ns: int) -> Any:
    types = typestore().types
    header = recordings.image_message(IMAGES[0], stamp_ns).header
    payload = np.frombuffer(data, np.uint8)
    if kind == COMPRESSED_VIDEO:
        return types[kind](header.stamp, header.frame_id, payload, "h264")
    if kind == FFMPEG_PACKET:
        return types[kind](header, 96, 72, "libx264", 1, 0, False, payload)
    return types[kind](header, "h264", payload)


SUFFIXES = {
    COMPRESSED_VIDEO: "/foxglove",
    FFMPEG_PACKET: "/ffmpeg",
    "sensor_msgs/msg/CompressedImage": "/compressed",
}


@pytest.mark.parametrize("kind", sorted(SUFFIXES))
def test_bag(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "TYPES", typestore())
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(len(IMAGES))]
    sent = [message(kind, *each) for each in zip(packets(*H264), stamps, strict=True)]
    info = [recordings.camera_info_message(each) for each in stamps]
    topics = {f"/cam/image_raw{SUFFIXES[kind]}": sent, "/cam/camera_info": info}
    items = list(open_source(recordings.write_bag(tmp_path / "drive", topics)))
    assert all(each.frame.camera is not None for each in items)
    assert [each.frame.stamp_ns for each in items] == stamps
    assert {each.frame_id for each in items} == {"camera_optical"}
    for item, image in zip(items, IMAGES, strict=True):
        assert_close(item.frame.image_bgr, image)


def test_without_pyav_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    first = compressed(packets(*H264)[0])
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FrameError, match=r"expected the Python package av .* pip install av, or"):
        StreamImages().to_bgr(first)
