"""Errors that this package raises for input it cannot use.

Each message is one line that names what, what was expected, what was found and the remedy, so that
the command line and the node can show it as it is.
"""

from __future__ import annotations

import reprlib

MAX_LENGTH = 2000
"""Characters of an error. Set by hand: the longest name every file of weights that is missing."""

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80  # characters; set by hand, longer than names and encodings


class MotionSegError(Exception):
    """Base of all errors a user can cause and fix; the command line exits with status 2.

    Args:
        message: becomes one line of at most MAX_LENGTH printable characters, whatever was quoted.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class ConfigError(MotionSegError):
    """A configuration key or value that does not exist or is out of range."""


class FrameError(MotionSegError):
    """An image, depth map or stamp that cannot be a camera frame.

    Args:
        problem: what was expected and found.
        live: remedy where a camera sends it now, which the error ends with.
        recorded: remedy where it is recorded; "": there is none.

    Attributes:
        of_recording: the error as the owner of a recording needs it, who cannot change what was
            sent.
    """

    def __init__(self, problem: str = "", live: str = "", recorded: str = "") -> None:
        super().__init__("; ".join(each for each in (problem, live) if each))
        self.of_recording = one_line("; ".join(each for each in (problem, recorded) if each))


class InputError(MotionSegError):
    """A file, folder, video or bag that cannot be read as asked."""


class OutputError(MotionSegError):
    """A place that cannot be written as asked."""


class DeviceMemoryError(MotionSegError):
    """Not enough device memory for a stage, which can be used again after a reset.

    Attributes:
        stage: its name in the pipeline, "" while unknown.
    """

    stage = ""


class MissingDependencyError(MotionSegError):
    """An optional package that the chosen backend or format needs is not installed."""


def shown(value: object) -> str:
    """Return `value` as an error shows it: a stranger's text without line breaks, and short."""
    return _REPR.repr(value)


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, its middle left out if it is longer
    than MAX_LENGTH."""
    if len(text) > MAX_LENGTH:
        text = f"{text[: MAX_LENGTH // 2]} ... {text[5 - MAX_LENGTH // 2 :]}"
    spaced = " ".join(text.split())
    return "".join(each if each.isprintable() else "?" for each in spaced)
