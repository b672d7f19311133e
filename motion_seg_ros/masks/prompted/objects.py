"""Objects of a stream by their masklets: re-identified, merged, dropped when they stand still."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.grouping import LabelledTracks, is_moving
from motion_seg_ros.masks.prompted.masklets import Masklet, Masklets
from motion_seg_ros.masks.prompted.merging import covered, move_as_one, one_in_video, touching
from motion_seg_ros.masks.reidentification import Reidentifier, colours_in
from motion_seg_ros.types import MOVING_PROBABILITY, BoolArray, Frame, Int64Array, ObjectMasks

# Set by hand:
SHARED_TRACKS = 0.5  # share of a proposal's tracks that makes it the object they were seen on
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


class PromptedObjects:
    """Groups masklets into objects. Objects that turn out to be one keep the lower id.

    Args:
        masklets: those of the stream.
        rules: the constants of merging.
        static_after: frames without motion after which an object is no longer followed.
        memory_s: seconds for which an object out of sight can be re-identified.
    """

    def __init__(
        self, masklets: Masklets, rules: PromptingRules, *, static_after: int, memory_s: float
    ) -> None:
        self._masklets = masklets
        self._rules = rules
        self._static_after = static_after
        self._reidentifier = Reidentifier(memory_s, may_have_stopped=True)
        self.reset()

    def reset(self) -> None:
        """Forget all objects; ids go on."""
        self._reidentifier.reset()
        self._states: dict[int, _ObjectState] = {}
        self._object_of: dict[int, int] = {}  # by masklet, removed ones too
        self._alike: dict[tuple[int, int], int] = {}  # steps that pairs moved as one

    def masks(self, frame: Frame, points: LabelledTracks | None) -> ObjectMasks:
        """Return the objects in a frame, to which all masklets were followed.

        Args:
            frame: the frame.
            points: the tracks that end at the frame, if these are known.
        """
        id_map = self._masklets.objects_at(frame.size)
        objects = []
        for object_id in sorted(self._states):
            mask = np.asarray(id_map == object_id)
            if not mask.any():
                continue
            state = self._states[object_id]
            if points is not None:
                state.update_score(points, points.within(points.newest, mask))
            colours = colours_in(frame, mask)
            objects.append(
                self._reidentifier.describe(object_id, mask, state.score, colours, frame.stamp_ns)
            )
        self._reidentifier.forget_old(frame.stamp_ns, self._states.keys())
        remembered = self._states.keys() | self._reidentifier.ids
        self._object_of = {
            masklet: each for masklet, each in self._object_of.items() if each in remembered
        }
        return ObjectMasks(id_map.astype(np.uint16), tuple(objects))

    def add(
        self, masklet: Masklet, known: int | None, frame: Frame, points: LabelledTracks
    ) -> None:
        """Make a new masklet part of an object: a known one, one with the same masks, one
        re-identified, or a new one.

        Args:
            masklet: in the newest frame.
            known: id of the object by its tracks, see by_tracks.
            frame: the newest frame.
            points: the last tracks known.
        """
        masklet.object_id = (
            known or self._by_mask(masklet, frame) or self._reidentifier.new_id(self._states.keys())
        )
        self._object_of[masklet.id] = masklet.object_id
        self._states.setdefault(masklet.object_id, _ObjectState())
        self._drop_strayed(masklet, points)
        self._drop_covered(masklet.object_id)

    def by_tracks(self, track_ids: Int64Array) -> int | None:
        """Return the object, followed or remembered, that most of these tracks were last seen
        on."""
        owners = self._masklets.owners(track_ids)
        objects = np.array([self._object_of.get(int(each), 0) for each in owners], np.int64)
        votes = np.bincount(objects, minlength=2)
        votes[0] = 0
        best = int(votes.argmax())
        return best if votes[best] >= SHARED_TRACKS * len(track_ids) else None

    def update_scores(self, points: LabelledTracks) -> None:
        """Update the belief in each object's motion by the last frame of the tracks."""
        for object_id, state in self._states.items():
            state.update_score(points, self._tracks_on(points, object_id))

    def end_still(self, points: LabelledTracks, frames: int) -> None:
        """Stop following what has stood still for long; `frames` have passed since the last
        call."""
        for object_id, state in self._states.items():
            share = points.moving_share(self._tracks_on(points, object_id))
            if not np.isnan(share):
                state.still_frames = state.still_frames + frames if share < STOPPED_SHARE else 0
            if state.still_frames >= self._static_after:
                for masklet in self._masklets_of(object_id):
                    self._masklets.remove(masklet)
        self.drop_unfollowed()

    def drop_unfollowed(self) -> None:
        """Drop the objects that no masklet is left of."""
        followed = {each.object_id for each in self._masklets.all}
        self._states = {each: state for each, state in self._states.items() if each in followed}

    def merge(self, points: LabelledTracks) -> None:
        """Unite the objects that turn out to be one."""
        for first, second in combinations(self._masklets.all, 2):
            frames = first.in_common(second, supported=True)
            apart = first.object_id != second.object_id
            if apart and len(frames) >= OVERLAP_FRAMES and one_in_video(frames, self._rules):
                self._unite(first.object_id, second.object_id)
        if self._rules.alike_px > 0:
            pairs = combinations(sorted(self._states), 2)
            alike = {pair for pair in pairs if self._move_alike(*pair, points)}
            self._alike = {pair: self._alike.get(pair, 0) + 1 for pair in alike}
            for pair, steps in sorted(self._alike.items()):
                if steps >= ALIKE_STEPS and self._states.keys() >= set(pair):
                    self._unite(*pair)

    def _by_mask(self, masklet: Masklet, frame: Frame) -> int | None:
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
        del self._states[dropped]
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
