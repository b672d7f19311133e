"""Opening of rosbag2 recordings, with a one-line error for everything that can be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_seg_ros.errors import InputError, MotionSegError, shown
from motion_seg_ros.io.message_types import require_rosbags

if TYPE_CHECKING:
    from rosbags.rosbag2 import Reader

BAG_SUFFIXES = frozenset({".mcap", ".db3"})
METADATA_FILE = "metadata.yaml"
_ROS1_SUFFIX = ".bag"
_COMPRESSED_SUFFIXES = (".mcap.zstd", ".db3.zstd")


class RawMessage(NamedTuple):
    """A stored message.

    Attributes:
        topic: name of its topic.
        recorded_ns: time of recording in nanoseconds.
        data: CDR bytes.
    """

    topic: str
    recorded_ns: int
    data: bytes


def is_bag(path: Path) -> bool:
    """Return True for a storage file of a rosbag, or a folder with storage files or metadata.yaml;
    it need not be readable."""
    if path.is_dir():
        return (path / METADATA_FILE).is_file() or bool(_storage_files(path))
    return _is_storage(path) or path.suffix == _ROS1_SUFFIX


@contextmanager
def open_bag(path: Path) -> Iterator[Reader]:
    """Open a rosbag2 for reading within the block.

    Storage may be mcap (chunks plain, lz4 or zstd; with or without index) or sqlite3, in one file
    or several, with files or messages compressed by rosbag2 with zstd.

    Args:
        path: folder of the bag, or a bare storage file.

    Raises:
        InputError: not a whole rosbag2, even if that shows only within the block.
        MissingDependencyError: rosbags is not installed.
    """
    require_rosbags()
    from rosbags.rosbag2 import Reader

    try:
        with Reader(_what_to_open(path)) as reader:
            yield reader
    except MotionSegError:
        raise
    except Exception as error:  # the parsers of foreign data raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: expected a whole rosbag2 (mcap or sqlite3), found: {reason} "
            "If the recording was cut off, `mcap recover` or `ros2 bag reindex` may mend it"
        ) from error


def raw_messages(path: Path, topics: Collection[str]) -> Iterator[RawMessage]:
    """Yield the messages of some topics, in the order of recording.

    Raises:
        InputError: as `open_bag`; or the bag has fewer messages than its index states.
    """
    with open_bag(path) as reader:
        chosen = [each for each in reader.connections if each.topic in topics]
        if not chosen:  # rosbags takes an empty selection for all connections
            return
        found = 0
        for connection, recorded_ns, data in reader.messages(chosen):
            found += 1
            yield RawMessage(connection.topic, recorded_ns, bytes(data))
        promised = sum(each.msgcount for each in chosen)
        if found != promised:
            raise InputError(
                f"{path}: expected {promised} messages on {', '.join(sorted(topics))} as its "
                f"index says, found {found}; `ros2 bag reindex` makes the index anew"
            )


def _what_to_open(path: Path) -> Path:
    """Return the path to give to rosbags: the folder of a bag, or its only storage file.

    Raises:
        InputError: rosbags cannot read this, or would leave part of it out.
    """
    files = _storage_files(path) if path.is_dir() else [path]
    for each in files:
        journal = each.with_name(f"{each.name}-wal")
        if journal.is_file() and journal.stat().st_size:
            raise InputError(
                f"{each}: expected a database that was closed, found messages left in "
                f"{journal.name}; `sqlite3 {each.name} 'PRAGMA wal_checkpoint(TRUNCATE)'` puts "
                "them in"
            )
        if each.suffix == ".db3":
            _check_tables(each)
    if path.suffix == _ROS1_SUFFIX and path.is_file():
        raise InputError(
            f"{path}: expected a rosbag2, found one of ROS 1; "
            f"`rosbags-convert --src {path.name} --dst {path.stem}` makes a rosbag2 of it"
        )
    # A recorder that was killed leaves no metadata.yaml; the storage file can still be whole.
    bare = not path.is_dir() or not (path / METADATA_FILE).is_file()
    if bare and len(files) > 1:
        raise InputError(
            f"{path}: expected {METADATA_FILE}, which orders the bag's {len(files)} files, found "
            "none; `ros2 bag reindex` makes it, or name one of the files"
        )
    if bare and files[0].suffix not in BAG_SUFFIXES:
        raise InputError(
            f"{files[0]}: expected the folder of a bag with {METADATA_FILE}, found a compressed "
            "file alone; unpack it with `unzstd` first"
        )
    return files[0] if bare else path


def _check_tables(file: Path) -> None:
    """Refuse a database whose content is computed: a few bytes of it can have rows without end.

    Raises:
        InputError: it has a view, a virtual table, or a generated column.
    """
    found = None
    with (
        suppress(sqlite3.Error),  # damaged: whoever reads the messages says so
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True)) as database,
    ):
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')"
            " OR (type = 'table' AND rootpage = 0) UNION ALL"
            " SELECT tables.name FROM sqlite_master AS tables, pragma_table_xinfo(tables.name)"
            " WHERE tables.type = 'table' AND hidden > 0"
        ).fetchone()
    if found is not None:
        raise InputError(
            f"{file}: expected plain tables, found {shown(found[0])}, which is a view, virtual, "
            "triggers something or has a computed column; no recorder writes that"
        )


def _storage_files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if _is_storage(each) and each.is_file())


def _is_storage(path: Path) -> bool:
    return path.suffix in BAG_SUFFIXES or path.name.endswith(_COMPRESSED_SUFFIXES)
