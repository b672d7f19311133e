"""Storage files in the mcap format: https://mcap.dev/spec.

Channels count by their own encoding and schema, whatever the header's profile and the other
channels are: `mcap merge` writes no profile, and Foxglove's loggers have JSON beside ROS 2. The
library's readers keep a file without index in memory to sort it; here only parts that overlap are.
"""

from __future__ import annotations

import heapq
import io
import os
import shlex
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.summary import Summary

from motion_seg_ros.io.bag_storage import (
    CDR,
    CutOffError,
    RecordedTopic,
    StoredMessage,
    message_type,
    offered_qos,
)

_MAGIC = b"\x89MCAP0\r\n"
_HEAD_BYTES = 9  # of a record: its kind and length
_MAX_PART_BYTES = 2**20
"""Longest run of messages outside chunks that is read at once; chunks of most writers are so long.
Set by hand."""


class _Part(NamedTuple):
    """Part of a file: a chunk, or a run of messages outside chunks.

    Attributes:
        start_ns: time of its earliest message.
        end_ns: time of its latest one.
        offset: of its first record.
        length: in bytes.
        chunk: False for a run.
        channels: ids of the channels with messages in it; empty: not known.
    """

    start_ns: int
    end_ns: int
    offset: int
    length: int
    chunk: bool
    channels: frozenset[int] = frozenset()


class _BoundedFile(io.BufferedReader):
    """A file in which a false length reserves no more memory than the file has bytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self.size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


class McapFile:
    """An .mcap file; see Storage."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _BoundedFile(path)
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        self._check_ends()
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._counts: Counter[int] = Counter()
        self._parts: list[_Part] = []
        summary = SeekingReader(self._file, record_size_limit=self._file.size).get_summary()
        if not self._take(summary):
            self._scan()
        self._ids: list[tuple[int, RecordedTopic]] = []
        foreign = []
        for number, channel in self._channels.items():
            schema = self._schemas.get(channel.schema_id)
            kind = "no type" if schema is None else schema.name
            if channel.message_encoding == CDR:
                qos = offered_qos(channel.metadata.get("offered_qos_profiles"))
                count = self._counts[number]
                topic = RecordedTopic(channel.topic, message_type(kind), qos, count)
                self._ids.append((number, topic))
            else:
                foreign.append(f"{channel.topic} ({channel.message_encoding} of {kind})")
        self.topics = tuple(topic for _, topic in self._ids)
        self.foreign = tuple(foreign)
        # A chunk without messages has times of 0.
        parts = [each for each in self._parts if each.end_ns > 0]
        self.start_ns = min((each.start_ns for each in parts), default=None)
        self.end_ns = max((each.end_ns for each in parts), default=None)

    def _check_ends(self) -> None:
        file = self._file
        if file.size == 0:
            raise ValueError("an empty file")
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("a file that does not begin like mcap")
        file.seek(-len(_MAGIC), os.SEEK_END)
        if file.size < 2 * len(_MAGIC) or file.read() != _MAGIC:
            name = shlex.quote(self._path.name)
            remedy = f"`mcap recover {name} -o whole.mcap` saves what is whole"
            raise CutOffError("an mcap file without its end", remedy)
        file.seek(0)

    def _take(self, summary: Summary | None) -> bool:
        """Note channels, counts and chunks by the summary of the file; False if it does not have
        all of them."""
        if summary is None or summary.statistics is None or not summary.chunk_indexes:
            return False
        counts = summary.statistics.channel_message_counts
        if not counts.keys() <= summary.channels.keys() or not summary.schemas:
            return False
        self._schemas, self._channels = summary.schemas, summary.channels
        self._counts.update(counts)
        for each in summary.chunk_indexes:
            self._parts.append(
                _Part(
                    each.message_start_time,
                    each.message_end_time,
                    each.chunk_start_offset,
                    each.chunk_length,
                    True,
                    frozenset(each.message_index_offsets),
                )
            )
        return True

    def _scan(self) -> None:
        """Note channels, counts and parts by reading the whole file."""
        self._file.seek(0)
        reader = StreamReader(self._file, emit_chunks=True, record_size_limit=self._file.size)
        offset = 0
        for record in reader.records:
            length = self._file.tell() - offset
            if isinstance(record, Chunk):
                for each in _records(record):
                    self._note(each)
                times = (record.message_start_time, record.message_end_time)
                self._parts.append(_Part(*times, offset, length, True))
            elif isinstance(record, Message):
                self._note(record)
                self._add_to_run(record.log_time, offset, length)
            else:
                self._note(record)
            offset += length

    def _note(self, record: McapRecord) -> None:
        if isinstance(record, Schema):
            self._schemas[record.id] = record
        elif isinstance(record, Channel):
            self._channels[record.id] = record
        elif isinstance(record, Message):
            self._counts[record.channel_id] += 1

    def _add_to_run(self, time_ns: int, offset: int, length: int) -> None:
        last = self._parts[-1] if self._parts else None
        whole = last is not None and not last.chunk and last.offset + last.length == offset
        if last is None or not whole or last.length + length > _MAX_PART_BYTES:
            self._parts.append(_Part(time_ns, time_ns, offset, length, False))
            return
        start_ns, end_ns = min(last.start_ns, time_ns), max(last.end_ns, time_ns)
        self._parts[-1] = _Part(start_ns, end_ns, last.offset, last.length + length, False)

    def messages(self, chosen: Collection[tuple[str, str]]) -> Iterator[StoredMessage]:
        """Yield the messages of the topics of these names and types, in the order of recording."""
        names = {i: each.name for i, each in self._ids if (each.name, each.kind) in chosen}
        waiting: list[tuple[int, int, int, StoredMessage]] = []
        for part in sorted(self._parts):
            if part.channels and part.channels.isdisjoint(names):
                continue
            while waiting and waiting[0][0] < part.start_ns:
                yield heapq.heappop(waiting)[-1]
            for number, each in enumerate(self._read(part)):
                if isinstance(each, Message) and each.channel_id in names:
                    message = (names[each.channel_id], each.log_time, each.data)
                    heapq.heappush(waiting, (each.log_time, part.offset, number, message))
        while waiting:
            yield heapq.heappop(waiting)[-1]

    def _read(self, part: _Part) -> list[McapRecord]:
        if part.chunk:
            self._file.seek(part.offset + _HEAD_BYTES)
            return _records(Chunk.read(ReadDataStream(self._file)))
        self._file.seek(part.offset)
        data = self._file.read(part.length)
        return _records(Chunk("", data, part.end_ns, part.start_ns, 0, len(data)))

    def __enter__(self) -> McapFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _records(chunk: Chunk) -> list[McapRecord]:
    if not chunk.compression and len(chunk.data) != chunk.uncompressed_size:
        raise ValueError(f"{len(chunk.data)} bytes in a chunk of {chunk.uncompressed_size}")
    return breakup_chunk(chunk, validate_crc=True)
