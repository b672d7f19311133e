"""Results of a replay of a bag through the live node: answers to frames, and their age."""

from __future__ import annotations

import itertools
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.judgement import unjudged
from motion_seg_ros.lab.evaluation.recording import Recording
from motion_seg_ros.lab.evaluation.results import Timing
from motion_seg_ros.types import Source, UInt16Array

Value = TypeVar("Value")


@dataclass(frozen=True)
class ReplayLog:
    """Times of images sent and masks received, as logged by the player.

    Attributes:
        sent: stamp in nanoseconds and time in seconds by a steady clock of each image, in order.
        frames: index in the bag of each of them.
        arrived: the same of each moving mask.
    """

    sent: Sequence[tuple[int, float]]
    frames: Sequence[int]
    arrived: Sequence[tuple[int, float]]

    @classmethod
    def read(cls, path: Path) -> ReplayLog:
        """Read the JSON file of the player."""
        content = json.loads(path.read_text(encoding="utf-8"))
        sent, arrived = ([(s, t) for s, t in content[name]] for name in ("sent", "arrived"))
        return cls(sent, content["frames"], arrived)

    def by_frame(self, answers: Iterable[tuple[int, Value]]) -> Iterator[tuple[int, Value]]:
        """Yield answers by the place of their frame in `sent` instead of its stamp.

        Where frames share a stamp, the first answer under it is that to the first of them: the node
        answers in order. Answers to what was not sent are left out.

        Args:
            answers: stamp in nanoseconds and anything, in order of arrival.
        """
        frames: dict[int, deque[int]] = {}
        for index, (stamp_ns, _) in enumerate(self.sent):
            frames.setdefault(stamp_ns, deque()).append(index)
        for stamp_ns, value in answers:
            if frames.get(stamp_ns):
                yield frames[stamp_ns].popleft(), value


@dataclass(frozen=True)
class ReplayFigures:
    """The figures of a replay.

    Attributes:
        sent: frames that were published.
        answered: frames whose masks came back.
        propagated: those of them that were answered with the masks of an earlier frame.
        dropped: frames that were not answered.
        age_p50_ms: median time from the publication of a frame to the arrival of its moving mask,
            in milliseconds.
        age_p95_ms: the 95th percentile of it.
        age_ms: of each answered frame, in order.
    """

    sent: int
    answered: int
    propagated: int
    dropped: int
    age_p50_ms: float
    age_p95_ms: float
    age_ms: tuple[float, ...]

    @property
    def timing(self) -> Timing:
        """The figures for results.json."""
        return Timing(
            age_ms=self.age_ms,
            answered=self.answered,
            propagated=self.propagated,
            dropped=self.dropped,
        )

    def lines(self) -> list[str]:
        """Return the figures as lines of text."""
        return [
            f"frames sent {self.sent}, answered {self.answered} "
            f"({self.answered - self.propagated} inferred, {self.propagated} propagated), "
            f"dropped {self.dropped}",
            f"age of the masks p50 {self.age_p50_ms:.0f} ms, p95 {self.age_p95_ms:.0f} ms, from "
            "publication to arrival",
        ]


def replay_figures(log: ReplayLog, recording: Recording) -> ReplayFigures:
    """Return the figures of a replay from its log and its recording.

    Raises:
        InputError: not one frame was answered.
    """
    arrival_s = dict(log.by_frame(log.arrived))
    source = dict(
        log.by_frame(
            (stamp, Source(message.source)) for stamp, _, message in recording.messages("objects")
        )
    )
    answered = sorted(arrival_s.keys() & source.keys())
    if not answered:
        raise InputError(
            f"replay: expected answers to {len(log.sent)} frames, found none; run "
            "motion_seg_node by itself to see why"
        )
    age_ms = tuple((arrival_s[index] - log.sent[index][1]) * 1e3 for index in answered)
    return ReplayFigures(
        sent=len(log.sent),
        answered=len(answered),
        propagated=sum(source[index] is Source.PROPAGATED for index in answered),
        dropped=len(log.sent) - len(answered),
        age_p50_ms=float(np.percentile(age_ms, 50)),
        age_p95_ms=float(np.percentile(age_ms, 95)),
        age_ms=age_ms,
    )


def replayed_masks(log: ReplayLog, recording: Recording) -> Iterator[tuple[int, UInt16Array]]:
    """Yield index in the bag and instance mask of each answered frame, (H, W) uint16, 0 = static,
    k = object k, in order of arrival."""
    answers = log.by_frame(
        (stamp, image_to_array(message).astype(np.uint16))
        for stamp, _, message in recording.messages("instance_mask")
    )
    return ((log.frames[place], ids) for place, ids in answers)


def replay_unjudged(recording: Recording) -> str | None:
    """Return why the node could judge nothing, or little, of a replay; None where that is not
    so."""
    answers = list(recording.messages("objects"))
    abstentions = Counter(each.abstention for _, _, each in answers if each.abstention)
    resets = [
        f"gap of {(stamp - before) * 1e-9:.3f} s between two stamps"
        if stamp > before
        else "time jumped back"
        for (before, _, last), (stamp, _, newest) in itertools.pairwise(answers)
        if newest.epoch != last.epoch
    ]
    return unjudged(len(answers), abstentions, resets)
