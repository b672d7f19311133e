"""Recorded windows on disk, read again."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.labelling.hints import HINT_CHANNELS
from motion_seg_ros.training.packed import pack_shards
from motion_seg_ros.training.readers import shards
from motion_seg_ros.training.readers.shards import write_recorded
from motion_seg_ros.training.samples import TrackSample, read_samples


def samples(frames: int = 4) -> Iterator[TrackSample]:
    for number in count():
        tracks = 3 + number % 2
        yield TrackSample(
            xy_px=np.full((frames, tracks, 2), number, np.float32),
            visible=np.ones((frames, tracks), bool),
            confidence=np.ones((frames, tracks), np.float32),
            size=(8, 8),
            moving=np.arange(tracks) == 0,
            labelled=np.ones(tracks, bool),
            hints=np.zeros((tracks, HINT_CHANNELS), np.float32),
            tags=("kubric",),
        )


def test_written_in_order_and_read_again(tmp_path: Path) -> None:
    stream = samples()
    paths = write_recorded(tmp_path / "new", stream, split="train", windows=7, per_shard=3)
    assert [each.name for each in paths] == [f"train-recorded-0000{i}.npz" for i in range(3)]
    read = [each for path in paths for each in read_samples(path)]
    assert [float(each.xy_px[0, 0, 0]) for each in read] == list(range(7))
    assert [len(each) for each in read] == [3, 4, 3, 4, 3, 4, 3]
    assert float(next(stream).xy_px[0, 0, 0]) == 7  # not one more was taken
    assert len(pack_shards(paths, 4)) == 7  # training's own reader


def test_too_few(tmp_path: Path) -> None:
    few = (each for each, _ in zip(samples(), range(5), strict=False))
    with pytest.raises(InputError, match="expected 3 windows, found 2"):
        write_recorded(tmp_path, few, split="train", windows=9, per_shard=3)
    assert [each.name for each in tmp_path.iterdir()] == ["train-recorded-00000.npz"]


def test_windows_of_different_lengths(tmp_path: Path) -> None:
    mixed = iter([next(samples(4)), next(samples(6))])
    with pytest.raises(InputError, match="found 4 to 6 frames"):
        write_recorded(tmp_path, mixed, split="train", windows=2)
    assert list(tmp_path.iterdir()) == []


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, of: list[TrackSample]) -> None:
        path.with_suffix(".partial").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shards, "write_samples", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_recorded(tmp_path, samples(), split="train", windows=2)
    assert list(tmp_path.iterdir()) == []
