"""A clip of raw pixels with its truth as a sequence, such as that of `motion_seg demo`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.lab.evaluation.annotated import TruthMask


@dataclass(frozen=True)
class ClipFrames:
    """The frames of a clip, named by their index.

    Attributes:
        clip: where they are.
        name: of the sequence.
    """

    clip: RawClip
    name: str

    @property
    def path(self) -> Path:
        """The sequence's name."""
        return Path(self.name)

    @property
    def length(self) -> int:
        """Number of frames."""
        return len(self.clip)

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.clip.fps

    @property
    def bad_frames(self) -> Mapping[str, str]:
        """None: all are there."""
        return {}

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all frames."""
        for index in range(len(self.clip)):
            frame = self.clip.frame(index)
            yield SourceFrame(str(index), frame, "", frame.stamp_ns)


@dataclass(frozen=True)
class ClipSequence:
    """A clip that has truth; as in DAVIS 2016, its first and last frame are not scored.

    Attributes:
        clip: frames and truth, more than two.
        name: of the sequence.
    """

    clip: RawClip
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames, in order."""
        return tuple(map(str, range(len(self.clip))))

    @property
    def frames(self) -> ClipFrames:
        """All frames in order."""
        return ClipFrames(self.clip, self.name)

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of all frames but the first and the last."""
        return self.names[1:-1]

    def truth(self, name: str) -> TruthMask:
        """Return the truth of a frame."""
        return TruthMask(self.clip.truth(int(name)))
