"""`motion_seg report`: show results of evaluations side by side on one page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.staging import check_free
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.runs import read_runs, results_file, subject_of
from motion_seg_ros.lab.evaluation.results import RESULTS_FILE

DESCRIPTION = """\
Show results of `motion_seg evaluate` as one HTML file that needs nothing else: of one run all
methods; of several, the runs side by side, the difference on each sequence and the settings that
differ. Runs are compared on the sequences that all of them have."""

EXAMPLES = """\
examples:
  motion_seg report before after -o comparison.html       two folders of `motion_seg evaluate`
  motion_seg report lite/results.json full/results.json
  motion_seg report out --overwrite                       the report of one run, made anew
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
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
    """Write the report and print its figures.

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


def _check_no_run(output: Path, runs: Sequence[Path]) -> None:
    """Refuse to replace an input."""
    for run in runs:
        if output.exists() and output.samefile(results_file(run)):
            raise OutputError(
                f"{output}: expected a file for the report, found the results it is made of; "
                "choose another output"
            )
