"""Files in the mcap format that other tools than rosbag2 wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import recordings
from mcap.writer import CompressionType, IndexType, Writer

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.sources import open_source

IMAGE = "sensor_msgs/msg/Image"
PROTOBUF = bytes(range(128, 256))  # no text: a serialized FileDescriptorSet


def write(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    profile: str = "ros2",
    kind: str = IMAGE,
    schema_encoding: str = "ros2msg",
    others: Mapping[str, tuple[str, str, bytes]] | None = None,
    **options: object,
) -> Path:
    """Images of /cam, and other channels: topic -> message encoding, schema encoding, schema."""
    definition, _ = recordings.TYPES.generate_msgdef(IMAGE)
    with path.open("wb") as file:
        writer = Writer(file, **options)
        writer.start(profile=profile, library="hand-written")
        channels = {}
        for topic, (encoding, described, schema) in (others or {}).items():
            number = writer.register_schema("foxglove.RawImage", described, schema)
            channels[topic] = writer.register_channel(topic, encoding, number)
        number = writer.register_schema(kind, schema_encoding, definition.encode())
        camera = writer.register_channel("/cam", "cdr", number) if images else 0
        for index, image in enumerate(images):
            time_ns = recordings.START_NS + index * recordings.STEP_NS
            for channel in channels.values():
                data = json.dumps({"a": index}).encode()
                writer.add_message(channel, time_ns, data, time_ns)
            message = recordings.image_message(image, time_ns)
            raw = bytes(recordings.TYPES.serialize_cdr(message, IMAGE))
            writer.add_message(camera, time_ns, raw, time_ns)
        writer.finish()
    return path


def assert_gives(path: Path, images: Sequence[np.ndarray]) -> None:
    items = list(open_source(path))
    assert len(items) == len(images)
    for index, (item, image) in enumerate(zip(items, images, strict=True)):
        np.testing.assert_array_equal(item.frame.image_bgr, image)
        assert item.frame.stamp_ns == recordings.START_NS + index * recordings.STEP_NS


OTHERS = {
    "/json": ("json", "jsonschema", b"{}"),
    "/protobuf": ("protobuf", "protobuf", PROTOBUF),
    "/ros1": ("ros1", "ros1msg", b"uint8[] data"),
    "/flatbuffer": ("flatbuffer", "flatbuffer", PROTOBUF),
    "/bare": ("", "", b""),
    "/cdr": ("cdr", "ros2msg", b"uint8[] data"),
}


@pytest.mark.parametrize("profile", ["", "ros2", "ros1", "x-anything"])
@pytest.mark.parametrize("others", [{}, OTHERS], ids=["alone", "beside others"])
def test_whatever_the_profile_and_the_other_channels(
    tmp_path: Path, profile: str, others: dict[str, tuple[str, str, bytes]]
) -> None:
    images = recordings.pan(4)
    path = write(tmp_path / "drive.mcap", images, profile=profile, others=others)
    assert_gives(path, images)


@pytest.mark.parametrize(
    "options",
    [
        {"use_chunking": False},
        {"index_types": IndexType.NONE},
        {"index_types": IndexType.CHUNK},
        {"use_statistics": False},
        {"repeat_channels": False, "repeat_schemas": False},
        {"use_summary_offsets": False},
        {"compression": CompressionType.NONE},
        {"compression": CompressionType.LZ4},
        {"chunk_size": 1000},
    ],
    ids=str,
)
def test_every_form_of_a_file(tmp_path: Path, options: dict[str, object]) -> None:
    images = recordings.pan(5)
    assert_gives(write(tmp_path / "drive.mcap", images, others=OTHERS, **options), images)


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("sensor_msgs/Image", "ros2msg"),
        ("sensor_msgs/msg/Image", "ros2idl"),
        ("sensor_msgs::msg::Image", "omgidl"),
        ("sensor_msgs/msg/Image", ""),
        ("sensor_msgs/msg/Image", "unknown"),
    ],
)
def test_names_of_the_type(tmp_path: Path, kind: str, encoding: str) -> None:
    images = recordings.pan(2)
    path = write(tmp_path / "drive.mcap", images, kind=kind, schema_encoding=encoding)
    assert_gives(path, images)


def test_without_ros_2_it_says_what_is_there(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.mcap", [], others={"/front": ("protobuf", "protobuf", PROTOBUF)})
    words = r"found 0: none of .*, but /front \(protobuf of foxglove\.RawImage\); record or conv"
    with pytest.raises(InputError, match=words):
        open_source(path)
