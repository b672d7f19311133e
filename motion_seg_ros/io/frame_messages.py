"""Messages about the objects and tracks of a frame, as a bag stores them and the node sends them.

rosbags and ROS have message classes of their own, with the same fields; both are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from motion_seg_ros.types import FrameResult, MovingObject

MakeMessage = Callable[..., Any]
"""Called with the full name of a message type and its fields, returns a message."""

OBJECTS_TYPE = "motion_seg_ros/msg/MovingObjectArray"
TRACKS_TYPE = "motion_seg_ros/msg/TrackArray"


def objects_message(make: MakeMessage, header: Any, result: FrameResult, epoch: int) -> Any:
    """Return a MovingObjectArray of the objects of a frame; `epoch` changes when ids start anew."""
    return make(
        OBJECTS_TYPE,
        header=header,
        source=int(result.source),
        epoch=epoch,
        abstention=result.labels.abstention or "",
        objects=[_object(make, each, result) for each in result.masks.objects],
    )


def _object(make: MakeMessage, moving: MovingObject, result: FrameResult) -> Any:
    # int() and float(): before Jazzy, ROS messages refuse numpy's numbers.
    x, y, width, height = map(int, moving.box_xywh_px)
    box = make(
        "sensor_msgs/msg/RegionOfInterest",
        x_offset=x,
        y_offset=y,
        height=height,
        width=width,
        do_rectify=False,
    )
    return make(
        "motion_seg_ros/msg/MovingObject",
        id=int(moving.id),
        score=float(moving.score),
        box=box,
        centroid=np.array(moving.centroid_px, np.float32),
        area=int(moving.area_px),
        velocity=np.array(moving.velocity_px_s, np.float32),
        age=float(result.age_s),
        source=int(result.source),
    )


def tracks_message(make: MakeMessage, header: Any, result: FrameResult) -> Any:
    """Return a TrackArray of the tracks of a frame at their newest position."""
    tracks = result.tracks
    rows = zip(
        tracks.ids.tolist(),
        np.ascontiguousarray(tracks.xy_px[-1], np.float32),
        tracks.visible[-1].tolist(),
        tracks.confidence[-1].tolist(),
        result.labels.moving_probability.tolist(),
        result.track_object_ids().tolist(),
        strict=True,
    )
    return make(
        TRACKS_TYPE,
        header=header,
        source=int(result.tracks_source),
        age=result.tracks_age_s,
        abstention=result.labels.abstention or "",
        tracks=[
            make(
                "motion_seg_ros/msg/Track",
                id=track_id,
                position=xy,
                visible=visible,
                confidence=confidence,
                moving_probability=probability,
                object_id=object_id,
            )
            for track_id, xy, visible, confidence, probability, object_id in rows
        ],
    )
