"""A camera and a reader, each a process, to count which answers of the node arrive.

    python test/support/arrivals.py camera FOLDER     best effort, as most drivers
    python test/support/arrivals.py reader FOLDER     reliable, as any program may subscribe

A red square jumps over a grey image, so that with the pipeline of marker_node.py (and
static_mask.dilation_px:=0) every answer tells where it was. FOLDER is how the two talk: `ready`
(the reader has had a whole set), `go` (and knows how many frames the node has answered till then),
`newest` (stamp of the newest answer), `sent.json` (stamps of the frames from `go` on, and where the
square was), `arrived.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from node_bench import OUTPUTS, SECOND, header, image_message, pixels_of, stamp_of
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image

GREY = 90
FOCAL_PX = 500.0
SIDE_PX = 60
GRID_PX, GRID_FROM_PX = 15, 4  # of the marker pipeline's tracks in an image of 480 rows
SILENCE_S = 15.0
"""The reader expects no more after it: five heartbeats of Fast DDS, with which it repairs."""


def left_edge(index: int, width: int) -> int:
    """Column in which the square of a frame begins."""
    return GRID_FROM_PX + GRID_PX * (index % ((width - SIDE_PX) // GRID_PX))


def picture(index: int, width: int, height: int) -> np.ndarray:
    """Frame `index` of the camera."""
    image = np.full((height, width, 3), GREY, np.uint8)
    x, y = left_edge(index, width), (height - SIDE_PX) // 2
    image[y : y + SIDE_PX, x : x + SIDE_PX] = (0, 0, 255)
    return image


def mark(topic: str, message: Any) -> int | None:
    """Where the square begins according to an answer; None if it cannot tell, -1 if it is wrong."""
    if topic == "objects":
        return message.objects[0].box.x_offset if len(message.objects) == 1 else -1
    if topic == "tracks":
        x = [float(each.position[0]) for each in message.tracks if each.object_id]
        return round(min(x)) if x else -1
    if topic == "camera_info":
        return None if message.k[0] == FOCAL_PX else -1
    pixels = pixels_of(message)
    middle = pixels[len(pixels) // 2]
    if topic == "static_image":  # of a propagated frame: the square may still be in it
        return None if (middle == GREY).all(axis=1).mean() > 0.7 else -1
    if topic == "overlay":
        return None if (middle != GREY).any() and (middle == GREY).any() else -1
    moving = middle == 0 if topic.startswith("static") else middle != 0
    return int(moving.argmax()) if moving.sum() == SIDE_PX else -1


def run_camera(
    folder: Path, size: tuple[int, int], hz: float, frames: int, ahead_s: float, depth: bool
) -> None:
    """Publish `frames` frames after those that the reader got ready with.

    Args:
        folder: see above.
        size: width and height.
        hz: rate.
        frames: number of frames.
        ahead_s: the camera waits while the newest answer is about a frame of so long ago.
        depth: publish depth images, too.
    """
    node = rclpy.create_node("camera")
    images = node.create_publisher(Image, "image", qos_profile_sensor_data)
    infos = node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    depths = node.create_publisher(Image, "depth", qos_profile_sensor_data)
    width, height = size
    info = CameraInfo(width=width, height=height)
    info.k = np.array([FOCAL_PX, 0, width / 2, 0, FOCAL_PX, height / 2, 0, 0, 1])
    far = np.full((height, width), 5000, np.uint16)
    sent: list[tuple[int, int]] = []
    index, next_s, counts = 0, time.monotonic(), False
    while len(sent) < frames:
        if not counts and (folder / "ready").exists():
            while not (folder / "go").exists():
                time.sleep(0.05)
            counts, next_s = True, time.monotonic()
        message = image_message(picture(index, width, height), 0)
        time.sleep(max(0.0, next_s - time.monotonic()))
        while counts and sent and stamp_in(folder) < sent[-1][0] - ahead_s * SECOND:
            time.sleep(0.005)
        next_s = max(next_s + 1 / hz, time.monotonic())
        stamp_ns = time.time_ns()
        message.header = info.header = header(stamp_ns)
        if counts:
            sent.append((stamp_ns, left_edge(index, width)))
        infos.publish(info)
        images.publish(message)
        if depth:
            depths.publish(image_message(far, stamp_ns, "16UC1"))
        index += 1
    (folder / "sent.part").write_text(json.dumps(sent))
    (folder / "sent.part").rename(folder / "sent.json")
    time.sleep(1.0)  # the last images are on their way


def stamp_in(folder: Path) -> int:
    """The stamp of the newest answer that the reader has had."""
    return int.from_bytes((folder / "newest").read_bytes(), "little")


class Reader:
    """Notes stamp and mark of all that arrives until everything is there, or nothing more comes."""

    def __init__(self, folder: Path, topics: Sequence[str], node_name: str, queue: int) -> None:
        self._folder = folder
        self._newest = os.open(folder / "newest", os.O_RDWR | os.O_CREAT)
        self._node = rclpy.create_node("reader")
        self._status = f"{node_name}: segmentation"
        self._arrived: dict[str, list[tuple[int, int | None]]] = {topic: [] for topic in topics}
        self._last_s = time.monotonic()
        self._accepted: list[int] = []
        profile = QoSProfile(depth=queue, reliability=ReliabilityPolicy.RELIABLE)
        for topic in topics:
            note = partial(self._note, topic)
            self._node.create_subscription(OUTPUTS[topic], f"{node_name}/{topic}", note, profile)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnose, profile)

    def run(self) -> None:
        spin = partial(rclpy.spin_once, self._node, timeout_sec=0.2)
        while not set.intersection(*map(self._stamps, self._arrived)):
            spin()
        (self._folder / "ready").touch()
        before = self._steady_count(spin)
        (self._folder / "go").touch()
        sent_file = self._folder / "sent.json"
        while not sent_file.exists():
            spin()
        sent = {stamp for stamp, _ in json.loads(sent_file.read_text())}
        self._last_s = time.monotonic()
        while time.monotonic() - self._last_s < SILENCE_S:
            if all(sent <= self._stamps(topic) for topic in self._arrived):
                break
            spin()
        accepted = self._steady_count(spin) - before
        result = {"accepted": accepted, "arrived": self._arrived}
        (self._folder / "arrived.json").write_text(json.dumps(result))

    def _stamps(self, topic: str) -> set[int]:
        return {stamp for stamp, _ in self._arrived[topic]}

    def _note(self, topic: str, message: Any) -> None:
        self._last_s = time.monotonic()
        stamp = stamp_of(message)
        self._arrived[topic].append((stamp, mark(topic, message)))
        os.pwrite(self._newest, stamp.to_bytes(8, "little"), 0)

    def _diagnose(self, report: DiagnosticArray) -> None:
        for status in report.status:
            if status.name == self._status:
                values = {each.key: each.value for each in status.values}
                count = int(values["inferred"]) + int(values["drops (propagated)"])
                self._accepted.append(count)

    def _steady_count(self, spin: Callable[[], None]) -> int:
        """The frames that the node has answered, once that has not changed for two reports."""
        self._accepted.clear()
        while len(self._accepted) < 3 or len(set(self._accepted[-3:])) > 1:
            spin()
        return self._accepted[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("camera", "reader"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480))
    parser.add_argument("--hz", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--ahead", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--with-depth", action="store_true")
    parser.add_argument("--topics", nargs="+", default=list(OUTPUTS))
    parser.add_argument("--node", default="/motion_seg")
    parser.add_argument("--queue", type=int, default=10)
    given, _ = parser.parse_known_args()
    rclpy.init()
    if given.role == "camera":
        size = tuple(given.size)
        run_camera(given.folder, size, given.hz, given.frames, given.ahead, given.with_depth)
    else:
        Reader(given.folder, given.topics, given.node, given.queue).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
