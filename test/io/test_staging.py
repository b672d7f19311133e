"""What is written appears whole or not at all, whatever happens to those who write."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.staging import staged_folder

MARKER = "marker"


def write(folder: Path, text: str) -> None:
    (folder / MARKER).write_text(text)


def test_a_writer_that_only_seemed_lost_cannot_spoil_the_next_ones_result(tmp_path: Path) -> None:
    place = tmp_path / "out"
    slow = staged_folder(place, overwrite=True, marker=MARKER)
    lost = slow.__enter__()
    write(lost, "half")
    with staged_folder(place, overwrite=True, marker=MARKER) as staged:
        assert staged != lost
        with pytest.raises(FileNotFoundError):
            write(lost, "goes on writing")
        write(staged, "whole")
    with pytest.raises(OutputError, match="cannot write the output"):
        slow.__exit__(None, None, None)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert (place / MARKER).read_text() == "whole"


def test_a_name_that_begins_alike_is_left_alone(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "walk.partial-2", overwrite=False, marker=MARKER) as other:
        write(other, "other")
        with staged_folder(tmp_path / "walk", overwrite=False, marker=MARKER) as staged:
            write(staged, "one")
    assert (tmp_path / "walk.partial-2" / MARKER).read_text() == "other"
    assert (tmp_path / "walk" / MARKER).read_text() == "one"
