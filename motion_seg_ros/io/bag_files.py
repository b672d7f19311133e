"""Opening of rosbag2 recordings, with a one-line error for everything that can be wrong."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from motion_seg_ros.errors import InputError, MotionSegError, shown
from motion_seg_ros.io.bag_storage import CutOffError, RecordedTopic, Storage, offered_qos
from motion_seg_ros.io.image_folder import natural_key
from motion_seg_ros.io.message_types import require_rosbags
from motion_seg_ros.io.sqlite_file import SqliteFile

BAG_SUFFIXES = frozenset({".mcap", ".db3"})
METADATA_FILE = "metadata.yaml"
_ROS1_SUFFIX = ".bag"
_ZSTD_SUFFIX = ".zstd"
_COMPRESSED_SUFFIXES = tuple(f"{each}{_ZSTD_SUFFIX}" for each in sorted(BAG_SUFFIXES))
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""First bytes of a message that rosbag2 compressed (RFC 8878); those of CDR are 0 and a kind."""

logger = logging.getLogger(__name__)


def is_bag(path: Path) -> bool:
    """Return True for a storage file of a rosbag, or a folder with storage files or metadata.yaml;
    it need not be readable."""
    if path.is_dir():
        return (path / METADATA_FILE).is_file() or bool(_storage_files(path))
    return _is_storage(path) or path.suffix == _ROS1_SUFFIX


class RawMessage(NamedTuple):
    """A stored message.

    Attributes:
        topic: name of its topic.
        recorded_ns: time of recording in nanoseconds.
        data: CDR bytes.
        number: of messages on the topic before it.
    """

    topic: str
    recorded_ns: int
    data: bytes
    number: int


class OpenBag:
    """The storage files of a bag as one.

    Topics are those of the storage, whatever metadata.yaml says of types, type hashes and QoS; of
    two types under one name the one with most messages counts.

    Args:
        path: of the bag.
        files: open, in order.
        noted: topics in metadata.yaml; empty of a bare file.

    Attributes:
        topics: name -> topic.
        foreign: topics that are not in ROS 2's encoding, as text.
        duration_s: between the first and the last message.
        sqlite3: stored in sqlite3, not in mcap.
    """

    def __init__(self, path: Path, files: Sequence[Storage], noted: Sequence[Any]) -> None:
        self._path = path
        self._files = files
        found: dict[tuple[str, str], RecordedTopic] = {}
        for each in (topic for file in files for topic in file.topics):
            before = found.get((each.name, each.kind), RecordedTopic(each.name, each.kind))
            qos = tuple(dict.fromkeys((*before.qos, *each.qos)))  # a set with an order
            count = before.count + each.count
            found[each.name, each.kind] = RecordedTopic(each.name, each.kind, qos, count)
        self.topics = {each.name: each for each in sorted(found.values(), key=lambda e: e.count)}
        self.foreign = tuple(sorted({each for file in files for each in file.foreign}))
        times_ns = [each for file in files for each in (file.start_ns, file.end_ns)]
        known_ns = [each for each in times_ns if each is not None]
        self.duration_s = (max(known_ns) - min(known_ns)) * 1e-9 if known_ns else 0.0
        self.sqlite3 = any(isinstance(each, SqliteFile) for each in files)
        self._promised: Counter[str] = Counter()
        for entry in noted:
            with suppress(AttributeError, KeyError, TypeError):  # edited by hand, and not needed
                self._amend(entry["topic_metadata"], entry.get("message_count"))

    def _amend(self, noted: Mapping[str, Any], count: Any) -> None:
        """Take QoS and number of messages of a topic from metadata.yaml. People change the QoS
        there, and `ros2 bag play` obeys it."""
        topic = self.topics.get(noted["name"])
        if topic is None:
            return
        if isinstance(count, int):
            self._promised[topic.name] += count
        profiles = noted.get("offered_qos_profiles")
        qos = offered_qos(profiles)
        if qos or profiles in ("", []):
            self.topics[topic.name] = dataclasses.replace(topic, qos=qos)

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield the messages of some topics, in the order of recording.

        Raises:
            InputError: there are fewer than metadata.yaml states.
        """
        chosen = {(name, each.kind) for name, each in self.topics.items() if name in topics}
        counts: Counter[str] = Counter()
        for file in self._files:
            for topic, recorded_ns, data in file.messages(chosen):
                yield RawMessage(topic, recorded_ns, _unpacked(data), counts[topic])
                counts[topic] += 1
        found = counts.total()
        promised = sum(self._promised[name] for name in topics)
        if found < promised:
            raise InputError(
                f"{self._path}: expected {promised} messages on {', '.join(sorted(topics))} as its "
                f"index says, found {found}; `ros2 bag reindex` makes the index anew"
            )


@contextmanager
def open_bag(path: Path) -> Iterator[OpenBag]:
    """Open a rosbag2 for reading within the block.

    Storage may be mcap (chunks plain, lz4 or zstd; with or without index) or sqlite3, in one file
    or several, with files or messages compressed by rosbag2 with zstd.

    Args:
        path: folder of the bag, or a bare storage file.

    Raises:
        InputError: not a whole rosbag2, even if that shows only within the block.
        MissingDependencyError: rosbags or mcap is not installed.
    """
    require_rosbags()
    files, noted = _what_to_open(path)
    try:
        with ExitStack() as stack:
            yield OpenBag(path, [_opened(each, stack) for each in files], noted)
    except MotionSegError:
        raise
    except CutOffError as error:
        remedy = f"the recording was cut off; {error.remedy}"
        raise _not_whole(path, error, remedy) from error
    except Exception as error:  # the parsers of foreign data raise many kinds
        raise _not_whole(path, error, "copy it anew from where it was recorded") from error


def raw_messages(path: Path, topics: Collection[str]) -> Iterator[RawMessage]:
    """Yield the messages of some topics, in the order of recording.

    Raises:
        InputError: as `open_bag`; or the bag has fewer messages than its index states.
    """
    with open_bag(path) as bag:
        yield from bag.messages(topics)


def _not_whole(path: Path, error: Exception, remedy: str) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        f"{path}: expected a whole rosbag2 (mcap or sqlite3), found {reason}; {remedy}"
    )


def _opened(file: Path, stack: ExitStack) -> Storage:
    """Open a storage file until the stack is left."""
    from zstandard import ZstdDecompressor

    from motion_seg_ros.io.mcap_file import McapFile

    if file.suffix == _ZSTD_SUFFIX:
        unpacked = Path(stack.enter_context(TemporaryDirectory()), file.stem)
        with file.open("rb") as packed, unpacked.open("wb") as target:
            ZstdDecompressor().copy_stream(packed, target)
        file = unpacked
    opened: Storage = SqliteFile(file) if file.suffix == ".db3" else McapFile(file)
    return stack.enter_context(opened)


def _unpacked(data: bytes) -> bytes:
    """Return a message without the compression of rosbag2, which only metadata.yaml tells of."""
    if not data.startswith(_ZSTD_MAGIC):
        return data
    from zstandard import ZstdDecompressor

    return ZstdDecompressor().decompressobj().decompress(data)


def _what_to_open(path: Path) -> tuple[list[Path], list[Any]]:
    """Return the storage files of a bag in order, and its topics in metadata.yaml.

    Raises:
        InputError: they cannot be read, or metadata.yaml cannot.
    """
    if path.suffix == _ROS1_SUFFIX and path.is_file():
        raise InputError(
            f"{path}: expected a rosbag2, found one of ROS 1; "
            f"`rosbags-convert --src {path.name} --dst {path.stem}` makes a rosbag2 of it"
        )
    files = _storage_files(path) if path.is_dir() else [path]
    for each in files:
        _check_closed(each)
        if each.suffix == ".db3":
            _check_tables(each)
    if path.is_dir() and (path / METADATA_FILE).is_file():
        return _as_metadata_says(path, files)
    # A recorder that was killed leaves no metadata.yaml; the storage file can still be whole.
    if len(files) > 1:
        raise InputError(
            f"{path}: expected {METADATA_FILE}, which orders the bag's {len(files)} files, found "
            "none; `ros2 bag reindex` makes it, or name one of the files"
        )
    if files[0].suffix not in BAG_SUFFIXES:
        raise InputError(
            f"{files[0]}: expected the folder of a bag with {METADATA_FILE}, found a compressed "
            "file alone; unpack it with `unzstd` first"
        )
    return files, []


def _as_metadata_says(folder: Path, files: list[Path]) -> tuple[list[Path], list[Any]]:
    """Return storage files and topics in metadata.yaml.

    Args:
        folder: of the bag.
        files: storage files in it. Where they were renamed, and metadata.yaml was not, they are
            taken in natural order.

    Raises:
        InputError: it is not readable, or names files that are missing.
    """
    remedy = f"`ros2 bag reindex` makes {METADATA_FILE} anew"
    try:
        content = yaml.safe_load((folder / METADATA_FILE).read_text(encoding="utf-8"))
        information = content["rosbag2_bagfile_information"]
        named = [folder / PurePath(each).name for each in information["relative_file_paths"]]
        noted = list(information.get("topics_with_message_count") or ())
    except PermissionError:
        raise
    except Exception as error:  # of PyYAML, and of what is no mapping or no list
        raise _not_whole(folder, ValueError(f"no {METADATA_FILE} of one"), remedy) from error
    missing = [each.name for each in named if not each.is_file()]
    if not missing and named:
        return named, noted
    if not files or len(files) != len(named):
        found = f"files that are missing: {', '.join(missing) or 'all'}"
        raise _not_whole(folder, ValueError(found), f"put them back, or {remedy}")
    renamed = sorted(files, key=natural_key)
    logger.warning(
        "%s: %s names %s, which are not there; %s taken in their place",
        folder,
        METADATA_FILE,
        ", ".join(missing),
        ", ".join(each.name for each in renamed),
    )
    return renamed, noted


def _check_closed(file: Path) -> None:
    """Refuse a database with a journal.

    Raises:
        InputError: it has one.
    """
    journal = file.with_name(f"{file.name}-wal")
    if journal.is_file() and journal.stat().st_size:
        raise InputError(
            f"{file}: expected a database that was closed, found messages left in "
            f"{journal.name}; `sqlite3 {file.name} 'PRAGMA wal_checkpoint(TRUNCATE)'` puts them in"
        )


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
    """Return True for a storage file; hidden ones are leftovers of other systems (._x of macOS)."""
    suffixes = (*BAG_SUFFIXES, *_COMPRESSED_SUFFIXES)
    return path.name.endswith(suffixes) and not path.name.startswith(".")
