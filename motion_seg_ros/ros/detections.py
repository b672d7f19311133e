"""Moving objects as vision_msgs/Detection2DArray, for consumers that do not know the messages of
this package. Where vision_msgs is not installed there is no such topic."""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Header

from motion_seg_ros.types import MovingObject, ObjectMasks

try:
    from vision_msgs.msg import (
        BoundingBox2D,
        Detection2D,
        Detection2DArray,
        ObjectHypothesis,
        ObjectHypothesisWithPose,
    )
except ImportError:
    Detection2DArray = None

MESSAGE_TYPE: Any = Detection2DArray
"""None without vision_msgs."""
CLASS_ID = "moving"
"""The one class: nothing is known of an object but that it moves."""


def detections_message(header: Header, masks: ObjectMasks) -> Any:
    """Return a Detection2DArray of the objects of a frame: the ids are those of the instance mask,
    in decimal.

    Args:
        header: of the frame; also that of each detection.
        masks: of the frame.
    """
    return Detection2DArray(
        header=header, detections=[_detection(header, each) for each in masks.objects]
    )


def _detection(header: Header, moving: MovingObject) -> Any:
    # int() and float(): before Jazzy, ROS messages refuse numpy's numbers.
    x, y, width, height = map(int, moving.box_xywh_px)
    box = BoundingBox2D(size_x=float(width), size_y=float(height))
    # Between pixels, as vision_msgs/create_aabb.hpp has it: a pixel at 0 covers 0 to 1.
    box.center.position.x, box.center.position.y = x + width / 2, y + height / 2
    hypothesis = ObjectHypothesis(class_id=CLASS_ID, score=float(moving.score))
    return Detection2D(
        header=header,
        results=[ObjectHypothesisWithPose(hypothesis=hypothesis)],
        bbox=box,
        id=str(int(moving.id)),
    )
