"""`motion_seg report`: the results of evaluations, side by side on one page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.io.staging import check_free
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.runs import ReportRun, subject_of
from motion_seg_ros.lab.evaluation.results import RESULTS_FILE, read_results

DESCRIPTION = """\
Show what `motion_seg evaluate` found, as one HTML file that needs nothing else: of one run all
methods; of several, the runs side by side, the difference on each sequence and the settings that
differ. Runs are compared on the sequences that all of them have."""

EXAMPLES = """\
examples:
  motion_seg report before after -o comparison.html       two folders of `motion_seg evaluate`
  motion_seg report lite/results.json full/results.json
  motion_seg report out --overwrite                       the report of one run, made anew
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "report",
        help="compare evaluations side by side",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help=f"folder of `motion_seg evaluate`, or its {RESULTS_FILE}",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(REPORT_FILE),
        metavar="FILE",
        help="HTML file to write (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the report and say what is in it.

    Raises:
        MotionSegError: not results, results that cannot be compared, or an output that cannot be
            written.
    """
    output: Path = arguments.output
    check_free(output, overwrite=arguments.overwrite)
    runs = read_runs(arguments.runs)
    _check_no_run(output, arguments.runs)
    subject = subject_of(runs)
    write_report(output, runs)
    for each in subject.series:
        scores = each.scores
        print(
            f"{each.name}: J&F {scores.JF_mean:.3f}, J {scores.J_mean:.3f}, F {scores.F_mean:.3f}"
        )
    for note in subject.notes:
        print(note)
    count = len(subject.sequences)
    print(f"{count} sequence{'s' if count != 1 else ''}, written to {output}")


def read_runs(paths: Sequence[Path]) -> list[ReportRun]:
    """The results in folders or files, named by as much of their path as tells them apart.

    Raises:
        InputError: not results, or a run is given twice.
    """
    results = [read_results(path) for path in paths]
    files = [_file(path) for path in paths]
    places = [_place(file.resolve()) for file in files]
    for index, place in enumerate(places):
        if place in places[:index]:
            raise InputError(
                f"{paths[index]}: expected different runs, found this one twice; name it once"
            )
    return [
        ReportRun(_name(place, places), found, file.parent)
        for place, found, file in zip(places, results, files, strict=True)
    ]


def _check_no_run(output: Path, runs: Sequence[Path]) -> None:
    """Refuse to replace what is read."""
    for run in runs:
        if output.exists() and output.samefile(_file(run)):
            raise OutputError(
                f"{output}: expected a file for the report, found the results it is made of; "
                "choose another output"
            )


def _file(run: Path) -> Path:
    return run / RESULTS_FILE if run.is_dir() else run


def _place(file: Path) -> tuple[str, ...]:
    """Parts of the path of the run: its folder, or its file if that has a name of its own."""
    return (file.parent if file.name == RESULTS_FILE else file.with_suffix("")).parts


def _name(place: tuple[str, ...], places: Sequence[tuple[str, ...]]) -> str:
    """The shortest end of a path that no other one has."""
    others = [each for each in places if each != place]
    for length in range(1, len(place) + 1):
        if all(each[-length:] != place[-length:] for each in others):
            return "/".join(place[-length:])
    return "/".join(place)
