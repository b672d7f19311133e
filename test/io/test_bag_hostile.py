"""Bags of strangers: frames or a one-line refusal, whatever is damaged, and never much memory."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import recordings
from hostile import LONG_TEXT, attempt, damaged, memory_at_most, share
from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.sources import open_source

SIZE = (16, 12)
IMAGES = recordings.pan(3, SIZE)
YAML_VALUES = ["", "-1", "0", "99999999999999999999", ".nan", ".inf", "1e400", "null", "[]", "{}"]
YAML_VALUES += ["2001-99-99", "*id", "&id", "!!python/object:os.system", "../../etc/passwd"]
YAML_VALUES += ["'\\u001b[31m'", "message", "file", "mcap", LONG_TEXT, "[" * 1000]


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bags")
    raw = [recordings.image_message(each, 5 + i) for i, each in enumerate(IMAGES)]
    topics = {"/cam": raw, "/camera_info": [recordings.camera_info_message(5, SIZE)]}
    packed = {"/cam/compressed": [recordings.compressed_message(each, 5) for each in IMAGES]}
    return {
        "mcap": recordings.write_bag(folder / "mcap", topics),
        "compressed": recordings.write_bag(folder / "compressed", packed),
        "sqlite3": recordings.write_bag(folder / "sqlite3", topics, StoragePlugin.SQLITE3),
    }


def read(bag: Path) -> list[SourceFrame]:
    source = open_source(bag)
    assert source.fps > 0
    return list(source)


def check(bag: Path) -> None:
    """A bag is read or refused, for not much more memory than it has bytes."""
    size = sum(each.stat().st_size for each in bag.iterdir())
    with memory_at_most(100 * size):
        frames = attempt(lambda: read(bag), InputError)
    for each in frames or ():
        assert each.frame.image_bgr.dtype == np.uint8


@share(0.08)
@given(data=st.data(), kind=st.sampled_from(["mcap", "compressed", "sqlite3"]))
def test_storage(bags: dict[str, Path], kind: str, data: st.DataObject) -> None:
    (file,) = (each for each in bags[kind].iterdir() if each.suffix != ".yaml")
    whole = file.read_bytes()
    try:
        file.write_bytes(data.draw(damaged(whole)))
        check(bags[kind])
    finally:
        file.write_bytes(whole)


@share(0.02)
@given(data=st.data(), kind=st.sampled_from(["mcap", "sqlite3"]))
def test_metadata(bags: dict[str, Path], kind: str, data: st.DataObject) -> None:
    file = bags[kind] / "metadata.yaml"
    whole = file.read_text()
    values = [each.span(1) for each in re.finditer(r"(?m)^[ -]*\w+: ?(.*)$", whole)]
    changed = whole
    for begin, end in sorted(data.draw(st.lists(st.sampled_from(values), max_size=3)))[::-1]:
        changed = changed[:begin] + data.draw(st.sampled_from(YAML_VALUES)) + changed[end:]
    content = changed.encode()
    try:
        file.write_bytes(data.draw(damaged(content)) if data.draw(st.booleans()) else content)
        check(bags[kind])
    finally:
        file.write_text(whole)


@pytest.mark.parametrize(
    "statements",
    [
        # Rows without end, which a reader would collect.
        "DROP TABLE message_definitions; CREATE VIEW message_definitions AS"
        " WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c)"
        " SELECT x AS id, 'a' AS topic_type, 'ros2msg' AS encoding,"
        " '' AS encoded_message_definition, '' AS type_description_hash FROM c",
        # A gigabyte in each row.
        "ALTER TABLE messages RENAME COLUMN data TO content;"
        " ALTER TABLE messages ADD COLUMN data BLOB AS (zeroblob(999999999))",
        "CREATE VIRTUAL TABLE more USING fts5(words)",
    ],
    ids=["view", "computed column", "virtual table"],
)
def test_tables_that_compute(tmp_path: Path, statements: str) -> None:
    bag = recordings.image_bag(tmp_path / "bag", IMAGES, StoragePlugin.SQLITE3)
    (file,) = bag.glob("*.db3")
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.executescript(statements)
    for path in (bag, file):
        with memory_at_most(0), pytest.raises(InputError, match="expected plain tables, found"):
            open_source(path)
