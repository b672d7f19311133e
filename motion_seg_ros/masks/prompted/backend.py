"""Masks by a promptable segmenter: known objects are followed, what moves beside them is found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from motion_seg_ros.masks.prompted.candidates import Found, Outlook, Pursuit, Turn, begin, search
from motion_seg_ros.masks.prompted.clicks import PromptingRules, dilated
from motion_seg_ros.masks.prompted.discovery import Snapshot, discover, take_snapshot
from motion_seg_ros.masks.prompted.grouping import PointTracks, is_moving
from motion_seg_ros.masks.prompted.masklets import HISTORY, Strand, Strands
from motion_seg_ros.masks.prompted.merging import covered, move_as_one, one_in_video, touching
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.reidentification import Sightings
from motion_seg_ros.networks.memory import Shrinks
from motion_seg_ros.types import (
    MOVING_PROBABILITY,
    BoolArray,
    Int64Array,
    ObjectMasks,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import Window

SHARED_TRACKS = 0.5  # of a proposal's tracks are an object's: it is that object
HELD_TRACKS = 0.5  # of a proposal's visible tracks must lie in its mask once it has caught up
STOPPED_SHARE = 0.2  # of an object's tracks move at most, when it stands still
OVERLAP_FRAMES = 4  # at least, to tell that two objects are one
ALIKE_STEPS = 3  # of discovery in a row, before touching masks that move alike are one


@dataclass(eq=False)
class _Life:
    """How an object fares: the last belief that it moves, and for how many frames it stood."""

    score: float = MOVING_PROBABILITY
    still_frames: int = 0

    def hear(self, points: PointTracks, on: BoolArray) -> None:
        """Believe what is said of the tracks `on` (N,) the object; where nothing is, the last
        belief stays."""
        labelled = on & points.judged
        if labelled.any():
            self.score = float(points.probability[labelled].mean())


class PromptedMasks:
    """Follows all known objects to every frame, and looks for new ones every few frames.

    A new one is started in the frame where its tracks are seen best, and caught up from there. It
    is a known object if its tracks were seen on that one, or else if the masks are one; it is one
    that was lost if it looks like it and is where that one was or was going. An object is one or
    more strands: things that the segmenter follows. Objects that turn out to be one keep the older
    id.

    The work of a frame is bounded: at most `max_strands` are followed, and in a discovery step at
    most `rules.max_iterations` proposals catch up over the frames that the segmenter keeps.

    `segment` does all in turn, with the tracks of each frame. Where these and discovery shall run
    beside the following, call `advance` and `masks` for each frame; now and then take an `outlook`,
    let another thread `search` from it once it has the tracks, and `learn` what it found between
    two frames. What the tracks tell of the objects, they then tell later: which of them are one,
    and which stand still.

    Args:
        segmenter: the model.
        rules: where it is clicked; None: PromptingRules.online().
        discovery_interval: frames from one discovery step to the next.
        max_strands: things followed at once.
        lost_after: frames without a mask after which an object is no longer followed.
        static_after: frames without motion after which an object is no longer followed.
        memory_s: seconds for which an object that is not in sight can get its id back.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        *,
        rules: PromptingRules | None = None,
        discovery_interval: int = 4,
        max_strands: int = 12,
        lost_after: int = 16,
        static_after: int = 16,
        memory_s: float = 3.0,
    ) -> None:
        self._segmenter = segmenter
        self._rules = PromptingRules.online() if rules is None else rules
        self._discovery_interval = discovery_interval
        self._max_strands = max_strands
        self._lost_after = lost_after
        self._static_after = static_after
        self._strands = Strands(segmenter, self._rules)
        self._sightings = Sightings(memory_s)
        self._forget_all()

    def reset(self) -> None:
        """See motion_seg_ros.masks.base.MaskBackend."""
        self._segmenter.reset()
        self._strands.reset()
        self._sightings.reset()
        self._forget_all()

    def _forget_all(self) -> None:
        self._lives: dict[int, _Life] = {}
        self._object_of: dict[int, int] = {}  # by strand, removed ones too
        self._alike: dict[tuple[int, int], int] = {}  # steps that pairs moved as one
        self._discovered: int | None = None
        self._points: PointTracks | None = None

    def segment(self, window: Window, tracks: Tracks, labels: TrackLabels) -> ObjectMasks:
        """See motion_seg_ros.masks.base.MaskBackend."""
        index = window.newest_index
        points = PointTracks.of(tracks, labels, index, window.newest.size)
        self._follow(window, points)
        self._end_still(points, 1)
        if index % self._discovery_interval == 0:
            self._merge(points)
        snapshot = self._snapshot(points)
        if snapshot is not None:
            for proposal in discover(snapshot, self._segmenter.click, self._rules):
                if self._room > 0:
                    pursuit = begin(self._segmenter, self._strands.new_id(), proposal)
                    self._join(pursuit, points)
        return self.masks()

    def advance(self, window: Window) -> None:
        """Show the newest frame to the segmenter, and follow all known objects to it, without
        tracks of that frame."""
        points = self._points
        if points is None:
            points = PointTracks.none(window.newest_index, window.newest.size)
        self._follow(window, points)

    def outlook(self) -> Outlook:
        """What to search from, as of the frame followed last; it is asked for once a search."""
        known = np.asarray(self._strands.objects_at(self._frame.size) > 0)
        strands = self._strands
        return Outlook(self._index, known, self._room, strands.due(), strands.owners_now())

    def search(self, outlook: Outlook, tracks: Tracks, labels: TrackLabels, turn: Turn) -> Found:
        """What moves and is not known, by the tracks over the window that ends at the outlook's
        frame. This may be called from another thread than all the other methods, while these are
        called; no two of these searches at a time."""
        points = PointTracks.of(tracks, labels, outlook.index, outlook.known.shape[:2])
        return search(outlook, points, self._segmenter, self._rules, self._strands.new_id, turn)

    def learn(self, found: Found) -> tuple[int, int]:
        """Take up what a search has found, as of the frame followed last.

        Returns:
            How many things were taken up, and how many were not, because frames that would be
            needed to follow them until now are no longer at hand or remembered. What does not hold
            until now, or has no room, is in neither.
        """
        points, before = found.points, self._points
        since = before.newest if before is not None else self._index - 1
        self._points = points
        self._strands.learn(points, since)
        if found.prompt is not None:
            self._strands.prompt(found.prompt)
        self._end_still(points, points.newest - since)
        self._merge(points)
        kept = self._segmenter.kept()
        taken, too_late = 0, found.too_late
        old = self._index - points.newest >= HISTORY  # what it looked at is not remembered
        for pursuit in found.pursuits:
            late = old or (pursuit.newest < self._index and pursuit.newest + 1 not in kept)
            too_late += late
            if late or self._room <= 0:
                self._segmenter.remove(pursuit.strand_id)
            else:
                taken += self._join(pursuit, points)
        for object_id, life in self._lives.items():
            life.hear(points, self._tracks_on(points, object_id))
        return taken, too_late

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks."""
        if isinstance(self._segmenter, Shrinks):
            less = self._segmenter.shrink()
            if less is not None:
                return less
        if self._max_strands == 1:
            return None
        self._max_strands //= 2
        return f"masks.sam2.max_masklets {self._max_strands}"

    @property
    def _room(self) -> int:
        """For so many more strands."""
        return self._max_strands - len(self._strands.all)

    def _follow(self, window: Window, points: PointTracks) -> None:
        self._index, self._frame, self._points = window.newest_index, window.newest, points
        self._segmenter.see(self._frame, self._index)
        self._strands.advance(self._index, points)
        for strand in self._strands.all:
            if strand.empty_frames >= self._lost_after:
                self._strands.remove(strand)
        self._bury()

    def _snapshot(self, points: PointTracks) -> Snapshot | None:
        """What to look for new objects in, as of the frame followed last; None where it is not yet
        time, there is no room for more, or nothing unknown moves."""
        index = points.newest
        if self._room <= 0:
            return None
        if self._discovered is not None and index - self._discovered < self._discovery_interval:
            return None
        known = np.asarray(self._strands.objects_at(points.size) > 0)
        snapshot = take_snapshot(points, known, self._segmenter.kept(), self._rules)
        self._discovered = index
        return snapshot if snapshot.unexplained.any() else None

    def _join(self, pursuit: Pursuit, points: PointTracks) -> bool:
        """Take up what was found, caught up to the frame followed last, if it holds until then."""
        track_ids = pursuit.proposal.track_ids
        known = self._object_by_tracks(track_ids)
        owners = self._strands.owners(points.ids)
        strand = self._strands.add(pursuit, points, self._index)
        if not self._holds(strand, track_ids, points):
            self._strands.withdraw(strand, points, owners)
            return False
        strand.object_id = known or self._object_by_mask(strand) or self._sightings.new_id()
        self._object_of[strand.id] = strand.object_id
        self._lives.setdefault(strand.object_id, _Life())
        self._drop_strayed(strand, points)
        self._drop_covered(strand.object_id)
        return True

    def masks(self) -> ObjectMasks:
        """The known objects in the frame followed last."""
        points, frame = self._points, self._frame
        id_map = self._strands.objects_at(frame.size)
        objects = []
        for object_id in sorted(self._lives):
            mask = np.asarray(id_map == object_id)
            if not mask.any():
                continue
            life = self._lives[object_id]
            if points is not None and points.newest == self._index:
                life.hear(points, points.within(self._index, mask))
            objects.append(self._sightings.describe(object_id, mask, life.score, frame))
        self._forget_old()
        return ObjectMasks(id_map.astype(np.uint16), tuple(objects))

    def _object_by_tracks(self, track_ids: Int64Array) -> int | None:
        """The object, followed or remembered, that most of these tracks were last seen on."""
        owners = self._strands.owners(track_ids)
        objects = np.array([self._object_of.get(int(each), 0) for each in owners], np.int64)
        votes = np.bincount(objects, minlength=2)
        votes[0] = 0
        best = int(votes.argmax())
        return best if votes[best] >= SHARED_TRACKS * len(track_ids) else None

    def _object_by_mask(self, strand: Strand) -> int | None:
        """The object whose masks a new strand has, or one out of sight that it looks like."""
        for other in self._strands.all:
            if other is not strand and one_in_video(
                other.beside(strand, supported=False), self._rules
            ):
                return other.object_id
        in_sight = {each.object_id for each in self._strands.all if not each.empty_frames}
        return self._sightings.returning(strand.mask, self._frame, in_sight)

    def _holds(self, strand: Strand, track_ids: Int64Array, points: PointTracks) -> bool:
        """Whether a new strand, caught up, is still there, and in the last frame of the tracks has
        those it was found by, and moves."""
        index = points.newest
        mask = strand.mask_in(index)
        if not (strand.mask.any() and mask.any()):
            return False
        own = np.isin(points.ids, track_ids) & points.seen(index)
        held = own & points.within(index, dilated(mask, self._rules))
        enough = np.count_nonzero(held) >= HELD_TRACKS * np.count_nonzero(own)
        return bool(enough) and is_moving(points, index, mask, self._rules)

    def _end_still(self, points: PointTracks, frames: int) -> None:
        """Follow no longer what has stood still for long; so many `frames` have come since this was
        looked at last."""
        for object_id, life in self._lives.items():
            share = points.moving_share(self._tracks_on(points, object_id))
            if not np.isnan(share):
                life.still_frames = life.still_frames + frames if share < STOPPED_SHARE else 0
            if life.still_frames >= self._static_after:
                for strand in self._strands_of(object_id):
                    self._strands.remove(strand)
        self._bury()

    def _bury(self) -> None:
        """The objects that nothing is followed of any more are known no longer."""
        followed = {each.object_id for each in self._strands.all}
        self._lives = {each: life for each, life in self._lives.items() if each in followed}

    def _merge(self, points: PointTracks) -> None:
        """Unite the objects that turn out to be one."""
        for first, second in combinations(self._strands.all, 2):
            frames = first.beside(second, supported=True)
            apart = first.object_id != second.object_id
            if apart and len(frames) >= OVERLAP_FRAMES and one_in_video(frames, self._rules):
                self._unite(first.object_id, second.object_id)
        if self._rules.alike_px > 0:
            alike = {
                pair
                for pair in combinations(sorted(self._lives), 2)
                if self._alike_now(*pair, points)
            }
            self._alike = {pair: self._alike.get(pair, 0) + 1 for pair in alike}
            for pair, steps in sorted(self._alike.items()):
                if steps >= ALIKE_STEPS and self._lives.keys() >= set(pair):
                    self._unite(*pair)

    def _alike_now(self, first: int, second: int, points: PointTracks) -> bool:
        """Whether two objects touch and their tracks move as one."""
        rules, height = self._rules, points.size[0]
        pairs = product(self._strands_of(first), self._strands_of(second))
        if not any(
            touching(one.silhouette, other.silhouette, rules, height) for one, other in pairs
        ):
            return False
        tracks = self._tracks_of(points, first), self._tracks_of(points, second)
        return move_as_one(points, *tracks, rules)

    def _unite(self, first: int, second: int) -> None:
        """Make one object of two; the older id stays."""
        older, younger = sorted((first, second))
        for strand in self._strands_of(younger):
            strand.object_id = older
        self._object_of = {
            strand: older if each == younger else each for strand, each in self._object_of.items()
        }
        self._sightings.drop(younger)
        del self._lives[younger]
        self._drop_covered(older)

    def _drop_strayed(self, found: Strand, points: PointTracks) -> None:
        """Let a strand just found take the place of those of its object that have strayed to what
        does not move."""
        index = points.newest
        for strand in self._strands_of(found.object_id):
            mask = strand.mask_in(index)
            if strand is not found and not is_moving(points, index, mask, self._rules):
                self._strands.remove(strand, heir=found)

    def _drop_covered(self, object_id: int) -> None:
        """Follow no longer the strands of an object that lie in another one of it."""
        for first, second in combinations(self._strands_of(object_id), 2):
            if not one_in_video(first.beside(second, supported=False), self._rules):
                continue
            smaller, larger = sorted((first, second), key=lambda each: each.silhouette.area)
            still_there = {smaller, larger} <= set(self._strands.all)
            if still_there and covered(smaller.silhouette, larger.silhouette, self._rules):
                self._strands.remove(smaller, heir=larger)

    def _strands_of(self, object_id: int) -> list[Strand]:
        return [each for each in self._strands.all if each.object_id == object_id]

    def _tracks_of(self, points: PointTracks, object_id: int) -> BoolArray:
        """(N,) bool, tracks last seen on an object."""
        strands = [each.id for each in self._strands_of(object_id)]
        return np.isin(self._strands.owners(points.ids), strands)

    def _tracks_on(self, points: PointTracks, object_id: int) -> BoolArray:
        """(N,) bool, tracks visible on an object in the last frame of the tracks."""
        on = np.zeros(len(points.ids), bool)
        for strand in self._strands_of(object_id):
            on |= points.within(points.newest, strand.mask_in(points.newest))
        return on

    def _forget_old(self) -> None:
        self._sightings.forget(self._frame.stamp_ns, self._lives.keys())
        self._object_of = {
            strand: each
            for strand, each in self._object_of.items()
            if each in self._lives or each in self._sightings.ids
        }
