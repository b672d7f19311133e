"""Candidates: new movers found in the background, and followed until they can join the stream.

The search looks at a frame of some time ago. What it finds is followed from there to the newest
frame before it is handed over, so that the stream need not wait for that either. Frames are named
by their index in the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.discovery import Proposal, discover, unexplained_tracks
from motion_seg_ros.masks.prompted.grouping import Click, LabelledTracks
from motion_seg_ros.masks.prompted.reprompting import (
    RepromptTarget,
    promptable_tracks,
    reprompting_clicks,
)
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import BoolArray, FloatArray

CATCHING_UP = 2  # rounds: while one candidate catches up, the stream moves on; set by hand

Exclusive = Callable[[], AbstractContextManager[None]]
"""Makes a context for one call of the segmenter, with nobody else calling it. It may raise to end
the search."""


@dataclass(eq=False)
class Candidate:
    """Something that moves, followed although it is not known yet whether it is a new object.

    Attributes:
        masklet_id: its id with the segmenter.
        proposal: where it was found.
        logits: (H, W) float32 in the frame of the proposal and in those after it.
    """

    masklet_id: int
    proposal: Proposal
    logits: list[FloatArray]

    @property
    def newest(self) -> int:
        """The frame it was followed to."""
        return self.proposal.index + len(self.logits) - 1


@dataclass(frozen=True, eq=False)
class Prompt:
    """Clicks on a masklet.

    Attributes:
        masklet_id: its id with the segmenter.
        index: the frame.
        xy_px: (K, 2) float32 clicks there.
    """

    masklet_id: int
    index: int
    xy_px: FloatArray


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """State of the objects in the frame that a search looks at.

    Attributes:
        index: the frame.
        known: (H, W) bool, pixels of the known objects there.
        room: number of masklets that can still be added.
        reprompt: the masklet that is due to be prompted again there, or None.
        owners: masklets that the tracks were last seen on.
    """

    index: int
    known: BoolArray
    room: int
    reprompt: RepromptTarget | None
    owners: TrackOwners


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Outcome of a search.

    Attributes:
        points: the labelled tracks of the window that ends at the searched frame.
        prompt: for the masklet that was due to be prompted again, or None.
        candidates: what may be new, caught up with the stream as far as possible.
        too_late: number of movers found in frames that were no longer kept.
    """

    points: LabelledTracks
    prompt: Prompt | None = None
    candidates: Sequence[Candidate] = ()
    too_late: int = 0


def start_candidate(segmenter: Segmenter, masklet_id: int, proposal: Proposal) -> Candidate:
    """Start a proposal in its frame, which the segmenter must still keep."""
    logits = segmenter.start(masklet_id, proposal.index, proposal.xy_px)
    return Candidate(masklet_id, proposal, [logits])


def search(
    request: SearchRequest,
    points: LabelledTracks,
    segmenter: Segmenter,
    rules: PromptingRules,
    new_id: Callable[[], int],
    exclusive: Exclusive,
) -> SearchResult:
    """Search a window for movers that are not known, and let each catch up with the stream; choose
    clicks for the masklet that is due to be prompted again.

    Args:
        request: state of the objects in the newest frame of the window.
        points: the labelled tracks of the window.
        segmenter: only called within `exclusive`; the stream goes on between the calls.
        rules: the constants.
        new_id: gives ids for masklets.
        exclusive: see Exclusive.
    """

    def click(index: int, xy_px: FloatArray) -> FloatArray:
        with exclusive():
            if index not in segmenter.kept():  # forgotten in the meantime: nothing is there
                return np.full(points.size, -1, np.float32)
            return segmenter.click(index, xy_px)

    prompt = None if request.reprompt is None else _prompt(request, points, click, rules)
    with exclusive():
        kept = segmenter.kept()
    unexplained = unexplained_tracks(points, request.known, rules)
    if request.room <= 0 or not unexplained.any():
        return SearchResult(points, prompt)
    if set(points.indices).isdisjoint(kept):
        return SearchResult(points, prompt, too_late=1)
    candidates, too_late = [], 0
    for proposal in discover(points, unexplained, kept, click, rules)[: request.room]:
        with exclusive():
            if proposal.index in segmenter.kept():
                candidates.append(start_candidate(segmenter, new_id(), proposal))
            else:
                too_late += 1
    for candidate in candidates * CATCHING_UP:
        _catch_up(candidate, segmenter, exclusive)
    return SearchResult(points, prompt, candidates, too_late)


def _prompt(
    request: SearchRequest, points: LabelledTracks, click: Click, rules: PromptingRules
) -> Prompt | None:
    target, index, owners = request.reprompt, request.index, request.owners.of(points.ids)
    assert target is not None
    own = promptable_tracks(target, points, index, index, owners, rules)
    if own is None:
        return None
    xy_px = reprompting_clicks(target, points, index, own, owners, click, rules)
    return None if xy_px is None else Prompt(target.masklet_id, index, xy_px)


def _catch_up(candidate: Candidate, segmenter: Segmenter, exclusive: Exclusive) -> None:
    """Follow a candidate to the frame that is the newest now, as far as the frames are kept."""
    with exclusive():
        goal = max(segmenter.kept(), default=-1)
    while candidate.newest < goal:
        with exclusive():
            following = candidate.newest + 1
            if following not in segmenter.kept():
                return
            candidate.logits.append(segmenter.follow(candidate.masklet_id, following))
