"""Log records of the package on /rosout."""

from __future__ import annotations

import logging

from motion_seg_ros.ros.repeats import CountingLogger

PACKAGE = "motion_seg_ros"


class RosoutHandler(logging.Handler):
    """Hand the package's records of Python's `logging` to a node's logger, until closed.

    Only `ros/` knows rclpy; everything else logs to `logging`. The node's logger prints the lines
    and publishes them on /rosout, and its level decides which.

    Args:
        logger: that of the node; it counts the lines that repeat.
    """

    def __init__(self, logger: CountingLogger) -> None:
        super().__init__()
        self._logger = logger
        self._source = logging.getLogger(PACKAGE)
        self._before = (self._source.level, self._source.propagate)
        self._source.addHandler(self)
        self._source.setLevel(logging.DEBUG)
        self._source.propagate = False  # a handler of the root logger would print each line again

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record` with the severity it has in ROS."""
        self._logger.log(record.levelno, self.format(record))

    def close(self) -> None:
        """Leave the package's logger as it was found."""
        if self in self._source.handlers:
            self._source.removeHandler(self)
            level, self._source.propagate = self._before
            self._source.setLevel(level)
        super().close()
