"""The report of evaluations, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.evaluation.report.frames import cards, label_curves, latency
from motion_seg_ros.lab.evaluation.report.pictures import FALSE_ALARM_BGR, FOUND_BGR, MISSED_BGR
from motion_seg_ros.lab.evaluation.report.robustness import robustness
from motion_seg_ros.lab.evaluation.report.runs import (
    ReportRun,
    Subject,
    described,
    differing_settings,
    subject_of,
)
from motion_seg_ros.lab.evaluation.report.scores import (
    alarms_table,
    bars,
    differences,
    labels_table,
    moving_now_table,
    objects_table,
    summary,
)
from motion_seg_ros.lab.evaluation.report.worst import worst_frames

REPORT_FILE = "report.html"
_PAGE, _STYLE, _SCRIPT = "report.html", "report.css", "report.js"


def write_report(path: Path, runs: Sequence[ReportRun]) -> None:
    """Write the report of a run, or the comparison of several, in place of an older one.

    The same runs make the same file, byte for byte.

    Args:
        path: the HTML file to write.
        runs: at least one.

    Raises:
        InputError: the runs have no sequence in common.
        OutputError: the file cannot be written.
    """
    page = _page(subject_of(runs))
    # Names of files may hold bytes that are no text.
    page = page.encode("utf-8", "backslashreplace").decode("utf-8")
    write_file(path, page, overwrite=True)


def _page(subject: Subject) -> str:
    """Return the HTML of the report."""
    import jinja2

    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["described"] = lambda results: described(results).items()
    shown = cards(subject)
    return environment.get_template(_PAGE).render(
        style=(folder / _STYLE).read_text(encoding="utf-8"),
        script=(folder / _SCRIPT).read_text(encoding="utf-8"),
        verdicts={
            "found-colour": _css(FOUND_BGR),
            "missed-colour": _css(MISSED_BGR),
            "false-alarm-colour": _css(FALSE_ALARM_BGR),
        },
        title=_title(subject),
        subtitle=_subtitle(subject),
        subject=subject,
        several=len(subject.series) > 1,
        worst=worst_frames(subject),
        figures=summary(subject.series),
        bars=bars(subject),
        robustness=robustness(subject),
        gains=differences(subject) if subject.compares_runs else None,
        cards=shown,
        pictured=any(each.galleries for each in shown),
        costs=latency(subject, "ms"),
        ages=latency(subject, "age_ms"),
        labels=labels_table(subject),
        curves=label_curves(subject),
        objects=objects_table(subject),
        now=moving_now_table(subject),
        alarms=alarms_table(subject),
        differing=differing_settings(subject.runs),
    )


def _title(subject: Subject) -> str:
    if subject.compares_runs:
        return f"Comparison: {', '.join(each.name for each in subject.series)}"
    results = subject.runs[0].results
    return f"{results.method} on {results.dataset}"


def _subtitle(subject: Subject) -> str:
    sequences, frames = len(subject.sequences), 0
    for name in subject.sequences:
        found = subject.series[0].on(name)
        frames += len(found.per_frame.name) if found else 0
    datasets = dict.fromkeys(each.results.dataset for each in subject.runs)
    machines = dict.fromkeys(each.results.machine for each in subject.runs if each.results.machine)
    counted = [
        f"{sequences} sequence{'s' if sequences != 1 else ''}",
        f"{frames} scored frame{'s' if frames != 1 else ''}",
    ]
    known = list(datasets) if subject.compares_runs else []
    return ", ".join([*known, *counted, *machines])


def _css(bgr: tuple[int, int, int]) -> str:
    blue, green, red = bgr
    return f"rgb({red} {green} {blue})"
