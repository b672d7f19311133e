"""Entry point of the executable `motion_seg_node`.

Importing ROS and the pipeline takes seconds, in which a signal is to end the process too: therefore
`main` does it, after it has installed its signal handlers.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.threads import spare_cores

EXIT_ERROR = 2


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM.

    Returns:
        0 after a signal; 2, with one line on stderr, when the node cannot start.
    """
    stop = _StopSignals()
    arguments = list(sys.argv if args is None else args)
    spare_cores()
    try:
        from motion_seg_ros.ros.running import run

        stop.only_note()
        if not run(arguments, lambda: stop.received):
            _end_at_once()
    except MotionSegError as error:
        print(f"motion_seg_node: error: {error}", file=sys.stderr)
        return EXIT_ERROR
    return 0


class _StopSignals:
    """Handles SIGINT and SIGTERM: ends the process, or from `only_note` on sets `received`.

    rclpy's own handlers would shut the context down while the inference thread publishes.
    """

    def __init__(self) -> None:
        self.received = False
        self._at_once = True
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._handle)

    def only_note(self) -> None:
        """From now on there is a node, which ends by itself."""
        self._at_once = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = True
        if self._at_once:
            _end_at_once()


def _end_at_once() -> None:
    """End the process with status 0; nothing waits for a thread, or for an import under way."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
