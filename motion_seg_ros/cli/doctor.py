"""`motion_seg doctor`: what is missing on this machine, and the command that mends it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from motion_seg_ros import __version__
from motion_seg_ros.cli.checkup import libraries, ros_side
from motion_seg_ros.cli.checkup.finding import Check, Finding, looked_at
from motion_seg_ros.cli.checkup.shared_memory import shared_memory

DESCRIPTION = """\
Look at ROS, its middleware and shared memory, Python libraries, the runtime of the networks, GPU
and weights, and print what is missing with the command that mends it.

ok: works. missing: the default profile does not run with ROS before it is mended. note: something
else needs it, or may go wrong. Nothing is changed or downloaded. cv_bridge is not used, and not
looked for. Exit status: 0 if the default profile runs with ROS, 1 if not."""

EXAMPLES = """\
examples:
  motion_seg doctor
  motion_seg doctor --json | jq '.findings[] | select(.state == "missing")'
"""

CHECKS: tuple[Check, ...] = (
    ros_side.interpreter,
    ros_side.ros,
    shared_memory,
    ros_side.ros_packages,
    libraries.python_packages,
    libraries.opencv,
    libraries.programs,
    libraries.networks,
    libraries.weights,
    libraries.profile_lite,
    libraries.profile_full,
)
STATUS_MISSING = 1
AT_ONCE = 4
"""Checks that run at the same time; each waits for a program most of the time. Set by hand."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "doctor",
        help="look for what is missing on this machine",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look at everything, print what was found, and return the exit status."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        findings = [each for found in pool.map(looked_at, CHECKS) for each in found]
    finally:
        pool.shutdown(cancel_futures=True)
    missing = [each.name for each in findings if each.state == "missing"]
    if arguments.json:
        _print_json(findings, missing)
    else:
        _print_table(findings, missing)
    return STATUS_MISSING if missing else 0


def _print_json(findings: Sequence[Finding], missing: Sequence[str]) -> None:
    report = {
        "version": __version__,
        "default_profile_runs_with_ros": not missing,
        "findings": [dataclasses.asdict(each) for each in findings],
    }
    print(json.dumps(report, indent=2))


def _print_table(findings: Sequence[Finding], missing: Sequence[str]) -> None:
    width = max(len(each.name) for each in findings)
    for each in findings:
        print(f"{each.state:<7}  {each.name:<{width}}  {each.found}")
        if each.remedy:
            print(f"{'':<7}  {'':<{width}}  -> {each.remedy}")
    print()
    if missing:
        print(f"The default profile does not run with ROS: {', '.join(missing)}.")
    else:
        print("The default profile runs with ROS.")
