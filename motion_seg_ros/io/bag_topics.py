"""Choice of the topic of a bag that has the pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_files import OpenBag
from motion_seg_ros.io.bag_storage import RecordedTopic
from motion_seg_ros.io.depth_messages import COMPRESSED_DEPTH, depth_encoding
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.video_packets import VIDEO_TYPES
from motion_seg_ros.settings.declaration import NODE_NAME

COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
IMAGE_TYPES = frozenset({"sensor_msgs/msg/Image", COMPRESSED_TYPE, *VIDEO_TYPES})
_TRANSPORTS = ("compressed", COMPRESSED_DEPTH, "zstd", "ffmpeg", "foxglove")
"""Names that image_transport gives the topics of one camera; raw images have none."""
_LISTED = 8  # topics in an error; set by hand
_OWN_TOPICS = f"/{NODE_NAME}/"
_DEPTH_ENCODINGS = frozenset({"16UC1", "32FC1"})
"""mono16 is depth by its name alone: cameras of more than 8 bits send it, too."""


def choose_topic(
    path: Path, bag: OpenBag, topic: str | None, ignored: Collection[str | None]
) -> str:
    """Return the topic to take images from.

    Args:
        path: of the bag.
        bag: opened.
        topic: asked for; None: the only camera's. Topics without messages, depth beside pictures,
            this package's masks, and other transports of the same camera do not count.
        ignored: topics that are something else.

    Raises:
        InputError: no such topic, a topic of another type, none, or several to choose from.
    """
    images = sorted(
        name
        for name, each in bag.topics.items()
        if each.kind in IMAGE_TYPES and name not in ignored
    )
    listed = ", ".join(images) if images else "none"
    if topic is None:
        left = _pictures(bag, images)
        if len(left) == 1:
            return left[0]
        if not left:
            raise InputError(f"{path}: expected one image topic to take, found 0: {_nothing(bag)}")
        raise InputError(
            f"{path}: expected one image topic to take, found {len(left)}: {', '.join(left)}; "
            "choose one with --topic"
        )
    if topic not in bag.topics:
        raise InputError(f"{path}: no topic {topic} in it; its image topics: {listed}")
    if bag.topics[topic].kind not in IMAGE_TYPES:
        raise InputError(
            f"{path}: expected images on {topic}, found {bag.topics[topic].kind}; its image "
            f"topics: {listed}"
        )
    return topic


def _nothing(bag: OpenBag) -> str:
    """Return what a bag without image topics has instead."""
    there = [f"{name} ({each.kind})" for name, each in sorted(bag.topics.items())]
    there += bag.foreign
    if not there:
        return "none, and no other topic; record one of sensor_msgs/msg/Image"
    more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
    return (
        f"none of sensor_msgs/msg/Image or CompressedImage, but {', '.join(there[:_LISTED])}"
        f"{more}; record or convert to one of these types"
    )


def _pictures(bag: OpenBag, images: Sequence[str]) -> list[str]:
    """Return the image topics that are left where each rule leaves any."""
    left = list(images)
    for rule in (_has_messages, _is_not_ours, _is_not_stored_as_depth, _is_not_named_depth):
        if len(left) > 1:
            left = [each for each in left if rule(bag, bag.topics[each])] or left
    cameras: dict[str, str] = {}
    for each in sorted(left, key=lambda name: _transport(name) != ""):  # raw ones first
        cameras.setdefault(each.removesuffix(f"/{_transport(each)}"), each)
    return sorted(cameras.values())


def _transport(name: str) -> str:
    last = name.rpartition("/")[2]
    return last if last in _TRANSPORTS else ""


def _has_messages(_: OpenBag, topic: RecordedTopic) -> bool:
    return topic.count > 0


def _is_not_ours(_: OpenBag, topic: RecordedTopic) -> bool:
    return not topic.name.startswith(_OWN_TOPICS)


def _is_not_stored_as_depth(bag: OpenBag, topic: RecordedTopic) -> bool:
    if _transport(topic.name) == COMPRESSED_DEPTH:
        return False
    for raw in bag.messages({topic.name}):
        # Typed Any: rosbags makes the message classes at run time.
        try:
            message: Any = typestore().deserialize_cdr(raw.data, topic.kind)
        except Exception:  # of struct, numpy and others: whoever reads the frames says so
            return True
        return depth_encoding(message) not in _DEPTH_ENCODINGS
    return True


def _is_not_named_depth(_: OpenBag, topic: RecordedTopic) -> bool:
    return "depth" not in topic.name.lower()
