"""Re-prompting: known objects are clicked again, so that the segmenter does not drift off them.

Source: Section 3.3 of Segment Any Motion in Videos (CVPR 2025): prompts at regular intervals.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules, points_inside, stage_two_clicks
from motion_seg_ros.masks.prompted.grouping import Click, LabelledTracks, is_moving
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

MAX_FOREIGN_SHARE = 0.2  # of the owned tracks that a prompt selects; set by hand


@dataclass(frozen=True, eq=False)
class RepromptTarget:
    """A masklet that is due to be prompted again.

    Attributes:
        masklet_id: its id.
        mask: (H, W) bool, where it is in the frame, or in the one before; None: unknown.
        siblings: ids of the masklets of its object, including its own.
        others: ids of all other masklets.
    """

    masklet_id: int
    mask: BoolArray | None
    siblings: Set[int]
    others: Set[int]


def promptable_tracks(
    target: RepromptTarget,
    points: LabelledTracks,
    index: int,
    seen_in: int,
    owners: Int64Array,
    rules: PromptingRules,
) -> BoolArray | None:
    """Return (N,) bool: the target's moving tracks that are visible in a frame; None where there
    are too few.

    Args:
        target: the masklet.
        points: the tracks.
        index: the frame, by its index in the stream.
        seen_in: the frame that the target's mask is of.
        owners: (N,) ids of the masklets that the tracks were last seen on.
        rules: the constants.
    """
    own = (owners == target.masklet_id) & points.moving & points.seen(index)
    if target.mask is not None and seen_in in points.indices:
        own &= points.within(seen_in, target.mask)
    return np.asarray(own) if np.count_nonzero(own) >= max(1, rules.min_prompt_points) else None


def reprompting_clicks(
    target: RepromptTarget,
    points: LabelledTracks,
    index: int,
    own: BoolArray,
    owners: Int64Array,
    click: Click,
    rules: PromptingRules,
) -> FloatArray | None:
    """Return (K, 2) clicks on a masklet; None where what they select is not the masklet.

    Args:
        target, points, index, owners, rules: see promptable_tracks.
        own: (N,) bool, what it returned.
        click: see there.
    """

    def mask_of(xy_px: FloatArray) -> BoolArray:
        return np.asarray(click(index, xy_px) > 0)

    xy_px = points.at(index)[own]
    clicks = stage_two_clicks(xy_px, mask_of, rules)
    mask = mask_of(clicks)
    holds = points_inside(xy_px, mask).mean() >= rules.covered_share
    good = holds and is_moving(points, index, mask, rules)
    if not good or _selects_others(target, owners[points.within(index, mask)]):
        return None
    return clicks


def _selects_others(target: RepromptTarget, owners: Int64Array) -> bool:
    """Return whether too many of the selected tracks, with these (M,) owners, are on others."""
    foreign = np.count_nonzero(np.isin(owners, list(target.others)))
    owned = foreign + np.count_nonzero(np.isin(owners, list(target.siblings)))
    return bool(foreign > MAX_FOREIGN_SHARE * owned)
