"""Rosbag2 recordings (mcap or sqlite3) as sequences of frames, without a ROS installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_seg_ros.errors import FrameError, InputError, MotionSegError
from motion_seg_ros.io.base import SizeCheck, SourceFrame
from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.io.message_types import require_rosbags, typestore
from motion_seg_ros.types import Frame

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader

BAG_SUFFIXES = frozenset({".mcap", ".db3"})
IMAGE_TYPES = frozenset({"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"})


def is_bag(path: Path) -> bool:
    """Whether a path has the looks of a rosbag2: a storage file, or a folder with one or with
    metadata.yaml."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file() or len(_storage_files(path)) == 1
    return path.suffix in BAG_SUFFIXES


class BagTopic:
    """The images of one topic of a rosbag2, with the stamps of their headers.

    Attributes:
        sqlite3: stored in sqlite3; in mcap otherwise.

    Args:
        path: folder of the bag, or a bare storage file.
        topic: which topic; None if the bag has exactly one of images.

    Raises:
        InputError: not a bag, no such topic, a topic of another type, or several to choose from.
        MissingDependencyError: rosbags is not installed.
    """

    def __init__(self, path: Path, topic: str | None) -> None:
        require_rosbags()
        self.path = path
        self.name = path.stem if path.is_file() else path.resolve().name
        with _open(path) as reader:
            self.topic = _choose_topic(path, reader.connections, topic)
            chosen = [each for each in reader.connections if each.topic == self.topic]
            self.length = sum(each.msgcount for each in chosen)
            if self.length == 0:
                raise InputError(f"{path}: expected images on {self.topic}, found no message on it")
            self.fps = _rate(reader, self.length)
        self.sqlite3 = path.suffix == ".db3" or (path.is_dir() and any(path.glob("*.db3*")))

    def __iter__(self) -> Iterator[SourceFrame]:
        """All images of the topic, in the order they were recorded.

        Raises:
            InputError: a message cannot be read, or is not of the first one's size.
        """
        types = typestore()
        check_size = SizeCheck("split the bag there")
        with _open(self.path) as reader:
            chosen = [each for each in reader.connections if each.topic == self.topic]
            for index, (connection, recorded_ns, raw) in enumerate(reader.messages(chosen)):
                place = f"{self.path}: {self.topic}, message {index}"
                # Typed Any: rosbags makes the message classes at run time.
                message: Any = types.deserialize_cdr(raw, connection.msgtype)
                stamp = message.header.stamp
                try:
                    frame = Frame(image_to_bgr(message), stamp.sec * 10**9 + stamp.nanosec)
                except FrameError as error:
                    raise InputError(f"{place}: {error}") from error
                check_size(frame, place)
                yield SourceFrame(f"{index:06d}", frame, message.header.frame_id, recorded_ns)


def _storage_files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix in BAG_SUFFIXES)


@contextmanager
def _open(path: Path) -> Iterator[Reader]:
    """A reader for the block.

    Raises:
        InputError: what the reader finds in the file is not a whole bag.
    """
    from rosbags.rosbag2 import Reader

    # A recorder that was killed leaves no metadata.yaml; the storage file can still be whole.
    bare = path.is_dir() and not (path / "metadata.yaml").is_file()
    try:
        with Reader(_storage_files(path)[0] if bare else path) as reader:
            yield reader
    except MotionSegError:
        raise
    except Exception as error:  # the parsers of foreign data raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: expected a whole rosbag2 (mcap or sqlite3), found: {reason} "
            "If the recording was cut off, `mcap recover` or `ros2 bag reindex` may mend it"
        ) from error


def _choose_topic(path: Path, connections: list[Connection], topic: str | None) -> str:
    types = {each.topic: each.msgtype for each in connections}
    images = sorted(name for name, kind in types.items() if kind in IMAGE_TYPES)
    listed = ", ".join(images) if images else "none"
    if topic is None:
        if len(images) != 1:
            raise InputError(
                f"{path}: expected one image topic to take, found {len(images)}: {listed}; "
                "choose one with --topic"
            )
        return images[0]
    if topic not in types:
        raise InputError(f"{path}: no topic {topic} in it; its image topics: {listed}")
    if types[topic] not in IMAGE_TYPES:
        raise InputError(
            f"{path}: expected images on {topic}, found {types[topic]}; its image topics: {listed}"
        )
    return topic


def _rate(reader: Reader, count: int) -> float:
    """Mean frames per second of `count` messages spread over the bag."""
    duration_s = float(reader.duration) * 1e-9
    return (count - 1) / duration_s if count > 1 and duration_s > 0 else 1.0
