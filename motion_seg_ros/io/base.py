"""Interface of the sources of recorded frames: folders, videos, bags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from motion_seg_ros.errors import InputError
from motion_seg_ros.types import Frame

DEFAULT_FPS = 30.0  # of most cameras; set by hand
LEAST_FPS, MOST_FPS = 1 / 3600, 1e4
"""Rates of a time lapse and of the fastest cameras. Set by hand."""


def likely_fps(fps: float) -> float:
    """Return a rate by the times of recording; DEFAULT_FPS where those cannot be right: 0 before
    the first /clock, or a clock that was set meanwhile."""
    return fps if LEAST_FPS <= fps <= MOST_FPS else DEFAULT_FPS


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """One recorded frame.

    Attributes:
        name: of its mask file, without extension; unique within the sequence.
        frame: the image with its time.
        frame_id: coordinate frame in the message's header; empty where there is no message.
        recorded_ns: time at which a bag recorded the message, in nanoseconds; else the stamp.
        calibration: source of the frame's camera, or reason why a calibration is not used; "" where
            there is none.
    """

    name: str
    frame: Frame
    frame_id: str
    recorded_ns: int
    calibration: str = ""


@dataclass(frozen=True)
class DepthChoice:
    """Recorded depth that belongs to the images.

    Attributes:
        topic: of a bag; None: bags come without. Folders in the layout of TUM RGB-D say themselves
            where it is.
        slop_s: largest difference of the stamps of an image and its depth, in seconds.
    """

    topic: str | None
    slop_s: float


class FrameSource(Protocol):
    """The frames of one sequence in order; may be iterated many times."""

    @property
    def path(self) -> Path:
        """The input."""
        ...

    @property
    def name(self) -> str:
        """The sequence's name."""
        ...

    @property
    def length(self) -> int | None:
        """Number of frames that the input states; None where it states none."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second."""
        ...

    @property
    def bad_frames(self) -> Mapping[str, str]:
        """Name -> what is wrong with it, of the frames that were read last."""
        ...

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all frames that can be used.

        Raises:
            InputError: there is none, or the sequence as a whole cannot be read.
        """
        ...


@dataclass(frozen=True)
class DerivedSource:
    """Base of sequences made from another one: its path, name, length and rate.

    Attributes:
        source: the other one.
    """

    source: FrameSource

    @property
    def path(self) -> Path:
        """The input."""
        return self.source.path

    @property
    def name(self) -> str:
        """The sequence's name."""
        return self.source.name

    @property
    def length(self) -> int | None:
        """Number of frames; None if it is not known."""
        return self.source.length

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.source.fps

    @property
    def bad_frames(self) -> Mapping[str, str]:
        """Name -> what is wrong with it, of the frames that were read last."""
        return self.source.bad_frames


class SizeCheck:
    """Checks that all frames of a sequence have the first one's size.

    Args:
        remedy: last words of the error for a frame of another size.
    """

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: Frame, place: str) -> None:
        """Check the next frame.

        Raises:
            InputError: its size differs from the first one's; names `place`.
        """
        self._size = self._size or frame.size
        if frame.size != self._size:
            raise InputError(
                f"{place}: expected {self._size[1]}x{self._size[0]} like the first frame, "
                f"found {frame.size[1]}x{frame.size[0]}; {self._remedy}"
            )
