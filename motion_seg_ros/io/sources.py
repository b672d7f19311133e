"""Opening of any input as sequences of frames: folders of images, videos, rosbags, RGB-D."""

from __future__ import annotations

import logging
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.bag_files import is_bag
from motion_seg_ros.io.base import DEFAULT_FPS, DepthChoice, FrameSource
from motion_seg_ros.io.image_folder import ImageFolder, images_in, natural_key
from motion_seg_ros.io.mistaken_inputs import (
    check_input,
    is_video,
    mixed_names,
    nothing_found,
)
from motion_seg_ros.io.rgbd_folder import RgbdFolder, is_rgbd_folder
from motion_seg_ros.io.video import VideoFile

logger = logging.getLogger(__name__)

NO_DEPTH = (
    "expected recorded depth, as depth.backend is topic, found none; name the depth images of a "
    "bag by --depth-topic, give a folder in the layout of TUM RGB-D, or leave depth.backend out"
)
"""What is wrong where depth was to be used, and an input has none."""


def open_sources(
    path: Path,
    *,
    topic: str | None = None,
    fps: float | None = None,
    depth: DepthChoice | None = None,
) -> list[FrameSource]:
    """Return the sequences at `path`: one, or one for each subfolder of images.

    Args:
        path: a folder of images or in the layout of TUM RGB-D, a folder of such folders, a video,
            or a rosbag2 (folder or bare file).
        topic: image topic of a bag; None if it has only one.
        fps: frames per second of images (None: DEFAULT_FPS) and of a video (None: as it states).
        depth: recorded depth that belongs to the images; None: none does.

    Raises:
        InputError: there is nothing, or nothing that can be read like that; or a rate is given
            for frames that have stamps.
    """
    check_input(path)
    try:
        if fps is not None and has_stamps(path):
            raise InputError(
                f"--fps {fps:g}: expected images or a video, found {path}, whose frames have "
                "stamps; leave it out"
            )
        if is_bag(path):
            return [BagTopic(path, topic, depth=depth)]
        depth_topic = None if depth is None else depth.topic
        for option, name in (("--topic", topic), ("--depth-topic", depth_topic)):
            if name is not None:
                raise InputError(
                    f"{option} {name}: expected a rosbag2 to take it from, found {path}"
                )
        if path.is_file():
            return [VideoFile(path, fps)]
        if not path.is_dir():
            raise InputError(
                f"{path}: expected a file or folder, found a device or pipe; write it to a file"
            )
        if _is_sequence(path):
            return [_open_folder(path, fps, depth)]
        # Hidden: thumbnails of file managers, and what macOS leaves beside each file (._x).
        inside = [each for each in path.iterdir() if not each.name.startswith(".")]
        folders = [each for each in inside if each.is_dir() and _is_sequence(each)]
        if folders:
            return [_open_folder(each, fps, depth) for each in sorted(folders, key=natural_key)]
        recordings = [each for each in inside if is_bag(each) or is_video(each)]
        if recordings:
            first = min(recordings, key=natural_key).name
            raise InputError(
                f"{path}: expected images, found a folder of {len(recordings)} bags or videos "
                f"({first}, ...); name them one by one, such as {path}/*"
            )
        raise nothing_found(path)
    except PermissionError as error:
        raise InputError(f"{error.filename}: no permission to read it; check its mode") from error


def _is_sequence(folder: Path) -> bool:
    return is_rgbd_folder(folder) or bool(images_in(folder))


def has_stamps(path: Path) -> bool:
    """Return True for bags and RGB-D, whose frames state when they were taken."""
    return is_bag(path) or is_rgbd_folder(path)


def _open_folder(path: Path, fps: float | None, depth: DepthChoice | None) -> FrameSource:
    if is_rgbd_folder(path):
        return RgbdFolder(path, depth)
    folder = ImageFolder(path, fps or DEFAULT_FPS)
    if mixed := mixed_names(folder.files):
        logger.warning(
            "%s: images of several names are taken for one stream: %s; give those of each camera "
            "a folder of their own",
            path,
            mixed,
        )
    return folder


def warn_without_depth(source: FrameSource, depth: DepthChoice | None) -> None:
    """Log a warning if recorded depth was chosen and a sequence has none."""
    if depth is None or (isinstance(source, RgbdFolder) and source.has_depth):
        return
    if not isinstance(source, BagTopic) or source.depth is None:
        logger.warning("%s: %s", source.path, NO_DEPTH)


def size_bytes(path: Path) -> int:
    """Return the total file size of a sequence, which tells inputs of one name apart.

    Args:
        path: of a source.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_file():
        return path.stat().st_size
    if is_rgbd_folder(path):
        files = list(path.rglob("*"))
    else:
        files = list(path.iterdir()) if is_bag(path) else images_in(path)
    return sum(each.stat().st_size for each in files if each.is_file())


def open_source(
    path: Path,
    *,
    topic: str | None = None,
    fps: float | None = None,
    depth: DepthChoice | None = None,
) -> FrameSource:
    """Return the only sequence at `path`; arguments as for `open_sources`.

    Raises:
        InputError: as `open_sources`, or several sequences.
    """
    sources = open_sources(path, topic=topic, fps=fps, depth=depth)
    if len(sources) > 1:
        names = ", ".join(each.name for each in sources[:4])
        raise InputError(
            f"{path}: expected one sequence, found {len(sources)} ({names}, ...); name one of them"
        )
    return sources[0]
