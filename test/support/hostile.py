"""Input as a stranger might send it: how much of it the tests try, and what holds for all of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from motion_seg_ros.errors import MAX_LENGTH

Result = TypeVar("Result")

EXAMPLES = 10_000
"""Inputs in a run of the whole suite; about a minute of it. Set by hand."""
VARIABLE = "MOTION_SEG_FUZZ_EXAMPLES"
"""Environment variable that says how many instead; pytest's --fuzz-examples sets it."""
SLACK_BYTES = 32 * 2**20
"""Memory that an input of no size may cost: an allocator keeps and moves more than was asked."""

LONG_TEXT = "x" * 5000
NUMBERS = st.sampled_from(
    [0, 1, 2, 3, 7, 8, 16, 255, 1000, 65_535, 65_536, 100_000, 2**31 - 1, 2**31, 2**32 - 1]
)
"""Unsigned numbers of 32 bits at which something may overflow."""
FLOATS = st.sampled_from(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        500.0,
        1e-320,
        1e308,
        -1e308,
        3.5e38,
        *map(float, ("nan", "inf", "-inf")),
    ]
)
TEXTS = st.sampled_from(
    ["", "a", "two\nlines", "\x1b[31mred", "\u202e", "nul\0", "{}", "%s", "../..", LONG_TEXT]
)


def share(of_all: float) -> settings:
    """Settings for a test that tries this share of the inputs.

    The same inputs in every run, unless the number is given: then others each time.
    """
    wanted = os.environ.get(VARIABLE)
    return settings(
        max_examples=max(1, round(of_all * int(wanted or EXAMPLES))),
        derandomize=wanted is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def attempt(action: Callable[[], Result], *refusals: type[Exception]) -> Result | None:
    """The result of `action`, or None if it refuses, in one line that a terminal can show."""
    try:
        return action()
    except refusals as error:
        said = str(error)
    assert said.isprintable()
    assert 10 < len(said) <= MAX_LENGTH + 5
    return None


@contextmanager
def memory_at_most(growth_bytes: int) -> Iterator[None]:
    """Fail if the block touches more memory than that, whoever allocates it, beside SLACK_BYTES."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far (proc(5))
    before = _status_bytes("VmRSS")
    yield
    grown = peak_bytes() - before
    assert grown <= growth_bytes + SLACK_BYTES, f"{grown / 2**20:.0f} MiB touched"


def peak_bytes(pid: int | str = "self") -> int:
    """The most memory that a process has had."""
    return _status_bytes("VmHWM", pid)


def _status_bytes(name: str, pid: int | str = "self") -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` with some bytes overwritten, left out, doubled or added."""
    content = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 64, 1000]))
        kind = draw(st.sampled_from(["set", "set", "flip", "cut", "double", "add", "end"]))
        if kind == "set":
            new = draw(st.sampled_from([b"\0", b"\xff", b"\x7f", b"\x80", b"\x01"])) * min(
                length, 8
            )
            content[at : at + len(new)] = new
        elif kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[at : at + length]
        elif kind == "double":
            content[at:at] = content[at : at + length]
        elif kind == "add":
            content[at:at] = draw(st.binary(max_size=8))
        elif kind == "end":
            del content[at:]
    return bytes(content)
