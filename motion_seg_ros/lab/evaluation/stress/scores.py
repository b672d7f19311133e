"""Scores under conditions beside those of the clean run, as they stand in results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SequenceLoss:
    """One sequence under a condition.

    Attributes:
        frames: number of frames scored.
        JF_mean: mean of J and F over them.
        JF_difference: that less JF_mean of the clean run over the same frames.
    """

    frames: int
    JF_mean: float
    JF_difference: float


@dataclass(frozen=True)
class ConditionScores:
    """A data set under a condition: means over its sequences.

    A condition that leaves frames out is compared with the clean run's masks of those frames that
    both have.

    Attributes:
        meaning: the condition in words.
        levels: the numbers that define it, by name.
        frames: number of frames scored, of all sequences.
        J_mean: over the frames scored; F_mean and JF_mean likewise.
        clean_JF_mean: of the clean run, over the same frames.
        J_difference: J_mean less that of the clean run over the same frames; F_difference and
            JF_difference likewise.
        per_sequence: by the sequence's name.
    """

    meaning: str
    levels: Mapping[str, float]
    frames: int
    J_mean: float
    F_mean: float
    JF_mean: float
    clean_JF_mean: float
    J_difference: float
    F_difference: float
    JF_difference: float
    per_sequence: Mapping[str, SequenceLoss]


@dataclass(frozen=True)
class StressScores:
    """All conditions of a run.

    Attributes:
        seed: of what is drawn at random.
        conditions: by name, in order.
    """

    seed: int
    conditions: Mapping[str, ConditionScores]
