"""Subject of a report: one run with all of its methods, or several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.results import (
    OFFLINE,
    RESULTS_FILE,
    MethodScores,
    Results,
    SequenceScores,
    read_results,
)
from motion_seg_ros.lab.evaluation.scoring import method_scores


@dataclass(frozen=True)
class ReportRun:
    """An evaluation to report.

    Attributes:
        name: in a comparison.
        results: of the evaluation.
        folder: that the paths of its pictures are relative to.
    """

    name: str
    results: Results
    folder: Path


@dataclass(frozen=True)
class Series:
    """A method, or a run in a comparison: it has one colour everywhere in the report."""

    name: str
    scores: MethodScores
    folder: Path

    def on(self, sequence: str) -> SequenceScores | None:
        """Return its scores on a sequence; None where it has none."""
        return self.scores.per_sequence.get(sequence)


@dataclass(frozen=True)
class Subject:
    """Subject of a report.

    Attributes:
        runs: at least one.
        series: the methods of a single run, its own first; the own methods of several runs.
        sequences: names of the sequences that are shown, in order.
        notes: caveats of a comparison, and what a live run costs, for the reader.
    """

    runs: tuple[ReportRun, ...]
    series: tuple[Series, ...]
    sequences: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def compares_runs(self) -> bool:
        """True if there are several runs."""
        return len(self.runs) > 1


@dataclass(frozen=True)
class Differing:
    """A setting that is not the same in all runs.

    Attributes:
        name: dotted, or a phrase.
        values: one for each run; None where it is not known.
    """

    name: str
    values: tuple[object, ...]


def read_runs(paths: Sequence[Path]) -> list[ReportRun]:
    """Read the results in folders or files, named by as much of their path as tells them apart.

    Raises:
        InputError: not results, or a run is given twice.
    """
    results = [read_results(path) for path in paths]
    files = [results_file(path).resolve() for path in paths]
    # The folder of a run, or its file if that has a name of its own.
    places = [
        (file.parent if file.name == RESULTS_FILE else file.with_suffix("")).parts for file in files
    ]
    for index, place in enumerate(places):
        if place in places[:index]:
            raise InputError(
                f"{paths[index]}: expected different runs, found this one twice; name it once"
            )
    return [
        ReportRun(_short_name(place, places), found, results_file(path).parent)
        for place, found, path in zip(places, results, paths, strict=True)
    ]


def results_file(run: Path) -> Path:
    """Return the file of a run that is given as a folder or as that file."""
    return run / RESULTS_FILE if run.is_dir() else run


def subject_of(runs: Sequence[ReportRun]) -> Subject:
    """Return the subject of a report of one or more runs; of several, the sequences they share.

    Raises:
        InputError: the runs have no sequence in common.
    """
    first = runs[0]
    if len(runs) == 1:
        methods = [(first.results.method, first.results.scores), *first.results.against.items()]
        series = tuple(Series(name, each, first.folder) for name, each in methods)
        offline = first.results.against.get(OFFLINE)
        notes = () if offline is None else (_live_note(first.results.scores, offline),)
        return Subject(tuple(runs), series, tuple(first.results.scores.per_sequence), notes)
    common = _common_sequences(runs)
    series = tuple(Series(each.name, _over(each, common), each.folder) for each in runs)
    return Subject(tuple(runs), series, common, tuple(_notes(runs, common)))


def differing_settings(runs: Sequence[ReportRun]) -> list[Differing]:
    """Return what differs between runs: data set, method, settings, versions, machine, commit."""
    told = [described(each.results) for each in runs]
    names = dict.fromkeys(name for each in told for name in each)
    rows = (Differing(name, tuple(each.get(name) for each in told)) for name in names)
    return [row for row in rows if any(value != row.values[0] for value in row.values)]


def described(results: Results) -> dict[str, object]:
    """Return data set, method, settings, versions, machine and commit of a run, by name."""
    return {
        "data set": results.dataset,
        "method": results.method,
        **results.configuration,
        "motion_seg_ros": results.version,
        **results.versions,
        "machine": results.machine,
        **({"commit": results.commit} if results.commit else {}),
    }


def _live_note(live: MethodScores, offline: MethodScores) -> str:
    """Return what the speed of the machine costs, as sentences."""
    timings = [each.timing for each in live.per_sequence.values() if each.timing is not None]
    propagated, dropped = (
        sum(getattr(each, name) for each in timings) for name in ("propagated", "dropped")
    )
    sent = sum(each.answered for each in timings) + dropped
    difference = f"{live.JF_mean - offline.JF_mean:+.3f}".replace("-", "−")
    return (
        f"Of {sent} frames sent live {propagated} were propagated, and {dropped} never answered, "
        f"which count as empty: J&F {live.JF_mean:.3f}. Offline, with every frame inferred, it is "
        f"{offline.JF_mean:.3f}: {difference} at this machine’s speed."
    )


def _over(run: ReportRun, sequences: Sequence[str]) -> MethodScores:
    """Return the scores of a run's own method over some of its sequences."""
    found = run.results.scores.per_sequence
    return method_scores({name: found[name] for name in sequences})


def _short_name(place: tuple[str, ...], places: Sequence[tuple[str, ...]]) -> str:
    """Return the shortest end of a path that no other one has."""
    others = [each for each in places if each != place]
    for length in range(1, len(place) + 1):
        if all(each[-length:] != place[-length:] for each in others):
            return "/".join(place[-length:])
    return "/".join(place)


def _common_sequences(runs: Sequence[ReportRun]) -> tuple[str, ...]:
    names = [each.results.scores.per_sequence for each in runs]
    common = tuple(name for name in names[0] if all(name in each for each in names))
    if not common:
        found = "; ".join(
            f"{each.name}: {each.results.dataset} with {_some(each.results.scores.per_sequence)}"
            for each in runs
        )
        raise InputError(
            f"runs to compare: expected sequences in common, found none ({found}); choose runs of "
            "the same data set"
        )
    return common


def _notes(runs: Sequence[ReportRun], common: tuple[str, ...]) -> list[str]:
    """Return caveats of a comparison, as sentences."""
    notes = []
    datasets = dict.fromkeys(each.results.dataset for each in runs)
    if len(datasets) > 1:
        notes.append(
            f"The runs are of different data sets ({', '.join(datasets)}): sequences of the same "
            "name are compared, their truth may differ."
        )
    for each in runs:
        every = each.results.scores.per_sequence
        left_out = [name for name in every if name not in common]
        if left_out:
            notes.append(
                f"{len(common)} of the {len(every)} sequences of {each.name} are compared; not all "
                f"runs have {_some(left_out)}. All means are over the compared ones."
            )
    first = runs[0].results.scores.per_sequence
    other_frames = [
        name
        for name in common
        if any(
            each.results.scores.per_sequence[name].per_frame.name != first[name].per_frame.name
            for each in runs
        )
    ]
    if other_frames:
        notes.append(
            f"Not the same frames are scored in {_some(other_frames)}: each run's figures are over "
            "its own."
        )
    return notes


def _some(names: Mapping[str, object] | Sequence[str], most: int = 5) -> str:
    """Return names as text, the first few of many."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
