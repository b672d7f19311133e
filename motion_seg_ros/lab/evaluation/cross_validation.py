"""Two-fold cross-validation over evaluations: one half of the sequences chooses among them, the
other half judges what was chosen, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import SequenceScores

RULE = (
    "sequences in alphabetical order; the first, third, ... are one half, the second, fourth, ... "
    "the other; each half chooses the candidate with the highest mean J&F, the first named one of "
    "equal ones, and the other half judges it"
)


@dataclass(frozen=True)
class MeanScores:
    """Means over some sequences, 0 to 1; JF_mean is the mean of J_mean and F_mean."""

    J_mean: float
    F_mean: float
    JF_mean: float

    @classmethod
    def of(cls, scores: Sequence[SequenceScores]) -> MeanScores:
        """Return the means of one sequence or more."""
        count = len(scores)
        return cls(
            J_mean=sum(each.J_mean for each in scores) / count,
            F_mean=sum(each.F_mean for each in scores) / count,
            JF_mean=sum(each.JF_mean for each in scores) / count,
        )


@dataclass(frozen=True)
class Candidate:
    """An evaluation to choose from, with the fields of its results of the same names.

    Attributes:
        scores: over all sequences.
    """

    scores: MeanScores
    command: str
    commit: str
    machine: str
    date: str


@dataclass(frozen=True)
class Fold:
    """One half of the sequences chooses, the other one judges.

    Attributes:
        chosen_on: names of the sequences that choose.
        judged_on: names of those that judge.
        chosen: name of the candidate.
        judged: its scores on those that judge.
        in_sample: its scores on those that chose it.
    """

    chosen_on: tuple[str, ...]
    judged_on: tuple[str, ...]
    chosen: str
    judged: MeanScores
    in_sample: MeanScores


@dataclass(frozen=True)
class CrossValidation:
    """Choice among candidates, with its judged and in-sample scores.

    Attributes:
        dataset: its name.
        candidates: by name.
        folds: both.
        judged: means over all sequences, each of which is judged with the candidate that the half
            without it chose.
        chosen: name of the candidate that all sequences choose.
        in_sample: its means over all sequences, which chose it.
        rule: in words.
    """

    dataset: str
    candidates: Mapping[str, Candidate]
    folds: tuple[Fold, Fold]
    judged: MeanScores
    chosen: str
    in_sample: MeanScores
    rule: str = RULE


def cross_validate(runs: Sequence[ReportRun]) -> CrossValidation:
    """Choose among evaluations of the same frames on one half of the sequences, and judge on the
    other, both ways, by RULE.

    Args:
        runs: two or more; of each its own method.

    Raises:
        InputError: fewer than two runs or sequences, or runs of other frames.
    """
    _check(runs)
    scores = {each.name: each.results.scores.per_sequence for each in runs}
    names = sorted(runs[0].results.scores.per_sequence)
    halves = (tuple(names[::2]), tuple(names[1::2]))
    folds = tuple(_fold(scores, *each) for each in (halves, halves[::-1]))
    judged = [scores[fold.chosen][name] for fold in folds for name in fold.judged_on]
    best = _best(scores, names)
    return CrossValidation(
        dataset=runs[0].results.dataset,
        candidates={
            each.name: Candidate(
                scores=_over(each.results.scores.per_sequence, names),
                command=each.results.command,
                commit=each.results.commit,
                machine=each.results.machine,
                date=each.results.date,
            )
            for each in runs
        },
        folds=(folds[0], folds[1]),
        judged=MeanScores.of(judged),
        chosen=best,
        in_sample=_over(scores[best], names),
    )


def as_table(found: CrossValidation) -> str:
    """Return candidates, folds and both means as a table, with the commits of the candidates."""
    wide = max(map(len, (*found.candidates, "in-sample"))) + 2
    lines = [f"{'candidate':<{wide}}{'J':>7}{'F':>7}{'J&F':>7}  commit"]
    for name, each in found.candidates.items():
        lines.append(f"{name:<{wide}}{_cells(each.scores)}  {each.commit or 'unknown'}")
    lines += ["", "chosen on one half, judged on the other"]
    for fold in found.folds:
        lines.append(f"{fold.chosen:<{wide}}{_cells(fold.judged)}  on {', '.join(fold.judged_on)}")
    lines += [
        "",
        f"{'judged':<{wide}}{_cells(found.judged)}",
        f"{'in-sample':<{wide}}{_cells(found.in_sample)}  {found.chosen}, chosen on all",
    ]
    return "\n".join(lines)


def _cells(scores: MeanScores) -> str:
    return f"{scores.J_mean:>7.3f}{scores.F_mean:>7.3f}{scores.JF_mean:>7.3f}"


def _fold(
    scores: Mapping[str, Mapping[str, SequenceScores]],
    chosen_on: tuple[str, ...],
    judged_on: tuple[str, ...],
) -> Fold:
    chosen = _best(scores, chosen_on)
    return Fold(
        chosen_on=chosen_on,
        judged_on=judged_on,
        chosen=chosen,
        judged=_over(scores[chosen], judged_on),
        in_sample=_over(scores[chosen], chosen_on),
    )


def _best(scores: Mapping[str, Mapping[str, SequenceScores]], names: Sequence[str]) -> str:
    return max(scores, key=lambda candidate: _over(scores[candidate], names).JF_mean)


def _over(scores: Mapping[str, SequenceScores], names: Sequence[str]) -> MeanScores:
    return MeanScores.of([scores[name] for name in names])


def _check(runs: Sequence[ReportRun]) -> None:
    if len(runs) < 2:
        raise InputError(
            f"cross-validate: expected two evaluations or more to choose from, found {len(runs)}; "
            "evaluate with other settings too"
        )
    first = runs[0]
    wanted = first.results.scores.per_sequence
    if len(wanted) < 2:
        raise InputError(
            f"{first.name}: expected two sequences or more, found {len(wanted)}; one half chooses, "
            "the other judges"
        )
    for run in runs[1:]:
        found = run.results.scores.per_sequence
        if run.results.dataset != first.results.dataset:
            differs = f"data set {first.results.dataset}, found {run.results.dataset}"
        elif name := next(iter(sorted(wanted.keys() ^ found.keys())), None):
            differs = f"the sequences of {first.name}, found {name} in only one of both"
        elif name := next(
            (each for each in wanted if found[each].per_frame.name != wanted[each].per_frame.name),
            None,
        ):
            differs = f"the frames of {first.name}, found others scored in {name}"
        else:
            continue
        raise InputError(f"{run.name}: expected {differs}; evaluate both on the same frames")
