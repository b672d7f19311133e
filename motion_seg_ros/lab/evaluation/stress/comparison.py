"""Comparison of a method under conditions with its clean run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.results import MethodScores, SequenceScores
from motion_seg_ros.lab.evaluation.stress.conditions import CONDITIONS, Condition
from motion_seg_ros.lab.evaluation.stress.scores import (
    ConditionScores,
    SequenceLoss,
    StressScores,
)
from motion_seg_ros.lab.evaluation.stress.sequence import StressedSequence

_NAME_WIDTH, _WIDTH = 17, 9


@dataclass(frozen=True)
class Stress:
    """Conditions to evaluate under.

    Attributes:
        conditions: names in CONDITIONS, one at least.
        seed: of what is drawn at random.
    """

    conditions: tuple[str, ...] = tuple(CONDITIONS)
    seed: int = 0

    def folder(self, condition: str) -> str:
        """Return the folder's name of the masks under a condition with this seed."""
        return f"{condition}_{self.seed}" if self.seed else condition

    def sequence(
        self, sequence: AnnotatedSequence, condition: str, camera: CameraFile | None
    ) -> StressedSequence:
        """Return a sequence under a condition."""
        return StressedSequence(sequence, CONDITIONS[condition], self.seed, camera)

    def scores(
        self, clean: MethodScores, found: Mapping[str, Mapping[str, SequenceScores]]
    ) -> StressScores:
        """Return the scores beside those of the clean run.

        Args:
            clean: of the same sequences as they are.
            found: condition -> sequence -> scores.
        """
        return StressScores(
            self.seed,
            {
                name: compared(CONDITIONS[name], clean.per_sequence, found[name])
                for name in self.conditions
            },
        )


def compared(
    condition: Condition,
    clean: Mapping[str, SequenceScores],
    found: Mapping[str, SequenceScores],
) -> ConditionScores:
    """Return the scores of the same sequences under a condition beside those of the clean run."""
    own, same, losses = [], [], {}
    for name, scores in found.items():
        frames = frozenset(scores.per_frame.name)
        own.append(_over(scores, frames))
        same.append(_over(clean[name], frames))
        ours, theirs = (sum(each[-1]) / 2 for each in (own, same))
        losses[name] = SequenceLoss(len(frames), ours, ours - theirs)
    region, boundary = _means(own)
    clean_region, clean_boundary = _means(same)
    both, clean_both = (region + boundary) / 2, (clean_region + clean_boundary) / 2
    return ConditionScores(
        meaning=condition.meaning,
        levels=condition.levels,
        frames=sum(each.frames for each in losses.values()),
        J_mean=region,
        F_mean=boundary,
        JF_mean=both,
        clean_JF_mean=clean_both,
        J_difference=region - clean_region,
        F_difference=boundary - clean_boundary,
        JF_difference=both - clean_both,
        per_sequence=losses,
    )


def as_table(stress: StressScores, clean: MethodScores) -> str:
    """Return the conditions below the clean run, for the terminal.

    `clean` is J&F of the clean run over the same frames, `change` what the condition adds to it.
    """

    def line(name: str, *cells: str) -> str:
        return f"{name:<{_NAME_WIDTH}}" + "".join(f"{each:>{_WIDTH}}" for each in cells)

    def numbers(*values: float) -> list[str]:
        return [f"{each:.3f}" for each in values]

    frames = sum(len(each.per_frame.name) for each in clean.per_sequence.values())
    lines = [
        line("condition", "frames", "J", "F", "J&F", "clean", "change"),
        line("clean", str(frames), *numbers(clean.J_mean, clean.F_mean, clean.JF_mean)),
    ]
    for name, each in stress.conditions.items():
        own = numbers(each.J_mean, each.F_mean, each.JF_mean, each.clean_JF_mean)
        change = f"{round(each.JF_difference, 3) + 0.0:+.3f}"  # no -0.000
        cells = (*own, change, f"  {each.meaning}")
        lines.append(line(name, str(each.frames), *cells))
    return "\n".join(lines)


def _over(scores: SequenceScores, frames: frozenset[str]) -> tuple[float, float]:
    """Return mean J and F of a sequence over some of its frames, one at least."""
    columns = scores.per_frame
    chosen = [index for index, name in enumerate(columns.name) if name in frames]
    region, boundary = (
        math.fsum(column[index] for index in chosen) / len(chosen)
        for column in (columns.J, columns.F)
    )
    return region, boundary


def _means(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    region, boundary = (math.fsum(column) / len(pairs) for column in zip(*pairs, strict=True))
    return region, boundary
