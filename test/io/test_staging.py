"""Output appears complete or not at all, whatever happens to the writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.staging import check_apart, staged_folder

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


def test_a_link_to_a_folder_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere, "old")
    place.symlink_to(elsewhere)
    for text in ("new", "newer"):
        with staged_folder(place, overwrite=True, marker=MARKER) as staged:
            write(staged, text)
        assert (place / MARKER).read_text() == text
    assert (elsewhere / MARKER).read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_what_was_replaced_when_a_run_was_killed_goes(tmp_path: Path) -> None:
    (tmp_path / ".out.replaced").mkdir()
    with staged_folder(tmp_path / "out", overwrite=False, marker=MARKER) as staged:
        write(staged, "whole")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("place", ["frames", "frames/out", ".", "elsewhere/../frames/out"])
def test_an_output_in_the_input_or_around_it_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "frames").mkdir()
    with pytest.raises(OutputError, match="expected an output apart from the input"):
        check_apart(tmp_path / "frames", tmp_path / place)
    check_apart(tmp_path / "frames", tmp_path / "frames2")
