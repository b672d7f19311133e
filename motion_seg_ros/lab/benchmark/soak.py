"""Soak of the live node: what it holds and what it answers over time, and what grew."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.io.bag_writer import ANSWER_TOPICS
from motion_seg_ros.lab.evaluation.provenance import machine, origin

SAMPLES = 80  # of the node in the time of the soak, or more
LONGEST_PERIOD_S = 5.0  # from one to the next
LEAST_SAMPLES = 8  # for medians of quarters to mean anything
TABLE_LINES = 20

# Set by hand: how much more the last quarter may have than the second one.
GROWTH_MB = 15.0
GROWTH_SHARE = 0.05
GROWTH_COUNT = 2
GROWTH_AGE_MS = 500.0  # on a machine that other programs use


@dataclass(frozen=True)
class NodeSample:
    """Resources that the process of the node holds at one moment.

    Attributes:
        at_ns: the moment, by the clock of the stamps.
        anonymous_mb: memory that no file backs, in 10^6 bytes: it grows when something leaks.
        resident_mb: that and what it uses of files and shared memory.
        threads: number of threads.
        files: number of file descriptors.
        shared_files: number of shared-memory files that are mapped, those of others included.
    """

    at_ns: int
    anonymous_mb: float
    resident_mb: float
    threads: int
    files: int
    shared_files: int

    @classmethod
    def now(cls, pid: int) -> NodeSample | None:
        """Look at a process; None if it has ended."""
        process = Path("/proc") / str(pid)
        try:
            status = dict(re.findall(r"^(\w+):\s+(\d+)", (process / "status").read_text(), re.M))
            mapped = set(re.findall(r"/dev/shm/\S+", (process / "maps").read_text()))
            files = len(os.listdir(process / "fd"))
            return cls(
                at_ns=time.time_ns(),
                anonymous_mb=int(status["RssAnon"]) * 1024 / 1e6,
                resident_mb=int(status["VmRSS"]) * 1024 / 1e6,
                threads=int(status["Threads"]),
                files=files,
                shared_files=len(mapped),
            )
        except (OSError, KeyError):  # a process that is ending has no memory
            return None


@dataclass(frozen=True)
class SoakRow:
    """The node between two samples; the fields of the second one, and the frames between them.

    Attributes:
        minute: time since the first answered frame, in minutes.
        sent: frames that the camera sent.
        missed: of these, frames that nothing at all arrived of.
        partial: of these, frames of which some topics arrived and some did not.
        age_p50_ms: median time from the stamp until the last message of the set had arrived at the
            reader; NaN where none arrived.
        age_p95_ms: its 95th percentile.
        objects: mean number of objects in sight.
        highest_id: highest id of an object so far.
    """

    minute: float
    anonymous_mb: float
    resident_mb: float
    threads: int
    files: int
    shared_files: int
    sent: int
    missed: int
    partial: int
    age_p50_ms: float
    age_p95_ms: float
    objects: float
    highest_id: int


@dataclass(frozen=True)
class Growth:
    """Median of a quantity in the second quarter of the samples and in the last one.

    Attributes:
        name: of the quantity, with its unit.
        early: median in the second quarter.
        late: median in the last quarter.
        allowed: how much larger `late` may be.
    """

    name: str
    early: float
    late: float
    allowed: float

    @property
    def too_much(self) -> bool:
        """True if it grew."""
        return self.late - self.early > self.allowed


def soak_rows(samples: Sequence[NodeSample], stamps: Path, answers: Path) -> list[SoakRow]:
    """Match what was sent with what arrived, from the first frame on that was answered in full:
    until then the processes may not have found each other.

    Args:
        samples: of the node; the frames after the last one count as its.
        stamps: file of motion_seg_ros.ros.tools.demo_camera.
        answers: file of motion_seg_ros.ros.tools.answer_log.
    """
    sent = [int(line) for line in stamps.read_text(encoding="utf-8").splitlines()]
    arrived: dict[int, list[int]] = {}  # stamp -> times of arrival
    objects: dict[int, tuple[int, int]] = {}  # stamp -> number and highest id
    for line in answers.read_text(encoding="utf-8").splitlines():
        _, stamp, at, *of_objects = line.split()
        arrived.setdefault(int(stamp), []).append(int(at))
        if of_objects:
            objects[int(stamp)] = int(of_objects[0]), int(of_objects[1])
    full = {stamp for stamp, times in arrived.items() if len(times) == len(ANSWER_TOPICS)}
    first = min(full, default=0)
    sent = [stamp for stamp in sent if stamp >= first]
    rows: list[SoakRow] = []
    ends = [each.at_ns for each in samples[:-1]]
    share = np.searchsorted(ends, sent)
    highest = 0
    for index, sample in enumerate(samples):
        frames = [stamp for stamp, place in zip(sent, share, strict=True) if place == index]
        counts = np.array([len(arrived.get(each, ())) for each in frames], int)
        complete = [each for each in frames if each in full]
        ages = [(max(arrived[each]) - each) * 1e-6 for each in complete] or [np.nan]
        seen = [objects[each] for each in frames if each in objects]
        highest = max([highest, *(each[1] for each in seen)])
        held = dataclasses.asdict(sample)
        rows.append(
            SoakRow(
                minute=(held.pop("at_ns") - (sent or [sample.at_ns])[0]) / 60e9,
                **held,
                sent=len(frames),
                missed=int((counts == 0).sum()),
                partial=len(frames) - len(complete) - int((counts == 0).sum()),
                age_p50_ms=float(np.median(ages)),
                age_p95_ms=float(np.percentile(ages, 95)),
                objects=float(np.mean([each[0] for each in seen] or [0])),
                highest_id=highest,
            )
        )
    return rows


def first_answer_s(started: Path, answers: Path) -> float:
    """Return the seconds from the start of the node until its first message had arrived; NaN if
    none has.

    Args:
        started: file with the time of the start, in nanoseconds.
        answers: file of motion_seg_ros.ros.tools.answer_log.
    """
    lines = answers.read_text(encoding="utf-8").splitlines()
    arrived = min((int(line.split()[2]) for line in lines), default=None)
    if arrived is None:
        return float("nan")
    return (arrived - int(started.read_text(encoding="utf-8"))) * 1e-9


def growths(rows: Sequence[SoakRow]) -> list[Growth]:
    """Return how much each quantity grew that should not; empty if there are too few rows."""
    if len(rows) < LEAST_SAMPLES:
        return []
    quarter = len(rows) // 4
    found = []
    for name, field, share, least in (
        ("anonymous memory, MB", "anonymous_mb", GROWTH_SHARE, GROWTH_MB),
        ("resident memory, MB", "resident_mb", GROWTH_SHARE, GROWTH_MB),
        ("threads", "threads", 0.0, GROWTH_COUNT),
        ("file descriptors", "files", 0.0, GROWTH_COUNT),
        ("shared-memory files", "shared_files", 0.0, GROWTH_COUNT),
        ("age of answers, ms", "age_p50_ms", 1.0, GROWTH_AGE_MS),
    ):
        values = np.array([getattr(each, field) for each in rows], float)
        quarters = [
            part[~np.isnan(part)] for part in (values[quarter:][:quarter], values[-quarter:])
        ]
        if all(len(part) for part in quarters):  # there are ages
            early, late = (float(np.median(part)) for part in quarters)
            found.append(Growth(name, early, late, max(share * early, least)))
    return found


def verdict(rows: Sequence[SoakRow]) -> list[str]:
    """Return what is wrong, in a line each; empty if all is well."""
    grown = growths(rows)
    wrong = [
        f"{each.name} grew: {each.early:.0f} -> {each.late:.0f}" for each in grown if each.too_much
    ]
    if not grown:
        wrong.append(f"too short to tell: {len(rows)} samples, expected {LEAST_SAMPLES} or more")
    sent, missed, partial = (
        sum(getattr(each, field) for each in rows) for field in ("sent", "missed", "partial")
    )
    if missed or partial or not sent:
        wrong.append(
            f"answers were lost: of {sent} frames {missed} got no answer, and {partial} one that "
            "lacked topics"
        )
    return wrong


def soak_table(rows: Sequence[SoakRow], first_s: float) -> str:
    """Return some of the rows as a table, the time of `first_answer_s`, and the verdict."""
    lines = [
        f"first answer {first_s:.1f} s after the start of the node's process",
        "",
        f"{'minute':>7}{'anon MB':>9}{'RSS MB':>8}{'threads':>9}{'files':>7}{'shm':>5}"
        f"{'objects':>9}{'top id':>8}{'sent':>7}{'missed':>8}{'partial':>9}"
        f"{'age p50':>9}{'p95 ms':>8}",
    ]
    step = max(1, -(-len(rows) // TABLE_LINES))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        last = some[-1]
        sums = [sum(getattr(e, name) for e in some) for name in ("sent", "missed", "partial")]
        lines.append(
            f"{last.minute:>7.2f}{last.anonymous_mb:>9.1f}{last.resident_mb:>8.1f}"
            f"{last.threads:>9}{last.files:>7}{last.shared_files:>5}"
            f"{np.mean([each.objects for each in some]):>9.1f}{last.highest_id:>8}"
            f"{sums[0]:>7}{sums[1]:>8}{sums[2]:>9}"
            f"{last.age_p50_ms:>9.0f}{last.age_p95_ms:>8.0f}"
        )
    wrong = verdict(rows)
    return "\n".join([*lines, "", *(wrong or ["PASS: nothing grew, and every frame was answered"])])


def soak_figures(
    rows: Sequence[SoakRow], first_s: float, configuration: dict[str, Any]
) -> dict[str, Any]:
    """Return everything as a tree for JSON."""
    return {
        "first_answer_s": None if first_s != first_s else first_s,
        "version": __version__,
        "machine": machine(),
        **origin(),
        "configuration": configuration,
        "rows": [
            {name: None if value != value else value for name, value in vars(each).items()}
            for each in rows
        ],
        "growth": [dataclasses.asdict(each) for each in growths(rows)],
        "wrong": verdict(rows),
    }
