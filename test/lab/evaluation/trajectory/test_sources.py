"""Clips with poses: which stamps they get, and which poses."""

from __future__ import annotations

from pathlib import Path

import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.image_folder import ImageFolder
from motion_seg_ros.lab.evaluation.trajectory.sources import (
    Restamped,
    recorded_sequences,
    rendered_sequence,
    scene_names,
)

POSES = "0 0 0 0 0 0 0 1\n1 1 0 0 0 0 0 1\n2 2 0 0 0 0 0 1\n"


def folder(path: Path, pattern: str = "{:03d}.png") -> ImageFolder:
    recordings.write_images(path, recordings.pan(3, (32, 24)), pattern)
    return ImageFolder(path, 30.0)


def stamps(source: Restamped) -> list[int]:
    return [item.frame.stamp_ns for item in source]


def test_names_that_are_stamps_are_taken_as_such(tmp_path: Path) -> None:
    source = Restamped(folder(tmp_path / "rgb", "130503110{}.175304.png"), 5.0)
    assert source.stamps_s() == pytest.approx([1305031100.175304 + k for k in range(3)])
    assert stamps(source) == [(1305031100 + k) * 10**9 + 175304000 for k in range(3)]


def test_other_names_are_counted_at_the_given_rate(tmp_path: Path) -> None:
    images = folder(tmp_path / "rgb")
    assert stamps(Restamped(images, 5.0)) == [0, 200_000_000, 400_000_000]
    assert stamps(Restamped(images, None)) == [item.frame.stamp_ns for item in images]
    assert (Restamped(images, 5.0).fps, Restamped(images, None).fps) == (5.0, 30.0)


def test_poses_of_another_clock_are_refused_before_a_frame_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "poses.txt").write_text(POSES, encoding="utf-8")
    images = folder(tmp_path / "rgb")
    for each in (tmp_path / "rgb").iterdir():
        each.write_bytes(b"no picture")
    assert recorded_sequences([(images, None)], tmp_path / "poses.txt", 1.0)
    with pytest.raises(InputError, match=r"found 1 of 3: frames are from 0\.000 to 0\.067 s"):
        recorded_sequences([(images, None)], tmp_path / "poses.txt", None)
    bag = BagTopic(recordings.image_bag(tmp_path / "drive", recordings.pan(3, (32, 24))), None)
    assert Restamped(bag, None).stamps_s() == pytest.approx(
        [s * 1e-9 for s in bag.stamps_ns().values()]
    )
    with pytest.raises(InputError, match="found 0 of 3: frames are from 1700000000"):
        recorded_sequences([(bag, None)], tmp_path / "poses.txt", None)


def test_several_clips_have_a_file_of_poses_each(tmp_path: Path) -> None:
    sources = [(folder(tmp_path / name), None) for name in ("a", "b")]
    (tmp_path / "poses").mkdir()
    for index, name in enumerate(("a", "b")):
        text = POSES.replace("0 0 0 1\n", f"0 0 0 {1 - 2 * index}\n")
        (tmp_path / "poses" / f"{name}.txt").write_text(text, encoding="utf-8")
    found = recorded_sequences(sources, tmp_path / "poses", 1.0)
    assert [each.frames.name for each in found] == ["a", "b"]
    assert [len(each.poses) for each in found] == [3, 3]
    with pytest.raises(InputError, match=r"<sequence>\.txt of 2 sequences"):
        recorded_sequences(sources, tmp_path / "poses" / "a.txt", 1.0)
    (tmp_path / "poses" / "b.txt").unlink()
    with pytest.raises(InputError, match=r"b\.txt: cannot read the poses"):
        recorded_sequences(sources, tmp_path / "poses", 1.0)


def test_scenes_are_found_by_name_and_know_their_truth() -> None:
    assert "carousel" in scene_names(None)
    assert scene_names(["carousel"]) == ["carousel"]
    with pytest.raises(InputError, match="carrousel"):
        scene_names(["carrousel"])
    sequence = rendered_sequence("carousel", 4)
    assert sequence.frames.name == "carousel_4"
    assert sequence.annotated is not None
    assert len(sequence.poses) == sequence.frames.length == len(sequence.annotated.scored)
