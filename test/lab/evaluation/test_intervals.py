"""Interval files: what they say, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import annotated_folders as made
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.base import DataSet
from motion_seg_ros.lab.evaluation.intervals import fingerprint, with_intervals

HEADER = "sequence,object,first,last"


@pytest.fixture
def dataset(tmp_path: Path) -> DataSet:
    """Two sequences of 6 frames, 00000 to 00005, with the objects 1 and 2."""
    for name in ("camel", "dog"):
        made.davis(tmp_path / "davis", name, several=True)
    return made.opened("davis2017", tmp_path / "davis")


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "moves.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def test_objects_move_in_their_intervals(dataset: DataSet, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "camel,1,00000,00001",
        "camel,1,00004,00005",
        " camel , 2 , 00001 , 00002 ",
        "",
        "dog,,,",
    )
    found = with_intervals(dataset, path, all_sequences=True).moving
    assert [found["camel"][f"{index:05d}"] for index in range(6)] == [
        *({1}, {1, 2}, {2}, set(), {1}, {1})
    ]
    assert set(found["dog"].values()) == {frozenset()}
    assert len(found["dog"]) == 6


def test_frames_that_are_not_scored_bound_an_interval(tmp_path: Path) -> None:
    """DAVIS 2016 leaves out the first and the last frame."""
    made.davis(tmp_path / "davis", "camel")
    data = made.opened("davis2016", tmp_path / "davis")
    path = write(tmp_path, "camel,1,00000,00002")
    (found,) = with_intervals(data, path, all_sequences=True).moving.values()
    assert found == {"00001": {1}, "00002": {1}, "00003": set(), "00004": set()}


def test_sequences_without_a_line_are_told(
    dataset: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "dog,1,00000,00001")
    with caplog.at_level(logging.WARNING):
        assert with_intervals(dataset, path, all_sequences=True).moving.keys() == {"dog"}
    assert "no line about camel" in caplog.text


def test_lines_about_sequences_left_out_on_purpose(dataset: DataSet, tmp_path: Path) -> None:
    path = write(tmp_path, "dog,1,00000,00001", "cat,4,00017,00018", "camel,,,")
    assert len(with_intervals(dataset, path, all_sequences=False).moving) == 2


def test_a_spreadsheet_marks_its_encoding(dataset: DataSet, tmp_path: Path) -> None:
    path = write(tmp_path, "dog,1,00000,00001", header=f"\ufeff{HEADER}")
    assert with_intervals(dataset, path, all_sequences=True).moving["dog"]["00001"] == {1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dig,1,00000,00001", "line 3: expected a sequence of the data set, found 'dig'; did you"),
        ("dog,1,0,00001", "line 3: expected a frame of dog, found '0'; did you mean 00000?"),
        ("dog,1,00000,00099", "line 3: expected a frame of dog, found '00099'; did you mean"),
        ("dog,1,00003,00001", "line 3: expected the first frame before the last, found 00003 and"),
        ("dog,one,00000,00001", "line 3: expected the number of an object, 1 to 65535, found"),
        ("dog,0,00000,00001", "line 3: expected the number of an object, 1 to 65535, found '0'"),
        ("dog,,00000,00001", "line 3: expected the number of an object, 1 to 65535, found ''"),
        ("dog,7,00000,00001", "line 3: expected an object in the true masks from 00000 to 00001"),
        ("dog,1,00000", "line 3: expected 4 fields, sequence,object,first,last, found 3"),
        ("camel,,,", "line 3: expected the only line about camel"),
        ('dog,"1,00000,00001', "expected CSV in UTF-8, found unexpected end of data"),
    ],
)
def test_what_does_not_fit_is_named(
    dataset: DataSet, tmp_path: Path, line: str, message: str
) -> None:
    path = write(tmp_path, "camel,1,00000,00001", line)
    with pytest.raises(InputError) as caught:
        with_intervals(dataset, path, all_sequences=True)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_another_header(dataset: DataSet, tmp_path: Path) -> None:
    for header, found in (("name,object,first,last", "found name,object"), ("", "found nothing")):
        path = write(tmp_path, "camel,1,00000,00001", header=header)
        with pytest.raises(InputError, match=f"line 1: expected the header {HEADER}, {found}"):
            with_intervals(dataset, path, all_sequences=True)


def test_no_such_file_and_no_text(dataset: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "moves.csv"
    with pytest.raises(InputError, match="cannot read it: No such file"):
        with_intervals(dataset, path, all_sequences=True)
    path.write_bytes(HEADER.encode() + b"\n\xff\xfe,1,1,1\n")
    with pytest.raises(InputError, match="expected CSV in UTF-8"):
        with_intervals(dataset, path, all_sequences=True)


def test_no_line_about_what_is_evaluated(dataset: DataSet, tmp_path: Path) -> None:
    path = write(tmp_path, "cat,1,00000,00001")
    with pytest.raises(InputError, match="expected lines about the sequences to evaluate, camel"):
        with_intervals(dataset, path, all_sequences=False)


def test_an_edited_file_has_another_fingerprint(tmp_path: Path) -> None:
    first = fingerprint(write(tmp_path, "camel,1,00000,00001"))
    assert first == fingerprint(write(tmp_path, "camel,1,00000,00001"))
    assert first != fingerprint(write(tmp_path, "camel,1,00000,00002"))
