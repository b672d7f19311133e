"""`motion_seg demo` over real topics: camera, node and viewer as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import imageio_ffmpeg
import pytest
import recordings
from processes import processes_in

pytest.importorskip("rclpy")


from motion_seg_ros.cli import demo, live_node, main

COMMAND = [sys.executable, "-m", "motion_seg_ros.cli.main", "demo"]


def run_demo(capsys: pytest.CaptureFixture[str], out: Path, *arguments: str) -> tuple[dict, str]:
    """Run it in this process; returns report.json and what it printed."""
    assert main.main(["demo", *arguments, "-o", str(out)]) == 0
    return json.loads((out / demo.REPORT_FILE).read_text()), capsys.readouterr().out


def test_rendered_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, said = run_demo(capsys, tmp_path / "demo", "--frames", "30")
    assert report["sent"] == 30
    # Best effort on the way in: a frame may get lost on a busy machine, never many.
    assert 24 <= report["inferred"] + report["propagated"] <= 30
    assert 0 < report["age_p50_ms"] <= report["age_p95_ms"]
    quality = report["quality"]
    assert quality["scored"] == 28
    assert quality["never_came"] <= 30 - report["inferred"] - report["propagated"]
    assert 0 <= quality["J_mean"] <= 1
    assert quality["offline_JF_mean"] > 0.2  # the walkers are found after a few frames
    difference = quality["JF_mean"] - quality["offline_JF_mean"]
    assert quality["JF_difference"] == pytest.approx(difference)
    assert f"frames sent 30, answered {report['inferred'] + report['propagated']}" in said
    assert f"live J {quality['J_mean']:.3f}, F {quality['F_mean']:.3f}" in said
    assert f"F {quality['offline_F_mean']:.3f}, J&F {quality['offline_JF_mean']:.3f}; live" in said
    for name in ("overlay.mp4", "contact_sheet.png"):
        assert str(tmp_path / "demo" / name) in said
    sheet = cv2.imread(str(tmp_path / "demo" / "contact_sheet.png"))
    assert sheet.shape[1] > 1000
    frames, _ = imageio_ffmpeg.count_frames_and_secs(tmp_path / "demo" / "overlay.mp4")
    assert frames >= 25
    assert sorted(each.name for each in tmp_path.iterdir()) == ["demo"]


def test_a_depth_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--frames", "12", "--depth", "--no-offline")
    report, said = run_demo(capsys, tmp_path / "demo", *options)
    assert demo.DEPTH_TOPIC in said
    assert report["inferred"] + report["propagated"] >= 10
    assert report["quality"]["scored"] == 10
    assert report["quality"]["offline_JF_mean"] is None
    assert "offline" not in said


def test_recorded_depth_is_needed_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(4))
    arguments = [str(tmp_path / "walk"), "--depth", "-o", str(tmp_path / "demo")]
    assert main.main(["demo", *arguments]) == 2
    assert "walk: expected recorded depth" in capsys.readouterr().err


def test_own_images_have_no_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(20, (160, 120)))
    arguments = (str(tmp_path / "walk"), "--fps", "20", "--frames", "12")
    report, said = run_demo(capsys, tmp_path / "demo", *arguments)
    assert report["sent"] == 12
    assert report["inferred"] + report["propagated"] >= 10
    assert report["quality"] is None
    assert "J " not in said


def test_a_node_that_dies_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dying_node.py").write_text("import sys; sys.exit('out of memory')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(live_node, "NODE", "dying_node")
    recordings.write_images(tmp_path / "walk", recordings.pan(5))
    out = tmp_path / "demo"
    assert main.main(["demo", str(tmp_path / "walk"), "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert "the node process ended with status 1" in said
    assert "node: out of memory" in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_without_ros_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_node.importlib.util, "find_spec", lambda name: None)
    assert main.main(["demo", "-o", str(tmp_path / "demo")]) == 2
    assert "make setup" in capsys.readouterr().err


def test_too_few_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["demo", "-o", str(tmp_path / "demo"), "--frames=2"]) == 2
    assert capsys.readouterr().err.startswith("motion_seg: error: --frames: expected")


def test_seeds_below_0_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main.main(["demo", "-o", str(tmp_path / "demo"), "--seed=-1"])
    assert "--seed: expected a number of 0 or more, found -1" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_interrupt_ends_all_processes(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(200))
    work = tmp_path / "tmp"
    work.mkdir()
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path / "walk"), "-o", str(tmp_path / "demo")],
        env={**os.environ, "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("playing")
    time.sleep(2)
    assert len(processes_in(work)) == 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "motion_seg: interrupted\n"
    assert processes_in(work) == []
    assert not (tmp_path / "demo").exists()
    assert list(work.iterdir()) == []
