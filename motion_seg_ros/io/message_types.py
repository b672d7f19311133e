"""The package's own message types for rosbags, from the definitions in msg/."""

from __future__ import annotations

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from motion_seg_ros.io.package_files import PACKAGE, package_folder


def typestore() -> Typestore:
    """ROS 2's common message types and this package's own.

    Raises:
        MissingDependencyError: the definitions are not where the package is.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    for file in sorted(package_folder("msg").glob("*.msg")):
        name = f"{PACKAGE}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store
