"""Messages that are written without ROS, as ROS itself reads them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import recordings
import results

pytest.importorskip("rclpy")

from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import Image

from motion_seg_ros.io.bag_writer import BagWriter
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.msg import MovingObject, MovingObjectArray, Track, TrackArray

KINDS = {"Image": Image, "MovingObjectArray": MovingObjectArray, "TrackArray": TrackArray}
STAMP_NS = 5_000_000_007


@pytest.fixture
def messages(tmp_path: Path) -> dict[str, object]:
    image = recordings.pan(1)[0]
    result = results.result_with_boxes(image, {300: (3, 4, 5, 6)}, STAMP_NS)
    with BagWriter(tmp_path / "bag", sqlite3=False, dilation_px=0) as bag:
        bag.write(SourceFrame("", result.frame, "camera", STAMP_NS), result)
    with Reader(tmp_path / "bag") as reader:
        return {
            connection.topic.rsplit("/", 1)[1]: deserialize_message(
                bytes(raw), KINDS[connection.msgtype.rsplit("/", 1)[1]]
            )
            for connection, _, raw in reader.messages()
        }


def test_headers_and_masks(messages: dict[str, Image]) -> None:
    for message in messages.values():
        assert (message.header.stamp.sec, message.header.stamp.nanosec) == (5, 7)
        assert message.header.frame_id == "camera"
    instances = messages["instance_mask"]
    assert (instances.width, instances.height, instances.encoding) == (96, 72, "mono16")
    at = 4 * instances.step + 3 * 2  # y 4, x 3
    assert int.from_bytes(bytes(instances.data[at : at + 2]), "little") == 300


def test_objects(messages: dict[str, MovingObjectArray]) -> None:
    (moving,) = messages["objects"].objects
    assert (moving.id, moving.area, moving.source) == (300, 30, MovingObject.SOURCE_INFERRED)
    box = moving.box
    assert (box.x_offset, box.y_offset, box.width, box.height) == (3, 4, 5, 6)
    assert moving.centroid.tolist() == [5, 6.5]


def test_the_epoch_of_the_objects_changes_with_a_reset(tmp_path: Path) -> None:
    image = recordings.pan(1)[0]
    with BagWriter(tmp_path / "bag", sqlite3=False, dilation_px=0) as bag:
        for stamp_ns, reason in ((1, None), (2, None), (3, "stamps went back"), (4, None)):
            result = results.result_with_boxes(image, {}, stamp_ns)
            result = dataclasses.replace(result, reset_reason=reason)
            bag.write(SourceFrame("", result.frame, "camera", stamp_ns), result)
    with Reader(tmp_path / "bag") as reader:
        epochs = [
            deserialize_message(bytes(raw), MovingObjectArray).epoch
            for connection, _, raw in reader.messages()
            if connection.topic.endswith("/objects")
        ]
    assert epochs == [0, 0, 1, 1]


def test_tracks(messages: dict[str, TrackArray]) -> None:
    tracks = messages["tracks"].tracks
    assert [each.id for each in tracks] == list(range(100, 106))
    assert isinstance(tracks[0], Track)
    assert [each.visible for each in tracks] == [True] * 5 + [False]
