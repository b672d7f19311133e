"""Storage files of rosbag2 in SQLite."""

from __future__ import annotations

import shlex
import sqlite3
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType

from motion_seg_ros.io.bag_storage import (
    CDR,
    CutOffError,
    RecordedTopic,
    StoredMessage,
    message_type,
    offered_qos,
)


class SqliteFile:
    """A .db3 file; see Storage.

    Of its tables (rosbag2_storage_sqlite3) only `topics` and `messages` are read, which all
    distributions write alike.
    """

    def __init__(self, path: Path) -> None:
        _check_end(path)
        where = f"{path.absolute().as_uri()}?immutable=1"
        self._database = sqlite3.connect(where, uri=True)
        try:
            self._read_topics(path)
        except BaseException:
            self._database.close()
            raise

    def _read_topics(self, path: Path) -> None:
        tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
        (found,) = self._database.execute(f"{tables} AND name IN ('topics', 'messages')").fetchone()
        if found != 2:
            raise ValueError(f"{path.name} with missing tables")
        columns = {row[1] for row in self._database.execute("PRAGMA table_info(topics)")}
        qos = "offered_qos_profiles" if "offered_qos_profiles" in columns else "''"
        counts = dict(
            self._database.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id")
        )
        rows = self._database.execute(
            f"SELECT id, name, type, serialization_format, {qos} FROM topics ORDER BY id"
        ).fetchall()
        self._ids: list[tuple[int, RecordedTopic]] = []
        foreign = []
        for number, name, kind, serialization, profiles in rows:
            if serialization == CDR:
                count = counts.get(number, 0)
                topic = RecordedTopic(name, message_type(kind), offered_qos(profiles), count)
                self._ids.append((number, topic))
            else:
                foreign.append(f"{name} ({serialization} of {kind})")
        self.topics = tuple(topic for _, topic in self._ids)
        self.foreign = tuple(foreign)
        times = "SELECT min(timestamp), max(timestamp) FROM messages"
        self.start_ns, self.end_ns = self._database.execute(times).fetchone()

    def messages(self, chosen: Collection[tuple[str, str]]) -> Iterator[StoredMessage]:
        """Yield the messages of the topics of these names and types, in the order of recording."""
        names = {i: each.name for i, each in self._ids if (each.name, each.kind) in chosen}
        rows = self._database.execute(
            "SELECT topic_id, timestamp, data FROM messages"
            f" WHERE topic_id IN ({', '.join('?' * len(names))}) ORDER BY timestamp",
            tuple(names),
        )
        for number, recorded_ns, data in rows:
            if not (isinstance(recorded_ns, int) and isinstance(data, bytes)):
                raise ValueError(f"a message of {names[number]} without time or content")
            yield names[number], recorded_ns, data

    def __enter__(self) -> SqliteFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()


def _check_end(path: Path) -> None:
    """
    Raises:
        CutOffError: the file has fewer pages than its header states (sqlite.org/fileformat.html).
    """
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        return  # SQLite says what is wrong with it
    (page_bytes,) = struct.unpack_from(">H", head, 16)
    changed, pages = struct.unpack_from(">II", head, 24)
    (valid_for,) = struct.unpack_from(">I", head, 92)
    size = pages * (65536 if page_bytes == 1 else page_bytes)
    if changed == valid_for and size > path.stat().st_size:
        name = shlex.quote(path.name)
        remedy = f"`sqlite3 {name} .recover | sqlite3 whole.db3` saves what is whole"
        raise CutOffError("a database without its end", remedy)
