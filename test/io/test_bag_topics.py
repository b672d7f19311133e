"""The topic that has the pictures, where a bag has several of images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings
from rosbags.rosbag2 import StoragePlugin, Writer

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic

RAW, PACKED = "/cam/image_raw", "/cam/image_raw/compressed"
DEPTH = "/cam/depth/image_rect_raw"
MILLIMETRES = np.full((72, 96), 1500, np.uint16)


def pictures(encoding: str = "bgr8") -> list[Any]:
    stamps = (recordings.START_NS + i * recordings.STEP_NS for i in range(2))
    if encoding == "mono8":
        grey = np.zeros((72, 96), np.uint8)
        return [recordings.mask_message(grey, stamp, "mono8") for stamp in stamps]
    return [recordings.image_message(recordings.pan(1)[0], stamp) for stamp in stamps]


def depths(encoding: str = "16UC1") -> list[Any]:
    if encoding == "32FC1":
        data = np.ones((72, 96), np.float32).reshape(-1).view(np.uint8)
        image = np.zeros((72, 96, 3), np.uint8)
        return [recordings.image_message(image, 5, encoding=encoding, step=384, data=data)]
    return [recordings.mask_message(MILLIMETRES, 5, encoding)]


def packed() -> list[Any]:
    return [recordings.compressed_message(recordings.pan(1)[0], recordings.START_NS)]


def packed_depths() -> list[Any]:
    return [recordings.compressed_depth_message(MILLIMETRES, 5)]


def bag(path: Path, topics: dict[str, list[Any]], silent: Iterable[tuple[str, str]] = ()) -> Path:
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        for name, kind in silent:
            writer.add_connection(name, kind, typestore=recordings.TYPES)
        for name, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(name, kind, typestore=recordings.TYPES)
            for index, message in enumerate(messages):
                time_ns = recordings.START_NS + index * recordings.STEP_NS
                writer.write(connection, time_ns, recordings.TYPES.serialize_cdr(message, kind))
    return path


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        ({RAW: pictures(), DEPTH: depths()}, RAW),
        ({RAW: pictures("mono8"), DEPTH: depths("32FC1")}, RAW),
        ({RAW: pictures(), "/cam/depth/image": depths("mono16")}, RAW),
        ({RAW: pictures(), "/cam/range": depths()}, RAW),
        ({RAW: pictures(), "/cam/depth/coloured": pictures()}, RAW),
        ({PACKED: packed(), "/cam/depth/image/compressedDepth": packed_depths()}, PACKED),
        (
            {"/depth_camera/image_raw": pictures(), "/depth_camera/points": depths()},
            "/depth_camera/image_raw",
        ),
        ({RAW: pictures(), PACKED: packed()}, RAW),
        ({RAW: pictures(), PACKED: packed(), DEPTH: depths()}, RAW),
        ({RAW: pictures(), "/motion_seg/moving_mask": pictures("mono8")}, RAW),
        # Nothing but depth: a thermal camera may send such.
        ({"/thermal": depths()}, "/thermal"),
        ({DEPTH: depths()}, DEPTH),
    ],
)
def test_is_found(tmp_path: Path, topics: dict[str, list[Any]], expected: str) -> None:
    assert BagTopic(bag(tmp_path / "bag", topics), None).topic == expected


@pytest.mark.parametrize(
    "topics",
    [
        {RAW: pictures(), "/cam/image_rect": pictures()},
        {"/left/image_raw": pictures(), "/right/image_raw": pictures()},
    ],
)
def test_is_asked_for_between_pictures(tmp_path: Path, topics: dict[str, list[Any]]) -> None:
    path = bag(tmp_path / "bag", {**topics, DEPTH: depths()})
    listed = ", ".join(sorted(topics))
    with pytest.raises(InputError, match=f"found 2: {listed}; choose one with --topic"):
        BagTopic(path, None)


def test_topics_without_messages_are_no_choice(tmp_path: Path) -> None:
    compressed = "sensor_msgs/msg/CompressedImage"
    silent = [(PACKED, compressed), (f"{RAW}/compressedDepth", compressed)]
    silent += [("/rear/image_raw", "sensor_msgs/msg/Image")]
    path = bag(tmp_path / "bag", {RAW: pictures()}, silent)
    assert BagTopic(path, None).topic == RAW
    with pytest.raises(InputError, match="expected images on /rear/image_raw, found no message"):
        BagTopic(path, "/rear/image_raw")


def test_depth_is_a_picture_where_it_is_asked_for(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", {RAW: pictures(), DEPTH: depths()})
    assert BagTopic(path, DEPTH).topic == DEPTH
