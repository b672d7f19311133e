"""Inputs that are told by what is at a path."""

from __future__ import annotations

from pathlib import Path

import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.sources import open_source, open_sources


def test_folder_of_folders_is_several_sequences(tmp_path: Path) -> None:
    for name, count in (("bear", 2), ("ant", 3)):
        recordings.write_images(tmp_path / name, recordings.pan(count))
    (tmp_path / "empty").mkdir()
    sources = open_sources(tmp_path)
    assert [(each.name, each.length) for each in sources] == [("ant", 3), ("bear", 2)]
    with pytest.raises(InputError, match="expected one sequence, found 2"):
        open_source(tmp_path)


def test_says_so_when_there_are_only_folders_of_something_else(tmp_path: Path) -> None:
    recordings.image_bag(tmp_path / "drive", recordings.pan(1))
    (tmp_path / "walk.MP4").write_bytes(b"")
    with pytest.raises(InputError, match=r"found a folder of 2 bags or videos \(drive, \.\.\.\)"):
        open_source(tmp_path)


def test_says_so_when_it_is_a_device() -> None:
    with pytest.raises(InputError, match="/dev/null: expected a file or folder, found a dev"):
        open_source(Path("/dev/null"))


def test_says_so_when_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        open_source(tmp_path / "missing")


def test_refuses_a_topic(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, recordings.pan(1))
    with pytest.raises(InputError, match="--topic /a: expected a rosbag2"):
        open_source(tmp_path, topic="/a")


def test_hidden_folders_are_no_sequences(tmp_path: Path) -> None:
    for name in ("ant", ".thumbnails", ".@__thumb"):
        recordings.write_images(tmp_path / name, recordings.pan(2))
    (tmp_path / "ant" / "._00000.png").write_bytes(b"leftover of macOS")
    (source,) = open_sources(tmp_path)
    assert (source.name, source.length) == ("ant", 2)


def test_refuses_a_rate_where_the_frames_have_stamps(tmp_path: Path) -> None:
    bag = recordings.image_bag(tmp_path / "drive", recordings.pan(2))
    depth = recordings.write_rgbd(tmp_path / "desk", recordings.pan(2), [1.0, 1.0])
    for path in (bag, depth):
        assert open_source(path).length == 2
        with pytest.raises(InputError, match=r"--fps 7: .* found .*, whose frames have stamps; "):
            open_source(path, fps=7)
