"""The folder through which middleware on one machine passes images."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from motion_seg_ros.cli.checkup.finding import Finding

FOLDER = Path("/dev/shm")
LOCKS = Path("/proc/locks")
LOCK_FILES = ("fastrtps_*_el", "fastdds_*_el")
"""Fast DDS keeps one of them locked for each segment and port in use; "_el": exclusive lock."""
NEEDED_BYTES = 4 * 33_554_432
"""Segments of camera, node and two readers; the size is that of config/fastdds_large_images.xml."""


def shared_memory() -> Iterator[Finding]:
    """Look at the size of the shared memory, and at what ended processes left there."""
    disk = shutil.disk_usage(FOLDER)
    found = f"{FOLDER}: {disk.free / 1e6:.0f} of {disk.total / 1e6:.0f} MB free"
    if disk.free < NEEDED_BYTES:
        yield Finding(
            "shared memory",
            "note",
            f"{found}; {NEEDED_BYTES / 1e6:.0f} MB hold the images of a camera, the node and two "
            "readers over Fast DDS",
            f"sudo mount -o remount,size=1G {FOLDER}   # docker: run --shm-size=1g or --ipc=host",
        )
    else:
        yield Finding("shared memory", "ok", found)
    left = _leftovers()
    if left:
        yield Finding(
            "shared memory left",
            "note",
            f"{len(left)} segments and ports of Fast DDS that no process seen from here uses, such "
            f"as {left[0]}",
            "fastdds shm clean",
        )


def _leftovers() -> list[str]:
    """Return the segments and ports of Fast DDS whose owner has ended."""
    # Lines as "1: FLOCK  ADVISORY  WRITE 711 00:1b:75112 0 EOF", where 75112 is the inode.
    words = [line.split() for line in LOCKS.read_text().splitlines()]
    locked = {int(each[5].rpartition(":")[2]) for each in words if each[1] == "FLOCK"}
    left = []
    for file in (each for pattern in LOCK_FILES for each in FOLDER.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):  # its owner has just ended
            if file.stat().st_ino not in locked:
                left.append(file.name.removesuffix("_el"))
    return sorted(left)
