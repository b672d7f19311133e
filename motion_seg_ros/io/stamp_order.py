"""Order of recorded messages by stamps: frames may overtake each other before the recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from motion_seg_ros.settings.stages import WindowConfig

MAX_HELD = 8
"""Images that are kept until earlier ones can no longer be expected. Set by hand: threads of a
driver or a recorder, each of which holds one."""
DISORDER_NS = int(WindowConfig.max_backward_s * 1e9)
"""A larger step back is one of the clock, or the begin of another recording: no disorder."""

Item = TypeVar("Item")


def in_stamp_order(items: Iterable[Item], stamp_ns: Callable[[Item], int | None]) -> Iterator[Item]:
    """Yield the items, those with a stamp in the order of their stamps where they nearly are so.

    One that comes too late for that is yielded when it comes. Items without a stamp stay behind
    those that they come after.

    Args:
        items: items in the order of recording.
        stamp_ns: returns the stamp of an item in nanoseconds; None: it has none.
    """
    held: list[tuple[Item, int | None]] = []  # begins with a stamp
    last_ns: int | None = None  # of those that were yielded
    newest_ns, count = 0, 0  # of the stamps held
    for item in items:
        found_ns = stamp_ns(item)
        if found_ns is None:
            if held:
                held.append((item, None))
            else:
                yield item
            continue
        too_late = last_ns is not None and found_ns < last_ns
        if too_late or (held and found_ns < newest_ns - DISORDER_NS):
            yield from (each for each, _ in held)
            held.clear()
            last_ns, newest_ns, count = None, 0, 0
        later = (i for i, (_, each) in enumerate(held) if each is not None and each > found_ns)
        held.insert(next(later, len(held)), (item, found_ns))
        newest_ns, count = max(newest_ns, found_ns), count + 1
        while held and (count > MAX_HELD or held[0][1] is None):
            first, first_ns = held.pop(0)
            if first_ns is not None:
                last_ns, count = first_ns, count - 1
            yield first
    yield from (each for each, _ in held)
