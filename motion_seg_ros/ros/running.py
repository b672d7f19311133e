"""The life of the node's process, from ROS's arguments to the end of its context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import rclpy
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.signals import SignalHandlerOptions

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.ros.middleware import use_large_segment
from motion_seg_ros.ros.node import MotionSegNode
from motion_seg_ros.ros.parameter_files import check_parameter_files, unused_files
from motion_seg_ros.ros.transitions import LifecycleExecutor

WAKE_S = 0.2
"""Longest time in seconds until a signal is noticed. Set by hand."""
GRACE_S = 0.5
"""Time for a lifecycle transition under way when the process is to end. Set by hand: one that loads
networks may take a minute, and cannot be interrupted."""


def run(arguments: Sequence[str], stopped: Callable[[], bool]) -> bool:
    """Run the node until `stopped` returns true.

    Args:
        arguments: command line with ROS arguments.
        stopped: polled every WAKE_S.

    Returns:
        False if a lifecycle transition is still under way: its thread would keep the process alive.

    Raises:
        ConfigError: an argument or parameter is refused.
    """
    check_parameter_files(arguments)
    warning = use_large_segment()
    try:
        rclpy.init(args=list(arguments), signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # malformed arguments; rclpy's class for them differs by version
        raise ConfigError(f"ROS arguments: {type(error).__name__}: {error}") from error
    try:
        node = MotionSegNode()
    except InvalidParameterTypeException as error:
        raise ConfigError(str(error)) from error
    except RuntimeError as error:  # of the middleware, such as one without security or keys
        rclpy.try_shutdown()
        raise ConfigError(f"ROS node: {type(error).__name__}: {error}") from error
    except BaseException:
        rclpy.try_shutdown()
        raise
    unused = unused_files(arguments, node.get_fully_qualified_name())
    for each in (*unused, *([warning] if warning else [])):
        node.get_logger().warning(each)
    executor = LifecycleExecutor(node, apart=node.transitions)
    ended = True
    try:
        while not stopped() and rclpy.ok():
            executor.spin_once(timeout_sec=WAKE_S)
    finally:
        ended = executor.shutdown(timeout_sec=GRACE_S)
        if ended:
            node.close()
        node.destroy_node()
        rclpy.try_shutdown()
    return ended
