"""Shared memory of the middleware: large enough for images, or a line that says it is not.

Fast DDS copies what a process publishes to a segment of shared memory of its own, from which the
readers on the same machine take it. By default the segment holds 0.5 MB, less than the masks of one
640x480 frame, and what does not fit is lost or late. Its profiles can raise that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from xml.etree import ElementTree

from motion_seg_ros.io.package_files import package_folder

PROFILE = "fastdds_large_images.xml"
LOCAL_PROFILE = "fastdds_large_images_localhost.xml"
"""Without UDP: when ROS is limited to this machine, rmw_fastrtps adds a UDP transport that is, too.
One that the profile adds would be used instead, and on Humble not be limited."""
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Of Fast DDS 2 (up to Jazzy) and 3, as are PROFILE_FILES."""
PROFILE_FILES = ("DEFAULT_FASTRTPS_PROFILES.xml", "DEFAULT_FASTDDS_PROFILES.xml")
"""Read from the working directory."""
TRANSPORTS_VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"
_DEFAULT_SEGMENT = ("DEFAULT", "DEFAULTv6", "SHM")
"""Transports by name that have a segment of the default size."""
DEFAULT_SEGMENT_BYTES = 512 * 1024
"""Of Fast DDS (SharedMemTransport.cpp)."""
SPARE_BYTES = 4 * 2**20
"""What must remain for queues and for the segments of programs without a profile. Set by hand."""
SHARED_MEMORY = Path("/dev/shm")


def use_large_segment(
    environment: MutableMapping[str, str] = os.environ,
    folder: Path | None = None,
    shared_memory: Path = SHARED_MEMORY,
) -> str:
    """Make Fast DDS use a segment for images, unless the user chose settings or another middleware.

    To be called before rclpy.init(), for Fast DDS reads its settings there.

    Args:
        environment: environment variables of the process; one may be added.
        folder: the working directory; None: that of the process.
        shared_memory: where the system keeps shared memory.

    Returns:
        One line if the segment was not set because it does not fit into the shared memory, else "".
    """
    if _is_other(environment.get("RMW_IMPLEMENTATION", "")) or _chosen(environment, folder):
        return ""
    local = environment.get("ROS_LOCALHOST_ONLY") == "1" or (
        environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper() == "LOCALHOST"
    )
    profile = package_folder("config") / (LOCAL_PROFILE if local else PROFILE)
    needed = (_segment_of(profile) or 0) + SPARE_BYTES
    free = _free_bytes(shared_memory)
    if free is not None and free < needed:
        return (
            f"{shared_memory}: expected {_mb(needed)} for images over Fast DDS, found {_mb(free)} "
            "free, so messages may be lost; enlarge it (docker run --shm-size=256m, or --ipc=host)"
        )
    environment[profile_variable(environment)] = str(profile)
    return ""


def profile_variable(environment: Mapping[str, str] = os.environ) -> str:
    """Return the variable that names the profile for the Fast DDS at hand: version 3 has a library
    of another name, and warns about the variable of version 2."""
    prefixes = filter(None, environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    version_3 = any(any(Path(each).glob("lib/libfastdds.so*")) for each in prefixes)
    return PROFILE_VARIABLES[version_3]


def segment_bytes(
    rmw: str, environment: Mapping[str, str] = os.environ, folder: Path | None = None
) -> int | None:
    """Return the size of the segment that this process publishes through.

    Args:
        rmw: name of the middleware in use, as rclpy.get_rmw_implementation_identifier() gives it.
        environment: environment variables of the process.
        folder: the working directory; None: that of the process.

    Returns:
        Bytes; None if the middleware has no such segment, or its size is not known.
    """
    if _is_other(rmw):
        return None
    chosen = _chosen(environment, folder)
    if isinstance(chosen, Path):
        return _segment_of(chosen)
    return DEFAULT_SEGMENT_BYTES if chosen in (None, *_DEFAULT_SEGMENT) else None


def shortage(published_bytes: int, segment: int | None) -> str:
    """Return one line if the messages of a frame do not fit into the segment, else "".

    Args:
        published_bytes: size of all images published about one frame.
        segment: as `segment_bytes` returns it.
    """
    if segment is None or published_bytes <= segment:
        return ""
    variables = f"{profile_variable()} and {TRANSPORTS_VARIABLE}"
    return (
        f"shared memory of Fast DDS: expected {_mb(published_bytes)} for the images of a frame, "
        f"found a segment of {_mb(segment)}, so readers may lose messages; unset {variables}, or "
        "raise segment_size in your profile"
    )


def _is_other(rmw: str) -> bool:
    """Return whether a middleware is not Fast DDS, which is ROS's default."""
    return bool(rmw) and not rmw.startswith("rmw_fastrtps")


def _chosen(environment: Mapping[str, str], folder: Path | None) -> Path | str | None:
    """Return the profile that the user chose, or the name of the transports; None for neither."""
    for variable in PROFILE_VARIABLES:
        if environment.get(variable):
            return Path(environment[variable])
    for name in PROFILE_FILES:
        path = (folder or Path.cwd()) / name
        if path.is_file():
            return path
    return environment.get(TRANSPORTS_VARIABLE) or None


def _segment_of(profile: Path) -> int | None:
    """Return the size of the segment in a Fast DDS profile; None if it uses no shared memory."""
    try:
        root = ElementTree.parse(profile).getroot()
        for each in root.iter():
            each.tag = each.tag.rpartition("}")[2]  # without the namespace
        participants = root.iter("participant")
        default = next(each for each in participants if each.get("is_default_profile") == "true")
        used = {_text(each) for each in default.iterfind(".//userTransports/transport_id")}
        for each in root.iter("transport_descriptor"):
            if _text(each.find("transport_id")) in used and _text(each.find("type")) == "SHM":
                return int(_text(each.find("segment_size")) or DEFAULT_SEGMENT_BYTES)
        if _text(default.find(".//useBuiltinTransports")) == "false":
            return None
    except (OSError, ElementTree.ParseError, StopIteration, ValueError):
        pass  # Fast DDS falls back to its defaults, too
    return DEFAULT_SEGMENT_BYTES


def _text(element: ElementTree.Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _free_bytes(folder: Path) -> int | None:
    """Return the free space; None if it cannot be found out."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize


def _mb(count: int) -> str:
    return f"{count / 2**20:.1f} MB"
