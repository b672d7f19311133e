"""Streaming segmenter over SAM 2 or EdgeTAM: which frames are kept and objects followed.

Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024; Zhou et al., EdgeTAM: On-Device
Track Anything Model, CVPR 2025.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.types import FloatArray, Frame

if TYPE_CHECKING:
    from motion_seg_ros.masks.sam2.network import ObjectMemory, Sam2Network

LEAST_KEPT = 4  # frames: below it little can be found late; set by hand


@dataclass(frozen=True)
class _Seen:
    """A frame whose features are kept."""

    position: int
    size: tuple[int, int]


@dataclass(eq=False)
class _Followed:
    """A followed object, the position it was started at, and the last frame it was followed to."""

    memory: ObjectMemory
    first: int
    index: int
    position: int


class Sam2Segmenter:
    """Implements motion_seg_ros.masks.prompted.segmenter.Segmenter over a network of the SAM 2
    family.

    `click` segments with an empty memory that is then dropped, so its logits are those that `start`
    would give.

    Args:
        network: computes features and logits.
        kept: number of newest frames whose features are kept: how far back an object can be
            started and caught up.

    Raises:
        DeviceMemoryError: from `see`, `click`, `start`, `prompt` and `follow`; the segmenter can
            be used again after a reset.
    """

    def __init__(self, network: Sam2Network, *, kept: int) -> None:
        self._network = network
        self._kept = kept
        self._frames: dict[int, _Seen] = {}  # by index, ascending
        self._objects: dict[int, _Followed] = {}  # by id
        self._last = _Seen(-1, (0, 0))
        self._last_index = -1

    def see(self, frame: Frame, index: int) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        if index <= self._last_index:
            raise InputError(
                f"segmenter: expected a frame after {self._last_index}, found {index}; reset it to "
                "begin another stream"
            )
        # First, so that with the oldest frame's features gone there is room for the new ones.
        while len(self._frames) >= self._kept:
            self._network.forget(self._frames.pop(next(iter(self._frames))).position)
        seen = _Seen(self._last.position + 1, frame.size)
        self._network.encode(seen.position, frame.image_bgr)
        self._frames[index] = self._last = seen
        self._last_index = index

    def kept(self) -> Sequence[int]:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        return tuple(self._frames)

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        seen, clicks = self._seen(index), _checked(xy_px)
        memory = self._network.new_memory()
        return memory.segment(seen.position, seen.size, clicks, remember=False)

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        if object_id in self._objects:
            raise InputError(
                f"segmenter: expected a new object, found {object_id}, which is known; prompt it, "
                "or remove it first"
            )
        seen, clicks = self._seen(index), _checked(xy_px)
        memory = self._network.new_memory()
        logits = memory.segment(seen.position, seen.size, clicks, remember=True)
        self._objects[object_id] = _Followed(memory, seen.position, index, seen.position)
        return logits

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        followed, seen, clicks = self._followed(object_id), self._seen(index), _checked(xy_px)
        if followed.first <= seen.position <= followed.position:
            return followed.memory.segment(seen.position, seen.size, clicks, remember=True)
        return self._advance(object_id, index, clicks)

    def follow(self, object_id: int, index: int) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        return self._advance(object_id, index, None)

    def remove(self, object_id: int) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        self._followed(object_id)
        del self._objects[object_id]

    def reset(self) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        for seen in self._frames.values():
            self._network.forget(seen.position)
        self._frames.clear()
        self._objects.clear()
        self._last = _Seen(-1, (0, 0))
        self._last_index = -1

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks."""
        if self._kept <= LEAST_KEPT:
            return None
        self._kept = max(LEAST_KEPT, self._kept // 2)
        return f"sam2 keeps {self._kept} frames"

    def _advance(self, object_id: int, index: int, xy_px: FloatArray | None) -> FloatArray:
        followed, seen = self._followed(object_id), self._seen(index)
        if seen.position != followed.position + 1:
            raise InputError(
                f"segmenter: expected the frame after {followed.index}, to which object "
                f"{object_id} was followed last, found {index}; follow it from frame to frame"
            )
        logits = followed.memory.segment(seen.position, seen.size, xy_px, remember=True)
        followed.index, followed.position = index, seen.position
        return logits

    def _seen(self, index: int) -> _Seen:
        seen = self._frames.get(index)  # once: another thread may forget it in between
        if seen is None:
            kept = self.kept()
            which = f"{kept[0]} to {kept[-1]}" if kept else "none yet"
            raise InputError(
                f"segmenter: expected one of the {len(kept)} frames kept ({which}), found {index}; "
                "keep more frames to go further back"
            )
        return seen

    def _followed(self, object_id: int) -> _Followed:
        if object_id not in self._objects:
            raise InputError(
                f"segmenter: expected one of the {len(self._objects)} objects known, found "
                f"{object_id}; start it first"
            )
        return self._objects[object_id]


def _checked(xy_px: FloatArray) -> FloatArray:
    if xy_px.ndim != 2 or xy_px.shape[1] != 2 or not len(xy_px) or not np.isfinite(xy_px).all():
        raise InputError(
            f"segmenter: expected (K, 2) clicks x, y in pixels, K at least 1, all finite, found "
            f"{xy_px.shape}: {xy_px.tolist()}; leave out what is not visible"
        )
    return np.asarray(xy_px, np.float32)
