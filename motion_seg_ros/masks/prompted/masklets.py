"""What a segmenter follows, frame by frame, and the tracks that are seen on it."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, replace

import numpy as np

from motion_seg_ros.masks.prompted.candidates import Prompt, Pursuit
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.grouping import PointTracks
from motion_seg_ros.masks.prompted.merging import Pair, Silhouette, covered
from motion_seg_ros.masks.prompted.reprompting import Due, clicks_again, tracks_to_click
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

HISTORY = 24  # frames that silhouettes are remembered for
RETRY_FRAMES = 4  # from one attempt to find a strand out of sight by its tracks to the next


@dataclass(frozen=True, eq=False)
class Sight:
    """A strand in one frame.

    Attributes:
        silhouette: its mask.
        supported: a track of its own that moves is visible in the mask.
    """

    silhouette: Silhouette
    supported: bool


class Strand:
    """One thing that the segmenter follows. A moving object is made of one or more.

    Attributes:
        id: its id with the segmenter, never used again.
        object_id: the object it is of; 0 until that is known.
        asked: index in the stream of the frame in which it was last prompted, or almost.
        index: index in the stream of the newest frame.
        logits: (H, W) float32 in the newest frame.
        mask: (H, W) bool there.
        silhouette: the mask's.
        sights: by index in the stream, the newest HISTORY ones.
        empty_frames: for how many frames there has been no mask.
    """

    def __init__(self, strand_id: int, index: int, logits: FloatArray) -> None:
        self.id = strand_id
        self.object_id = 0
        self.asked = index
        self.sights: dict[int, Sight] = {}
        self.empty_frames = 0
        self.show(index, logits)

    def show(self, index: int, logits: FloatArray) -> None:
        """Take in the (H, W) logits of the newest frame, of this index in the stream."""
        self._empty_before = self.empty_frames
        self.index = index
        self.logits = logits
        self.mask = np.asarray(logits > 0)
        self.silhouette = Silhouette.of(self.mask)
        self.empty_frames = 0 if self.silhouette.area else self.empty_frames + 1

    def hide(self) -> None:
        """Take it that there is no mask in the newest frame."""
        before = self._empty_before
        self.show(self.index, np.minimum(self.logits, 0))
        self.empty_frames = before + 1

    def note(self, supported: bool) -> None:
        """Remember what the newest frame shows."""
        self.sights[self.index] = Sight(self.silhouette, supported)
        self.sights.pop(self.index - HISTORY, None)

    def mask_in(self, index: int) -> BoolArray:
        """(H, W) bool in a frame of the stream; empty where that is not remembered."""
        if index == self.index:
            return self.mask
        mask = np.zeros_like(self.mask)
        if index in self.sights:
            silhouette = self.sights[index].silhouette
            mask[silhouette.box] = silhouette.inside
        return mask

    def beside(self, other: Strand, *, supported: bool) -> list[Pair]:
        """Both silhouettes in each of the frames remembered of both; if `supported`, only where
        both are."""
        common = [(self.sights[i], other.sights[i]) for i in self.sights if i in other.sights]
        return [
            (own.silhouette, others.silhouette)
            for own, others in common
            if not supported or (own.supported and others.supported)
        ]


class Strands:
    """All that is followed. Between calls, all strands are in the newest frame.

    The tracks may end at an earlier frame, where they are found beside the stream: what they say of
    the strands is then said of these in that frame.

    Args:
        segmenter: follows them; its frames are shown to it by the caller.
        rules: when and how they are prompted again.
    """

    def __init__(self, segmenter: Segmenter, rules: PromptingRules) -> None:
        self._segmenter = segmenter
        self._rules = rules
        self._ids = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Forget all strands; the segmenter forgets them by its own reset."""
        self._strands: list[Strand] = []
        self._owners = TrackOwners()

    @property
    def all(self) -> tuple[Strand, ...]:
        """In the order they were found."""
        return tuple(self._strands)

    def new_id(self) -> int:
        """An id for a strand; may be asked for by any thread."""
        return next(self._ids)

    def owners(self, ids: Int64Array) -> Int64Array:
        """(N,) ids of the strands that tracks were last seen on, also of removed ones; 0 = none."""
        return self._owners.of(ids)

    def owners_now(self) -> TrackOwners:
        """The same, as it is now: for who asks later."""
        return copy.copy(self._owners)

    def advance(self, index: int, points: PointTracks) -> None:
        """Follow all strands to the newest frame, the one after the last.

        Only where `points`, the last tracks known, reach that frame, are strands prompted in it.
        """
        for strand in self._strands:
            clicks = self._clicks(strand, points) if points.newest == index else None
            if clicks is None:
                strand.show(index, self._segmenter.follow(strand.id, index))
            else:
                strand.show(index, self._segmenter.prompt(strand.id, index, clicks))
        self._hide_slipped(points)
        if points.newest == index:
            self._own(points)
        for strand in self._strands:
            self._note(strand, points)

    def due(self) -> Due | None:
        """The one in sight that has waited longest to be clicked again, and too long; it then waits
        anew."""
        waiting = [
            each
            for each in self._strands
            if not each.empty_frames and self._waits(each, each.index)
        ]
        if not waiting:
            return None
        strand = min(waiting, key=lambda each: each.asked)
        strand.asked = strand.index
        return self._due(strand, strand.mask)

    def prompt(self, prompt: Prompt) -> None:
        """Click a strand in an earlier frame, if it is still followed; what follows is better."""
        followed = {each.id for each in self._strands}
        if prompt.strand_id in followed and prompt.index in self._segmenter.kept():
            self._segmenter.prompt(prompt.strand_id, prompt.index, prompt.xy_px)

    def learn(self, points: PointTracks, since: int) -> None:
        """Take in tracks that end before the newest frame, and are known only now.

        Args:
            points: the tracks.
            since: index in the stream of the last frame of those taken in before.
        """
        self._own(points)
        for strand in self._strands:
            for index, sight in list(strand.sights.items()):
                if since < index <= points.newest:
                    supported = self._supported(strand, index, points)
                    strand.sights[index] = replace(sight, supported=supported)

    def add(self, pursuit: Pursuit, points: PointTracks, newest: int) -> Strand:
        """Make a strand of what was found, and follow it to the newest frame.

        Args:
            pursuit: the segmenter has all frames after it at hand.
            points: the last tracks known.
            newest: index in the stream.
        """
        first = pursuit.proposal.index
        strand = Strand(pursuit.strand_id, first, pursuit.logits[0])
        members = np.isin(points.ids, pursuit.proposal.track_ids)
        self._owners.keep(points.ids, np.where(members, strand.id, self._owners.of(points.ids)))
        self._note(strand, points)
        for index, logits in enumerate(pursuit.logits[1:], first + 1):
            strand.show(index, logits)
            self._note(strand, points)
        for index in range(pursuit.newest + 1, newest + 1):
            strand.show(index, self._segmenter.follow(strand.id, index))
            self._note(strand, points)
        self._strands.append(strand)
        self._own(points)
        return strand

    def withdraw(self, strand: Strand, points: PointTracks, owners: Int64Array) -> None:
        """Remove a strand just added, and give the tracks of `points` back to their (N,) owners."""
        self.remove(strand)
        self._owners.keep(points.ids, owners)

    def remove(self, strand: Strand, heir: Strand | None = None) -> None:
        """Follow a strand no longer; its tracks become the heir's, or stay its own."""
        self._segmenter.remove(strand.id)
        self._strands.remove(strand)
        if heir is not None:
            self._owners.pass_on(strand.id, heir.id)

    def objects_at(self, size: tuple[int, int]) -> Int64Array:
        """(H, W) the object each pixel of the newest frame is of, 0 = none: that with the highest
        logit above 0."""
        return self._highest(size, [each.object_id for each in self._strands])

    def _highest(self, size: tuple[int, int], numbers: list[int]) -> Int64Array:
        best = np.zeros(size, np.float32)
        found = np.zeros(size, np.int64)
        for strand, number in zip(self._strands, numbers, strict=True):
            box = strand.silhouette.box
            higher = strand.logits[box] > best[box]
            best[box][higher] = strand.logits[box][higher]
            found[box][higher] = number
        return found

    def _at(self, index: int, size: tuple[int, int]) -> Int64Array:
        """(H, W) the strand that each pixel of a frame is of, 0 = none: that with the highest logit
        in the newest frame; in earlier ones, of which only the masks are left, the smallest."""
        if all(each.index == index for each in self._strands):
            return self._highest(size, [each.id for each in self._strands])
        found = np.zeros(size, np.int64)
        masks = [(each.id, each.mask_in(index)) for each in self._strands]
        for strand_id, mask in sorted(masks, key=lambda each: -np.count_nonzero(each[1])):
            found[mask] = strand_id
        return found

    def _hide_slipped(self, points: PointTracks) -> None:
        """Hide the strands without a moving track of their own whose masks lie in that of an object
        that has some: they are behind it, and the segmenter has slipped to it."""
        index = points.newest
        supported = [each for each in self._strands if self._supported(each, index, points)]
        for strand in set(self._strands) - set(supported):
            others = [each for each in supported if each.object_id != strand.object_id]
            if any(covered(strand.silhouette, each.silhouette, self._rules) for each in others):
                strand.hide()

    def _own(self, points: PointTracks) -> None:
        """Note which strand each track visible in the last frame of the tracks is on. It stays with
        its own where several are there; off all of them it keeps the one it had."""
        index = points.newest
        before = self._owners.of(points.ids)
        on = self._at(index, points.size).take(points.pixel[-1])
        now = np.where(points.seen(index) & (on > 0), on, before)
        for strand in self._strands:
            stays = (before == strand.id) & points.within(index, strand.mask_in(index))
            now[stays] = strand.id
        self._owners.keep(points.ids, now)

    def _note(self, strand: Strand, points: PointTracks) -> None:
        strand.note(self._supported(strand, strand.index, points))

    def _supported(self, strand: Strand, index: int, points: PointTracks) -> bool:
        """Whether a track that moves is seen on the strand that it was seen on before."""
        if index not in points.indices:
            return False
        own = points.moving & (self._owners.of(points.ids) == strand.id)
        return bool((own & points.within(index, strand.mask_in(index))).any())

    def _clicks(self, strand: Strand, points: PointTracks) -> FloatArray | None:
        """(K, 2) clicks to prompt a strand with in the newest frame; None where it is not time,
        there are too few of its tracks, or what they select is not the strand."""
        index, owners = points.newest, self._owners.of(points.ids)
        if not self._waits(strand, index):
            return None
        due = self._due(strand, None if strand.empty_frames else strand.mask)
        own = tracks_to_click(due, points, index, index - 1, owners)
        if np.count_nonzero(own) < max(1, self._rules.min_prompt_points):
            return None
        strand.asked = index
        return clicks_again(due, points, index, own, owners, self._segmenter.click, self._rules)

    def _waits(self, strand: Strand, index: int) -> bool:
        """Whether it is time to click a strand again."""
        interval = RETRY_FRAMES if strand.empty_frames else self._rules.prompt_interval
        return index - strand.asked >= interval

    def _due(self, strand: Strand, mask: BoolArray | None) -> Due:
        kin = {each.id for each in self._strands if each.object_id == strand.object_id}
        return Due(strand.id, mask, kin, {each.id for each in self._strands} - kin)
