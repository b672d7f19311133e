"""Merging of masks that belong to one object: they cover each other, or touch and move as one.

Source: Section 3.3 of Segment Any Motion in Videos (CVPR 2025) merges masks that overlap or lie in
one another; the measure is that of the authors' released code. Parts that only touch are not
merged there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.masks.prompted.clicks import PromptingRules, dilated
from motion_seg_ros.masks.prompted.grouping import LabelledTracks
from motion_seg_ros.types import BoolArray

# Set by hand:
MIN_TRACKS = 3  # of each part, to estimate its motion
ALIKE_QUANTILE = 0.8  # share of the tracks of each part that must follow the common motion


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A mask, cropped to its tightest upright box.

    Attributes:
        x: first column of the box, in pixels of the image.
        y: first row of the box.
        inside: (h, w) bool; (0, 0) of an empty mask.
        area: pixels of the mask.
    """

    x: int
    y: int
    inside: BoolArray
    area: int

    @classmethod
    def of(cls, mask: BoolArray) -> Silhouette:
        """Return the silhouette of an (H, W) mask."""
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        inside = mask[y : y + height, x : x + width].copy()
        return cls(x, y, inside, int(np.count_nonzero(inside)))

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the box takes up."""
        height, width = self.inside.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)

    def overlap(self, other: Silhouette) -> int:
        """Return the number of pixels that both have."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.inside.shape[1], other.x + other.inside.shape[1])
        bottom = min(self.y + self.inside.shape[0], other.y + other.inside.shape[0])
        if right <= left or bottom <= top:
            return 0
        own, others = (
            each.inside[top - each.y : bottom - each.y, left - each.x : right - each.x]
            for each in (self, other)
        )
        return int(np.count_nonzero(own & others))


Pair = tuple[Silhouette, Silhouette]


def covered(mask: Silhouette, by: Silhouette, rules: PromptingRules) -> bool:
    """Return whether so much of a mask lies in another one that it adds nothing."""
    return mask.area > 0 and mask.overlap(by) >= rules.merge_cover * mask.area


def one_in_frame(first: Silhouette, second: Silhouette, rules: PromptingRules) -> bool:
    """Return whether two masks of one frame belong to one object."""
    if first.area == 0 or second.area == 0:
        return False
    both = first.overlap(second)
    iou = both / (first.area + second.area - both)
    smaller = min(first.area, second.area)
    return iou > rules.merge_iou or both >= rules.merge_cover * smaller


def one_in_video(frames: Sequence[Pair], rules: PromptingRules) -> bool:
    """Return whether two objects, given by their masks in the same frames, are one."""
    if not frames:
        return False
    alike = sum(one_in_frame(first, second, rules) for first, second in frames)
    return alike > 0 and alike >= rules.merge_share * len(frames)


def touching(first: Silhouette, second: Silhouette, rules: PromptingRules, height: int) -> bool:
    """Return whether the surroundings of one mask reach into another one, in an image of this
    height."""
    reach = rules.dilation_side_px(height) * rules.dilation_steps
    around = dilated(np.pad(first.inside, reach), rules, height)
    area = int(np.count_nonzero(around))
    return Silhouette(first.x - reach, first.y - reach, around, area).overlap(second) > 0


def move_as_one(
    points: LabelledTracks, first: BoolArray, second: BoolArray, rules: PromptingRules
) -> bool:
    """Return whether two sets of tracks, (N,) bool each, follow one similarity transform.

    They are compared between the newest frame and each of two earlier ones: the earliest in which
    enough of both are visible, and the one half-way. False where that is not known.
    """
    frames = len(points.visible)
    now = points.visible[-1]
    both = [(points.visible[:, each & now]).sum(axis=1) >= MIN_TRACKS for each in (first, second)]
    known = np.flatnonzero(both[0] & both[1])
    if len(known) == 0 or frames - 1 - known[0] < rules.alike_frames:
        return False
    earliest, half = int(known[0]), int(known[len(known) // 2])
    limit_px = rules.alike_limit_px(points.size[0])
    return all(_alike(points, first, second, row, limit_px) for row in (earliest, half))


def _alike(
    points: LabelledTracks, first: BoolArray, second: BoolArray, row: int, limit_px: float
) -> bool:
    seen = points.visible[row] & points.visible[-1]
    some = seen & (first | second)
    before, now = (_complex(points.xy_px[each, some]) for each in (row, -1))
    before, now = before - before.mean(), now - now.mean()
    spread = float((np.abs(before) ** 2).sum())
    turn = (before.conj() * now).sum() / spread if spread > 0 else 1.0
    miss = np.abs(now - turn * before)
    return all(
        float(np.quantile(miss[each[some]], ALIKE_QUANTILE)) <= limit_px for each in (first, second)
    )


def _complex(xy: npt.NDArray[np.float32]) -> npt.NDArray[np.complex128]:
    return np.asarray(xy[:, 0].astype(np.float64) + 1j * xy[:, 1], np.complex128)
