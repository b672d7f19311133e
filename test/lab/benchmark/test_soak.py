"""What a soak makes of samples, of what was sent and of what arrived."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.io.bag_writer import ANSWER_TOPICS
from motion_seg_ros.lab.benchmark.soak import (
    GROWTH_MB,
    NodeSample,
    SoakRow,
    first_answer_s,
    growths,
    soak_rows,
    soak_table,
    verdict,
)

SECOND, MS = 10**9, 10**6
QUIET = SoakRow(0.0, 100, 200, 10, 20, 8, 15, 0, 0, 50, 90, 1, 3)


def sample(at_ns: int) -> NodeSample:
    return NodeSample(at_ns, 100, 200, 10, 20, 8)


def rows(**values: float | list[float]) -> list[SoakRow]:
    """40 rows, which differ in the values given, one for all or one for each."""
    made = []
    for index in range(40):
        own = {k: v[index] if isinstance(v, list) else v for k, v in values.items()}
        made.append(dataclasses.replace(QUIET, minute=index / 4, **own))
    return made


def test_what_was_sent_is_matched_with_what_arrived(tmp_path: Path) -> None:
    sent = [SECOND * i for i in range(1, 7)]
    lines = []
    for stamp in sent[:5]:
        for place, topic in enumerate(ANSWER_TOPICS):
            if (stamp, topic) != (sent[2], "tracks"):
                of_objects = f" 2 {stamp // SECOND}" if topic == "objects" else ""
                lines.append(f"{topic} {stamp} {stamp + (10 + place) * MS}{of_objects}")
    early = [SECOND // 3, SECOND // 2]  # a node that is not found yet, or not by all
    lines.append(f"objects {early[1]} {early[1] + MS} 1 1")
    (tmp_path / "stamps").write_text("".join(f"{each}\n" for each in early + sent))
    (tmp_path / "answers").write_text("\n".join(lines))
    samples = [sample(3 * SECOND + 1), sample(5 * SECOND + 1), sample(5 * SECOND + 2)]
    (tmp_path / "started").write_text(str(SECOND // 4))
    first_s = first_answer_s(tmp_path / "started", tmp_path / "answers")
    assert first_s == pytest.approx(1 / 2 + 1 / 1000 - 1 / 4)
    found = soak_rows(samples, tmp_path / "stamps", tmp_path / "answers")
    assert [(each.sent, each.missed, each.partial) for each in found] == [
        (3, 0, 1),
        (2, 0, 0),
        (1, 1, 0),
    ]
    assert [each.minute for each in found[:2]] == pytest.approx([2 / 60, 4 / 60])
    assert found[0].age_p50_ms == pytest.approx(10 + len(ANSWER_TOPICS) - 1)
    assert np.isnan(found[2].age_p50_ms)
    assert [(each.objects, each.highest_id) for each in found] == [(2, 3), (2, 5), (0, 5)]
    assert (found[0].anonymous_mb, found[0].threads, found[0].files) == (100, 10, 20)


def test_steady_and_noisy_is_no_growth() -> None:
    rng = np.random.default_rng(0)
    noisy = (100 + rng.normal(0, GROWTH_MB / 2, 40)).tolist()
    noisy[:10] = np.linspace(0, 100, 10)  # the warm-up
    assert verdict(rows(anonymous_mb=noisy, age_p50_ms=rng.uniform(50, 400, 40).tolist())) == []
    assert soak_table(rows(), 1.0).splitlines()[-1].startswith("PASS")


@pytest.mark.parametrize(
    ("field", "last", "named"),
    [
        ("anonymous_mb", 100 + 3 * GROWTH_MB, "anonymous memory, MB grew"),
        ("resident_mb", 100 + 3 * GROWTH_MB, "resident memory, MB grew"),
        ("threads", 110, "threads grew"),
        ("files", 110, "file descriptors grew"),
        ("shared_files", 110, "shared-memory files grew"),
        ("age_p50_ms", 3000, "age of answers, ms grew"),
    ],
)
def test_what_grows_is_named(field: str, last: float, named: str) -> None:
    grown = rows(**{field: np.linspace(100, last, 40).tolist()})
    (wrong,) = verdict(grown)
    assert wrong.startswith(named)
    assert soak_table(grown, 1.0).splitlines()[-1] == wrong
    (growth,) = (each for each in growths(grown) if each.too_much)
    assert growth.early == pytest.approx(100 + (last - 100) * 14.5 / 39)
    assert growth.late == pytest.approx(100 + (last - 100) * 34.5 / 39)


@pytest.mark.parametrize("field", ["missed", "partial"])
def test_lost_answers_are_counted(field: str) -> None:
    (wrong,) = verdict(rows(**{field: [0] * 39 + [1]}))
    assert wrong.startswith("answers were lost: of 600 frames")


def test_nothing_sent_or_too_short_is_no_pass() -> None:
    assert len(verdict(rows(sent=0, age_p50_ms=float("nan")))) == 1
    (wrong,) = verdict(rows()[:5])
    assert wrong.startswith("too short to tell: 5 samples")


GROWING = """
import os, threading
print(flush=True)
input()
block = b"x" * 50_000_000
opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(flush=True)
input()
"""


def test_a_process_is_looked_at() -> None:
    samples = []
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", GROWING], stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdout.readline()
            samples.append(NodeSample.now(process.pid))
            process.stdin.write(b"\n")
            process.stdin.flush()
    before, after = samples
    assert before is not None
    assert after is not None
    assert after.anonymous_mb - before.anonymous_mb == pytest.approx(50, rel=0.1)
    assert after.files - before.files == 3
    assert after.threads - before.threads == 1
    assert after.resident_mb > after.anonymous_mb


def test_a_process_that_has_ended_has_no_sample() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert NodeSample.now(pid) is None
