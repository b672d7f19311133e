"""Start and end of the processes that commands run beside the node."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.signals import SignalHandlerOptions

from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.ros.middleware import use_large_segment


def run_process(work: Callable[[], None]) -> int:
    """Run `work` with rclpy initialised; SIGTERM ends it like Ctrl-C.

    Returns:
        Exit status: 0 if it was done or interrupted; 2, with one line on stderr, for an error.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warning = use_large_segment()
    if warning:
        print(f"motion_seg: warning: {warning}", file=sys.stderr)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        work()
    except MotionSegError as error:
        print(f"motion_seg: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
    return 0
