"""The search for new objects beside the following of the known ones.

It looks at a frame of some time ago, and what it finds is followed from there to the newest frame
before it is handed over, so that the stream need not wait for that either. Frames are named by
their index in the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.discovery import Proposal, discover, take_snapshot
from motion_seg_ros.masks.prompted.grouping import Click, PointTracks
from motion_seg_ros.masks.prompted.reprompting import Due, clicks_again, tracks_to_click
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import BoolArray, FloatArray

CATCHING_UP = 2  # rounds: while one thing catches up, the stream and so the others fall behind

Turn = Callable[[], AbstractContextManager[None]]
"""Makes the block in which the segmenter is called once, with nobody else calling it. It may raise
to end the search."""


@dataclass(eq=False)
class Pursuit:
    """Something that moves, and is followed although it is not known yet whether it is new.

    Attributes:
        strand_id: its id with the segmenter.
        proposal: where it was found.
        logits: (H, W) float32 in the frame of the proposal and in those after it.
    """

    strand_id: int
    proposal: Proposal
    logits: list[FloatArray]

    @property
    def newest(self) -> int:
        """The frame it was followed to."""
        return self.proposal.index + len(self.logits) - 1


@dataclass(frozen=True, eq=False)
class Prompt:
    """Clicks on something known.

    Attributes:
        strand_id: its id with the segmenter.
        index: of the frame.
        xy_px: (K, 2) float32 clicks there.
    """

    strand_id: int
    index: int
    xy_px: FloatArray


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a search must know of the objects in the frame that it looks at.

    Attributes:
        index: of the frame.
        known: (H, W) bool, pixels of the known objects there.
        room: for so many more things at most.
        due: the known thing that is to be clicked again there, or None.
        owners: of the tracks.
    """

    index: int
    known: BoolArray
    room: int
    due: Due | None
    owners: TrackOwners


@dataclass(frozen=True, eq=False)
class Found:
    """What a search has to say.

    Attributes:
        points: the labelled tracks of the window that ends at the frame looked at.
        prompt: for what was due to be clicked again, or None.
        pursuits: what moves and may be new, not farther behind the stream than it could be.
        too_late: what was found in a frame that was no longer at hand.
    """

    points: PointTracks
    prompt: Prompt | None = None
    pursuits: Sequence[Pursuit] = field(default_factory=tuple)
    too_late: int = 0


def begin(segmenter: Segmenter, strand_id: int, proposal: Proposal) -> Pursuit:
    """Start what was found in the frame it was found in, which is at hand."""
    logits = segmenter.start(strand_id, proposal.index, proposal.xy_px)
    return Pursuit(strand_id, proposal, [logits])


def search(
    outlook: Outlook,
    points: PointTracks,
    segmenter: Segmenter,
    rules: PromptingRules,
    new_id: Callable[[], int],
    turn: Turn,
) -> Found:
    """What moves in a window and is not known, each caught up with the stream; and where to click
    again what is due.

    Args:
        outlook: of the newest frame of the window.
        points: the labelled tracks of the window.
        segmenter: called in turns only; the stream goes on between them.
        rules: the constants.
        new_id: gives ids for strands.
        turn: see Turn.
    """

    def click(index: int, xy_px: FloatArray) -> FloatArray:
        with turn():
            if index not in segmenter.kept():  # forgotten since: nothing is there
                return np.full(points.size, -1, np.float32)
            return segmenter.click(index, xy_px)

    prompt = None if outlook.due is None else _prompt(outlook, outlook.due, points, click, rules)
    with turn():
        kept = segmenter.kept()
    snapshot = take_snapshot(points, outlook.known, kept, rules)
    if outlook.room <= 0 or not snapshot.unexplained.any():
        return Found(points, prompt)
    if not snapshot.indices:
        return Found(points, prompt, too_late=1)
    pursuits, too_late = [], 0
    for proposal in discover(snapshot, click, rules)[: outlook.room]:
        with turn():
            if proposal.index in segmenter.kept():
                pursuits.append(begin(segmenter, new_id(), proposal))
            else:
                too_late += 1
    for pursuit in pursuits * CATCHING_UP:
        _catch_up(pursuit, segmenter, turn)
    return Found(points, prompt, pursuits, too_late)


def _prompt(
    outlook: Outlook, due: Due, points: PointTracks, click: Click, rules: PromptingRules
) -> Prompt | None:
    index, owners = outlook.index, outlook.owners.of(points.ids)
    own = tracks_to_click(due, points, index, index, owners)
    if np.count_nonzero(own) < max(1, rules.min_prompt_points):
        return None
    xy_px = clicks_again(due, points, index, own, owners, click, rules)
    return None if xy_px is None else Prompt(due.strand_id, index, xy_px)


def _catch_up(pursuit: Pursuit, segmenter: Segmenter, turn: Turn) -> None:
    """Follow it to the frame that is the newest now, as far as the frames are at hand."""
    with turn():
        goal = max(segmenter.kept(), default=-1)
    while pursuit.newest < goal:
        with turn():
            following = pursuit.newest + 1
            if following not in segmenter.kept():
                return
            pursuit.logits.append(segmenter.follow(pursuit.strand_id, following))
