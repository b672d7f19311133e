"""Misclassification of tracks by motion as a table and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from motion_seg_ros.lab.evaluation.labels.motions import (
    ONE_MOTION,
    TWO_GROUPS,
    Misclassification,
    MotionScore,
)

Scores = Mapping[str, Mapping[str, MotionScore]]  # clip -> labeller

_HEADINGS = (
    ("tracks", 8),
    ("motions", 9),
    ("labeller", 15),
    ("wrong", 9),
    ("per motion", 12),
    ("movers as one", 15),
    ("per motion", 12),
)
_SUMMARIES: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "median": np.median}


def motion_table(scores: Scores) -> str:
    """Return a table of all clips below each other, with means and medians at the end.

    Shares are of the tracks that are wrong under the best assignment of the groups to all motions,
    then to the static world and all movers as one.
    """
    judged = {name: each for name, each in scores.items() if each}
    if not judged:
        return "motions: no track to judge"
    groups = [*judged, *(f"{each} of {len(judged)}" for each in _SUMMARIES)]
    width = max(map(len, groups)) + 1
    lines = [
        "tracks in the wrong motion, each as labelled when last in sight; for comparison "
        f"'{ONE_MOTION}' for all, and '{TWO_GROUPS}', the truth with all movers as one:",
        "",
        " " * width + "".join(f"{name:>{wide}}" for name, wide in _HEADINGS),
    ]
    for clip, by_labeller in judged.items():
        for index, (labeller, score) in enumerate(by_labeller.items()):
            facts = (str(score.count), str(score.motions)) if index == 0 else ("", "")
            name = clip if index == 0 else ""
            lines.append(f"{name:<{width}}" + _row(facts, labeller, score.apart, score.as_one))
    for group, over_clips in zip(groups[-2:], summaries(scores).values(), strict=True):
        lines.append("")
        for index, (labeller, (apart, as_one)) in enumerate(over_clips.items()):
            name = group if index == 0 else ""
            lines.append(f"{name:<{width}}" + _row(("", ""), labeller, apart, as_one))
    return "\n".join(line.rstrip() for line in lines)


def summaries(
    scores: Scores,
) -> dict[str, dict[str, tuple[Misclassification, Misclassification]]]:
    """Return mean and median over the clips -> labeller -> wrong among all motions, and with the
    movers as one; nothing where no track is judged."""
    judged = [each for each in scores.values() if each]
    if not judged:
        return {}

    def over(how: Callable[..., Any], parts: list[Misclassification]) -> Misclassification:
        error, per_motion = how([dataclasses.astuple(each) for each in parts], axis=0).tolist()
        return Misclassification(error, per_motion)

    return {
        name: {
            labeller: (
                over(how, [each[labeller].apart for each in judged]),
                over(how, [each[labeller].as_one for each in judged]),
            )
            for labeller in judged[0]
        }
        for name, how in _SUMMARIES.items()
    }


def motion_json(scores: Scores) -> dict[str, Any]:
    """Return the scores as a tree of numbers."""
    return {
        "by_name": {
            clip: {labeller: dataclasses.asdict(each) for labeller, each in by_labeller.items()}
            for clip, by_labeller in scores.items()
        },
        **{
            how: {
                labeller: {
                    "apart": dataclasses.asdict(apart),
                    "as_one": dataclasses.asdict(as_one),
                }
                for labeller, (apart, as_one) in by_labeller.items()
            }
            for how, by_labeller in summaries(scores).items()
        },
    }


def _row(
    facts: tuple[str, str], labeller: str, apart: Misclassification, as_one: Misclassification
) -> str:
    shares = (apart.error, apart.per_motion, as_one.error, as_one.per_motion)
    cells = (*facts, labeller, *(f"{each:.1%}" for each in shares))
    return "".join(f"{cell:>{wide}}" for cell, (_, wide) in zip(cells, _HEADINGS, strict=True))
