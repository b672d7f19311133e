"""Video files as sequences."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.sources import open_source


def assert_frames(path: Path, images: list[np.ndarray], **options: object) -> None:
    items = list(open_source(path, **options))
    assert len(items) == len(images)
    for item, image in zip(items, images, strict=True):
        np.testing.assert_array_equal(item.frame.image_bgr, image)


def test_gives_all_frames_with_their_times(tmp_path: Path) -> None:
    images = recordings.pan(15)
    path = recordings.write_video(tmp_path / "walk.mkv", images, fps=10)
    source = open_source(path)
    assert (source.name, source.fps) == ("walk", 10)
    assert [each.frame.stamp_ns for each in source] == [i * 100_000_000 for i in range(15)]
    assert [each.name for each in source][:2] == ["000000", "000001"]
    assert_frames(path, images)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("avi", ("-c:v", "mjpeg", "-q:v", "2")),
        ("mkv", ("-c:v", "libx264", "-pix_fmt", "yuv420p")),
        ("mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart")),
    ],
)
def test_uses_every_whole_frame_of_one_that_is_cut_off(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    suffix: str,
    codec: tuple[str, ...],
) -> None:
    images = recordings.pan(40)
    whole = recordings.write_video(tmp_path / f"whole.{suffix}", images, *codec)
    complete = {each.frame.image_bgr.tobytes() for each in open_source(whole)}
    cut = tmp_path / f"cut.{suffix}"
    for share in (0.6, 0.613, 0.63):  # somewhere within a frame, for one of them at least
        content = whole.read_bytes()
        cut.write_bytes(content[: int(len(content) * share)])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            frames = [each.frame for each in open_source(cut)]
        assert 0 < len(frames) < 40
        # none is made up in part
        assert {each.image_bgr.tobytes() for each in frames} <= complete
        (warning,) = caplog.messages
        assert f"{len(frames)} whole frames of 40" in warning


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_refuses_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"film\.mp4: expected .* a video"):
        list(open_source(path))
