"""Findings of checks, of which the statuses of /diagnostics are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """Level of a status, with the numbers of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    """A problem.

    Attributes:
        name: the same for the same problem, whatever its numbers.
        level: how bad it is.
        text: what was found and the remedy.
        logged: true if a log line has been written where it happened.
    """

    name: str
    level: Level
    text: str
    logged: bool = False


def found(results: Iterable[Finding | None]) -> list[Finding]:
    """Return the findings among the results of checks, the worst first."""
    return sorted((each for each in results if each is not None), key=lambda each: -each.level)


def summary(findings: Sequence[Finding], otherwise: str) -> tuple[Level, str]:
    """Return level and message of a status: of all findings, or OK and `otherwise`."""
    if not findings:
        return Level.OK, otherwise
    return findings[0].level, "; ".join(each.text for each in findings)
