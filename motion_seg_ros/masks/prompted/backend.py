"""Masks by a promptable segmenter: known objects are followed, new movers are discovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.prompted.candidates import (
    Candidate,
    Exclusive,
    SearchRequest,
    SearchResult,
    search,
    start_candidate,
)
from motion_seg_ros.masks.prompted.clicks import PromptingRules, dilated
from motion_seg_ros.masks.prompted.discovery import Proposal, discover, unexplained_tracks
from motion_seg_ros.masks.prompted.grouping import LabelledTracks, is_moving
from motion_seg_ros.masks.prompted.masklets import HISTORY, Masklet, Masklets
from motion_seg_ros.masks.prompted.objects import PromptedObjects
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.networks.memory import Shrinks
from motion_seg_ros.types import (
    Frame,
    Int64Array,
    ObjectMasks,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import Window

HELD_TRACKS = 0.5  # share of a proposal's visible tracks in its mask at last; set by hand


@dataclass(frozen=True, eq=False)
class _Now:
    """The newest frame, and the last tracks known.

    Attributes:
        index: index of the frame in the stream.
        frame: the frame.
        points: they end at the frame, or at an earlier one.
    """

    index: int
    frame: Frame
    points: LabelledTracks


class PromptedMasks:
    """Follows all known objects to every frame, and looks for new ones every few frames.

    A new mover is started in the frame where its tracks are seen best, and caught up from there. It
    is a known object if its tracks were seen on that one, or else if the masks are the same; or it
    is re-identified as one that was lost. An object has one or more masklets. Objects that turn out
    to be one keep the lower id.

    The work per frame is bounded: at most `max_masklets` are followed, and in a discovery step at
    most `rules.max_iterations` proposals catch up over the frames that the segmenter keeps.

    `segment` does everything in turn, with the tracks of each frame. To discover in the background
    instead, call `advance` and `masks` for each frame; now and then take a `search_request`, let
    another thread `search` once it has the tracks, and `integrate` the result between two frames.
    Which objects are one, and which stand still, is then known later.

    Args:
        segmenter: the model.
        rules: where it is clicked.
        discovery_interval: frames from one discovery step to the next.
        max_masklets: most masklets followed at once.
        lost_after: frames without a mask after which a masklet is no longer followed.
        static_after: frames without motion after which an object is no longer followed.
        memory_s: seconds for which an object out of sight can be re-identified.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        *,
        rules: PromptingRules,
        discovery_interval: int,
        max_masklets: int,
        lost_after: int,
        static_after: int,
        memory_s: float,
    ) -> None:
        self._segmenter = segmenter
        self._rules = rules
        self._discovery_interval = discovery_interval
        self._max_masklets = max_masklets
        self._lost_after = lost_after
        self._masklets = Masklets(segmenter, rules)
        self._objects = PromptedObjects(
            self._masklets, rules, static_after=static_after, memory_s=memory_s
        )
        self._discovered: int | None = None
        self._now: _Now | None = None

    def reset(self) -> None:
        """See motion_seg_ros.masks.base.MaskBackend."""
        self._segmenter.reset()
        self._masklets.reset()
        self._objects.reset()
        self._discovered = self._now = None

    def begin(self, window: Window) -> None:
        """See motion_seg_ros.masks.base.MaskBackend; the segmenter needs the device to itself."""

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        """See motion_seg_ros.masks.base.MaskBackend."""
        index = window.newest_index
        points = LabelledTracks.of(tracks, labels, index, window.newest.size)
        now = self._follow(_Now(index, window.newest, points))
        self._objects.end_still(points, 1)
        if index % self._discovery_interval == 0:
            self._objects.merge(points)
        for proposal in self._proposals(points):
            if self._room > 0:
                candidate = start_candidate(self._segmenter, self._masklets.new_id(), proposal)
                self._accept(candidate, now)
        return self.masks()

    def advance(self, window: Window) -> None:
        """Show the newest frame to the segmenter, and follow all known objects to it, without
        tracks of that frame."""
        index, frame = window.newest_index, window.newest
        points = LabelledTracks.none(index, frame.size) if self._now is None else self._now.points
        self._follow(_Now(index, frame, points))

    def search_request(self) -> SearchRequest:
        """Return what the next search needs to know of the frame followed last; call it once a
        search."""
        now, masklets = self._followed(), self._masklets
        known = np.asarray(masklets.objects_at(now.frame.size) > 0)
        return SearchRequest(now.index, known, self._room, masklets.due(), masklets.owners_now())

    def search(
        self, request: SearchRequest, tracks: Tracks, labels: TrackLabels, exclusive: Exclusive
    ) -> SearchResult:
        """Search for movers that are not known, by the tracks over the window that ends at the
        requested frame.

        Another thread may call this while this one calls all other methods; only one search at a
        time.
        """
        points = LabelledTracks.of(tracks, labels, request.index, request.known.shape[:2])
        return search(
            request, points, self._segmenter, self._rules, self._masklets.new_id, exclusive
        )

    def integrate(self, result: SearchResult) -> tuple[int, int]:
        """Take up the result of a search, as of the frame followed last.

        Returns:
            The number of candidates that became masklets, and of those that came too late: frames
            needed to follow them until now are no longer kept or remembered. Candidates that did
            not hold until now, or had no room, are in neither.
        """
        before, points = self._followed(), result.points
        since = before.points.newest
        now = self._now = _Now(before.index, before.frame, points)
        self._masklets.take_tracks(points, since)
        if result.prompt is not None:
            self._masklets.prompt(result.prompt)
        self._objects.end_still(points, points.newest - since)
        self._objects.merge(points)
        kept = self._segmenter.kept()
        taken, too_late = 0, result.too_late
        old = now.index - points.newest >= HISTORY  # the searched frame is not remembered
        for candidate in result.candidates:
            late = old or (candidate.newest < now.index and candidate.newest + 1 not in kept)
            too_late += late
            if late or self._room <= 0:
                self._segmenter.remove(candidate.masklet_id)
            else:
                taken += self._accept(candidate, now)
        self._objects.update_scores(points)
        return taken, too_late

    def masks(self) -> ObjectMasks:
        """Return the known objects in the frame followed last."""
        now = self._followed()
        reached = now.points.newest == now.index
        return self._objects.masks(now.frame, now.points if reached else None)

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks."""
        if isinstance(self._segmenter, Shrinks):
            less = self._segmenter.shrink()
            if less is not None:
                return less
        if self._max_masklets == 1:
            return None
        self._max_masklets //= 2
        return f"masks.sam2.max_masklets {self._max_masklets}"

    @property
    def _room(self) -> int:
        """Number of masklets that can still be added."""
        return self._max_masklets - len(self._masklets.all)

    def _followed(self) -> _Now:
        """Return the frame followed last; there must be one."""
        assert self._now is not None, "advance() or segment() comes first"
        return self._now

    def _follow(self, now: _Now) -> _Now:
        self._now = now
        self._segmenter.see(now.frame, now.index)
        self._masklets.advance(now.index, now.points)
        for masklet in self._masklets.all:
            if masklet.empty_frames >= self._lost_after:
                self._masklets.remove(masklet)
        self._objects.drop_unfollowed()
        return now

    def _proposals(self, points: LabelledTracks) -> list[Proposal]:
        """Discover in the frame followed last; nothing where it is not yet time or there is no
        room."""
        index, interval = points.newest, self._discovery_interval
        if self._room <= 0:
            return []
        if self._discovered is not None and index - self._discovered < interval:
            return []
        self._discovered = index
        known = np.asarray(self._masklets.objects_at(points.size) > 0)
        unexplained = unexplained_tracks(points, known, self._rules)
        kept, click = self._segmenter.kept(), self._segmenter.click
        return discover(points, unexplained, kept, click, self._rules)

    def _accept(self, candidate: Candidate, now: _Now) -> bool:
        """Follow a candidate to the newest frame and keep it as a masklet, if it holds until
        then."""
        points, track_ids = now.points, candidate.proposal.track_ids
        known = self._objects.by_tracks(track_ids)
        owners = self._masklets.owners(points.ids)
        masklet = self._masklets.add(candidate, points, now.index)
        if not self._is_confirmed(masklet, track_ids, points):
            self._masklets.withdraw(masklet, points, owners)
            return False
        self._objects.add(masklet, known, now.frame, points)
        return True

    def _is_confirmed(
        self, masklet: Masklet, track_ids: Int64Array, points: LabelledTracks
    ) -> bool:
        """Return whether a new masklet, caught up, is still there, and in the last frame of the
        tracks moves and has the tracks it was found by."""
        index = points.newest
        mask = masklet.mask_in(index)
        if not (masklet.mask.any() and mask.any()):
            return False
        own = np.isin(points.ids, track_ids) & points.seen(index)
        held = own & points.within(index, dilated(mask, self._rules))
        enough = np.count_nonzero(held) >= HELD_TRACKS * np.count_nonzero(own)
        return bool(enough) and is_moving(points, index, mask, self._rules)
