"""Options of `motion_seg evaluate --stress`: the same sequences under conditions."""

from __future__ import annotations

import argparse

from motion_seg_ros.cli import argument_types
from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.base import suggestion
from motion_seg_ros.lab.evaluation.results import Results
from motion_seg_ros.lab.evaluation.stress.comparison import Stress, as_table
from motion_seg_ros.lab.evaluation.stress.conditions import CONDITIONS

DESCRIPTION = """\
Repeat the sequences under conditions, and show what is lost against the clean run in one table and
one picture of the report. Levels: docs/evaluation.md."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --stress and --stress-seed; `check` and `wanted` understand them."""
    group = parser.add_argument_group("robustness", DESCRIPTION)
    group.add_argument(
        "--stress",
        nargs="?",
        const=tuple(CONDITIONS),
        type=argument_types.names,
        metavar="A,B",
        help=f"some of {', '.join(CONDITIONS)} (default: all)",
    )
    group.add_argument(
        "--stress-seed",
        type=int,
        metavar="N",
        help="of what is drawn at random; the same seed makes the same images (default: 0)",
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        InputError: names the option.
    """
    if arguments.stress is None:
        if arguments.stress_seed is not None:
            raise InputError("--stress-seed: expected with --stress, found none; leave it out")
        return
    if arguments.stress_seed is not None and arguments.stress_seed < 0:
        raise InputError(f"--stress-seed: expected 0 or more, found {arguments.stress_seed}")
    for option in ("trajectory", "predictions", "against"):
        if getattr(arguments, option):
            raise InputError(
                f"--stress: expected without --{option}: it runs the pipeline on images that are "
                "changed; leave one of them out"
            )
    for name in arguments.stress:
        if name not in CONDITIONS:
            raise InputError(
                f"--stress {name}: expected some of {', '.join(CONDITIONS)}; "
                f"{suggestion(name, list(CONDITIONS))}"
            )


def wanted(arguments: argparse.Namespace) -> Stress | None:
    """Return the conditions to evaluate under; None where there are none."""
    if arguments.stress is None:
        return None
    return Stress(tuple(arguments.stress), arguments.stress_seed or 0)


def show(results: Results) -> None:
    """Print the table of the conditions, where there are any."""
    if results.stress is not None:
        print(f"\n{as_table(results.stress, results.scores)}")
