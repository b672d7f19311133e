"""New movers: tracks that move where no object is known, turned into proposals.

A pure step over a snapshot and the segmenter's clicks, so that it can run beside the following of
the known objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules, dilated, stage_two_clicks
from motion_seg_ros.masks.prompted.grouping import Click, PointTracks, group_tracks
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What discovery looks at.

    Attributes:
        points: the labelled tracks of the window.
        unexplained: (N,) bool, tracks that move and are seen in the newest frame, off all objects.
        indices: frames of the stream that can be clicked in, ascending.
    """

    points: PointTracks
    unexplained: BoolArray
    indices: Sequence[int]


@dataclass(frozen=True, eq=False)
class Proposal:
    """Something that moves, and may be new.

    Attributes:
        index: frame of the stream to start it in.
        xy_px: (K, 2) float32 clicks on it there.
        track_ids: (M,) int64, the tracks on it.
    """

    index: int
    xy_px: FloatArray
    track_ids: Int64Array


def take_snapshot(
    points: PointTracks, known: BoolArray, kept: Sequence[int], rules: PromptingRules
) -> Snapshot:
    """The state of a stream for discovery.

    Args:
        points: the labelled tracks of the window.
        known: (H, W) bool, pixels of the known objects in the newest frame.
        kept: frames of the stream that the segmenter has at hand, ascending.
        rules: how far the surroundings of a known object reach.
    """
    newest = points.indices[-1]
    explained = points.within(newest, dilated(known, rules))
    unexplained = points.moving & points.seen(newest) & ~explained
    indices = [each for each in kept if each in points.indices]
    return Snapshot(points, np.asarray(unexplained, bool), indices)


def discover(snapshot: Snapshot, click: Click, rules: PromptingRules) -> list[Proposal]:
    """What moves in a snapshot and is not known: at most `rules.iterations` proposals, and about
    twice as many calls of `click`; none where nothing unknown moves.

    Args:
        snapshot: see take_snapshot.
        click: motion_seg_ros.masks.prompted.segmenter.Segmenter.click.
        rules: the constants.
    """
    points = snapshot.points
    proposals = []
    for group in group_tracks(points, snapshot.unexplained, snapshot.indices, click, rules):

        def answer(xy_px: FloatArray, index: int = group.index) -> BoolArray:
            return np.asarray(click(index, xy_px) > 0)

        xy_px = points.at(group.index)[group.members]
        clicks = stage_two_clicks(xy_px, answer, rules)
        proposals.append(Proposal(group.index, clicks, points.ids[group.members]))
    return proposals
