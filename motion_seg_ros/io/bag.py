"""Rosbag2 recordings (mcap or sqlite3) as sequences of frames, without a ROS installation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_seg_ros.errors import FrameError, InputError
from motion_seg_ros.io.bag_calibration import CAMERA_INFO_TYPE, RecordedCalibration
from motion_seg_ros.io.bag_depth import RecordedDepth
from motion_seg_ros.io.bag_files import RawMessage, open_bag, raw_messages
from motion_seg_ros.io.bag_topics import COMPRESSED_TYPE, choose_topic
from motion_seg_ros.io.base import DepthChoice, SourceFrame, likely_fps
from motion_seg_ros.io.calibration import COMPRESSED_SUFFIX, is_rectified, without_transport
from motion_seg_ros.io.depth_messages import COMPRESSED_DEPTH, check_picture
from motion_seg_ros.io.message_types import damaged, header_stamp_ns, typestore
from motion_seg_ros.io.reader import WITHOUT_DEPTH, BadFrame, DepthTrials, FrameReader
from motion_seg_ros.io.stamp_order import in_stamp_order
from motion_seg_ros.io.stream_images import StreamImages
from motion_seg_ros.io.video_packets import COMPRESSED_VIDEO
from motion_seg_ros.types import Frame

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


class BagTopic(FrameReader):
    """The images of one topic of a rosbag2, with the stamps of their headers.

    Attributes:
        sqlite3: True if stored in sqlite3, False for mcap.
        image: topic of the images.
        camera_info: topic of their calibration, named as image_transport does; None where there is
            none.
        depth: topic of their depth; None without.

    Args:
        path: folder of the bag, or a bare storage file.
        topic: image topic; None: that of the only camera, as `choose_topic` finds it.
        ignored: an image topic to leave out of account.
        depth: which depth belongs to the images; None: none does.

    Raises:
        InputError: not a bag, no such topic, a topic of another type, or several to choose from.
        MissingDependencyError: rosbags is not installed.
    """

    def __init__(
        self,
        path: Path,
        topic: str | None,
        *,
        ignored: str | None = None,
        depth: DepthChoice | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.name = bag_name(path)
        self._stamps_ns: tuple[dict[int, int], dict[int, int]] | None = None
        self._slop_s = 0.0 if depth is None else depth.slop_s
        with open_bag(path) as bag:
            depth_topic = None if depth is None else depth.topic
            if depth_topic is not None:  # first: a wrong one would leave two image topics
                choose_topic(path, bag, depth_topic, {topic})
            others = {each for each in (ignored, depth_topic) if each is not None}
            self.topic = choose_topic(path, bag, topic, others)
            self.image = bag.topics[self.topic]
            self.length = self.image.count
            if self.length == 0:
                raise InputError(f"{path}: expected images on {self.topic}, found no message on it")
            many = self.length > 1 and bag.duration_s > 0
            self.fps = likely_fps((self.length - 1) / bag.duration_s if many else 1.0)
            info = bag.topics.get(camera_info_topic(self.topic))
            self.camera_info = info if info and info.kind == CAMERA_INFO_TYPE else None
            self.depth = None if depth_topic is None else bag.topics[depth_topic]
            self.sqlite3 = bag.sqlite3

    @property
    def compressed(self) -> bool:
        """True if the images are CompressedImage."""
        return self.image.kind == COMPRESSED_TYPE

    @property
    def live_base(self) -> str:
        """Topic on which a live camera would send these images, without its transport."""
        return self.topic.removesuffix(COMPRESSED_SUFFIX) if self.compressed else self.topic

    @property
    def live_depth(self) -> tuple[str, str]:
        """Topic on which a live camera would send the depth, without its transport and with it;
        only with depth."""
        assert self.depth is not None
        if self.depth.kind != COMPRESSED_TYPE:
            return self.depth.name, self.depth.name
        base = self.depth.name.removesuffix(f"/{COMPRESSED_DEPTH}")
        return base, f"{base}/{COMPRESSED_DEPTH}"

    @property
    def live_topic(self) -> str:
        """Topic on which a live camera would send these images, as image_transport names it."""
        return f"{self.live_base}{COMPRESSED_SUFFIX}" if self.compressed else self.topic

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        """Yield the images of the topic with the recorded calibration and their depth.

        Raises:
            InputError: the bag or no depth can be read.
        """
        types = typestore()
        pictures = StreamImages()
        calibration = RecordedCalibration(types, rectified=is_rectified(self.topic))
        depth, trials = self.recorded_depth(), DepthTrials()
        images = self._image_messages(calibration, depth)
        pairs = ((each, None) for each in images) if depth is None else depth.join(images)
        for raw, raw_depth in pairs:
            name, place = frame_name(raw.number), self._place(raw.number)
            try:
                item = self.decoded(raw, types, pictures)
            except InputError as error:
                yield BadFrame.of(name, place, error)
                continue
            camera, told = calibration.at(item.frame.stamp_ns, item.frame.size)
            frame = dataclasses.replace(item.frame, camera=camera)
            if depth is not None and raw_depth is not None and self.depth is not None:
                try:
                    depth_m = depth.metres(raw_depth, self.depth.kind, types)
                    frame = dataclasses.replace(frame, depth_m=depth_m)
                    trials.succeed()
                except (FrameError, InputError) as error:
                    trials.fail(str(self.path) if isinstance(error, InputError) else place, error)
                    yield BadFrame.of(name, str(self.path), error, instead=WITHOUT_DEPTH)
            yield dataclasses.replace(item, frame=frame, calibration=told)
        trials.end()

    def depth_first(self) -> Iterator[RawMessage]:
        """Yield the messages of `in_order` with the depth of each image right before it, and no
        other depth.

        Raises:
            InputError: no image has depth, or the bag cannot be read.
        """
        depth = self.recorded_depth()
        if depth is None:
            yield from self.in_order()
            return
        others: list[RawMessage] = []
        for image, its_depth in depth.join(self._sorted_out(depth, others.append)):
            yield from others
            others.clear()
            if its_depth is not None:
                yield its_depth
            yield image
        yield from others

    def recorded_depth(self) -> RecordedDepth | None:
        """Return what finds the depth of each image; None without depth.

        Raises:
            InputError: no image has depth, or the bag cannot be read.
        """
        if self.depth is None:
            return None
        if self._stamps_ns is None:
            self._stamps_ns = (self._stamps(self.topic), self._stamps(self.depth.name))
        return RecordedDepth(f"{self.path}: {self.depth.name}", *self._stamps_ns, self._slop_s)

    def _image_messages(
        self, calibration: RecordedCalibration, depth: RecordedDepth | None
    ) -> Iterator[RawMessage]:
        """Yield the images, each when the calibration up to the next one is noted: drivers send an
        image and its calibration under one stamp, in either order."""
        waiting: RawMessage | None = None
        for message in self._sorted_out(depth, calibration.add):
            if waiting is not None:
                yield waiting
            waiting = message
        if waiting is not None:
            yield waiting

    def _sorted_out(
        self, depth: RecordedDepth | None, on_calibration: Callable[[RawMessage], None]
    ) -> Iterator[RawMessage]:
        """Yield the images, while what lies between them goes where it belongs."""
        for message in self.in_order():
            if message.topic == self.topic:
                yield message
            elif depth is not None and self.depth is not None and message.topic == self.depth.name:
                depth.add(message)
            else:
                on_calibration(message)

    def decoded(self, raw: RawMessage, types: Typestore, pictures: StreamImages) -> SourceFrame:
        """Return the image in a message of the topic.

        Args:
            raw: the message.
            types: as from `typestore`.
            pictures: converts the messages of the topic, in order.

        Raises:
            InputError: it cannot be read.
        """
        # Typed Any: rosbags makes the message classes at run time.
        try:
            message: Any = types.deserialize_cdr(raw.data, self.image.kind)
        except Exception as error:  # of struct, numpy and others
            raise damaged(self._place(raw.number), self.image.kind, error) from error
        if self.image.kind == COMPRESSED_VIDEO:
            stamp, frame_id = message.timestamp, message.frame_id
        else:
            stamp, frame_id = message.header.stamp, message.header.frame_id
        try:
            check_picture(self.topic, message)
            image = pictures.to_bgr(message)
            stamp_ns = stamp.sec * 10**9 + stamp.nanosec
            frame = Frame(image, stamp_ns, value_range=pictures.limits)
        except FrameError as error:
            raise InputError(f"{self._place(raw.number)}: {error.of_recording}") from error
        return SourceFrame(frame_name(raw.number), frame, frame_id, raw.recorded_ns)

    def _place(self, index: int) -> str:
        return f"{self.path}: {self.topic}, message {index}"

    def stamps_ns(self) -> dict[int, int]:
        """Return index of the message -> stamp in nanoseconds of all frames that have one, in the
        order of recording, without decoding the images.

        Raises:
            InputError: the bag cannot be read.
        """
        return self._stamps(self.topic)

    def _stamps(self, topic: str) -> dict[int, int]:
        found = ((each.number, _stamp_ns(each)) for each in raw_messages(self.path, {topic}))
        return {index: stamp_ns for index, stamp_ns in found if stamp_ns is not None}

    def in_order(self) -> Iterator[RawMessage]:
        """Yield the messages of `camera_messages`, the images in the order of their stamps where
        they are nearly so.

        Raises:
            InputError: the bag cannot be read.
        """

        def stamp_ns(message: RawMessage) -> int | None:
            return (_stamp_ns(message) or None) if message.topic == self.topic else None

        return in_stamp_order(self.camera_messages(), stamp_ns)

    def camera_messages(self, *, images: bool = True) -> Iterator[RawMessage]:
        """Yield the stored messages of images, depth and calibration, in the order of recording.

        Args:
            images: include images and depth, not only the calibration.

        Raises:
            InputError: the bag cannot be read.
        """
        topics = (self.image, self.depth, self.camera_info) if images else (self.camera_info,)
        return raw_messages(self.path, {each.name for each in topics if each is not None})


def bag_name(path: Path) -> str:
    """Return the name of the sequence in a bag."""
    return path.stem if path.is_file() else path.resolve().name


def _stamp_ns(message: RawMessage) -> int | None:
    """Return the stamp of a message; None where it is too short to have one."""
    try:
        return header_stamp_ns(message.data, message.topic)
    except InputError:
        return None


def frame_name(index: int) -> str:
    """Return the name of a frame of a bag."""
    return f"{index:06d}"


def camera_info_topic(image_topic: str) -> str:
    """Return the calibration topic that image_transport pairs with an image topic: `camera_info`
    beside it, without the name of a transport.

    https://github.com/ros-perception/image_common (getCameraInfoTopic)
    """
    return without_transport(image_topic).rpartition("/")[0] + "/camera_info"
