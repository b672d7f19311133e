"""Writing of a rosbag2 with the camera's topics and those that the live node publishes."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.bag_files import RawMessage
from motion_seg_ros.io.bag_storage import RecordedTopic
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.frame_messages import (
    OBJECTS_TYPE,
    TRACKS_TYPE,
    objects_message,
    tracks_message,
)
from motion_seg_ros.io.message_types import require_rosbags, typestore
from motion_seg_ros.outputs.static_image import static_mask
from motion_seg_ros.settings.declaration import NODE_NAME
from motion_seg_ros.types import FrameResult

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, Qos
    from rosbags.rosbag2 import Writer
    from rosbags.typesys.store import Typestore

METADATA_VERSION: Literal[8] = 8
"""Version of rosbag2's metadata.yaml: the newest that Humble reads."""
ANSWER_TOPICS = {
    "moving_mask": "sensor_msgs/msg/Image",
    "static_mask": "sensor_msgs/msg/Image",
    "instance_mask": "sensor_msgs/msg/Image",
    "objects": OBJECTS_TYPE,
    "tracks": TRACKS_TYPE,
}
"""Types of the topics that the node publishes for every frame, below its private namespace."""
NAMESPACE = f"/{NODE_NAME}"  # of the node's private topics under its default name


def new_bag(path: Path, *, sqlite3: bool) -> Writer:
    """Return a writer of a rosbag2 that all supported distributions of ROS 2 read.

    Raises:
        MissingDependencyError: rosbags is not installed.
    """
    require_rosbags()
    from rosbags.rosbag2 import StoragePlugin, Writer

    storage = StoragePlugin.SQLITE3 if sqlite3 else StoragePlugin.MCAP
    return Writer(path, version=METADATA_VERSION, storage_plugin=storage)


def add_recorded(writer: Writer, topic: RecordedTopic, types: Typestore) -> Connection:
    """Add a topic of another bag, with the QoS that was recorded there."""
    return writer.add_connection(
        topic.name, topic.kind, typestore=types, offered_qos_profiles=topic.qos
    )


def answer_qos() -> Qos:
    """Return the QoS of the node's topics: reliable, volatile, the last 10 messages."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    forever = QosTime(9223372036, 854775807)  # as rosbag2 writes it
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


@contextmanager
def _errors_of_the_disk() -> Iterator[None]:
    """Turn errors of sqlite3, such as a full disk, into OSError as for other files."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error


class BagWriter:
    """Writes masks, objects and tracks under the node's topic names, with the headers of the input,
    and copies the camera's messages.

    The same input gives the same bytes.

    Args:
        path: folder of the bag, created here.
        sqlite3: store in sqlite3 instead of mcap.
        dilation_px: growth of the moving pixels in static_mask.
        camera: bag whose images and calibration are copied; None: none.
        images: copy the images, not only the calibration.

    Raises:
        MissingDependencyError: rosbags is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        sqlite3: bool,
        dilation_px: int,
        camera: BagTopic | None = None,
        images: bool = True,
    ) -> None:
        self._writer = new_bag(path, sqlite3=sqlite3)
        self._epoch = 0
        self._dilation_px = dilation_px
        self._camera = camera
        self._images = images
        self._types = typestore()
        self._connections: dict[str, Connection] = {}
        self._copied: dict[str, Connection] = {}
        self._to_copy: Iterator[RawMessage] = iter(())
        self._next: RawMessage | None = None

    @_errors_of_the_disk()
    def __enter__(self) -> BagWriter:
        """Create the bag.

        Raises:
            InputError: the camera's topic is one of those written here.
        """
        self._writer.__enter__()
        try:
            for topic, kind in ANSWER_TOPICS.items():
                self._connections[topic] = self._writer.add_connection(
                    f"{NAMESPACE}/{topic}",
                    kind,
                    typestore=self._types,
                    offered_qos_profiles=[answer_qos()],
                )
            if self._camera is not None:
                self._connect(self._camera)
        except BaseException as error:
            self._writer.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    @_errors_of_the_disk()
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                self._copy(None)
            except BaseException as late:
                self._writer.__exit__(type(late), late, late.__traceback__)
                raise
        self._writer.__exit__(kind, error, traceback)

    @_errors_of_the_disk()
    def write(self, item: SourceFrame, result: FrameResult) -> None:
        """Append the messages about one frame, at the time of recording of its image.

        Raises:
            InputError: a message of the camera cannot be read.
            OSError: the bag cannot be written.
        """
        self._copy(item.recorded_ns)
        header = self._header(item)
        masks = result.masks
        self._epoch += result.reset_reason is not None
        messages = {
            "moving_mask": self._image(
                header, "mono8", masks.moving.astype(np.uint8) * np.uint8(255)
            ),
            "static_mask": self._image(
                header, "mono8", static_mask(masks.id_map, self._dilation_px)
            ),
            "instance_mask": self._image(header, "mono16", masks.id_map),
            "objects": objects_message(self._make, header, result, self._epoch),
            "tracks": tracks_message(self._make, header, result),
        }
        for topic, message in messages.items():
            raw = self._types.serialize_cdr(message, ANSWER_TOPICS[topic])
            self._writer.write(self._connections[topic], item.recorded_ns, raw)

    def _connect(self, camera: BagTopic) -> None:
        """Add the camera's topics, and begin to read them."""
        if self._images and camera.topic in {f"{NAMESPACE}/{each}" for each in ANSWER_TOPICS}:
            raise InputError(
                f"{camera.path}: expected a camera's topic, found {camera.topic}, whose messages "
                "would mix with those written to the output bag; rename it, or leave it out with "
                "--no-bag-images"
            )
        images = (camera.image, camera.depth) if self._images else ()
        for topic in (*images, camera.camera_info):
            if topic is not None:
                self._copied[topic.name] = add_recorded(self._writer, topic, self._types)
        self._to_copy = camera.camera_messages(images=self._images)
        self._next = next(self._to_copy, None)

    def _copy(self, until_ns: int | None) -> None:
        """Copy the camera's messages up to a time of recording; None: to the end."""
        while self._next is not None and (until_ns is None or self._next.recorded_ns <= until_ns):
            message = self._next
            self._writer.write(self._copied[message.topic], message.recorded_ns, message.data)
            self._next = next(self._to_copy, None)

    def _make(self, kind: str, /, **fields: Any) -> Any:
        """Return a message; Any, because rosbags makes the classes at run time."""
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
