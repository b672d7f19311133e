"""The report: what evaluations found, as one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.evaluation.results import Results
from motion_seg_ros.io.staging import write_file


@dataclass(frozen=True)
class ReportRun:
    """An evaluation to report.

    Attributes:
        name: what it is called in a comparison.
        results: what it found.
        folder: what the paths of its pictures are relative to.
    """

    name: str
    results: Results
    folder: Path


def write_report(path: Path, runs: Sequence[ReportRun]) -> None:
    """Write the report of a run, or the comparison of several, in place of an older one.

    Args:
        path: the HTML file to write.
        runs: at least one.

    Raises:
        InputError: the runs have no sequence in common, or a picture cannot be read.
        OutputError: the file cannot be written.
    """
    rows = "".join(
        f"<tr><th scope=row>{html.escape(each.name)}<td>{each.results.scores.JF_mean:.3f}"
        for each in runs
    )
    write_file(
        path, f"<!doctype html><title>motion_seg</title><table>{rows}</table>", overwrite=True
    )
