"""Base of the readers of recordings: a frame that cannot be used costs itself alone."""

from __future__ import annotations

import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.stamp_order import DISORDER_NS
from motion_seg_ros.settings.stages import WindowConfig

MAX_NAMED = 10
"""Warnings about single frames of a sequence, after which they are counted. Set by hand."""

MAX_FAILED_DEPTH = 10
"""Depth images in a row, from the first on, after which no other is tried. Set by hand."""
LEFT_OUT = "it is left out"
WITHOUT_DEPTH = "the image is used without depth"
STARTS_ANEW = "the window starts anew"
LEAP_NS = int(WindowConfig.max_gap_s * 1e9)
"""A larger step forward begins a new stream."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BadFrame:
    """A recorded frame that cannot be used, or only in part.

    Attributes:
        name: as of a SourceFrame.
        place: where it is: a file, or a message of a bag.
        problem: what is wrong, without the place.
        instead: what is done with it, in words; "": it is left out.
    """

    name: str
    place: str
    problem: str
    instead: str = ""

    @classmethod
    def of(cls, name: str, place: str, error: Exception, **more: str) -> BadFrame:
        """Make one from an error, which may begin with the place."""
        return cls(name, place, str(error).removeprefix(f"{place}: "), **more)


class DepthTrials:
    """Refuses depth of which nothing can be used: it is the wrong topic, or not registered."""

    def __init__(self) -> None:
        self._first: InputError | None = None
        self._failed = 0
        self._good = False

    def succeed(self) -> None:
        """Note depth that can be used."""
        self._good = True

    def fail(self, place: str, error: Exception) -> None:
        """Note depth that cannot be used.

        Raises:
            InputError: `error`, or the first one, where too many fail before one succeeds.
        """
        if self._first is None:
            said = str(error)
            self._first = InputError(said if said.startswith(place) else f"{place}: {said}")
        self._failed += 1
        if self._failed == MAX_FAILED_DEPTH:
            self.end()

    def end(self) -> None:
        """Note that no more depth comes.

        Raises:
            InputError: none succeeded.
        """
        if self._first is not None and not self._good:
            raise self._first


class FrameReader(ABC):
    """Yields the frames of a recording that can be used, and tells the others in warnings.

    A frame of another size than the one before it begins a new stream, with a warning. A single one
    between two of one size is left out, and so is one whose stamp alone leaps away.

    Attributes:
        path: the recording.
    """

    path: Path

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._found = _Found(self._told)

    @property
    def bad_frames(self) -> Mapping[str, str]:
        """Name -> what is wrong with it, of the frames that were read last."""
        return self._found

    @property
    def left_out(self) -> Collection[str]:
        """Names of those of them that were not yielded."""
        return self._found.left_out

    def place(self, name: str) -> str:
        """Return where a bad frame is: a file, or a message of a bag."""
        return self._found.places[name]

    @abstractmethod
    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        """Yield all frames, in order of their stamps where they are nearly so; of one that can be
        used in part, what is wrong and then the frame.

        Raises:
            InputError: the recording as a whole cannot be read.
        """

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all frames that can be used.

        Raises:
            InputError: there is none, or the recording as a whole cannot be read.
        """
        self._found = found = _Found(self._told)
        usable = False
        for item in _without_strays(self.path, self._read()):
            if isinstance(item, BadFrame):
                found.add(item, at_once=usable)
                continue
            if not usable:
                found.tell()
                usable = True
            yield item
        if not usable:
            raise InputError(found.refusal or f"{self.path}: expected frames, found none")
        found.close(self.path)


class _Found(dict[str, str]):
    """Problems of frames, by name; told once for each, and not before a frame can be used:
    where none can, there is an error instead."""

    def __init__(self, told: set[str]) -> None:
        super().__init__()
        self.left_out: set[str] = set()
        self.places: dict[str, str] = {}
        self._told = told
        self._waiting: list[BadFrame] = []
        self._unnamed = 0

    @property
    def refusal(self) -> str:
        """The error where no frame can be used; "" where there is none at all."""
        if not self._waiting:
            return ""
        first = self._waiting[0]
        all_of = f" (no frame of {len(self)} can be used)" if len(self) > 1 else ""
        return f"{first.place}: {first.problem}{all_of}"

    def add(self, bad: BadFrame, *, at_once: bool) -> None:
        self[bad.name], self.places[bad.name] = bad.problem, bad.place
        if not bad.instead:
            self.left_out.add(bad.name)
        self._waiting.append(bad)
        if at_once:
            self.tell()

    def tell(self) -> None:
        for bad in self._waiting:
            if bad.name in self._told:
                continue
            self._told.add(bad.name)
            if len(self._told) <= MAX_NAMED:
                logger.warning("%s: %s; %s", bad.place, bad.problem, bad.instead or LEFT_OUT)
            else:
                self._unnamed += 1
        self._waiting.clear()

    def close(self, path: Path) -> None:
        if self._unnamed:
            logger.warning("%s: %d more frames like these", path, self._unnamed)


def _without_strays(
    path: Path, items: Iterator[SourceFrame | BadFrame]
) -> Iterator[SourceFrame | BadFrame]:
    """Yield the same, but for single frames whose size or stamp differs from those on both sides,
    which cannot be used; where the size changes for longer, also a BadFrame that says so."""
    last: SourceFrame | None = None
    waiting: SourceFrame | None = None
    for item in items:
        if isinstance(item, BadFrame):
            yield item
            continue
        if waiting is not None and last is not None:
            # A frame without a stamp says nothing about those of others.
            telling = item.frame.stamp_ns != 0 or waiting.frame.size != last.frame.size
            if telling and not _misfit(item, last):
                yield _stray(path, waiting, last)
            else:
                yield from _begun(path, waiting, last)
                last = waiting
            waiting = None
        if last is not None and _misfit(item, last):
            waiting = item
            continue
        yield item
        if last is None or item.frame.stamp_ns:  # the next is not compared with a stamp left out
            last = item
    if waiting is not None and last is not None:
        yield from _begun(path, waiting, last)


def _misfit(item: SourceFrame, last: SourceFrame) -> str:
    """Return how a frame differs from the one that it follows; "" where it can follow."""
    (height, width), (known_height, known_width) = item.frame.size, last.frame.size
    if item.frame.size != last.frame.size:
        return (
            f"expected {known_width}x{known_height} like the frame before, found {width}x{height}"
        )
    step_ns = item.frame.stamp_ns - last.frame.stamp_ns
    if item.frame.stamp_ns == 0 or -DISORDER_NS <= step_ns <= LEAP_NS:
        return ""
    return f"expected a stamp near those of its neighbours, found one {step_ns * 1e-9:+.3f} s away"


def _stray(path: Path, item: SourceFrame, last: SourceFrame) -> BadFrame:
    return BadFrame(item.name, f"{path}, frame {item.name}", _misfit(item, last))


def _begun(path: Path, item: SourceFrame, last: SourceFrame) -> Iterator[SourceFrame | BadFrame]:
    """Yield the first frame of a new stream; a step in time is told by the reset of the window."""
    if item.frame.size != last.frame.size:
        yield dataclasses.replace(_stray(path, item, last), instead=STARTS_ANEW)
    yield item
