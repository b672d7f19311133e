"""Segmenters that know the truth of a drawn scene, and tell it wholly, in parts, or beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from drawn_scene import ShownScene, connected

from motion_seg_ros.errors import InputError
from motion_seg_ros.flow.lookup import pixel_grid
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Int64Array

Target = tuple[int, int]
"""Number of a thing, and which part of it."""


class OracleSegmenter:
    """Answers with the true mask of the thing under most of the clicks; strict about its contract.

    Args:
        scene: the truth; frame t of it is index t.
        keep: frames whose features are kept.
        parts: 1: whole things; 2: left and right halves; 4: quarters.
        ground: whether a click on the ground answers with all the ground around it; otherwise with
            nothing.
    """

    def __init__(
        self, scene: ShownScene, *, keep: int = 16, parts: int = 1, ground: bool = True
    ) -> None:
        self.scene, self.parts, self.ground = scene, parts, ground
        self.frames: deque[int] = deque(maxlen=keep)
        self.followed: dict[int, tuple[Target, int]] = {}
        self.used: set[int] = set()
        self.clicks: list[tuple[int, FloatArray]] = []
        self.prompts: list[tuple[int, int, int]] = []  # object, frame, clicks
        self.calls = 0

    def see(self, frame: Frame, index: int) -> None:
        if self.frames and index <= self.frames[-1]:
            raise InputError(f"frame {index} after {self.frames[-1]}")
        np.testing.assert_array_equal(frame.image_bgr, self.scene.frame(index).image_bgr)
        self.frames.append(index)

    def kept(self) -> Sequence[int]:
        return list(self.frames)

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        self._need(index)
        assert xy_px.shape[1:] == (2,)
        assert len(xy_px) > 0
        self.clicks.append((index, xy_px))
        x, y = np.rint(xy_px[0]).astype(int)
        return self._logits(self._mask(self._target(index, xy_px), index, (x, y)))

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        self._need(index)
        if object_id in self.used:
            raise InputError(f"object {object_id} was given before")
        self.used.add(object_id)
        self.calls += 1
        self.followed[object_id] = self._target(index, xy_px), index
        return self._answer(object_id)

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        last = self.followed[object_id][1] if object_id in self.followed else index
        if index > last:
            self._advance(object_id, index)
            last = index
        self._need(index)
        self.prompts.append((object_id, index, len(xy_px)))
        target = self._target(index, xy_px)
        self.followed[object_id] = target, last
        return self._logits(self._mask(target, index, None))

    def follow(self, object_id: int, index: int) -> FloatArray:
        self._advance(object_id, index)
        return self._answer(object_id)

    def remove(self, object_id: int) -> None:
        if object_id not in self.followed:
            raise InputError(f"object {object_id} is not known")
        del self.followed[object_id]

    def reset(self) -> None:
        self.frames.clear()
        self.followed.clear()

    def _need(self, index: int) -> None:
        if index not in self.frames:
            raise InputError(f"frame {index} is not kept")

    def _advance(self, object_id: int, index: int) -> None:
        self._need(index)
        self.calls += 1
        if object_id not in self.followed:
            raise InputError(f"object {object_id} is not known")
        target, last = self.followed[object_id]
        if index != last + 1:
            raise InputError(f"object {object_id} is in frame {last}, not before {index}")
        self.followed[object_id] = target, index

    def _answer(self, object_id: int) -> FloatArray:
        target, index = self.followed[object_id]
        return self._logits(self._mask(target, index, None))

    def _target(self, index: int, xy_px: FloatArray) -> Target:
        x, y = np.rint(xy_px).astype(int).T
        numbers = self.scene.regions(index)[y, x]
        number = int(np.bincount(numbers).argmax())
        if number == 0:
            return 0, 0
        part = self._part_map(number, index)[y, x][numbers == number]
        return number, int(np.bincount(part).argmax())

    def _part_map(self, number: int, index: int) -> Int64Array:
        """(H, W) the part that each pixel would be in, were it the thing's."""
        if self.parts == 1:
            return np.zeros(self.scene.size, np.int64)
        right, below = (pixel_grid(self.scene.size) > self.scene.centre(number, index)).transpose(
            2, 0, 1
        )
        return right.astype(np.int64) + (2 * below if self.parts == 4 else 0)

    def _mask(self, target: Target, index: int, at: tuple[int, int] | None) -> BoolArray:
        number, part = target
        mask = self.scene.regions(index) == number
        if number:
            return np.asarray(mask & (self._part_map(number, index) == part))
        if not self.ground:
            return np.zeros(self.scene.size, bool)
        return mask if at is None else connected(mask, *at)

    def _logits(self, mask: BoolArray) -> FloatArray:
        return np.where(mask, 8, -8).astype(np.float32)


class BesideSegmenter(OracleSegmenter):
    """Answers clicks with a mask that is not where they are."""

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        super().click(index, xy_px)
        x, _ = np.rint(xy_px[0]).astype(int)
        mask = np.zeros(self.scene.size, bool)
        mask[:, : 20 if x >= self.scene.size[1] // 2 else 0] = True
        return self._logits(mask)


class EmptySegmenter(OracleSegmenter):
    """Answers clicks with nothing."""

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        super().click(index, xy_px)
        return self._logits(np.zeros(self.scene.size, bool))


class NestedSegmenter(OracleSegmenter):
    """Answers clicks near the middle of a thing with a box there, others with all of the thing."""

    half = 10  # px

    def _part_map(self, number: int, index: int) -> Int64Array:
        away = np.abs(pixel_grid(self.scene.size) - self.scene.centre(number, index))
        return (away < self.half).all(axis=-1).astype(np.int64)

    def _mask(self, target: Target, index: int, at: tuple[int, int] | None) -> BoolArray:
        number, part = target
        if number == 0 or part == 1:
            return super()._mask(target, index, at)
        return np.asarray(self.scene.regions(index) == number)


class GrowingSegmenter(OracleSegmenter):
    """Tells halves of things, and the whole things from some frame on."""

    def __init__(self, scene: ShownScene, whole_from: int) -> None:
        super().__init__(scene, parts=2)
        self.whole_from = whole_from

    def _mask(self, target: Target, index: int, at: tuple[int, int] | None) -> BoolArray:
        if target[0] and index >= self.whole_from:
            return np.asarray(self.scene.regions(index) == target[0])
        return super()._mask(target, index, at)


class LeakingSegmenter(OracleSegmenter):
    """Answers clicks with everything but the ground, after some frames."""

    well_until = 12

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        logits = super().click(index, xy_px)
        if index < self.well_until:
            return logits
        return self._logits(self.scene.regions(index) > 0)


class SlippingSegmenter(OracleSegmenter):
    """Takes a thing that is not seen for what is seen in its place."""

    def _mask(self, target: Target, index: int, at: tuple[int, int] | None) -> BoolArray:
        mask = super()._mask(target, index, at)
        if mask.any() or target[0] == 0:
            return mask
        x, y = self.scene.centre(target[0], index)
        return np.asarray(self.scene.regions(index) == self.scene.regions(index)[y, x])


class LosingSegmenter(OracleSegmenter):
    """Loses all objects in some frame: they have no mask any more, until they are prompted.

    Args:
        scene: the truth.
        lost_at: the frame.
        strays: the masks are then the ground, instead of nothing.
        prompts_help: whether a prompt brings an object back.
    """

    def __init__(
        self, scene: ShownScene, lost_at: int, *, strays: bool = False, prompts_help: bool = True
    ) -> None:
        super().__init__(scene)
        self.lost_at, self.strays, self.prompts_help = lost_at, strays, prompts_help
        self.lost: set[int] = set()

    def follow(self, object_id: int, index: int) -> FloatArray:
        logits = super().follow(object_id, index)
        if index == self.lost_at:
            self.lost.add(object_id)
        return self._lost(index) if object_id in self.lost else logits

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        logits = super().prompt(object_id, index, xy_px)
        if self.prompts_help:
            self.lost.discard(object_id)
        return self._lost(index) if object_id in self.lost else logits

    def _lost(self, index: int) -> FloatArray:
        return self._logits((self.scene.regions(index) == 0) & self.strays)
