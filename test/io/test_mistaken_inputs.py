"""Inputs that a new user may name, and the one line that says what to name instead."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.mistaken_inputs import MAX_NAMED
from motion_seg_ros.io.sources import open_sources

IMAGE = np.full((48, 64, 3), 90, np.uint8)


def refusal(path: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        open_sources(Path(path))
    return str(caught.value)


@pytest.mark.parametrize("name", ["/dev/video99", "0"])
def test_a_camera_goes_through_the_node(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "found the name of a camera" in refusal(name)
    assert "ros2 launch motion_seg_ros motion_seg.launch.py image:=" in refusal(name)


def test_a_folder_may_be_called_like_a_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings.write_images(tmp_path / "0", [IMAGE, IMAGE])
    assert open_sources(Path("0"))[0].length == 2


@pytest.mark.parametrize("address", ["rtsp://cam.local/live", "https://example.org/drive.mp4"])
def test_an_address_is_no_file(address: str) -> None:
    assert "found an address; download what is recorded" in refusal(address)
    assert "ros2 launch" in refusal(address)


@pytest.mark.parametrize("name", ["00001.png", "one.JPG"])
def test_a_single_image_names_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(cv2.imencode(Path(name).suffix, IMAGE)[1].tobytes())
    assert "found one image" in refusal(tmp_path / name)
    assert refusal(tmp_path / name).endswith(f"give their folder, {tmp_path}")


@pytest.mark.parametrize("pattern", ["%d.png", "%05d.png", "*.png", "0000?.png"])
def test_a_pattern_names_the_folder(tmp_path: Path, pattern: str) -> None:
    recordings.write_images(tmp_path, [IMAGE] * 3)
    assert f"give the folder {tmp_path}, whose 3 images" in refusal(tmp_path / pattern)


def test_nested_folders_are_named(tmp_path: Path) -> None:
    kitti = tmp_path / "2011_09_26" / "2011_09_26_drive_0001_sync"
    for camera in ("image_02", "image_03"):
        recordings.write_images(kitti / camera / "data", [IMAGE] * 2)
    recordings.image_bag(tmp_path / "euroc" / "mav0" / "recorded", [IMAGE])
    found = refusal(tmp_path)
    assert "found none in it, but further down" in found
    assert f"{kitti}/image_02/data (2 images), {kitti}/image_03/data (2 images)" in found
    assert f"{tmp_path}/euroc/mav0/recorded" in found
    assert "metadata" not in found


def test_of_many_nested_folders_some_are_named(tmp_path: Path) -> None:
    for index in range(9):
        recordings.write_images(tmp_path / f"set{index}" / "left" / "rgb", [IMAGE])
    found = refusal(tmp_path)
    assert found.count("(1 image)") == MAX_NAMED
    assert "..." in found


def test_nothing_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "notes.txt").write_text("none")
    assert "found none; check the path" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["drive.mcap.zst", "frames.ZIP", "bag.tar.gz"])
def test_an_archive_is_to_be_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    assert "found an archive; unpack it first" in refusal(tmp_path / name)


def test_images_that_are_not_read_are_named(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"IMG_{index}.HEIC").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    assert "found 3 files .heic, which are not read; convert them" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("left_{:03d}.png", "right_{:03d}.png"), "left_# (4), right_# (4)"),
        (("a_Color_{}.5.png", "a_Depth_{}.25.png"), "a_Color_#.# (4), a_Depth_#.# (4)"),
        (("{:03d}.png", "{:03d}_mask.png"), "# (4), #_mask (4)"),
        (("frame{}.png",), ""),
        (("{:04d}.png", "{:04x}f.jpg"), ""),  # a few more in another form
    ],
)
def test_streams_in_one_folder_are_told_apart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, names: tuple[str, ...], told: str
) -> None:
    for count, name in zip((4, 4 if told else 1), names, strict=False):
        recordings.write_images(tmp_path, [IMAGE] * count, name)
    open_sources(tmp_path)
    warned = [each.getMessage() for each in caplog.records]
    assert [told in each for each in warned] == ([True] if told else [])
