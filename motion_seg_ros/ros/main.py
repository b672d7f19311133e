"""Entry point of the executable `motion_seg_node`."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import rclpy
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.signals import SignalHandlerOptions

from motion_seg_ros.errors import ConfigError, MotionSegError
from motion_seg_ros.ros.node import MotionSegNode
from motion_seg_ros.ros.transitions import LifecycleExecutor

EXIT_ERROR = 2
WAKE_S = 0.2
"""Longest time in seconds until a signal is noticed. Set by hand."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM.

    Returns:
        0 after a signal; 2, with one line on stderr, when the node cannot start.
    """
    arguments = list(sys.argv if args is None else args)
    # Otherwise PyTorch's OpenMP threads spin between operations and occupy the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return _run(arguments)
    except MotionSegError as error:
        print(f"motion_seg_node: error: {error}", file=sys.stderr)
        return EXIT_ERROR


def _run(arguments: list[str]) -> int:
    # rclpy's own handlers would shut the context down while the inference thread publishes.
    stop = _StopSignals()
    _check_parameter_files(arguments)
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # malformed arguments; rclpy's class for them differs by version
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"ROS arguments: {reason}") from error
    try:
        node = MotionSegNode()
    except InvalidParameterTypeException as error:
        raise ConfigError(str(error)) from error
    except BaseException:
        rclpy.try_shutdown()
        raise
    executor = LifecycleExecutor(node, apart=node.transitions)
    try:
        while not stop.received and rclpy.ok():
            executor.spin_once(timeout_sec=WAKE_S)
    finally:
        executor.shutdown()
        node.close()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


class _StopSignals:
    """Notes SIGINT and SIGTERM: `received` is true from then on."""

    def __init__(self) -> None:
        self.received = False
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = True


def _check_parameter_files(arguments: Sequence[str]) -> None:
    """Raise a one-line error for a missing parameter file, where rcl prints several lines."""
    for flag, path in itertools.pairwise(arguments):
        if flag == "--params-file" and not Path(path).is_file():
            raise ConfigError(f"{path}: no such parameter file; check the path after --params-file")


if __name__ == "__main__":
    sys.exit(main())
