"""A sequence with truth that is made of arrays, for the tests of what changes sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.types import Frame

PERIOD_NS = 50_000_000


def grey(levels: float, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    """(H, W, 3) uint8 of one level."""
    return np.full((*size, 3), levels, np.uint8)


@dataclass(frozen=True)
class MadeUpFrames:
    """Frames of one image, whose depth is the number of the frame in metres."""

    image: np.ndarray
    stamps_ns: Sequence[int]
    camera: Camera | None = None
    path: Path = Path("made_up")
    name: str = "made_up"
    fps: float = 1e9 / PERIOD_NS
    bad_frames: Mapping[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return len(self.stamps_ns)

    def __iter__(self) -> Iterator[SourceFrame]:
        for index, stamp_ns in enumerate(self.stamps_ns):
            depth = np.full(self.image.shape[:2], index, np.float32)
            frame = Frame(self.image, stamp_ns, depth, self.camera)
            yield SourceFrame(f"{index:03d}", frame, "", stamp_ns)


@dataclass(frozen=True)
class MadeUpSequence:
    """Those frames; the truth of a frame is that of all."""

    frames: MadeUpFrames
    mask: TruthMask
    scored: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.frames.name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{index:03d}" for index in range(self.frames.length))

    def truth(self, name: str) -> TruthMask:
        assert name in self.scored
        return self.mask


def made_up(
    image: np.ndarray | None = None,
    frames: int = 12,
    scored: Sequence[int] | None = None,
    *,
    stamps_ns: Sequence[int] | None = None,
    camera: Camera | None = None,
    mask: TruthMask | None = None,
) -> MadeUpSequence:
    """A sequence of one image, grey by default, of which all frames are scored by default."""
    image = grey(100) if image is None else image
    stamps = [PERIOD_NS * each for each in range(frames)] if stamps_ns is None else stamps_ns
    numbers = range(len(stamps)) if scored is None else scored
    nothing = TruthMask(np.zeros(image.shape[:2], np.uint16))
    names = tuple(f"{each:03d}" for each in numbers)
    return MadeUpSequence(MadeUpFrames(image, stamps, camera), mask or nothing, names)
