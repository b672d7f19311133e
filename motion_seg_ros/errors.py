"""Errors that this package raises for input it cannot use.

Each message is one line that names what, what was expected, what was found and the remedy, so that
the command line and the node can show it as it is.
"""

from __future__ import annotations


class MotionSegError(Exception):
    """Base of all errors a user can cause and fix; the command line exits with status 2."""


class ConfigError(MotionSegError):
    """A configuration key or value that does not exist or is out of range."""


class FrameError(MotionSegError):
    """An image, depth map or stamp that cannot be a camera frame."""


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
