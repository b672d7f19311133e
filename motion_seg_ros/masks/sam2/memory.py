"""Bounded memory of one object: what later frames of SAM 2 can still read of it.

The library keeps "cond_frame_outputs" (frames with clicks) and "non_cond_frame_outputs" (frames the
object was followed to) by position and never forgets any. A later frame reads the memories of the
last frames, the object pointers of some more, and both of the frames with clicks (Ravi et al. 2024,
Section 4, "Memory bank").
"""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from typing import Any

from motion_seg_ros.errors import ConfigError

CLICKED = "cond_frame_outputs"
FOLLOWED = "non_cond_frame_outputs"
POINTER = ("object_pointer",)
MEMORY_AND_POINTER = ("maskmem_features", "maskmem_pos_enc", *POINTER)

Outputs = MutableMapping[str, MutableMapping[int, MutableMapping[str, Any]]]
"""CLICKED and FOLLOWED -> position -> name -> tensor."""


@dataclass(frozen=True)
class MemoryLimits:
    """Limits on what is kept of an object's past.

    Attributes:
        memories: last frames whose memory is attended to, the current one included: 1 to as many
            as the network was trained with (7); fewer are faster.
        pointers: last frames whose object pointer is attended to, the current one included: as
            many as memories to as many as the network was trained with (16).
        clicked: last frames with clicks whose memory and pointer are kept.
    """

    memories: int
    pointers: int
    clicked: int

    def check(self, most_memories: int, most_pointers: int) -> None:
        """Compare with the numbers that a network was trained with.

        Raises:
            ConfigError: names the first limit that is out of range.
        """
        for name, found, least, most in (
            ("memory_frames", self.memories, 1, most_memories),
            # The network looks for a pointer wherever it finds a memory.
            ("pointer_frames", self.pointers, self.memories, most_pointers),
        ):
            if not least <= found <= most:
                raise ConfigError(f"masks.sam2.{name}: expected {least} to {most}, found {found}")
        if self.clicked < 1:
            raise ConfigError(f"segmenter clicked: expected at least 1, found {self.clicked}")


def forget_unneeded(outputs: Outputs, position: int, limits: MemoryLimits) -> None:
    """Drop what no frame after `position` can read.

    Args:
        outputs: those of one object; changed in place.
        position: the newest segmented frame.
        limits: what stays.
    """
    clicked, followed = outputs[CLICKED], outputs[FOLLOWED]
    for old in sorted(clicked)[: -limits.clicked]:
        del clicked[old]
    for output in clicked.values():
        _keep(output, MEMORY_AND_POINTER)
    for old in list(followed):
        age = position + 1 - old  # in the next frame
        if old in clicked or age >= limits.pointers:
            del followed[old]
        else:
            _keep(followed[old], MEMORY_AND_POINTER if age < limits.memories else POINTER)


def _keep(output: MutableMapping[str, Any], names: Collection[str]) -> None:
    for name in [each for each in output if each not in names]:
        del output[name]
