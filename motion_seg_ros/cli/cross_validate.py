"""`motion_seg cross-validate`: choose among evaluations on one half of the sequences, and judge the
choice on the other."""

from __future__ import annotations

import argparse
import dataclasses
import json
import textwrap
from pathlib import Path

from motion_seg_ros.io.staging import check_free, write_file
from motion_seg_ros.lab.evaluation.cross_validation import RULE, as_table, cross_validate
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.lab.evaluation.report.runs import read_runs
from motion_seg_ros.lab.evaluation.results import RESULTS_FILE

KIND = "cross-validation"
DESCRIPTION = f"""\
Choose among evaluations of the same frames, which differ in a setting or in the source, on one half
of the sequences, and judge the choice on the other half, both ways. Prints what was chosen and two
means of J, F and J&F: judged, over sequences that had no say in the choice made for them; and
in-sample, over those that chose.

{textwrap.fill(f"The rule: {RULE}.", 100)}

It tells nothing about what all candidates have in common."""

EXAMPLES = """\
examples:
  motion_seg cross-validate runs/12 runs/16 runs/24 -o cross_validation.json
        of evaluations such as
  motion_seg evaluate --dataset davis2016 --root DAVIS --set window.size=12 -o runs/12
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "cross-validate",
        help="choose among evaluations on half of the sequences, judge on the others",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help=f"folder of `motion_seg evaluate`, or its {RESULTS_FILE}: two or more",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="JSON file to write: docs/evaluation.md"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the table, and write the file if one is named.

    Raises:
        MotionSegError: not results, results of other frames, or an output that cannot be written.
    """
    output: Path | None = arguments.output
    if output is not None:
        check_free(output, overwrite=arguments.overwrite)
    found = cross_validate(read_runs(arguments.runs))
    print(as_table(found))
    if output is not None:
        content = {"kind": KIND, **dataclasses.asdict(found), **provenance()}
        write_file(output, json.dumps(content, indent=1) + "\n", overwrite=arguments.overwrite)
        print(f"\nwritten to {output}")
