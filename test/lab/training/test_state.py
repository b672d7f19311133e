"""Checkpoints: whole or not at all, and never code."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest
import torch

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.state import Checkpoint, Progress, load_checkpoint, save_checkpoint


def some(step: int = 7) -> Checkpoint:
    return Checkpoint(
        "{}",
        Progress(step=step, best_f1=0.25, seconds=1.5),
        {"weight": torch.full((3,), 1 / 3)},
        {"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    )


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, some())
    found = load_checkpoint(path)
    assert found.progress == some().progress
    assert torch.equal(found.model["weight"], some().model["weight"])
    assert found.optimiser["param_groups"] == some().optimiser["param_groups"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["write", "fsync"])
def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, some(7))
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if place == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        (tmp_path / ".checkpoint.pt.partial").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"checkpoint\.pt: .*No space left.*free some space"):
        save_checkpoint(path, some(8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(InputError, match="found none; leave out --resume"):
        load_checkpoint(path)
    for content in (b"", b"PK\x03\x04 no zip", b"\x80\x02."):
        path.write_bytes(content)
        with pytest.raises(InputError, match="expected a checkpoint of motion_seg train"):
            load_checkpoint(path)
    save_checkpoint(path, some())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="expected a checkpoint of motion_seg train"):
        load_checkpoint(path)
    torch.save({"format": 1, "config": "{}"}, path)
    with pytest.raises(InputError, match="expected a checkpoint of motion_seg train"):
        load_checkpoint(path)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "checkpoint.pt"
    torch.save({"format": 1, "config": Trap()}, path)
    with pytest.raises(InputError):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(InputError):
        load_checkpoint(path)
    assert not (tmp_path / "sprung").exists()


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, some())
    content = torch.load(path, weights_only=True)
    torch.save({**content, "format": 2}, path)
    with pytest.raises(InputError, match="format 2 instead of 1"):
        load_checkpoint(path)
    torch.save({**content, "progress": {"step": 3}}, path)
    with pytest.raises(InputError, match="a progress of step"):
        load_checkpoint(path)
    torch.save(content, path)
    assert load_checkpoint(path).progress.step == 7
