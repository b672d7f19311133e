"""Common interface of the storage files of a bag: topics, and their messages in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

StoredMessage = tuple[str, int, bytes]
"""Name of the topic, time of recording in nanoseconds, content."""
CDR = "cdr"
"""Serialization of ROS 2 messages, as bags name it."""


@dataclass(frozen=True)
class RecordedTopic:
    """A topic of a bag.

    Attributes:
        name: full name.
        kind: message type, such as sensor_msgs/msg/Image.
        qos: profiles that its publishers offered; () where the recorder did not store them.
        count: number of its messages.
    """

    name: str
    kind: str
    qos: tuple[Qos, ...] = ()
    count: int = 0


class Storage(Protocol):
    """An open storage file. Opening, and everything here, raises any exception at damage.

    Attributes:
        topics: those in CDR, one entry for each channel.
        foreign: the others as text, such as "/camera (json of foxglove.RawImage)".
        start_ns: time of the first message in nanoseconds; None without messages.
        end_ns: of the last one.
    """

    topics: tuple[RecordedTopic, ...]
    foreign: tuple[str, ...]
    start_ns: int | None
    end_ns: int | None

    def messages(self, chosen: Collection[tuple[str, str]]) -> Iterator[StoredMessage]:
        """Yield the messages of the topics of these names and types, in the order of recording."""
        ...

    def __enter__(self) -> Storage: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class CutOffError(Exception):
    """A storage file without its end.

    Args:
        found: what it is.
        remedy: command that saves what is whole.
    """

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


def message_type(name: str) -> str:
    """Return a message type in the notation of ROS 2: some writers leave /msg/ out, or write the
    C++ name."""
    parts = name.replace("::", "/").split("/")
    return f"{parts[0]}/msg/{parts[1]}" if len(parts) == 2 else "/".join(parts)


def offered_qos(content: Any) -> tuple[Qos, ...]:
    """Return the profiles that a bag notes for a topic; () where they are missing or not readable.

    Args:
        content: YAML, as text or parsed; Any: a stranger's.
    """
    from rosbags.rosbag2.metadata import parse_qos

    try:
        return tuple(parse_qos(content or []))
    except Exception:  # of rosbags, by what is missing: messages are whole without
        return ()
