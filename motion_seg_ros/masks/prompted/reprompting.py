"""When and where known objects are clicked again, so that the segmenter does not drift off them.

Source: Section 3.3 of Segment Any Motion in Videos (CVPR 2025): prompts at regular intervals.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules, points_inside, stage_two_clicks
from motion_seg_ros.masks.prompted.grouping import Click, PointTracks, is_moving
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

MAX_FOREIGN_SHARE = 0.2  # of the owned tracks in what a prompt selects: above, it is too much


@dataclass(frozen=True, eq=False)
class Due:
    """A strand that is to be clicked again.

    Attributes:
        strand_id: its id.
        mask: (H, W) bool, where it is in the frame, or in the one before; None: unknown.
        kin: ids of the strands of its object, its own too.
        strangers: ids of all other strands.
    """

    strand_id: int
    mask: BoolArray | None
    kin: Set[int]
    strangers: Set[int]


def tracks_to_click(
    due: Due, points: PointTracks, index: int, seen_in: int, owners: Int64Array
) -> BoolArray:
    """(N,) bool: its moving tracks that are visible in a frame.

    Args:
        due: the strand.
        points: the tracks.
        index: of the frame in the stream.
        seen_in: of the frame that its mask is of.
        owners: (N,) ids of the strands that the tracks were last seen on.
    """
    own = (owners == due.strand_id) & points.moving & points.seen(index)
    if due.mask is not None and seen_in in points.indices:
        own &= points.within(seen_in, due.mask)
    return np.asarray(own)


def clicks_again(
    due: Due,
    points: PointTracks,
    index: int,
    own: BoolArray,
    owners: Int64Array,
    click: Click,
    rules: PromptingRules,
) -> FloatArray | None:
    """(K, 2) clicks for a strand; None where what they select is not the strand.

    Args:
        due: the strand.
        points: the tracks.
        index: of the frame in the stream.
        own: (N,) bool, see tracks_to_click; at least one.
        owners: (N,) ids of the strands that the tracks were last seen on.
        click: see there.
        rules: the constants.
    """

    def answer(xy_px: FloatArray) -> BoolArray:
        return np.asarray(click(index, xy_px) > 0)

    xy_px = points.at(index)[own]
    clicks = stage_two_clicks(xy_px, answer, rules)
    mask = answer(clicks)
    holds = points_inside(xy_px, mask).mean() >= rules.covered_share
    good = holds and is_moving(points, index, mask, rules)
    return clicks if good and not _is_too_much(due, owners[points.within(index, mask)]) else None


def _is_too_much(due: Due, owners: Int64Array) -> bool:
    """Whether tracks of other objects are among those with these (M,) owners."""
    foreign = np.count_nonzero(np.isin(owners, list(due.strangers)))
    owned = foreign + np.count_nonzero(np.isin(owners, list(due.kin)))
    return bool(foreign > MAX_FOREIGN_SHARE * owned)
