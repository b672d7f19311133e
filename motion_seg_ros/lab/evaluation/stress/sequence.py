"""A sequence of a data set under a condition."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.io.base import DerivedSource, FrameSource, SourceFrame
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence, TruthMask
from motion_seg_ros.lab.evaluation.stress.conditions import Condition


@dataclass(frozen=True)
class StressedFrames(DerivedSource):
    """The frames of a sequence as a condition shows them; the same ones on each iteration.

    Attributes:
        source: the frames as they are.
        condition: changes them.
        shown: names of those that are shown, in order.
        of: number of all frames.
        seed: determines what is drawn at random, together with the names of condition, sequence
            and frame: order and number of processes change nothing.
    """

    condition: Condition
    shown: tuple[str, ...]
    of: int
    seed: int

    @property
    def length(self) -> int:
        """Number of frames that are shown."""
        return len(self.shown)

    @property
    def fps(self) -> float:
        """Frames per second that are shown."""
        return self.source.fps * len(self.shown) / self.of

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield the frames that are shown, changed."""
        wanted = frozenset(self.shown)
        chosen = (each for each in self.source if each.name in wanted)
        draw = functools.partial(drawn, self.seed, self.condition.name, self.name)
        return self.condition.played(chosen, draw)


@dataclass(frozen=True)
class StressedSequence:
    """A sequence with its truth under a condition.

    Attributes:
        sequence: as it is.
        condition: changes its frames, and the size of its truth.
        seed: see StressedFrames.
        camera: calibration of the sequence's frames; None: as the sequence has it.
    """

    sequence: AnnotatedSequence
    condition: Condition
    seed: int = 0
    camera: CameraFile | None = None

    @property
    def name(self) -> str:
        """The sequence's name."""
        return self.sequence.name

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the frames that are shown, in order."""
        rng = drawn(self.seed, self.condition.name, self.name, "")
        return self.condition.shown(self.sequence.names, self.sequence.scored, rng)

    @property
    def frames(self) -> FrameSource:
        """The frames that are shown, in order."""
        source = calibrated(self.sequence.frames, self.camera)
        of = len(self.sequence.names)
        return StressedFrames(source, self.condition, self.names, of, self.seed)

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the scored frames that are shown, in order."""
        shown = frozenset(self.names)
        return tuple(each for each in self.sequence.scored if each in shown)

    def truth(self, name: str) -> TruthMask:
        """Return the truth of a scored frame, of the size of the frame that is shown.

        Raises:
            InputError: it cannot be read.
        """
        return self.condition.truth(self.sequence.truth(name))


def drawn(seed: int, condition: str, sequence: str, frame: str) -> np.random.Generator:
    """Return the source of randomness of a frame, or of a sequence where `frame` is empty."""
    text = "/".join((condition, sequence, frame)).encode("utf-8", "surrogateescape")
    return np.random.default_rng([seed, zlib.crc32(text)])
