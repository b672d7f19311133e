"""Camera of the demo: publishes clips at their own rate, as a camera driver would.

`python -m motion_seg_ros.ros.tools.demo_camera CLIP...` with folders of a
`motion_seg_ros.io.clip.RawClip`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.ros.conversion import array_to_image
from motion_seg_ros.ros.tools.partners import wait_for_partners
from motion_seg_ros.ros.tools.process import run_process

FRAME_ID = "camera_color_optical_frame"
LINGER_S = 1.0
"""Time for the last image, which lies in shared memory of this process. Set by hand."""


class DemoCamera(Node):  # type: ignore[misc]  # rclpy is untyped
    """Publishes `camera/image_raw` (bgr8), `camera/camera_info` and, of a clip that has it, depth
    registered to the image on `camera/depth_registered/image_raw` (16UC1), best effort like most
    drivers."""

    def __init__(self) -> None:
        super().__init__("demo_camera")
        self._images = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self._infos = self.create_publisher(
            CameraInfo, "camera/camera_info", qos_profile_sensor_data
        )
        self._depths = self.create_publisher(
            Image, "camera/depth_registered/image_raw", qos_profile_sensor_data
        )

    def wait_for(self, topics: Sequence[str], timeout_s: float) -> None:
        """Wait for a subscriber of the images, and a publisher and a subscriber of `topics`.

        Raises:
            InputError: timeout.
        """
        wait_for_partners(self, self._images, topics, timeout_s)

    def play(self, clip: RawClip, order: Iterable[int], rate: float | None = None) -> Iterator[int]:
        """Publish frames of a clip by index; yield the stamp of each.

        Args:
            clip: the clip.
            order: indices of its frames.
            rate: frames per second; None: the clip's.
        """
        started = time.monotonic()
        for count, index in enumerate(order, start=1):
            image = clip.image(index)
            stamp = self.get_clock().now()
            header = Header(stamp=stamp.to_msg(), frame_id=FRAME_ID)
            self._images.publish(array_to_image(image, "bgr8", header))
            self._infos.publish(_camera_info(header, clip))
            if clip.has_depth:
                self._depths.publish(array_to_image(clip.depth_mm(index), "16UC1", header))
            yield stamp.nanoseconds
            time.sleep(max(0.0, started + count / (rate or clip.fps) - time.monotonic()))


def _camera_info(header: Header, clip: RawClip) -> CameraInfo:
    """Return the calibration; all zero, for uncalibrated, if unknown."""
    height, width = clip.size
    info = CameraInfo(header=header, height=height, width=width)
    if clip.camera is not None:
        undistorted = clip.camera.distortion_model == "none"
        info.distortion_model = "plumb_bob" if undistorted else clip.camera.distortion_model
        info.d = [0.0] * 5 if undistorted else list(clip.camera.distortion)
        info.k = clip.camera.matrix.reshape(-1).tolist()
        info.r = np.eye(3).reshape(-1).tolist()
        info.p = np.hstack([clip.camera.matrix, np.zeros((3, 1))]).reshape(-1).tolist()
    return info


def there_and_back(count: int) -> Iterator[int]:
    """Yield 0, 1, ..., count - 1, ..., 1, 0, 1, ...: a loop without a jump."""
    return itertools.cycle([*range(count), *range(count - 2, 0, -1)])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the camera process and return its exit status."""
    parser = argparse.ArgumentParser(prog="demo_camera", description="Play clips as a camera.")
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--loop", action="store_true", help="forward and backward until stopped")
    parser.add_argument(
        "--seconds", type=float, help="play the clips in turn for so long (default: each once)"
    )
    parser.add_argument("--rate", type=float, metavar="HZ", help="(default: that of each clip)")
    parser.add_argument("--stamps", type=Path, help="file that gets the stamp of each frame sent")
    parser.add_argument("--wait-for", nargs="*", default=[], metavar="TOPIC")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    arguments = parser.parse_args(argv)
    return run_process(lambda: _play(arguments))


def _play(arguments: argparse.Namespace) -> None:
    clips = [RawClip(each) for each in arguments.clips]
    node = DemoCamera()
    try:
        if arguments.loop:
            for _ in node.play(clips[0], there_and_back(len(clips[0]))):
                pass
        node.wait_for(arguments.wait_for, arguments.timeout)
        turns = clips if arguments.seconds is None else itertools.cycle(clips)
        end = time.monotonic() + (arguments.seconds or float("inf"))
        with contextlib.ExitStack() as files:
            log = arguments.stamps and files.enter_context(arguments.stamps.open("w"))
            for clip in turns:
                for stamp_ns in node.play(clip, range(len(clip)), arguments.rate):
                    if log:
                        print(stamp_ns, file=log, flush=True)
                    if time.monotonic() >= end:
                        return
    finally:
        if not arguments.loop:
            time.sleep(LINGER_S)
        node.destroy_node()


if __name__ == "__main__":
    sys.exit(main())
