"""`motion_seg benchmark` measures what it says it measures."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import recordings

from motion_seg_ros.cli import main

FRAMES = 12
OPTIONS = ("--set", "window.size=4")


def test_prints_and_writes_figures_that_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(FRAMES + 5, (160, 120)))
    file = tmp_path / "cost.json"
    arguments = ["--input", str(tmp_path / "walk"), "--frames", str(FRAMES), "--json", str(file)]
    command = ["motion_seg", "benchmark", *arguments, *OPTIONS]
    monkeypatch.setattr(sys, "argv", command)
    assert main.main() == 0
    said = capsys.readouterr().out
    figures = json.loads(file.read_text())
    assert figures["size_px"] == [160, 120]
    assert figures["warm_up"] + figures["frames"] == FRAMES
    assert figures["configuration"]["window.size"] == 4
    ours = figures["motion_seg"]
    assert len(ours["frame_ms"]) == figures["frames"]
    assert set(ours["stage_ms"]) >= {"tracking", "labelling", "masks"}
    stages = np.sum(list(ours["stage_ms"].values()), axis=0)
    assert (stages <= np.array(ours["frame_ms"]) + 1e-6).all()
    for stage in ours["stage_ms"]:
        (line,) = (each for each in said.splitlines() if each.startswith(stage))
        assert f"{np.median(ours['stage_ms'][stage]):.1f}" in line
    (line,) = (each for each in said.splitlines() if each.startswith("frames/s"))
    ratio = ours["frames_per_s"] / figures["homography_mog2"]["frames_per_s"]
    assert line.split()[-1] == f"{ratio:.2f}"
    assert figures["ratio"]["frames_per_s"] == ratio
    assert shlex.split(figures["command"]) == command
    assert ours["median_ms"] == np.median(ours["frame_ms"])
    assert ours["median_ms"] <= ours["p95_ms"] <= max(ours["frame_ms"])
    assert ours["stages"]["masks"]["median_ms"] == np.median(ours["stage_ms"]["masks"])
    # Python with OpenCV alone takes tens of MB.
    assert 20 < ours["peak_mb"] < 2000


def test_rendered_clip_of_any_size_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cost.json"
    arguments = ["--size", "96x64", "--frames", str(FRAMES), "--steps", "--json", str(file)]
    assert main.main(["benchmark", *arguments, *OPTIONS]) == 0
    figures = json.loads(file.read_text())
    assert figures["size_px"] == [96, 64]
    steps = figures["step_ms"]
    assert steps["pipeline push"] >= steps["pipeline label"] >= steps["geometry.estimator update"]
    table = capsys.readouterr().out.partition("step, with what it calls")[2].splitlines()[1:]
    assert [line.rsplit(maxsplit=1) for line in table] == [
        [step, f"{ms:.1f}"] for step, ms in steps.items()
    ]


def test_too_few_frames_for_the_warm_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["benchmark", "--frames", "10"]) == 2
    assert "expected at least 22 frames" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["640", "0x10", "640x480x3", "axb", "16x16"])
def test_sizes_that_are_none(size: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main.main(["benchmark", "--size", size])
    assert exit_.value.code == 2
