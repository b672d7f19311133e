"""Report which parts of ROS work in this environment, for `motion_seg doctor`.

Run as a module, in a process of its own.

    python -m motion_seg_ros.ros.tools.probe middleware|messages
"""

from __future__ import annotations

import sys
from typing import Any

import rclpy


def main(what: str) -> None:
    """Create a node and a publisher of a type; print the name of the middleware.

    Args:
        what: "middleware", with a type of ROS itself, or "messages", with one of this package.
    """
    kind = _own_type() if what == "messages" else _ros_type()
    rclpy.init(args=[])
    try:
        node = rclpy.create_node("motion_seg_doctor", start_parameter_services=False)
        node.create_publisher(kind, "~/probe", 1)
        print(rclpy.get_rmw_implementation_identifier())
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def _ros_type() -> type[Any]:
    from sensor_msgs.msg import Image

    return Image  # type: ignore[no-any-return]  # generated


def _own_type() -> type[Any]:
    from motion_seg_ros.msg import MovingObjectArray

    return MovingObjectArray  # type: ignore[no-any-return]  # generated


if __name__ == "__main__":
    main(sys.argv[1])
