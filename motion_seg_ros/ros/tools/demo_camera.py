"""A camera that is a clip: publishes it at its own rate, as a camera driver would.

`python -m motion_seg_ros.ros.tools.demo_camera CLIP` with the folder of a
`motion_seg_ros.io.clip.RawClip`."""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.ros.conversion import array_to_image
from motion_seg_ros.ros.tools.partners import wait_for_partners

FRAME_ID = "camera_color_optical_frame"


class DemoCamera(Node):  # type: ignore[misc]  # rclpy is untyped
    """Publishes `camera/image_raw` (bgr8) and `camera/camera_info`, best effort like most
    drivers."""

    def __init__(self, clip: RawClip) -> None:
        super().__init__("demo_camera")
        self._clip = clip
        self._images = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self._infos = self.create_publisher(
            CameraInfo, "camera/camera_info", qos_profile_sensor_data
        )

    def wait_for(self, topics: Sequence[str], timeout_s: float) -> None:
        """Wait until somebody takes the images, and until `topics` have a publisher and a reader.

        Raises:
            InputError: not so after `timeout_s`.
        """
        wait_for_partners(self, self._images, topics, timeout_s)

    def play(self, order: Iterator[int]) -> Iterator[int]:
        """Publish the frames `order` names at the clip's rate; yields the stamp of each."""
        started = time.monotonic()
        for count, index in enumerate(order):
            image = self._clip.image(index)
            time.sleep(max(0.0, started + count / self._clip.fps - time.monotonic()))
            stamp = self.get_clock().now()
            header = Header(stamp=stamp.to_msg(), frame_id=FRAME_ID)
            self._images.publish(array_to_image(image, "bgr8", header))
            self._infos.publish(_camera_info(header, self._clip))
            yield stamp.nanoseconds


def _camera_info(header: Header, clip: RawClip) -> CameraInfo:
    """Calibration without distortion; all zero, which means uncalibrated, where it is unknown."""
    height, width = clip.size
    info = CameraInfo(header=header, height=height, width=width)
    if clip.camera_matrix is not None:
        info.distortion_model = "plumb_bob"
        info.d = [0.0] * 5
        info.k = clip.camera_matrix.reshape(-1).tolist()
        info.r = np.eye(3).reshape(-1).tolist()
        info.p = np.hstack([clip.camera_matrix, np.zeros((3, 1))]).reshape(-1).tolist()
    return info


def there_and_back(count: int) -> Iterator[int]:
    """0, 1, ... count - 1, ... 1, 0, 1, ...: a loop without a jump."""
    return itertools.cycle([*range(count), *range(count - 2, 0, -1)])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the camera process; 0 when the clip was played or the process was asked to end."""
    parser = argparse.ArgumentParser(prog="demo_camera", description="Plays a clip as a camera.")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--loop", action="store_true", help="forward and backward until stopped")
    parser.add_argument("--stamps", type=Path, help="JSON file for the stamps of the frames sent")
    parser.add_argument("--wait-for", nargs="*", default=[], metavar="TOPIC")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    arguments = parser.parse_args(argv)
    clip = RawClip(arguments.clip)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = DemoCamera(clip)
    try:
        if arguments.loop:
            for _ in node.play(there_and_back(len(clip))):
                pass
        node.wait_for(arguments.wait_for, arguments.timeout)
        stamps = list(node.play(iter(range(len(clip)))))
        if arguments.stamps is not None:
            arguments.stamps.write_text(json.dumps(stamps), encoding="utf-8")
    except MotionSegError as error:
        print(f"motion_seg: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
