"""Log lines that repeat: written once, then counted."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

PAUSE_S = 5.0
"""Shortest time from a line to its repetition; it doubles with each. Set by hand."""
MAX_PAUSE_S = 600.0
"""Longest such time. Set by hand."""
DISTINCT = 5
"""Lines that are written whole although they differ in numbers only. Set by hand."""
QUIET_S = 30.0
"""A line that has not come for this long has stopped repeating. Set by hand."""

_NUMBER = re.compile(r"(?<![\w/])\d[\d.]*(?:x\d+)*")


@dataclass
class _Line:
    """A line, whatever its numbers, and the repetitions that are not written yet."""

    text: str
    written_s: float
    seen_s: float
    pause_s: float = PAUSE_S
    count: int = 0
    known: set[str] = field(default_factory=set)

    def is_new(self, text: str) -> bool:
        """Return true, and remember it, if the text has other numbers and there were few."""
        if text in self.known or len(self.known) == DISTINCT:
            return False
        self.known.add(text)
        return True

    def repeat(self, text: str) -> None:
        self.text = text
        self.count += 1

    def is_due(self, now_s: float) -> bool:
        return self.count > 0 and now_s >= self.written_s + self.pause_s

    def take(self, now_s: float) -> str:
        """Return the line to write now, and begin to count anew."""
        text = self.text
        if self.count > 1:
            text += f" (repeated {self.count} times in {now_s - self.written_s:.0f} s)"
        self.count, self.written_s = 0, now_s
        self.pause_s = min(2 * self.pause_s, MAX_PAUSE_S)
        return text


class CountingLogger:
    """Writes each line at once, its repetitions as a count; thread-safe.

    Lines that differ in their numbers alone are the same but for the first DISTINCT of them. The
    count stands behind the newest: after PAUSE_S, then after ever longer pauses, and once the line
    has stopped repeating.

    Args:
        logger: rclpy's logger of a node, or one like it.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._lines: dict[tuple[int, str], _Line] = {}

    def debug(self, text: str) -> None:
        """Log with severity DEBUG."""
        self.log(logging.DEBUG, text)

    def info(self, text: str) -> None:
        """Log with severity INFO."""
        self.log(logging.INFO, text)

    def warning(self, text: str) -> None:
        """Log with severity WARN."""
        self.log(logging.WARNING, text)

    def error(self, text: str) -> None:
        """Log with severity ERROR."""
        self.log(logging.ERROR, text)

    def log(self, level: int, text: str) -> None:
        """Log with a level of Python's `logging`."""
        now_s = time.monotonic()
        with self._lock:
            key = (level, _NUMBER.sub("#", text))
            line = self._lines.setdefault(key, _Line(text, now_s, now_s))
            line.seen_s = now_s
            if not line.is_new(text):
                line.repeat(text)
                if not line.is_due(now_s):
                    return
                text = line.take(now_s)
        self._write(level, text)

    def flush(self, *, everything: bool = False) -> None:
        """Write the counts that are due, or with `everything` all; called periodically."""
        now_s = time.monotonic()
        due = []
        with self._lock:
            for key, line in list(self._lines.items()):
                over = everything or now_s - line.seen_s >= QUIET_S
                if line.is_due(now_s) or (over and line.count):
                    due.append((key[0], line.take(now_s)))
                if over:
                    del self._lines[key]
        for level, text in due:
            self._write(level, text)

    def _write(self, level: int, text: str) -> None:
        # Not by a table of methods: rclpy allows one severity for each line of code that logs.
        if level >= logging.CRITICAL:
            self._logger.fatal(text)
        elif level >= logging.ERROR:
            self._logger.error(text)
        elif level >= logging.WARNING:
            self._logger.warning(text)
        elif level >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)
