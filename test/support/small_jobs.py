"""Work for the tests of jobs, and for the processes that do it."""

from __future__ import annotations

import logging
import os
import signal
import time
from pathlib import Path

import cv2

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.staging import staged_folder
from motion_seg_ros.jobs import Advance

MARKER = "marker"


def square(number: int, *, advance: Advance) -> int:
    """Two steps to a result."""
    advance(1)
    advance(1)
    return number * number


def refuse(*, advance: Advance) -> None:
    """Fails for good."""
    raise InputError("x.png: expected an image, found none; replace it")


def blunder(*, advance: Advance) -> None:
    """Fails as only a mistake in the program does."""
    raise ZeroDivisionError("by zero")


def stumble(flag: Path, *, advance: Advance) -> str:
    """Fails the first time, in a way that may pass."""
    if not flag.exists():
        flag.touch()
        raise OSError(5, "Input/output error", str(flag))
    return "done"


def die(flag: Path, *, advance: Advance) -> str:
    """Kills its process, unless the flag is there; sets it."""
    advance(1)
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def die_always(*, advance: Advance) -> None:
    """Kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)


def warn(*, advance: Advance) -> None:
    """Says something."""
    logging.getLogger("somewhere").warning("half of %s is missing", "it")


def threads(*, advance: Advance) -> tuple[int, str | None]:
    """OpenCV's threads, and what NumPy and PyTorch are told."""
    return cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")


def process(*, advance: Advance) -> int:
    """The process it is done in."""
    return os.getpid()


def linger(folder: Path, *, advance: Advance) -> None:
    """Writes for a minute to what is to become a folder."""
    with staged_folder(folder, overwrite=False, marker=MARKER) as staged:
        (staged / MARKER).touch()
        (folder.parent / f"{folder.name}.pid").write_text(str(os.getpid()))
        for _ in range(6000):
            advance(1)
            time.sleep(0.01)


def meet(own: Path, other: Path, *, advance: Advance) -> int:
    """Waits until another job is under way at the same time; its process."""
    own.touch()
    deadline = time.monotonic() + 60
    while not other.exists():
        if time.monotonic() > deadline:
            raise InputError(f"{other.name} did not come")
        time.sleep(0.02)
    return os.getpid()
