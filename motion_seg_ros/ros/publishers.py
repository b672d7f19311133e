"""Publishers of the node's results."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest

from motion_seg_ros.io.frame_messages import (
    OBJECTS_TYPE,
    TRACKS_TYPE,
    objects_message,
    tracks_message,
)
from motion_seg_ros.msg import MovingObject, MovingObjectArray, Track, TrackArray
from motion_seg_ros.outputs.static_image import static_mask
from motion_seg_ros.ros.conversion import array_to_image, array_to_png
from motion_seg_ros.ros.detections import MESSAGE_TYPE as DETECTIONS_TYPE
from motion_seg_ros.ros.detections import detections_message
from motion_seg_ros.ros.frames import FrameOutput
from motion_seg_ros.ros.middleware import segment_bytes, shortage
from motion_seg_ros.ros.pictures import PictureMessages
from motion_seg_ros.ros.qos import overridable, publisher_events
from motion_seg_ros.types import ObjectMasks

QUEUE_DEPTH = 30
"""Messages kept for a reader that has not confirmed them: one second of a camera at 30 Hz, for the
frames that come in during a slow inference are answered in one burst."""

_MASKS: dict[str, tuple[str, Callable[[ObjectMasks, int], npt.NDArray[Any]]]] = {
    "moving_mask": ("mono8", lambda masks, _: masks.moving.view(np.uint8) * np.uint8(255)),
    "static_mask": ("mono8", lambda masks, dilation_px: static_mask(masks.id_map, dilation_px)),
    "instance_mask": ("mono16", lambda masks, _: masks.id_map),
}
"""Encoding of each mask, and the function that draws it, given static_mask.dilation_px."""

# Masks first: they are what consumers wait for.
_TOPICS: dict[str, type[Any]] = {
    **dict.fromkeys(_MASKS, Image),
    **{f"{name}/compressed": CompressedImage for name in _MASKS},
    "objects": MovingObjectArray,
    **({"detections": DETECTIONS_TYPE} if DETECTIONS_TYPE is not None else {}),
    "tracks": TrackArray,
    "camera_info": CameraInfo,
    "static_image": Image,
    "static_depth": Image,
    "overlay": Image,
}
_TYPES: dict[str, type[Any]] = {
    "motion_seg_ros/msg/MovingObject": MovingObject,
    "motion_seg_ros/msg/Track": Track,
    "sensor_msgs/msg/RegionOfInterest": RegionOfInterest,
    OBJECTS_TYPE: MovingObjectArray,
    TRACKS_TYPE: TrackArray,
}


class ResultPublishers:
    """Publishes one set of messages per frame, each of them only while somebody subscribes.

    Args:
        node: owner of the private topics.
        prefix: comes before the names of the topics: "", or the name of the camera and a slash.
        dilation_px: returns the current value of static_mask.dilation_px.
        on_qos_problem: called with topic and policy when a subscription is incompatible.
        on_shortage: called once, with one line, when a set does not fit into the middleware's
            memory.
    """

    def __init__(
        self,
        node: LifecycleNode,
        prefix: str,
        dilation_px: Callable[[], int],
        on_qos_problem: Callable[[str, str], None],
        on_shortage: Callable[[str], None],
    ) -> None:
        self._dilation_px = dilation_px
        self._on_shortage = on_shortage
        self._segment_bytes = segment_bytes(rclpy.get_rmw_implementation_identifier())
        self._pictures = PictureMessages()
        self._publishers = {}
        with contextlib.ExitStack() as made:
            for name, message_type in _TOPICS.items():
                topic = node.resolve_topic_name(f"~/{prefix}{name}")
                self._publishers[name] = overridable(
                    node.create_lifecycle_publisher,
                    message_type,
                    f"~/{prefix}{name}",
                    qos_profile=QoSProfile(
                        depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.RELIABLE
                    ),
                    event_callbacks=publisher_events(topic, on_qos_problem),
                )
                made.callback(node.destroy_lifecycle_publisher, self._publishers[name])
            self._made = made.pop_all()

    def destroy(self) -> None:
        """Destroy the publishers."""
        self._made.close()

    def publish(self, output: FrameOutput) -> None:
        """Publish the messages about one frame, under its own header: all that somebody listens to,
        or on an error none."""
        wanted = {name for name, each in self._publishers.items() if _has_listeners(each)}
        messages = list(self._messages(output, wanted))
        for name, message in messages:
            self._publishers[name].publish(message)
        self._check_size([message for _, message in messages])

    def _check_size(self, messages: Sequence[Any]) -> None:
        pictures = [each for each in messages if isinstance(each, (Image, CompressedImage))]
        text = shortage(sum(len(each.data) for each in pictures), self._segment_bytes)
        if text:
            self._on_shortage(text)
            self._segment_bytes = None

    def _messages(self, output: FrameOutput, wanted: set[str]) -> Iterator[tuple[str, Any]]:
        """Yield topic and message pairs."""
        received, result = output.input, output.result
        header = received.header
        for name, (encoding, draw) in _MASKS.items():
            compressed = f"{name}/compressed"
            if name in wanted or compressed in wanted:
                pixels = draw(result.masks, self._dilation_px())
                if name in wanted:
                    yield name, array_to_image(pixels, encoding, header)
                if compressed in wanted:
                    yield compressed, array_to_png(pixels, encoding, header)
        if "objects" in wanted:
            yield "objects", objects_message(_make, header, result, output.epoch)
        if "detections" in wanted:
            yield "detections", detections_message(header, result.masks)
        if "camera_info" in wanted and received.camera_info is not None:
            camera_info = copy.copy(received.camera_info)
            camera_info.header = header
            yield "camera_info", camera_info
        if "tracks" in wanted:
            yield "tracks", tracks_message(_make, header, result)
        yield from self._pictures.make(output, wanted)


def _has_listeners(publisher: Any) -> bool:
    """Return whether a message would reach somebody, now or, where the middleware keeps it for
    those who come later (durability overridden), then."""
    keeps = publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return bool(keeps or publisher.get_subscription_count())


def _make(kind: str, /, **fields: Any) -> Any:
    """Create a message of a type given by its full name."""
    return _TYPES[kind](**fields)
