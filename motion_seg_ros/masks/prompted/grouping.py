"""Grouping of moving tracks by object, with the help of a segmenter (stage one of prompting).

Source: Algorithm 1 of Segment Any Motion in Videos (CVPR 2025, supplement, Section 7), without its
hazards: no visible point, and a mask that misses its own click, end or cost one iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import (
    PromptingRules,
    best_frame,
    densest_point,
    dilated,
    pixels_of,
    points_in_image,
)
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, TrackLabels, Tracks

Click = Callable[[int, FloatArray], FloatArray]
"""motion_seg_ros.masks.prompted.segmenter.Segmenter.click."""


@dataclass(frozen=True, eq=False)
class LabelledTracks:
    """Labelled tracks over the frames of a window, as prompting sees them.

    Attributes:
        first_index: index in the stream of the first of T frames.
        size: (H, W) of the image.
        ids: (N,) int64, ascending.
        xy_px: (T, N, 2) float32.
        visible: (T, N) bool: visible, and on a pixel of the image.
        pixel: (T, N) int64, y * W + x of that pixel; 0 where not visible.
        probability: (N,) float32 that the track moves, NaN where unlabelled.
        moving: (N,) bool.
    """

    first_index: int
    size: tuple[int, int]
    ids: Int64Array
    xy_px: FloatArray
    visible: BoolArray
    pixel: Int64Array
    probability: FloatArray
    moving: BoolArray

    @classmethod
    def of(
        cls, tracks: Tracks, labels: TrackLabels, newest_index: int, size: tuple[int, int]
    ) -> LabelledTracks:
        """Combine tracks that end at the frame `newest_index` of the stream with their labels."""
        visible = np.asarray(tracks.visible & points_in_image(tracks.xy_px, size), bool)
        pixel = np.zeros(visible.shape, np.int64)
        pixel[visible] = pixels_of(tracks.xy_px[visible]) @ (1, size[1])
        return cls(
            first_index=newest_index + 1 - len(tracks.visible),
            size=size,
            ids=tracks.ids,
            xy_px=tracks.xy_px,
            visible=visible,
            pixel=pixel,
            probability=labels.moving_probability,
            moving=labels.moving,
        )

    @classmethod
    def none(cls, newest_index: int, size: tuple[int, int]) -> LabelledTracks:
        """Return no tracks, in one frame of the stream."""
        return cls.of(Tracks.empty(1), TrackLabels.abstain(0, "none"), newest_index, size)

    @property
    def newest(self) -> int:
        """Index in the stream of the last frame."""
        return self.first_index + len(self.visible) - 1

    @property
    def judged(self) -> BoolArray:
        """Mask of the tracks that the labeller gave a probability, (N,) bool."""
        return np.asarray(np.isfinite(self.probability))

    @property
    def indices(self) -> range:
        """Indices in the stream of the frames."""
        return range(self.first_index, self.first_index + len(self.visible))

    def seen(self, index: int) -> BoolArray:
        """Return (N,) bool: visible in the frame `index` of the stream."""
        return np.asarray(self.visible[index - self.first_index])

    def at(self, index: int) -> FloatArray:
        """Return the (N, 2) float32 positions in the frame `index` of the stream."""
        return np.asarray(self.xy_px[index - self.first_index])

    def within(self, index: int, mask: BoolArray) -> BoolArray:
        """Return (N,) bool: visible in the frame `index` of the stream, in its (H, W) mask."""
        return np.asarray(self.seen(index) & mask.take(self.pixel[index - self.first_index]))

    def moving_share(self, within: BoolArray) -> float:
        """Return the share of moving tracks among the labelled of (N,) tracks; NaN where there are
        none."""
        labelled = within & self.judged
        return float(self.moving[labelled].mean()) if labelled.any() else float("nan")


@dataclass(frozen=True, eq=False)
class Group:
    """Moving tracks on one object.

    Attributes:
        index: index in the stream of the frame it was found in.
        mask: (H, W) bool, the segmenter's there.
        members: (N,) bool, the tracks visible in the mask there.
    """

    index: int
    mask: BoolArray
    members: BoolArray


def group_tracks(
    points: LabelledTracks,
    chosen: BoolArray,
    indices: Sequence[int],
    click: Click,
    rules: PromptingRules,
) -> list[Group]:
    """Group some tracks, each into one group at most; return the groups in the order found.

    Args:
        points: all tracks, including static ones.
        chosen: (N,) bool, the tracks to group.
        indices: frames of the stream to click in, ascending, all of them frames of `points`.
        click: called once an iteration at most.
        rules: the constants.
    """
    left = chosen.copy()
    rows = np.asarray(indices, np.int64) - points.first_index
    take_all = bool(np.count_nonzero(left) <= rules.few_tracks)
    groups: list[Group] = []
    for iteration in range(rules.iterations(len(indices))):
        too_few = np.count_nonzero(left) < rules.min_remaining
        if too_few and not (take_all and iteration == 0):
            break
        frame = best_frame(np.count_nonzero(points.visible[rows][:, left], axis=1), rules.top_share)
        if frame is None:
            break
        index = indices[frame]
        visible = np.flatnonzero(left & points.seen(index))
        clicked = visible[densest_point(points.at(index)[visible], rules.neighbours)]
        mask = np.asarray(click(index, points.at(index)[clicked][None]) > 0)
        around = left & points.within(index, dilated(mask, rules))
        inside = left & points.within(index, mask)
        left[clicked] = False
        if not around[clicked]:
            continue
        if not is_moving(points, index, mask, rules):
            left &= ~inside  # only these: a mover may be next to it
            continue
        left &= ~around
        many = np.count_nonzero(around) >= rules.min_points
        enough = many and np.count_nonzero(inside) >= rules.min_points_inside
        if inside.any() and (enough or take_all):
            groups.append(Group(index, mask, inside))
    return groups


def is_moving(points: LabelledTracks, index: int, mask: BoolArray, rules: PromptingRules) -> bool:
    """Return whether enough of the labelled tracks visible in an (H, W) mask of a frame move; True
    where there are none."""
    return not points.moving_share(points.within(index, mask)) < rules.min_moving_share
