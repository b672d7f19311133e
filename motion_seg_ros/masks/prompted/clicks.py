"""Rules and geometry of iterative prompting: where to click.

Source: Segment Any Motion in Videos (CVPR 2025), Section 3.3 and Algorithm 1 of its supplement
(https://motion-seg.github.io).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, UInt8Array

ClickMask = Callable[[FloatArray], BoolArray]
"""Maps (K, 2) clicks in some frame to the segmenter's (H, W) bool mask."""

ROWS_AT_ONCE = 512  # of the matrix of distances, to bound its memory; set by hand


@dataclass(frozen=True)
class PromptingRules:
    """All constants of iterative prompting.

    The paper states: the fullest frame, one click on the densest point, dilation before points are
    taken out, `few_tracks`, `min_remaining`, three clicks in stage two, and that there are an
    interval, a largest number of iterations and a test of "sufficient points", without their
    values. Those are taken from the authors' released code, as are all of the merging's.

    Attributes:
        top_share: a click is made in the frame that is the middle in time of this share of the
            frames, those with most visible points; 0: in the fullest frame (the newest of equals).
        neighbours: the densest point has the smallest summed distance to this many nearest
            others; 0: to all others, which is the medoid.
        dilation_kernel_px: side of the square that masks are dilated by,
        dilation_steps: this many times in a row.
        reference_height_px: lengths in pixels are meant for images of this height, and are in
            proportion in others; 0: they are the same in all.
        frames_per_iteration: frames for which there is one iteration of grouping,
        min_iterations: but at least so many
        max_iterations: and at most so many.
        few_tracks: with no more tracks than these at the start, whatever is found is an object.
        min_remaining: grouping stops when fewer tracks are left.
        min_points: visible tracks in the dilated mask of an object, at least,
        min_points_inside: of which so many lie in the mask itself.
        min_moving_share: of the labelled tracks visible in the mask, at least this share moves.
        always_spread: stage two clicks the densest point and the two furthest from it. False: only
            the densest point, unless its mask holds less than `covered_share` of the points: then
            the point nearest to their centroid and the two furthest from that one.
        covered_share: see above.
        prompt_interval: frames from one prompt of an object to the next.
        min_prompt_points: tracks of an object that must be visible for a prompt.
        merge_iou: two masks are one object in a frame if their intersection over union is above
            this,
        merge_cover: or if so much of either lies in the other;
        merge_share: they are one object if that holds in so many of the frames.
        alike_px: masks that touch are one object as well if their tracks follow one motion (a
            similarity transform of the image) but for this; 0: never because they touch.
        alike_frames: over which they must do so, at least.
    """

    top_share: float = 0.0
    neighbours: int = 8
    dilation_kernel_px: int = 6
    dilation_steps: int = 3
    reference_height_px: int = 0
    frames_per_iteration: int = 16
    min_iterations: int = 5
    max_iterations: int = 10
    few_tracks: int = 5
    min_remaining: int = 6
    min_points: int = 6
    min_points_inside: int = 1
    min_moving_share: float = 0.0
    always_spread: bool = True
    covered_share: float = 0.7
    prompt_interval: int = 16
    min_prompt_points: int = 1
    merge_iou: float = 0.9
    merge_cover: float = 0.9
    merge_share: float = 0.3
    alike_px: float = 0.0
    alike_frames: int = 12

    @classmethod
    def paper(cls) -> PromptingRules:
        """Return the paper's rules; the meaning of "densest" is our reading (`neighbours`)."""
        return cls()

    @classmethod
    def authors(cls) -> PromptingRules:
        """Return the rules of the authors' released code."""
        return cls(top_share=0.2, neighbours=0, always_spread=False)

    @classmethod
    def online(cls) -> PromptingRules:
        """Return the paper's rules, adapted by hand to endless streams: some labels are wrong,
        small movers count, parts are merged."""
        return cls(
            reference_height_px=480,
            few_tracks=0,
            min_remaining=4,
            min_points=4,
            min_moving_share=0.5,
            min_prompt_points=3,
            alike_px=1.0,
        )

    def iterations(self, frames: int) -> int:
        """Return the most iterations of grouping over a window of so many frames."""
        wanted = -(-frames // self.frames_per_iteration)
        return min(max(wanted, self.min_iterations), self.max_iterations)

    def dilation_side_px(self, height: int) -> int:
        """Return the side of the square that masks of an image of this height are dilated by; odd
        where it is in proportion, so that they grow alike on all sides."""
        side = self._in_proportion(self.dilation_kernel_px, height)
        return round(side) | 1 if self.reference_height_px else self.dilation_kernel_px

    def alike_limit_px(self, height: int) -> float:
        """Return `alike_px` for an image of this height."""
        return self._in_proportion(self.alike_px, height)

    def _in_proportion(self, length_px: float, height: int) -> float:
        reference = self.reference_height_px
        return length_px * height / reference if reference else length_px


def best_frame(counts: Int64Array, top_share: float) -> int | None:
    """Choose the frame to click in.

    Args:
        counts: (F,) visible points of each frame, in the order of time.
        top_share: see PromptingRules.

    Returns:
        Index into `counts`; None where no frame has a visible point.
    """
    if not counts.any():
        return None
    newest_first = counts[::-1]
    fullest = len(counts) - 1 - int(newest_first.argmax())
    top = int(top_share * len(counts))
    if top == 0:
        return fullest
    order = np.argsort(-newest_first, kind="stable")[:top]
    middle = int(np.sort(len(counts) - 1 - order)[top // 2])
    return middle if counts[middle] else fullest


def densest_point(xy_px: FloatArray, neighbours: int) -> int:
    """Return the index of the densest of (N, 2) points, N at least 1, the first of equals; see
    PromptingRules.neighbours."""
    count = len(xy_px)
    nearest = min(neighbours, count - 1)
    sums = np.zeros(count)
    for start in range(0, count, ROWS_AT_ONCE):
        step = xy_px[start : start + ROWS_AT_ONCE, None].astype(np.float64) - xy_px[None]
        distance = np.hypot(step[..., 0], step[..., 1])
        if nearest:
            distance = np.partition(distance, nearest, axis=1)[:, : nearest + 1]
        sums[start : start + ROWS_AT_ONCE] = distance.sum(axis=1)
    return int(sums.argmin())


def with_two_furthest(xy_px: FloatArray, point: int) -> FloatArray:
    """Return (K, 2) one of (N, 2) points and the two furthest from it; K is 3, or N if less."""
    distance = np.linalg.norm(xy_px - xy_px[point], axis=1)
    distance[point] = np.inf
    order = np.argsort(-distance, kind="stable")[:3]
    return np.asarray(xy_px[order], np.float32)


def stage_two_clicks(xy_px: FloatArray, mask_of: ClickMask, rules: PromptingRules) -> FloatArray:
    """Return (K, 2) clicks on an object whose visible tracks are at (N, 2), N at least 1.

    Args:
        xy_px: positions, inside the image.
        mask_of: the segmenter, in that frame.
        rules: which clicks.
    """
    densest = densest_point(xy_px, rules.neighbours)
    if rules.always_spread:
        return with_two_furthest(xy_px, densest)
    one = np.asarray(xy_px[densest : densest + 1], np.float32)
    if points_inside(xy_px, mask_of(one)).mean() >= rules.covered_share:
        return one
    centre = int(np.linalg.norm(xy_px - xy_px.mean(axis=0), axis=1).argmin())
    return with_two_furthest(xy_px, centre)


def pixels_of(xy_px: FloatArray) -> Int64Array:
    """Return (..., 2) int64 x, y of the pixels that points are on; (-1, -1), outside of every
    image, for positions that are not finite."""
    far = np.nan_to_num(xy_px, nan=-1.0, posinf=-1.0, neginf=-1.0)
    return np.asarray(np.rint(far), np.int64)


def points_in_image(xy_px: FloatArray, size: tuple[int, int]) -> BoolArray:
    """Return (...,) bool: points on pixels of an image of `size` = (H, W)."""
    xy = pixels_of(xy_px)
    inside = (xy >= 0).all(axis=-1) & (xy[..., 0] < size[1]) & (xy[..., 1] < size[0])
    return np.asarray(inside, bool)


def points_inside(xy_px: FloatArray, mask: BoolArray) -> BoolArray:
    """Return (N,) bool: (N, 2) points in an (H, W) mask; False outside of the image."""
    height, width = mask.shape
    inside = points_in_image(xy_px, (height, width))
    x, y = pixels_of(xy_px[inside]).T
    inside[inside] = mask[y, x]
    return inside


def dilated(mask: BoolArray, rules: PromptingRules, height: int | None = None) -> BoolArray:
    """Return the (H, W) mask and its surroundings; `height` is that of the image, if not H."""
    side = rules.dilation_side_px(mask.shape[0] if height is None else height)
    kernel: UInt8Array = np.ones((side, side), np.uint8)
    grown = cv2.dilate(mask.astype(np.uint8), kernel, iterations=rules.dilation_steps)
    return np.asarray(grown, bool)
