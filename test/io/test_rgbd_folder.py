"""Folders in the layout of TUM RGB-D are one sequence, whose images have depth."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.sources import open_source, open_sources, size_bytes

CHOICE = DepthChoice(None, 0.02)
METRES = [1.0, 2.5, 13.1]


def sequence(path: Path, **options: float) -> Path:
    return recordings.write_rgbd(path, recordings.pan(3), METRES, **options)


def test_images_have_their_stamps_and_depth(tmp_path: Path) -> None:
    source = open_source(sequence(tmp_path / "walking"), depth=CHOICE)
    assert (source.name, source.length) == ("walking", 3)
    assert source.fps == pytest.approx(10)
    items = list(source)
    assert [each.name for each in items] == [
        "1305031102.175304",
        "1305031102.275304",
        "1305031102.375304",
    ]
    assert [each.frame.stamp_ns for each in items] == [
        1305031102175304000,
        1305031102275304000,
        1305031102375304000,
    ]
    for item, image, metres in zip(items, recordings.pan(3), METRES, strict=True):
        np.testing.assert_array_equal(item.frame.image_bgr, image)
        assert item.frame.depth_m is not None
        assert np.isnan(item.frame.depth_m[0]).all()
        np.testing.assert_allclose(item.frame.depth_m[1:], metres, rtol=1e-6)


def test_without_depth_it_says_that_there_is_some(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = open_source(sequence(tmp_path / "walking"))
    assert [each.frame.depth_m for each in source] == [None] * 3
    assert "its depth is not used; depth.backend=topic uses it" in caplog.text


def test_depth_beyond_the_slop_is_left_out(tmp_path: Path) -> None:
    path = sequence(tmp_path / "walking", offset_s=0.03)
    near = DepthChoice(None, 0.04)
    assert [each.frame.depth_m[5, 5] for each in open_source(path, depth=near)] == [
        pytest.approx(each) for each in METRES
    ]
    with pytest.raises(InputError, match=r"depth\.txt: expected .* the nearest 0\.030 s away"):
        open_source(path, depth=CHOICE)
    lines = (path / "depth.txt").read_text().splitlines()
    (path / "depth.txt").write_text("\n".join(lines[:2]))
    depths = [each.frame.depth_m for each in open_source(path, depth=near)]
    assert depths[0] is not None
    assert depths[1:] == [None, None]


def test_a_folder_of_them_is_several_sequences(tmp_path: Path) -> None:
    for name in ("xyz", "desk"):
        sequence(tmp_path / name)
    recordings.write_images(tmp_path / "plain", recordings.pan(2))
    sources = open_sources(tmp_path, depth=CHOICE)
    assert [(each.name, each.length) for each in sources] == [("desk", 3), ("plain", 2), ("xyz", 3)]


def test_the_size_tells_other_content(tmp_path: Path) -> None:
    path = sequence(tmp_path / "walking")
    before = size_bytes(path)
    assert before > sum(each.stat().st_size for each in (path / "rgb").iterdir())
    (path / "depth" / "more.png").write_bytes(b"more")
    assert size_bytes(path) == before + 4


@pytest.mark.parametrize(
    "line",
    ["now rgb/a.png", "1.5", "-1 rgb/a.png", "1.5 ../a.png", "1.5 /etc/a.png", "nan rgb/a.png"],
)
def test_a_line_that_is_none(tmp_path: Path, line: str) -> None:
    path = sequence(tmp_path / "walking")
    (path / "rgb.txt").write_text(f"# comment\n\n{line}\n")
    with pytest.raises(InputError, match=r"rgb\.txt: line 3: expected seconds and a file"):
        open_source(path)


def test_a_bad_file_costs_its_frame_or_its_depth_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = sequence(tmp_path / "walking")
    sorted((path / "rgb").iterdir())[1].write_bytes(b"")
    sorted((path / "depth").iterdir())[2].write_bytes(b"no picture")
    source = open_source(path, depth=CHOICE)
    assert [each.frame.depth_m is not None for each in source] == [True, False]
    assert len(caplog.messages) == len(source.bad_frames) == 2


def test_what_else_is_refused(tmp_path: Path) -> None:
    path = sequence(tmp_path / "walking")
    (path / "rgb.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="expected images in the list, found none"):
        open_source(path)
    path = sequence(tmp_path / "colours")
    for file in (path / "depth").iterdir():
        shutil.copy(next((path / "rgb").iterdir()), file)
    with pytest.raises(InputError, match="5000 units of a metre, found uint8"):
        list(open_source(path, depth=CHOICE))
    path = sequence(tmp_path / "twice")
    with (path / "rgb.txt").open("a") as file:
        file.write("1305031109.0 rgb/1305031102.175304.png\n")
    with pytest.raises(InputError, match="one image per frame name, found 4 with 3 names"):
        open_source(path)
