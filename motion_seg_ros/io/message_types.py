"""Message types for rosbags: the common ones, and this package's own from msg/."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.io.package_files import PACKAGE, package_folder
from motion_seg_ros.io.video_packets import VIDEO_TYPES

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


def require_rosbags() -> None:
    """Check that rosbags and mcap are installed: a ROS installation comes without them.

    Raises:
        MissingDependencyError: they are not.
    """
    try:
        import mcap.reader  # noqa: F401
        import rosbags.rosbag2  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"rosbag2 files: expected the Python packages rosbags and mcap, found: {error}; "
            "pip install rosbags mcap"
        ) from error


def typestore() -> Typestore:
    """Return ROS 2's common message types, video packets, and this package's own.

    Raises:
        MissingDependencyError: the definitions or rosbags are not installed.
    """
    require_rosbags()
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    for name, definition in VIDEO_TYPES.items():
        store.register(get_types_from_msg(definition, name))
    for file in sorted(package_folder("msg").glob("*.msg")):
        name = f"{PACKAGE}/msg/{file.stem}"
        store.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return store


def header_stamp_ns(data: bytes, place: str) -> int:
    """Return the stamp in nanoseconds of a stored message that begins with a std_msgs/Header.

    Args:
        data: CDR bytes: four of encapsulation, the second of which is the byte order, then the
            stamp as int32 seconds and uint32 nanoseconds (OMG DDSI-RTPS 2.5, section 10.2).
        place: of the message, for the error.

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


def damaged(place: str, kind: str, error: Exception) -> InputError:
    """Return the error for a message that does not decode as its type."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        f"{place}: expected a whole {kind}, found bytes that are none ({reason}); "
        "record it again, or cut the bag before it"
    )
