"""Publishers of the node's results."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest

from motion_seg_ros.io.frame_messages import (
    OBJECTS_TYPE,
    TRACKS_TYPE,
    objects_message,
    tracks_message,
)
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.msg import MovingObject, MovingObjectArray, Track, TrackArray
from motion_seg_ros.outputs.overlay import draw_overlay
from motion_seg_ros.outputs.static_image import StaticImage, static_depth, static_mask
from motion_seg_ros.ros.conversion import array_to_image, bgr_to_image
from motion_seg_ros.ros.qos import overridable, publisher_events
from motion_seg_ros.ros.worker import FrameOutput

QUEUE_DEPTH = 10

_TOPICS: tuple[tuple[str, type[Any]], ...] = (
    ("moving_mask", Image),
    ("static_mask", Image),
    ("instance_mask", Image),
    ("objects", MovingObjectArray),
    ("tracks", TrackArray),
    ("camera_info", CameraInfo),
    ("static_image", Image),
    ("static_depth", Image),
    ("overlay", Image),
)
_TYPES: dict[str, type[Any]] = {
    "motion_seg_ros/msg/MovingObject": MovingObject,
    "motion_seg_ros/msg/Track": Track,
    "sensor_msgs/msg/RegionOfInterest": RegionOfInterest,
    OBJECTS_TYPE: MovingObjectArray,
    TRACKS_TYPE: TrackArray,
}


class ResultPublishers:
    """Publishes one set of messages per frame; pictures and tracks only while subscribed to.

    Args:
        node: owner of the private topics.
        dilation_px: returns the current value of static_mask.dilation_px.
        on_qos_problem: called with topic and policy when a subscription is incompatible.
    """

    def __init__(
        self,
        node: LifecycleNode,
        dilation_px: Callable[[], int],
        on_qos_problem: Callable[[str, str], None],
    ) -> None:
        self._dilation_px = dilation_px
        self._static_image = StaticImage()
        self._publishers = {}
        with contextlib.ExitStack() as made:
            for name, message_type in _TOPICS:
                topic = node.resolve_topic_name(f"~/{name}")
                self._publishers[name] = overridable(
                    node.create_lifecycle_publisher,
                    message_type,
                    f"~/{name}",
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
        """Publish the messages about one frame, under its own header: all of them, or on an error
        none."""
        messages = list(self._messages(output))
        for name, message in messages:
            self._publishers[name].publish(message)

    def _messages(self, output: FrameOutput) -> Iterator[tuple[str, Any]]:
        """Topic and message pairs."""
        received, result = output.input, output.result
        header, masks = received.header, result.masks
        moving = masks.moving.view(np.uint8) * np.uint8(255)
        yield "moving_mask", array_to_image(moving, "mono8", header)
        keep = static_mask(masks.id_map, self._dilation_px())
        yield "static_mask", array_to_image(keep, "mono8", header)
        yield "instance_mask", array_to_image(masks.id_map, "mono16", header)
        yield "objects", objects_message(_make, header, result, output.epoch)
        if received.camera_info is not None:
            camera_info = copy.copy(received.camera_info)
            camera_info.header = header
            yield "camera_info", camera_info
        if self._wanted("tracks"):
            yield "tracks", tracks_message(_make, header, result)
        if received.image is not None:
            yield from self._pictures(output)

    def _pictures(self, output: FrameOutput) -> Iterator[tuple[str, Any]]:
        received, result = output.input, output.result
        header = received.header
        if self._wanted("overlay"):
            yield "overlay", array_to_image(draw_overlay(result), "bgr8", header)
        if self._wanted("static_image"):
            filled = self._static_image.fill(result)
            yield "static_image", bgr_to_image(filled, received.encoding, header)
        else:
            self._static_image.reset()  # frames would be missing from its history
        if result.frame.depth_m is not None and self._wanted("static_depth"):
            depth = static_depth(image_to_array(received.depth), result.masks.moving)
            yield "static_depth", array_to_image(depth, received.depth.encoding, header)

    def _wanted(self, name: str) -> bool:
        return bool(self._publishers[name].get_subscription_count())


def _make(kind: str, /, **fields: Any) -> Any:
    """Create a message of a type given by its full name."""
    return _TYPES[kind](**fields)
