"""A watch of jobs that counts."""

from __future__ import annotations

from collections import Counter


class Tally:
    """Watches, and counts."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.events: list[tuple[str, str]] = []

    def advance(self, name: str, count: int) -> None:
        self.steps[name] += count

    def end(self, name: str, *, done: bool) -> None:
        self.events.append(("done" if done else "failed", name))
