"""The package's own message types for rosbags, from the definitions in msg/."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

import motion_seg_ros
from motion_seg_ros.errors import InputError

PACKAGE = "motion_seg_ros"


def message_folders() -> Iterator[Path]:
    """Where the definitions may be: the source tree, the folders ROS searches, this environment."""
    module = Path(motion_seg_ros.__file__).resolve()
    yield module.parents[1] / "msg"
    prefixes = [
        Path(each) for each in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if each
    ]
    # <prefix>/lib/python3.x/site-packages/motion_seg_ros/__init__.py, or local/lib/... on Debian
    prefixes += [Path(sys.prefix), *module.parents[4:6]]
    yield from (prefix / "share" / PACKAGE / "msg" for prefix in prefixes)


def typestore() -> Typestore:
    """ROS 2's common message types and this package's own.

    Raises:
        InputError: the definitions are not where the package is.
    """
    for folder in message_folders():
        files = sorted(folder.glob("*.msg"))
        if files:
            break
    else:
        raise InputError(f"{PACKAGE}: its msg/*.msg files are missing; install the package again")
    store = get_typestore(Stores.ROS2_JAZZY)
    for file in files:
        name = f"{PACKAGE}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store
