"""What the structure of a video file tells."""

from __future__ import annotations

from pathlib import Path

import pytest
import recordings

from motion_seg_ros.io.containers import is_cut_off, is_raw_stream

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
FRAGMENTS = (*X264, "-movflags", "frag_keyframe+empty_moov")


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.avi", ("-c:v", "mjpeg")),
        ("a.mp4", X264),
        ("fragments.mp4", FRAGMENTS),
        ("a.mov", X264),
        ("a.mkv", X264),
        ("a.webm", ("-c:v", "libvpx")),
    ],
)
def test_a_file_that_is_shorter_than_it_says(
    tmp_path: Path, name: str, codec: tuple[str, ...]
) -> None:
    whole = recordings.write_video(tmp_path / name, recordings.pan(9), *codec)
    assert is_cut_off(whole) is False
    assert not is_raw_stream(whole)
    content = whole.read_bytes()
    for missing in (1, 100, len(content) // 2):
        whole.write_bytes(content[:-missing])
        assert is_cut_off(whole) is True


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("live.mkv", (*X264, "-live", "1")),
        ("a.ts", X264),
        ("a.flv", X264),
        ("a.mpg", ("-c:v", "mpeg2video", "-r", "25")),
        ("a.m4v", ("-c:v", "mpeg4", "-f", "m4v")),
    ],
)
def test_files_that_do_not_say(tmp_path: Path, name: str, codec: tuple[str, ...]) -> None:
    whole = recordings.write_video(tmp_path / name, recordings.pan(9), *codec)
    assert is_cut_off(whole) is None
    assert not is_raw_stream(whole)


@pytest.mark.parametrize("head", [b"", b"RIFF", b"\0\0\0\x20ftyp", b"\x1a\x45\xdf\xa3", b"\0\0\1"])
def test_a_few_bytes(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "head").write_bytes(head)
    assert is_cut_off(tmp_path / "head") in (None, True, False)
    assert not is_raw_stream(tmp_path / "head")
