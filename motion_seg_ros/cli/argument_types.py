"""Values of command-line options that several commands take, for argparse's `type`."""

from __future__ import annotations

import argparse
import re

MOST_SEEDS = 1000  # in a range; set by hand, more than anybody renders


def names(text: str) -> tuple[str, ...]:
    """Parse `a,b` into ("a", "b"); repeated names count once."""
    found = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if not found:
        raise argparse.ArgumentTypeError("expected names separated by commas, found none")
    return found


def positive_count(text: str) -> int:
    """Parse a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, found {text}")
    return int(text)


def seed(text: str) -> int:
    """Parse a whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, found {text}")
    return int(text)


def learning_rate(text: str) -> float:
    """Parse a finite number above 0."""
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text}")
    return rate


def positive_rate(text: str) -> float:
    """Parse a number of frames per second."""
    rate = float(text)
    if not 0.001 <= rate <= 10_000:
        raise argparse.ArgumentTypeError(f"expected 0.001 to 10000 frames/s, found {text}")
    return rate


def positive_minutes(text: str) -> float:
    """Parse a time in minutes."""
    minutes = float(text)
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"expected more than 0 minutes, found {text}")
    return minutes


def seeds(text: str) -> tuple[int, ...]:
    """Parse `0,2-4` into (0, 2, 3, 4), all different."""
    found: list[int] = []
    for each in text.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", each)
        first, last = (0, -1) if match is None else (int(match[1]), int(match[2] or match[1]))
        if not first <= last < first + MOST_SEEDS:
            raise _unlike_seeds(text)
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise _unlike_seeds(text)
    return tuple(found)


def _unlike_seeds(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(
        f"expected different numbers such as 0,1 or 0-9, found {text}"
    )


def frame_size(text: str) -> tuple[int, int]:
    """Parse `640x480` into width and height, each at least 32 pixels."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or min(map(int, match.groups())) < 32:
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT of at least 32x32 pixels, found {text}"
        )
    return int(match[1]), int(match[2])
