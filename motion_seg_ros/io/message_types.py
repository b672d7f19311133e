"""The package's own message types for rosbags, from the definitions in msg/."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.io.package_files import PACKAGE, package_folder

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


def require_rosbags() -> None:
    """Check that rosbags can be imported; a full ROS installation comes without.

    Raises:
        MissingDependencyError: it cannot.
    """
    try:
        import rosbags.rosbag2  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"rosbag2 files: expected the Python package rosbags, found: {error}; "
            "pip install rosbags rosbags-image"
        ) from error


def typestore() -> Typestore:
    """ROS 2's common message types and this package's own.

    Raises:
        MissingDependencyError: the definitions are not where the package is, or rosbags is not
            installed.
    """
    require_rosbags()
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    for file in sorted(package_folder("msg").glob("*.msg")):
        name = f"{PACKAGE}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store


def header_stamp_ns(data: bytes, place: str) -> int:
    """The stamp in nanoseconds of a stored message whose first field is a std_msgs/Header, without
    decoding the rest.

    Args:
        data: CDR bytes: four of encapsulation, whose second says the byte order, then the stamp as
            int32 seconds and uint32 nanoseconds (OMG DDSI-RTPS 2.5, section 10.2).
        place: where it stands, for the error.

    Raises:
        InputError: it is too short.
    """
    if len(data) < 12:
        raise InputError(
            f"{place}: expected a message with a header, found {len(data)} bytes; "
            "record it again, or cut the bag before it"
        )
    sec, nanosec = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(sec) * 10**9 + int(nanosec)
