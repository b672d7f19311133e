"""The part of a report that comes first: the worst frames of all sequences, and what they have in
common."""

from __future__ import annotations

from dataclasses import dataclass

from motion_seg_ros.lab.evaluation.frame_tags import TAGS
from motion_seg_ros.lab.evaluation.report.frames import Picture, picture_of
from motion_seg_ros.lab.evaluation.report.pictures import LOWEST
from motion_seg_ros.lab.evaluation.report.runs import Subject
from motion_seg_ros.lab.evaluation.report.scores import anchor_of, number
from motion_seg_ros.lab.evaluation.results import SequenceScores
from motion_seg_ros.lab.evaluation.worst_frames import SHOWN_FRAMES, ranked_faults


@dataclass(frozen=True)
class WorstFrame:
    """One frame.

    Attributes:
        sequence: its name; `anchor` is the HTML id of the part about it.
        frame: the frame's name.
        scores: of the frame, as text.
        tags: what makes it hard.
        picture: of it; None where there is none.
    """

    sequence: str
    anchor: str
    frame: str
    scores: str
    tags: tuple[str, ...]
    picture: Picture | None


@dataclass(frozen=True)
class CommonTag:
    """A tag of the worst frames: how many have it, and the share of all scored frames that do."""

    name: str
    count: int
    of_all: str


@dataclass(frozen=True)
class Worst:
    """The worst frames of the first series.

    Attributes:
        frames: the worst first.
        common: their tags, the most common first.
        sequences: number of sequences they are of.
        tagged: whether the truth of any frame told something.
    """

    frames: tuple[WorstFrame, ...]
    common: tuple[CommonTag, ...]
    sequences: int
    tagged: bool


def worst_frames(subject: Subject) -> Worst | None:
    """Return the worst frames of the first series; None where all frames are right."""
    series = subject.series[0]
    scores = {name: found for name in subject.sequences if (found := series.on(name))}
    ranked = sorted(
        (rank, place, frame)
        for place, found in enumerate(scores.values())
        for rank, frame in ranked_faults(found.per_frame)
    )
    names = list(scores)
    frames = []
    for (region, boundary, _), place, frame in ranked[:SHOWN_FRAMES]:
        found = scores[names[place]]
        path = found.pictures.get(f"{LOWEST} {frame}")
        frames.append(
            WorstFrame(
                sequence=names[place],
                anchor=anchor_of(subject, names[place]),
                frame=frame,
                scores=f"J {number(region, 2)}, F {number(boundary, 2)}",
                tags=_tags(found, frame),
                picture=picture_of(series.folder, path, LOWEST, frame, found.per_frame)
                if path
                else None,
            )
        )
    if not frames:
        return None
    common = [_common(tag, frames, list(scores.values())) for tag in TAGS]
    return Worst(
        frames=tuple(frames),
        common=tuple(sorted((each for each in common if each.count), key=lambda each: -each.count)),
        sequences=len({each.sequence for each in frames}),
        tagged=any(found.tags for found in scores.values()),
    )


def _tags(scores: SequenceScores, frame: str) -> tuple[str, ...]:
    return tuple(each for each in TAGS if frame in scores.tags.get(each, ()))


def _common(tag: str, frames: list[WorstFrame], scores: list[SequenceScores]) -> CommonTag:
    tagged = sum(len(each.tags.get(tag, ())) for each in scores)
    scored = sum(len(each.per_frame.name) for each in scores)
    return CommonTag(tag, sum(tag in each.tags for each in frames), f"{tagged / scored:.0%}")
