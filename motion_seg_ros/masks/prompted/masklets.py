"""Masklets: what the segmenter follows from frame to frame, and the tracks seen on each.

Frames are named by their index in the stream.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, replace

import numpy as np

from motion_seg_ros.masks.prompted.candidates import Candidate, Prompt
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.grouping import LabelledTracks
from motion_seg_ros.masks.prompted.merging import Pair, Silhouette, covered
from motion_seg_ros.masks.prompted.reprompting import (
    RepromptTarget,
    promptable_tracks,
    reprompting_clicks,
)
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

# Set by hand:
HISTORY = 24  # frames that silhouettes are remembered for
RETRY_FRAMES = 4  # between attempts to find a masklet out of sight by its tracks


@dataclass(frozen=True, eq=False)
class Observation:
    """A masklet in one frame.

    Attributes:
        silhouette: its mask.
        supported: a moving track of its own is visible in the mask.
    """

    silhouette: Silhouette
    supported: bool


class Masklet:
    """A mask that the segmenter follows over time. A moving object has one or more.

    Attributes:
        id: its id with the segmenter, never used again.
        object_id: the object it belongs to; 0 until that is known.
        prompted_at: frame in which it was last prompted, or an attempt was made.
        index: the newest frame.
        logits: (H, W) float32 in the newest frame.
        mask: (H, W) bool there.
        silhouette: the mask's.
        observations: by frame, the newest HISTORY ones.
        empty_frames: number of newest frames without a mask.
    """

    def __init__(self, masklet_id: int, index: int, logits: FloatArray) -> None:
        self.id = masklet_id
        self.object_id = 0
        self.prompted_at = index
        self.observations: dict[int, Observation] = {}
        self.empty_frames = 0
        self.show(index, logits)

    def show(self, index: int, logits: FloatArray) -> None:
        """Take in the (H, W) logits of the newest frame."""
        self._empty_before = self.empty_frames
        self.index = index
        self.logits = logits
        self.mask = np.asarray(logits > 0)
        self.silhouette = Silhouette.of(self.mask)
        self.empty_frames = 0 if self.silhouette.area else self.empty_frames + 1

    def hide(self) -> None:
        """Replace the mask of the newest frame by an empty one."""
        before = self._empty_before
        self.show(self.index, np.minimum(self.logits, 0))
        self.empty_frames = before + 1

    def record(self, supported: bool) -> None:
        """Remember the newest frame."""
        self.observations[self.index] = Observation(self.silhouette, supported)
        self.observations.pop(self.index - HISTORY, None)

    def mask_in(self, index: int) -> BoolArray:
        """Return the (H, W) bool mask in a frame; empty where it is not remembered."""
        if index == self.index:
            return self.mask
        mask = np.zeros_like(self.mask)
        if index in self.observations:
            silhouette = self.observations[index].silhouette
            mask[silhouette.box] = silhouette.inside
        return mask

    def in_common(self, other: Masklet, *, supported: bool) -> list[Pair]:
        """Return both silhouettes in each frame remembered of both; if `supported`, only where
        both are."""
        own, others = self.observations, other.observations
        return [
            (own[i].silhouette, others[i].silhouette)
            for i in own
            if i in others and (not supported or (own[i].supported and others[i].supported))
        ]


class Masklets:
    """All masklets of a stream. Between calls, all of them are in the newest frame.

    Tracks found in the background end at an earlier frame: they then concern the masklets in that
    frame.

    Args:
        segmenter: follows the masklets; the caller shows it the frames.
        rules: when and how masklets are prompted again.
    """

    def __init__(self, segmenter: Segmenter, rules: PromptingRules) -> None:
        self._segmenter = segmenter
        self._rules = rules
        self._ids = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Forget all masklets; the segmenter forgets them by its own reset."""
        self._masklets: list[Masklet] = []
        self._owners = TrackOwners()

    @property
    def all(self) -> tuple[Masklet, ...]:
        """The masklets in the order they were found."""
        return tuple(self._masklets)

    def new_id(self) -> int:
        """Return an id for a masklet; any thread may call this."""
        return next(self._ids)

    def owners(self, ids: Int64Array) -> Int64Array:
        """Return the (N,) ids of the masklets that tracks were last seen on, removed ones too; 0 =
        none."""
        return self._owners.of(ids)

    def owners_now(self) -> TrackOwners:
        """Return a copy of the owners, for use in another thread."""
        return copy.copy(self._owners)

    def advance(self, index: int, points: LabelledTracks) -> None:
        """Follow all masklets to the newest frame, the one after the last.

        They are prompted in it only if `points`, the last tracks known, reach that frame.
        """
        for masklet in self._masklets:
            clicks = self._clicks(masklet, points) if points.newest == index else None
            if clicks is None:
                masklet.show(index, self._segmenter.follow(masklet.id, index))
            else:
                masklet.show(index, self._segmenter.prompt(masklet.id, index, clicks))
        self._hide_slipped(points)
        if points.newest == index:
            self._own(points)
        for masklet in self._masklets:
            self._record(masklet, points)

    def due(self) -> RepromptTarget | None:
        """Return the masklet in sight whose prompt is most overdue, if any, and count it as
        prompted."""
        waiting = [
            each
            for each in self._masklets
            if not each.empty_frames and self._is_due(each, each.index)
        ]
        if not waiting:
            return None
        masklet = min(waiting, key=lambda each: each.prompted_at)
        masklet.prompted_at = masklet.index
        return self._target(masklet, masklet.mask)

    def prompt(self, prompt: Prompt) -> None:
        """Click a masklet in an earlier frame, if it is still followed, to correct its memory."""
        followed = {each.id for each in self._masklets}
        if prompt.masklet_id in followed and prompt.index in self._segmenter.kept():
            self._segmenter.prompt(prompt.masklet_id, prompt.index, prompt.xy_px)

    def take_tracks(self, points: LabelledTracks, since: int) -> None:
        """Take in tracks that end before the newest frame and are known only now.

        Args:
            points: the tracks.
            since: last frame of the tracks taken in before.
        """
        self._own(points)
        for masklet in self._masklets:
            for index, observation in list(masklet.observations.items()):
                if since < index <= points.newest:
                    supported = self._is_supported(masklet, index, points)
                    masklet.observations[index] = replace(observation, supported=supported)

    def add(self, candidate: Candidate, points: LabelledTracks, newest: int) -> Masklet:
        """Make a masklet of a candidate, and follow it to the newest frame.

        Args:
            candidate: the segmenter must keep all frames after it.
            points: the last tracks known.
            newest: the newest frame.
        """
        first = candidate.proposal.index
        masklet = Masklet(candidate.masklet_id, first, candidate.logits[0])
        members = np.isin(points.ids, candidate.proposal.track_ids)
        self._owners.keep(points.ids, np.where(members, masklet.id, self._owners.of(points.ids)))
        self._record(masklet, points)
        for index in range(first + 1, newest + 1):
            logits = (
                candidate.logits[index - first]
                if index <= candidate.newest
                else self._segmenter.follow(masklet.id, index)
            )
            masklet.show(index, logits)
            self._record(masklet, points)
        self._masklets.append(masklet)
        self._own(points)
        return masklet

    def withdraw(self, masklet: Masklet, points: LabelledTracks, owners: Int64Array) -> None:
        """Remove a masklet just added, and give the tracks of `points` back to (N,) owners."""
        self.remove(masklet)
        self._owners.keep(points.ids, owners)

    def remove(self, masklet: Masklet, heir: Masklet | None = None) -> None:
        """Stop following a masklet; its tracks become the heir's, or stay its own."""
        self._segmenter.remove(masklet.id)
        self._masklets.remove(masklet)
        if heir is not None:
            self._owners.pass_on(masklet.id, heir.id)

    def objects_at(self, size: tuple[int, int]) -> Int64Array:
        """Return (H, W) the object of each pixel of the newest frame, 0 = none: the one with the
        highest logit above 0."""
        return self._highest(size, [each.object_id for each in self._masklets])

    def _highest(self, size: tuple[int, int], numbers: list[int]) -> Int64Array:
        best = np.zeros(size, np.float32)
        found = np.zeros(size, np.int64)
        for masklet, number in zip(self._masklets, numbers, strict=True):
            box = masklet.silhouette.box
            higher = masklet.logits[box] > best[box]
            best[box][higher] = masklet.logits[box][higher]
            found[box][higher] = number
        return found

    def _at(self, index: int, size: tuple[int, int]) -> Int64Array:
        """Return (H, W) the masklet of each pixel of a frame, 0 = none: the one with the highest
        logit in the newest frame; in earlier ones, of which only masks are left, the smallest."""
        if all(each.index == index for each in self._masklets):
            return self._highest(size, [each.id for each in self._masklets])
        found = np.zeros(size, np.int64)
        masks = [(each.id, each.mask_in(index)) for each in self._masklets]
        for masklet_id, mask in sorted(masks, key=lambda each: -np.count_nonzero(each[1])):
            found[mask] = masklet_id
        return found

    def _hide_slipped(self, points: LabelledTracks) -> None:
        """Hide the masklets without a moving track of their own that are covered by an object with
        some: they are behind it, and the segmenter has slipped to it."""
        index = points.newest
        supported = [each for each in self._masklets if self._is_supported(each, index, points)]
        for masklet in set(self._masklets) - set(supported):
            others = [each for each in supported if each.object_id != masklet.object_id]
            if any(covered(masklet.silhouette, each.silhouette, self._rules) for each in others):
                masklet.hide()

    def _own(self, points: LabelledTracks) -> None:
        """Note the masklet under each track visible in the last frame of the tracks. A track stays
        with its own where several are there; off all masklets it keeps the one it had."""
        index = points.newest
        before = self._owners.of(points.ids)
        on = self._at(index, points.size).take(points.pixel[-1])
        now = np.where(points.seen(index) & (on > 0), on, before)
        for masklet in self._masklets:
            stays = (before == masklet.id) & points.within(index, masklet.mask_in(index))
            now[stays] = masklet.id
        self._owners.keep(points.ids, now)

    def _record(self, masklet: Masklet, points: LabelledTracks) -> None:
        masklet.record(self._is_supported(masklet, masklet.index, points))

    def _is_supported(self, masklet: Masklet, index: int, points: LabelledTracks) -> bool:
        """Return whether a moving track is seen on the masklet that it was seen on before."""
        if index not in points.indices:
            return False
        own = points.moving & (self._owners.of(points.ids) == masklet.id)
        return bool((own & points.within(index, masklet.mask_in(index))).any())

    def _clicks(self, masklet: Masklet, points: LabelledTracks) -> FloatArray | None:
        """Return (K, 2) clicks to prompt a masklet with in the newest frame; None where it is not
        due, has too few tracks, or what they select is not the masklet."""
        index, owners, rules = points.newest, self._owners.of(points.ids), self._rules
        if not self._is_due(masklet, index):
            return None
        target = self._target(masklet, None if masklet.empty_frames else masklet.mask)
        own = promptable_tracks(target, points, index, index - 1, owners, rules)
        if own is None:
            return None
        masklet.prompted_at = index
        return reprompting_clicks(target, points, index, own, owners, self._segmenter.click, rules)

    def _is_due(self, masklet: Masklet, index: int) -> bool:
        """Return whether it is time to prompt a masklet again."""
        interval = RETRY_FRAMES if masklet.empty_frames else self._rules.prompt_interval
        return index - masklet.prompted_at >= interval

    def _target(self, masklet: Masklet, mask: BoolArray | None) -> RepromptTarget:
        siblings = {each.id for each in self._masklets if each.object_id == masklet.object_id}
        others = {each.id for each in self._masklets} - siblings
        return RepromptTarget(masklet.id, mask, siblings, others)
