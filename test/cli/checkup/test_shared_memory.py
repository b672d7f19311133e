"""Shared memory as `motion_seg doctor` sees it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace

import pytest

from motion_seg_ros.cli.checkup import shared_memory
from motion_seg_ros.cli.checkup.finding import Finding, looked_at


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /dev/shm, with room enough."""
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    set_size(monkeypatch, 10**9)
    return tmp_path


def set_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    usage = SimpleNamespace(total=size, free=size)
    monkeypatch.setattr(shared_memory.shutil, "disk_usage", lambda folder: usage)


def look() -> dict[str, Finding]:
    return {each.name: each for each in looked_at(shared_memory.shared_memory)}


def test_room_enough(folder: Path) -> None:
    found = look()
    assert list(found) == ["shared memory"]
    assert found["shared memory"].state == "ok"


def test_too_small_for_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_size(monkeypatch, 64 * 2**20)  # docker's default
    found = look()["shared memory"]
    assert found.state == "note"
    assert "67 of 67 MB" in found.found
    assert "--shm-size=1g" in found.remedy


def test_what_an_ended_process_left_is_told_from_what_is_in_use(folder: Path) -> None:
    for name in ("fastrtps_aa", "fastrtps_aa_el", "fastrtps_bb", "fastrtps_bb_el", "other"):
        (folder / name).touch()
    with (folder / "fastrtps_bb_el").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = look()["shared memory left"]
        assert found.state == "note"
        assert "1 segments" in found.found
        assert "fastrtps_aa" in found.found
        assert found.remedy == "fastdds shm clean"
        (folder / "fastrtps_aa_el").unlink()
        assert "shared memory left" not in look()


def test_a_machine_without_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(shared_memory, "FOLDER", folder / "none")
    (found,) = look().values()
    assert (found.name, found.state) == ("shared memory", "note")
    assert "could not be looked at: FileNotFoundError" in found.found
