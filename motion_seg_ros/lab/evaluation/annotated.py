"""Interfaces of data sets and methods: frames with their truth, and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.types import BoolArray, Frame, UInt16Array


@dataclass(frozen=True, eq=False)
class TruthMask:
    """Ground truth of one frame.

    Attributes:
        id_map: (H, W) uint16, 0 = static, k = the mover k, the same in all frames of the sequence.
        ignored: (H, W) bool, pixels that do not count; None if all do.
        things: name -> (H, W) bool, pixels of a static thing in sight, which are scored by
            themselves too.
        moving: ids that move in this very frame, others stand still; None: not known.
        traits: what else of the frame is hard; of motion_seg_ros.lab.synthetic.traits.TRAITS.
    """

    id_map: UInt16Array
    ignored: BoolArray | None = None
    things: Mapping[str, BoolArray] = field(default_factory=dict)
    moving: frozenset[int] | None = None
    traits: frozenset[str] = frozenset()


class AnnotatedSequence(Protocol):
    """The frames of one sequence, some or all of them with their truth."""

    @property
    def name(self) -> str:
        """The sequence's name, unique in its data set."""
        ...

    @property
    def frames(self) -> FrameSource:
        """All frames in order."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames in order, those that cannot be read among them."""
        ...

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the frames that are scored, in order: those with truth but those that the data
        set's own evaluation leaves out (DAVIS: the first and the last)."""
        ...

    def truth(self, name: str) -> TruthMask:
        """Return the truth of a scored frame, of the frame's size.

        Raises:
            InputError: it cannot be read, or has another size than its frame.
        """
        ...


class Method(Protocol):
    """Anything that masks the frames of one sequence in order."""

    def push(self, frame: Frame) -> UInt16Array:
        """Return the masks of the next frame, (H, W) uint16, 0 = static, k = object k."""
        ...


MethodFactory = Callable[[], Method]
"""Makes a fresh method, one for each sequence."""
