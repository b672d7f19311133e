"""`motion_seg benchmark --soak`: camera, node and reader as processes, and what it says of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import recordings
from processes import processes_in

pytest.importorskip("rclpy")

from motion_seg_ros.cli import live_node, main

SUPPORT = Path(__file__).parents[1] / "support"
FRAMES = 20
MINUTES = 0.15  # long enough for the quarters to differ


@pytest.fixture(autouse=True)
def _own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others in the domain would be counted: files of shared memory, frames of their cameras."""
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)


def soak(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leak: str,
    *arguments: str,
) -> tuple[int, dict]:
    """Soak the leaky node on a small clip; return the exit status and the figures."""
    monkeypatch.setattr(live_node, "NODE", "leaky_node")
    monkeypatch.setenv("LEAK", leak)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SUPPORT), *sys.path]))
    recordings.write_images(tmp_path / "walk", recordings.pan(FRAMES))
    file = tmp_path / "soak.json"
    options = ("--input", str(tmp_path / "walk"), "--json", str(file), "--soak", str(MINUTES))
    status = main.main(["benchmark", *options, *arguments])
    return status, json.loads(file.read_text())


def test_a_node_without_a_fault_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = 5  # five frames wait where the node gets no time, which is a second on a busy machine
    status, figures = soak(tmp_path, monkeypatch, "nothing", "--rate", str(rate))
    said = capsys.readouterr().out
    assert (status, figures["wrong"]) == (0, []), said
    assert said.splitlines()[-1].startswith("PASS")
    assert said.startswith(f"first answer {figures['first_answer_s']:.1f} s after the start")
    assert 0 < figures["first_answer_s"] < 60
    rows = figures["rows"]
    sent = sum(each["sent"] for each in rows)
    assert 0.6 * MINUTES * 60 * rate < sent <= MINUTES * 60 * rate + 2
    assert sum(each["missed"] + each["partial"] for each in rows) == 0
    assert rows[-1]["minute"] == pytest.approx(MINUTES, rel=0.2)
    for row in rows:
        assert 20 < row["anonymous_mb"] < row["resident_mb"] < 1000
        assert row["threads"] > 1
        assert row["files"] > 3
        assert row["shared_files"] > 0
    assert np.median([each["age_p50_ms"] for each in rows if each["sent"]]) > 0


def test_the_node_itself_on_rendered_clips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its memory is not judged here: that settles after minutes. test/networks/test_memory_stays.py
    judges that of the pipeline."""
    file = tmp_path / "soak.json"
    small = ("--size", "320x240", "--frames", "24")
    main.main(["benchmark", "--soak", "0.5", *small, "--json", str(file)])
    figures = json.loads(file.read_text())
    said = capsys.readouterr().out
    rows = figures["rows"]
    assert sum(each["sent"] for each in rows) > 7 * 24, "clips come again"
    assert sum(each["partial"] for each in rows) == 0, said
    assert max(each["objects"] for each in rows) >= 1
    assert rows[-1]["highest_id"] >= 1
    grown = [each["name"] for each in figures["growth"] if each["late"] > each["early"] + 2]
    assert not {"threads", "file descriptors", "shared-memory files"} & set(grown), said
    for line in figures["wrong"]:
        assert line in said


@pytest.mark.parametrize(
    ("leak", "named"),
    [
        ("growth", ["anonymous memory", "resident memory", "threads", "file descriptors"]),
        ("answers", ["answers were lost"]),
    ],
)
def test_a_fault_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    leak: str,
    named: list[str],
) -> None:
    status, figures = soak(tmp_path, monkeypatch, leak)
    said = capsys.readouterr().out
    assert status == 1
    assert "PASS" not in said
    for each in named:
        assert any(line.startswith(each) for line in figures["wrong"]), said
    for each in figures["wrong"]:
        assert each in said
    partial = sum(each["partial"] for each in figures["rows"])
    sent = sum(each["sent"] for each in figures["rows"])
    assert partial == pytest.approx(sent / 10 if leak == "answers" else 0, abs=2)


def test_interrupt_ends_it_with_what_there_is(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(FRAMES))
    (tmp_path / "tmp").mkdir()
    paths = os.pathsep.join([str(SUPPORT), *sys.path])
    code = (
        "import sys; from motion_seg_ros.cli import live_node, main; "
        "live_node.NODE = 'leaky_node'; sys.exit(main.main(sys.argv[1:]))"
    )
    arguments = ["benchmark", "--soak", "60", "--input", str(tmp_path / "walk")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--json", str(tmp_path / "soak.json")],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "LEAK": "nothing", "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not any(each.stat().st_size for each in tmp_path.glob("tmp/*/answers")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "too short to tell" in said
    assert json.loads((tmp_path / "soak.json").read_text())["rows"]
    assert not processes_in(tmp_path / "tmp")
    assert not list((tmp_path / "tmp").iterdir())
