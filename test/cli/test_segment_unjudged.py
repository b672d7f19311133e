"""`motion_seg segment` says at the end where nothing could be judged, and what helps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recordings

from motion_seg_ros.cli import main

SIZE = (160, 120)
FAST = ("--set", "masks.backend=densifier", "--set", "labelling.backend=geometric", "--no-overlay")


def warnings(caplog: pytest.LogCaptureFixture, *arguments: object) -> list[str]:
    """What a run that succeeds warns of."""
    caplog.clear()
    assert main.main(["segment", *map(str, arguments), *FAST]) == 0
    return [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A camera with a picture every two seconds."""
    images = recordings.pan(8, SIZE)
    messages = [recordings.image_message(each, 2 * i * 10**9) for i, each in enumerate(images)]
    return recordings.write_bag(tmp_path / "slow", {"/cam": messages})


def test_a_camera_slower_than_the_longest_gap(
    slow: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (line,) = warnings(caplog, slow, "-o", tmp_path / "out")
    assert "slow: the window was reset at 7 of 8 frames: gap of 2.000 s is longer than" in line
    assert "raise window.max_gap_s" in line
    assert warnings(caplog, slow, "-o", tmp_path / "all", "--set", "window.max_gap_s=3") == []


def test_pictures_without_contrast(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recordings.write_images(tmp_path / "fog", [np.full((120, 160, 3), 200, np.uint8)] * 8)
    (line,) = warnings(caplog, tmp_path / "fog", "-o", tmp_path / "out")
    assert "fog: nothing could be judged: too little texture" in line
    assert "more light or contrast" in line


def test_one_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recordings.write_images(tmp_path / "one", recordings.pan(1, SIZE))
    (line,) = warnings(caplog, tmp_path / "one", "-o", tmp_path / "out")
    assert "one: there is one frame, and motion shows between frames" in line


def test_each_of_several_is_named(
    slow: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recordings.write_images(tmp_path / "one", recordings.pan(1, SIZE))
    recordings.write_images(tmp_path / "good", recordings.pan(8, SIZE))
    inputs = (slow, tmp_path / "one", tmp_path / "good")
    lines = warnings(caplog, *inputs, "-o", tmp_path / "out", "--jobs", "1")
    assert [each.split(": ")[0] for each in lines] == ["slow", "one"]


def test_frames_of_one_stamp(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    messages = [recordings.image_message(each, 0) for each in recordings.pan(8, SIZE)]
    bag = recordings.write_bag(tmp_path / "zero", {"/cam": messages})
    (line,) = warnings(caplog, bag, "-o", tmp_path / "out")
    assert line.startswith("zero: all frames have one stamp: speeds are unknown")
