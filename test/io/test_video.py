"""Video files as sequences."""

from __future__ import annotations

import logging
import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
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


X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
MJPEG = ("-c:v", "mjpeg", "-q:v", "2")


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("walk.h264", X264),
        ("walk.265", ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-f", "hevc")),
        ("walk.mjpeg", (*MJPEG, "-f", "mjpeg")),
    ],
)
def test_a_stream_without_container_states_no_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, codec: tuple[str, ...]
) -> None:
    path = recordings.write_video(tmp_path / name, recordings.pan(12), *codec, fps=15)
    frames = list(open_source(path))
    assert [each.frame.stamp_ns for each in frames] == [round(i * 1e9 / 30) for i in range(12)]
    assert all("30 frames per second are assumed; --fps" in each for each in caplog.messages)
    assert caplog.messages
    caplog.clear()
    frames = list(open_source(path, fps=15))
    assert [each.frame.stamp_ns for each in frames] == [round(i * 1e9 / 15) for i in range(12)]
    assert not caplog.messages


@pytest.mark.parametrize(("name", "codec"), [("walk.avi", MJPEG), ("walk.mp4", X264)])
def test_a_given_rate_wins_over_the_stated_one(
    tmp_path: Path, name: str, codec: tuple[str, ...]
) -> None:
    path = recordings.write_video(tmp_path / name, recordings.pan(8), *codec, fps=600)
    source = open_source(path, fps=20)
    assert source.fps == 20
    assert [each.frame.stamp_ns for each in source] == [i * 50_000_000 for i in range(8)]


def test_a_rate_that_no_camera_has_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = recordings.write_video(tmp_path / "fast.avi", recordings.pan(8), *MJPEG, fps=600)
    assert open_source(path).fps == pytest.approx(600)
    (warning,) = caplog.messages
    assert "fast.avi: expected at most 240 frames per second, found stamps of 600; " in warning
    assert "--fps" in warning


VARIABLE = ("-vf", "setpts='if(lt(N,6),N,6+(N-6)*6)/TB/10'", "-fps_mode", "vfr")


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "webm"])
def test_a_variable_rate_is_no_early_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    codec = ("-c:v", "libvpx", "-b:v", "300k") if suffix == "webm" else X264
    video = tmp_path / f"walk.{suffix}"
    path = recordings.write_video(video, recordings.pan(16), *VARIABLE, *codec)
    stamps_s = [each.frame.stamp_ns * 1e-9 for each in open_source(path)]
    truth = [(i if i < 6 else 6 + (i - 6) * 6) / 10 for i in range(16)]
    assert stamps_s == pytest.approx(truth, abs=2e-3)
    assert not caplog.messages


def test_an_edit_list_is_no_early_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a telephone writes when a video is trimmed: hidden frames stay in the file."""
    whole = recordings.write_video(tmp_path / "whole.mp4", recordings.pan(40), *X264)
    trimmed = tmp_path / "trimmed.mp4"
    program = imageio_ffmpeg.get_ffmpeg_exe()
    options = ["-y", "-v", "error", "-ss", "1.5", "-i", str(whole), "-c", "copy", str(trimmed)]
    subprocess.run([program, *options], check=True)
    assert len(list(open_source(trimmed))) == 25
    assert not caplog.messages


def test_a_false_count_is_no_early_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = recordings.write_video(tmp_path / "walk.avi", recordings.pan(12), *MJPEG)
    content = bytearray(path.read_bytes())
    for chunk, field in ((b"avih", 16), (b"strh", 32)):  # dwTotalFrames, dwLength
        struct.pack_into("<I", content, content.index(chunk) + 8 + field, 400)
    path.write_bytes(content)
    assert len(list(open_source(path))) == 12
    assert not caplog.messages


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_refuses_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"film\.mp4: expected .* a video"):
        list(open_source(path))


@pytest.mark.parametrize("name", ["12:30.mp4", "50%d.mp4", "-walk.mp4", "file:a.mp4"])
def test_a_name_that_ffmpeg_takes_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    recordings.write_video(tmp_path / "walk.mp4", recordings.pan(3)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(open_source(Path(name)))) == 3
