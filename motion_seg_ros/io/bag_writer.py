"""Results -> a rosbag2 with the topics the live node publishes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.message_types import require_rosbags, typestore
from motion_seg_ros.settings import NODE_NAME
from motion_seg_ros.static_view import static_mask
from motion_seg_ros.types import FrameResult, MovingObject

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

# Version 8 is the newest that Humble's rosbag2 reads.
_METADATA_VERSION: Literal[8] = 8
_TOPICS = {
    "moving_mask": "sensor_msgs/msg/Image",
    "static_mask": "sensor_msgs/msg/Image",
    "instance_mask": "sensor_msgs/msg/Image",
    "objects": "motion_seg_ros/msg/MovingObjectArray",
    "tracks": "motion_seg_ros/msg/TrackArray",
}
NAMESPACE = f"/{NODE_NAME}"  # of the node's private topics, unless it is started under another name


class BagWriter:
    """Writes masks, objects and tracks under the node's topic names, with the headers of the input.

    Args:
        path: folder of the bag, made here.
        sqlite3: store in sqlite3 in place of mcap.
        dilation_px: growth of the moving pixels in static_mask.

    Raises:
        MissingDependencyError: rosbags is not installed.
    """

    def __init__(self, path: Path, *, sqlite3: bool, dilation_px: int) -> None:
        require_rosbags()
        from rosbags.rosbag2 import StoragePlugin, Writer

        storage = StoragePlugin.SQLITE3 if sqlite3 else StoragePlugin.MCAP
        self._writer = Writer(path, version=_METADATA_VERSION, storage_plugin=storage)
        self._dilation_px = dilation_px
        self._types = typestore()
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        self._writer.__enter__()
        for topic, kind in _TOPICS.items():
            self._connections[topic] = self._writer.add_connection(
                f"{NAMESPACE}/{topic}", kind, typestore=self._types
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def write(self, item: SourceFrame, result: FrameResult) -> None:
        """Append the messages about one frame, at the time at which its image was recorded."""
        header = self._header(item)
        masks = result.masks
        messages = {
            "moving_mask": self._image(
                header, "mono8", masks.moving.astype(np.uint8) * np.uint8(255)
            ),
            "static_mask": self._image(
                header, "mono8", static_mask(masks.id_map, self._dilation_px)
            ),
            "instance_mask": self._image(header, "mono16", masks.id_map),
            "objects": self._objects(header, result),
            "tracks": self._tracks(header, result),
        }
        for topic, message in messages.items():
            raw = self._types.serialize_cdr(message, _TOPICS[topic])
            self._writer.write(self._connections[topic], item.recorded_ns, raw)

    def _make(self, kind: str, **fields: Any) -> Any:
        """A message; Any, because rosbags makes the classes at run time."""
        return self._types.types[kind](**fields)

    def _header(self, item: SourceFrame) -> Any:
        sec, nanosec = divmod(item.frame.stamp_ns, 10**9)
        stamp = self._make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        return self._make("std_msgs/msg/Header", stamp=stamp, frame_id=item.frame_id)

    def _image(
        self, header: Any, encoding: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    ) -> Any:
        height, width = pixels.shape
        little_endian = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        return self._make(
            "sensor_msgs/msg/Image",
            header=header,
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=width * pixels.dtype.itemsize,
            data=np.ascontiguousarray(little_endian).view(np.uint8).reshape(-1),
        )

    def _objects(self, header: Any, result: FrameResult) -> Any:
        return self._make(
            "motion_seg_ros/msg/MovingObjectArray",
            header=header,
            source=int(result.source),
            abstention=result.labels.abstention or "",
            objects=[self._object(each, result) for each in result.masks.objects],
        )

    def _object(self, moving: MovingObject, result: FrameResult) -> Any:
        x, y, width, height = moving.box_xywh_px
        box = self._make(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=x,
            y_offset=y,
            height=height,
            width=width,
            do_rectify=False,
        )
        return self._make(
            "motion_seg_ros/msg/MovingObject",
            id=moving.id,
            score=moving.score,
            box=box,
            centroid=np.array(moving.centroid_px, np.float32),
            area=moving.area_px,
            velocity=np.array(moving.velocity_px_s, np.float32),
            age=result.age_s,
            source=int(result.source),
        )

    def _tracks(self, header: Any, result: FrameResult) -> Any:
        tracks = result.tracks
        rows = zip(
            tracks.ids.tolist(),
            tracks.xy_px[-1],
            tracks.visible[-1].tolist(),
            tracks.confidence[-1].tolist(),
            result.labels.moving_probability.tolist(),
            result.track_object_ids().tolist(),
            strict=True,
        )
        return self._make(
            "motion_seg_ros/msg/TrackArray",
            header=header,
            source=int(result.source),
            age=result.age_s,
            abstention=result.labels.abstention or "",
            tracks=[
                self._make(
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
