"""Advice where an input is none: a camera, an address, a pattern, one image, nested folders."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_files import is_bag
from motion_seg_ros.io.image_folder import IMAGE_SUFFIXES, images_in, natural_key

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
"""Recognised in a folder; a video given by name may have any suffix."""

LIVE = (
    "a live camera goes through the node: start its driver, such as usb_cam, then "
    "`ros2 launch motion_seg_ros motion_seg.launch.py image:=/camera/image_raw`"
)

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # Path makes one slash of two
_PATTERN = re.compile(r"%\d*d|[*?\[]")
_ARCHIVES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"})
_UNREAD_IMAGES = frozenset(
    {".arw", ".avif", ".cr2", ".dng", ".exr", ".heic", ".heif", ".jp2", ".jxl", ".nef", ".npy"}
)
"""Images of phones, cameras and programs that are not read."""
MIXED_SHARE = 1 / 4
"""Share of a folder's images from which a form of names counts as a stream of its own. Set by
hand: names that are random text have a form each."""
_CAMERA = re.compile(r"/dev/video\d+|\d")  # as OpenCV and ffmpeg name them

MAX_DEPTH = 5
MAX_FOLDERS = 500
MAX_NAMED = 4
"""Limits of the search for what is further down. Set by hand: KITTI's images are four folders below
the one of all recordings (date/drive/image_02/data), EuRoC's too (sequence/mav0/cam0/data)."""


def check_input(path: Path) -> None:
    """Refuse an input that does not exist or cannot be a recording.

    Raises:
        InputError: it is a camera, an address, a pattern of names, a single image, or nothing.
    """
    if _CAMERA.fullmatch(str(path)) and not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: expected a recording, found the name of a camera; {LIVE}")
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(
            f"{path}: expected a folder of images, a video or a rosbag2, found one image, and "
            f"motion shows between images only; give their folder, {path.parent}"
        )
    if path.is_file() and path.suffix.lower() in _ARCHIVES:
        raise InputError(
            f"{path}: expected a folder of images, a video or a rosbag2, found an archive; unpack "
            "it first"
        )
    if path.exists():
        return
    if _ADDRESS.match(str(path)):
        raise InputError(
            f"{path}: expected a file or folder, found an address; download what is recorded; "
            f"{LIVE}"
        )
    if _PATTERN.search(path.name) and path.parent.is_dir():
        count = len(images_in(path.parent))
        raise InputError(
            f"{path}: expected a file or folder, found a pattern of names; give the folder "
            f"{path.parent}, whose {count} images are taken in the order of their numbers"
        )
    raise InputError(f"{path}: no such file or folder; check the path")


def nothing_found(path: Path) -> InputError:
    """Return the error for a folder without images, which names those that are further down."""
    expected = f"{path}: expected a folder of images ({' '.join(sorted(IMAGE_SUFFIXES))})"
    below = list(islice(_recordings_below(path), MAX_NAMED + 1))
    if not below:
        others = Counter(each.suffix.lower() for each in path.iterdir())
        kind = next((each for each, _ in others.most_common() if each in _UNREAD_IMAGES), None)
        if kind is not None:
            return InputError(
                f"{expected}, found {others[kind]} files {kind}, which are not read; convert them, "
                "for example to .png"
            )
        return InputError(f"{expected}, found none; check the path")
    named = ", ".join([*below[:MAX_NAMED], *(["..."] if len(below) > MAX_NAMED else [])])
    return InputError(f"{expected}, found none in it, but further down: {named}; name one of them")


def mixed_names(images: Sequence[Path]) -> str:
    """Return the forms of names of the images of a folder, where each has many: the images of a
    colour and a depth camera, left and right, images and masks. "" where they have one form."""
    forms = Counter(re.sub(r"\d+", "#", each.stem) for each in images)
    many = [(form, count) for form, count in forms.items() if count >= MIXED_SHARE * len(images)]
    if len(many) < 2 or min(count for _, count in many) < 2:
        return ""
    return ", ".join(f"{form} ({count})" for form, count in sorted(many))


def _recordings_below(root: Path) -> Iterator[str]:
    """Yield the folders of images, the bags and the videos below a folder, the nearest first."""
    waiting, seen = deque([root]), 0
    while waiting and seen < MAX_FOLDERS:
        folder, seen = waiting.popleft(), seen + 1
        try:
            shown = (each for each in folder.iterdir() if not each.name.startswith("."))
            entries = sorted(shown, key=natural_key)
            images = len(images_in(folder))
        except OSError:  # no permission to look
            continue
        if images:
            yield f"{folder} ({images} image{'s' if images > 1 else ''})"
        elif is_bag(folder):
            yield str(folder)
        else:
            files = (each for each in entries if each.is_file())
            yield from (str(each) for each in files if is_bag(each) or is_video(each))
        if len(folder.relative_to(root).parts) < MAX_DEPTH:
            waiting.extend(each for each in entries if each.is_dir() and not each.is_symlink())


def is_video(path: Path) -> bool:
    """Return whether a file has the name of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
