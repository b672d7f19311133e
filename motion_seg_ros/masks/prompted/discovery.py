"""Discovery of new objects: tracks that move where no object is known become proposals.

A pure step over tracks and the segmenter's clicks, so that it can run in a background thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules, dilated, stage_two_clicks
from motion_seg_ros.masks.prompted.grouping import Click, LabelledTracks, group_tracks
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array


@dataclass(frozen=True, eq=False)
class Proposal:
    """Something that moves and may be a new object.

    Attributes:
        index: frame of the stream to start it in.
        xy_px: (K, 2) float32 clicks on it there.
        track_ids: (M,) int64, the tracks on it.
    """

    index: int
    xy_px: FloatArray
    track_ids: Int64Array


def unexplained_tracks(
    points: LabelledTracks, known: BoolArray, rules: PromptingRules
) -> BoolArray:
    """Return (N,) bool: the tracks that move and are seen in the newest frame, off all objects.

    Args:
        points: the labelled tracks of the window.
        known: (H, W) bool, pixels of the known objects in the newest frame.
        rules: how far the surroundings of a known object reach.
    """
    explained = points.within(points.newest, dilated(known, rules))
    return np.asarray(points.moving & points.seen(points.newest) & ~explained)


def discover(
    points: LabelledTracks,
    unexplained: BoolArray,
    kept: Sequence[int],
    click: Click,
    rules: PromptingRules,
) -> list[Proposal]:
    """Group unexplained tracks into proposals: at most `rules.iterations` of them, by about twice
    as many calls of `click`.

    Args:
        points: the labelled tracks of the window.
        unexplained: see unexplained_tracks.
        kept: frames of the stream that can be clicked in, ascending.
        click: motion_seg_ros.masks.prompted.segmenter.Segmenter.click.
        rules: the constants.
    """
    indices = [each for each in kept if each in points.indices]
    proposals = []
    for group in group_tracks(points, unexplained, indices, click, rules):

        def mask_of(xy_px: FloatArray, index: int = group.index) -> BoolArray:
            return np.asarray(click(index, xy_px) > 0)

        xy_px = points.at(group.index)[group.members]
        clicks = stage_two_clicks(xy_px, mask_of, rules)
        proposals.append(Proposal(group.index, clicks, points.ids[group.members]))
    return proposals
