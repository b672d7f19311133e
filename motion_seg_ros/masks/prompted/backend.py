"""Masks by a promptable segmenter: known objects are followed, new movers are discovered."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

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
from motion_seg_ros.masks.prompted.merging import covered, move_as_one, one_in_video, touching
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.reidentification import Reidentifier, colours_in
from motion_seg_ros.networks.memory import Shrinks
from motion_seg_ros.types import (
    MOVING_PROBABILITY,
    BoolArray,
    Frame,
    Int64Array,
    ObjectMasks,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import Window

# Set by hand:
SHARED_TRACKS = 0.5  # share of a proposal's tracks that makes it the object they were seen on
HELD_TRACKS = 0.5  # share of a proposal's visible tracks in its mask once it has caught up
STOPPED_SHARE = 0.2  # of an object's tracks move at most when it stands still
OVERLAP_FRAMES = 4  # at least, before two objects are merged
ALIKE_STEPS = 3  # of discovery in a row, before touching masks that move alike are merged


@dataclass(eq=False)
class _ObjectState:
    """Last belief that an object moves, and for how many frames it has stood still."""

    score: float = MOVING_PROBABILITY
    still_frames: int = 0

    def update_score(self, points: LabelledTracks, on: BoolArray) -> None:
        """Take the mean probability of the labelled tracks among those `on` (N,) the object, if
        there are any."""
        labelled = on & points.judged
        if labelled.any():
            self.score = float(points.probability[labelled].mean())


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
    What the tracks tell of the objects, such as which are one and which stand still, is then known
    later.

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
        self._static_after = static_after
        self._masklets = Masklets(segmenter, rules)
        self._reidentifier = Reidentifier(memory_s, may_have_stopped=True)
        self._forget_all()

    def reset(self) -> None:
        """See motion_seg_ros.masks.base.MaskBackend."""
        self._segmenter.reset()
        self._masklets.reset()
        self._reidentifier.reset()
        self._forget_all()

    def _forget_all(self) -> None:
        self._objects: dict[int, _ObjectState] = {}
        self._object_of: dict[int, int] = {}  # by masklet, removed ones too
        self._alike: dict[tuple[int, int], int] = {}  # steps that pairs moved as one
        self._discovered: int | None = None
        self._now: _Now | None = None

    def segment(self, window: Window, tracks: Tracks, labels: TrackLabels) -> ObjectMasks:
        """See motion_seg_ros.masks.base.MaskBackend."""
        index = window.newest_index
        points = LabelledTracks.of(tracks, labels, index, window.newest.size)
        now = self._follow(_Now(index, window.newest, points))
        self._end_still(points, 1)
        if index % self._discovery_interval == 0:
            self._merge(points)
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
        self._end_still(points, points.newest - since)
        self._merge(points)
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
        for object_id, state in self._objects.items():
            state.update_score(points, self._tracks_on(points, object_id))
        return taken, too_late

    def masks(self) -> ObjectMasks:
        """Return the known objects in the frame followed last."""
        now = self._followed()
        id_map = self._masklets.objects_at(now.frame.size)
        objects = []
        for object_id in sorted(self._objects):
            mask = np.asarray(id_map == object_id)
            if not mask.any():
                continue
            state = self._objects[object_id]
            if now.points.newest == now.index:
                state.update_score(now.points, now.points.within(now.index, mask))
            colours, stamp_ns = colours_in(now.frame, mask), now.frame.stamp_ns
            objects.append(
                self._reidentifier.describe(object_id, mask, state.score, colours, stamp_ns)
            )
        self._reidentifier.forget_old(now.frame.stamp_ns, self._objects.keys())
        remembered = self._objects.keys() | self._reidentifier.ids
        self._object_of = {
            masklet: each for masklet, each in self._object_of.items() if each in remembered
        }
        return ObjectMasks(id_map.astype(np.uint16), tuple(objects))

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
        self._drop_unfollowed()
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
        known = self._object_by_tracks(track_ids)
        owners = self._masklets.owners(points.ids)
        masklet = self._masklets.add(candidate, points, now.index)
        if not self._is_confirmed(masklet, track_ids, points):
            self._masklets.withdraw(masklet, points, owners)
            return False
        masklet.object_id = (
            known
            or self._object_by_mask(masklet, now.frame)
            or self._reidentifier.new_id(self._objects.keys())
        )
        self._object_of[masklet.id] = masklet.object_id
        self._objects.setdefault(masklet.object_id, _ObjectState())
        self._drop_strayed(masklet, points)
        self._drop_covered(masklet.object_id)
        return True

    def _object_by_tracks(self, track_ids: Int64Array) -> int | None:
        """Return the object, followed or remembered, that most of these tracks were last seen
        on."""
        owners = self._masklets.owners(track_ids)
        objects = np.array([self._object_of.get(int(each), 0) for each in owners], np.int64)
        votes = np.bincount(objects, minlength=2)
        votes[0] = 0
        best = int(votes.argmax())
        return best if votes[best] >= SHARED_TRACKS * len(track_ids) else None

    def _object_by_mask(self, masklet: Masklet, frame: Frame) -> int | None:
        """Return the object that has the same masks, or the one out of sight that looks alike."""
        for other in self._masklets.all:
            if other is not masklet and one_in_video(
                other.in_common(masklet, supported=False), self._rules
            ):
                return other.object_id
        in_sight = {each.object_id for each in self._masklets.all if not each.empty_frames}
        y, x = np.nonzero(masklet.mask)
        centroid = float(x.mean()), float(y.mean())
        colours = colours_in(frame, masklet.mask)
        return self._reidentifier.match(centroid, colours, frame.stamp_ns, in_sight)

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

    def _end_still(self, points: LabelledTracks, frames: int) -> None:
        """Stop following what has stood still for long; `frames` have passed since the last
        call."""
        for object_id, state in self._objects.items():
            share = points.moving_share(self._tracks_on(points, object_id))
            if not np.isnan(share):
                state.still_frames = state.still_frames + frames if share < STOPPED_SHARE else 0
            if state.still_frames >= self._static_after:
                for masklet in self._masklets_of(object_id):
                    self._masklets.remove(masklet)
        self._drop_unfollowed()

    def _drop_unfollowed(self) -> None:
        """Drop the objects that no masklet is left of."""
        followed = {each.object_id for each in self._masklets.all}
        self._objects = {each: state for each, state in self._objects.items() if each in followed}

    def _merge(self, points: LabelledTracks) -> None:
        """Unite the objects that turn out to be one."""
        for first, second in combinations(self._masklets.all, 2):
            frames = first.in_common(second, supported=True)
            apart = first.object_id != second.object_id
            if apart and len(frames) >= OVERLAP_FRAMES and one_in_video(frames, self._rules):
                self._unite(first.object_id, second.object_id)
        if self._rules.alike_px > 0:
            pairs = combinations(sorted(self._objects), 2)
            alike = {pair for pair in pairs if self._move_alike(*pair, points)}
            self._alike = {pair: self._alike.get(pair, 0) + 1 for pair in alike}
            for pair, steps in sorted(self._alike.items()):
                if steps >= ALIKE_STEPS and self._objects.keys() >= set(pair):
                    self._unite(*pair)

    def _move_alike(self, first: int, second: int, points: LabelledTracks) -> bool:
        """Return whether two objects touch and their tracks move as one."""
        rules, height = self._rules, points.size[0]
        pairs = product(self._masklets_of(first), self._masklets_of(second))
        if not any(
            touching(one.silhouette, other.silhouette, rules, height) for one, other in pairs
        ):
            return False
        tracks = self._tracks_of(points, first), self._tracks_of(points, second)
        return move_as_one(points, *tracks, rules)

    def _unite(self, first: int, second: int) -> None:
        """Make one object of two, with the lower id."""
        kept, dropped = sorted((first, second))
        for masklet in self._masklets_of(dropped):
            masklet.object_id = kept
        self._object_of = {
            masklet: kept if each == dropped else each for masklet, each in self._object_of.items()
        }
        self._reidentifier.drop(dropped)
        del self._objects[dropped]
        self._drop_covered(kept)

    def _drop_strayed(self, found: Masklet, points: LabelledTracks) -> None:
        """Let a new masklet replace those of its object that have strayed to what does not
        move."""
        index = points.newest
        for masklet in self._masklets_of(found.object_id):
            mask = masklet.mask_in(index)
            if masklet is not found and not is_moving(points, index, mask, self._rules):
                self._masklets.remove(masklet, heir=found)

    def _drop_covered(self, object_id: int) -> None:
        """Stop following the masklets of an object that lie in another one of it."""
        for first, second in combinations(self._masklets_of(object_id), 2):
            if not one_in_video(first.in_common(second, supported=False), self._rules):
                continue
            smaller, larger = sorted((first, second), key=lambda each: each.silhouette.area)
            still_there = {smaller, larger} <= set(self._masklets.all)
            if still_there and covered(smaller.silhouette, larger.silhouette, self._rules):
                self._masklets.remove(smaller, heir=larger)

    def _masklets_of(self, object_id: int) -> list[Masklet]:
        return [each for each in self._masklets.all if each.object_id == object_id]

    def _tracks_of(self, points: LabelledTracks, object_id: int) -> BoolArray:
        """Return (N,) bool: the tracks last seen on an object."""
        masklets = [each.id for each in self._masklets_of(object_id)]
        return np.isin(self._masklets.owners(points.ids), masklets)

    def _tracks_on(self, points: LabelledTracks, object_id: int) -> BoolArray:
        """Return (N,) bool: the tracks visible on an object in the last frame of the tracks."""
        on = np.zeros(len(points.ids), bool)
        for masklet in self._masklets_of(object_id):
            on |= points.within(points.newest, masklet.mask_in(points.newest))
        return on
