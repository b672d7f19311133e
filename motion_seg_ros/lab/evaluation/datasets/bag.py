"""Rosbags as a data set: images of a topic, with truth from another topic or a folder."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros.errors import FrameError, InputError
from motion_seg_ros.io.bag import BagTopic, bag_name, frame_name
from motion_seg_ros.io.bag_files import is_bag, open_bag, raw_messages
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.image_folder import images_in, natural_key
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.io.message_types import damaged, typestore
from motion_seg_ros.io.sources import warn_without_depth
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.datasets.numbers import doubt, truth_of_numbers, warn_of
from motion_seg_ros.types import UInt16Array

IMAGE_TYPE = "sensor_msgs/msg/Image"
MASK_ENCODINGS = ("mono8", "8UC1", "mono16", "16UC1")


class BagSequence:
    """The frames of a bag, some or all of them with their truth.

    Attributes:
        frames: all images in order.
        size: height and width of the images.

    Args:
        frames: the images.
        truths: frame name -> its id map, (H, W) uint16.
        void: number of the pixels that do not count; None: all count.

    Raises:
        InputError: no frame has a truth, or one has another size than the images.
    """

    def __init__(
        self,
        frames: BagTopic,
        truths: Iterator[tuple[str, UInt16Array]],
        void: int | None = None,
    ) -> None:
        self.frames = frames
        self.size = next(iter(frames)).frame.size
        self._movers: set[int] = set()
        self._void = void
        self._doubt = ""
        # A bag can be read in order only, and truth is looked up in any order.
        self._truths = {name: self._pack(name, ids) for name, ids in truths}
        if not self._truths:
            raise InputError(
                f"{frames.path}: expected truth for some of the {frames.length} frames, found none "
                "whose stamp is that of a frame; check that the masks carry their frames' stamps"
            )

    @property
    def name(self) -> str:
        """The bag's name."""
        return self.frames.name

    @property
    def separate(self) -> bool:
        """True if the truth tells movers apart."""
        return len(self._movers) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames, in order."""
        return tuple(map(frame_name, range(self.frames.length)))

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the frames that have truth, in order."""
        return tuple(sorted(self._truths))

    def truth(self, name: str) -> TruthMask:
        """Return the truth of a scored frame, of the frame's size."""
        ids = np.frombuffer(zlib.decompress(self._truths[name]), np.uint16)
        return truth_of_numbers(ids.reshape(self.size), self._void)

    def _pack(self, name: str, ids: UInt16Array) -> bytes:
        if ids.shape != self.size:
            raise InputError(
                f"{self.frames.path}: expected truth of {self.size[1]}x{self.size[0]} for frame "
                f"{name}, like the images, found {ids.shape[1]}x{ids.shape[0]}; give masks of the "
                "images' size"
            )
        self._movers.update(set(np.unique(ids).tolist()) - {0, self._void})
        if not self._doubt and (found := doubt(ids, self._void)):
            self._doubt = found
            warn_of(self.frames.path, found)
        return zlib.compress(ids.tobytes(), 1)


def open_bag_dataset(
    root: Path,
    *,
    topic: str | None,
    truth_topic: str | None,
    truth_folder: Path | None,
    depth: DepthChoice | None = None,
    void: int | None = None,
) -> list[BagSequence]:
    """Open the bag at `root`, or all bags in the folder `root`, with their truth; one of
    `truth_topic` and `truth_folder` is given.

    Args:
        root: a rosbag2, or a folder of them.
        topic: its image topic; None if it has only one beside the truth.
        truth_topic: of sensor_msgs/Image in mono8, 8UC1, mono16 or 16UC1, 0 = static, k = mover k,
            each under the stamp of the frame it is about. Frames without one are not scored.
        truth_folder: folder of mask files; where `root` has several bags, of one such folder for
            each, under the bag's name without suffix. A mask is named like its frame (000000,
            000001, ... by the order in the bag; the others are not scored), or there is one for
            each frame in the order of their names.
        depth: recorded depth that belongs to the images; None: none does.
        void: number of the pixels of the truth that do not count; None: all count.

    Raises:
        InputError: no bag, or no truth that fits it.
        MissingDependencyError: rosbags is not installed.
    """
    bags = _bags(root)
    return [
        open_bag_sequence(
            each,
            topic=topic,
            truth_topic=truth_topic,
            truth_folder=truth_folder / bag_name(each)
            if truth_folder is not None and len(bags) > 1
            else truth_folder,
            depth=depth,
            void=void,
        )
        for each in bags
    ]


def open_bag_sequence(
    bag: Path,
    *,
    topic: str | None,
    truth_topic: str | None,
    truth_folder: Path | None,
    depth: DepthChoice | None = None,
    void: int | None = None,
) -> BagSequence:
    """Open one bag with its truth; see `open_bag_dataset`.

    Raises:
        InputError: no bag, or no truth that fits it.
        MissingDependencyError: rosbags is not installed.
    """
    if (truth_topic is None) == (truth_folder is None):
        raise InputError(
            f"{bag}: expected the truth of the bag in one place, found "
            f"{'none' if truth_topic is None else 'two'}; give --truth-topic or --truth"
        )
    frames = BagTopic(bag, topic, ignored=truth_topic, depth=depth)
    warn_without_depth(frames, depth)
    if truth_folder is not None:
        return BagSequence(frames, _from_folder(frames, truth_folder), void)
    assert truth_topic is not None
    return BagSequence(frames, _from_topic(frames, truth_topic), void)


def _bags(root: Path) -> list[Path]:
    if not root.exists():
        raise InputError(f"{root}: no such file or folder; check the path")
    if is_bag(root):
        return [root]
    inside = root.iterdir() if root.is_dir() else ()
    shown = (each for each in inside if not each.name.startswith("."))
    bags = sorted(filter(is_bag, shown), key=natural_key)
    if not bags:
        raise InputError(
            f"{root}: expected a rosbag2 (mcap or sqlite3) or a folder of them, found none; check "
            "the path"
        )
    return bags


def _from_topic(frames: BagTopic, topic: str) -> Iterator[tuple[str, UInt16Array]]:
    """Yield frame names and id maps of the mask messages whose stamps are those of frames."""
    with open_bag(frames.path) as bag:
        kinds = {each.name: each.kind for each in bag.topics.values()}
    images = ", ".join(sorted(name for name, kind in kinds.items() if kind == IMAGE_TYPE))
    if topic not in kinds:
        raise InputError(
            f"{frames.path}: no topic {topic} in it for the truth; its image topics: {images}"
        )
    if kinds[topic] != IMAGE_TYPE:
        raise InputError(
            f"{frames.path}: expected masks on {topic} as {IMAGE_TYPE}, found {kinds[topic]}; its "
            f"image topics: {images}"
        )
    name_of = _names_by_stamp(frames)
    types = typestore()
    for index, raw in enumerate(raw_messages(frames.path, {topic})):
        place = f"{frames.path}: {topic}, message {index}"
        try:
            message: Any = types.deserialize_cdr(raw.data, IMAGE_TYPE)
        except Exception as error:  # of struct, numpy and others
            raise damaged(place, IMAGE_TYPE, error) from error
        stamp = message.header.stamp
        name = name_of.get(stamp.sec * 10**9 + stamp.nanosec)
        if name is not None:
            yield name, _id_map(message, place)


def _id_map(message: Any, place: str) -> UInt16Array:
    if message.encoding not in MASK_ENCODINGS:
        raise InputError(
            f"{place}: expected a mask in {', '.join(MASK_ENCODINGS)}, found "
            f"{message.encoding!r}; choose the topic of the masks"
        )
    try:
        return image_to_array(message).astype(np.uint16)
    except FrameError as error:
        raise InputError(f"{place}: {error}") from error


def _names_by_stamp(frames: BagTopic) -> Mapping[int, str]:
    """Return stamp in nanoseconds -> frame name.

    Raises:
        InputError: two frames share a stamp, so that it does not tell whose truth is whose.
    """
    names: dict[int, str] = {}
    for index, stamp_ns in frames.stamps_ns().items():
        if stamp_ns in names:
            raise InputError(
                f"{frames.path}: expected frames with stamps of their own on {frames.topic}, found "
                f"{frame_name(index)} with that of {names[stamp_ns]}; give the truth as a folder"
            )
        names[stamp_ns] = frame_name(index)
    return names


def _from_folder(frames: BagTopic, folder: Path) -> Iterator[tuple[str, UInt16Array]]:
    """Yield frame names and id maps of mask files."""
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of masks, found none; check --truth")
    files = images_in(folder)
    names = [frame_name(index) for index in range(frames.length)]
    by_name = {each.stem: each for each in files}
    if by_name.keys() <= set(names):
        chosen = {name: by_name[name] for name in names if name in by_name}
    elif len(files) == len(names):
        chosen = dict(zip(names, files, strict=True))
    else:
        raise InputError(
            f"{folder}: expected masks named {names[0]} to {names[-1]}, or one for each of the "
            f"{len(names)} frames of {frames.path}, found {len(files)}; add or rename masks"
        )
    if not chosen:
        raise InputError(f"{folder}: expected mask images, found none; check --truth")
    size = next(iter(frames)).frame.size
    for name, file in chosen.items():
        yield name, read_id_map(file, size)
