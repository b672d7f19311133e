"""Values of command-line options that several commands take, for argparse's `type`."""

from __future__ import annotations

import argparse
import re


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
    """Parse `0,1` into (0, 1), all different."""
    parts = text.split(",")
    if not all(each.isdecimal() for each in parts) or len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f"expected different numbers such as 0,1, found {text}")
    return tuple(map(int, parts))


def frame_size(text: str) -> tuple[int, int]:
    """Parse `640x480` into width and height, each at least 32 pixels."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or min(map(int, match.groups())) < 32:
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT of at least 32x32 pixels, found {text}"
        )
    return int(match[1]), int(match[2])
