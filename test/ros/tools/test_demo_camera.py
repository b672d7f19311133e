"""The camera of the demo: the clip as it is, at its rate."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings

pytest.importorskip("rclpy")

from rosbags.rosbag2 import Reader

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.clip import RawClipFrame, write_clip
from motion_seg_ros.io.depth_messages import depth_to_metres
from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.ros.tools.demo_camera import there_and_back
from motion_seg_ros.types import Frame

COMMAND = [sys.executable, "-m", "motion_seg_ros.cli.main", "demo"]


DISTORTION = (-0.2, 0.05, 0.001, 0.0, 0.01, 0.02, 0.0, 0.0)


def test_loop_goes_there_and_back() -> None:
    order = there_and_back(4)
    assert [next(order) for _ in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_camera_publishes_the_clip_as_it_is(tmp_path: Path) -> None:
    """Messages are received by a process that knows nothing of the camera."""
    matrix = np.array([[90.0, 0, 48], [0, 91, 36], [0, 0, 1]])
    camera = Camera((72, 96), matrix, "rational_polynomial", DISTORTION)
    images = recordings.pan(6)
    (tmp_path / "clip").mkdir()
    depths = [np.full((72, 96), 1.0 + i, np.float32) for i in range(6)]
    frames = (
        RawClipFrame(Frame(image, i, depth, camera))
        for i, (image, depth) in enumerate(zip(images, depths, strict=True))
    )
    write_clip(tmp_path / "clip", frames, fps=20)
    listen = [sys.executable, "-c", LISTENER, str(tmp_path / "bag"), "--depth"]
    listener = subprocess.Popen(listen)
    player = [sys.executable, "-m", "motion_seg_ros.ros.tools.demo_camera", str(tmp_path / "clip")]
    stamps_file = tmp_path / "stamps"
    subprocess.run([*player, "--stamps", str(stamps_file)], check=True, timeout=120)
    assert listener.wait(120) == 0
    stamps = [int(line) for line in stamps_file.read_text().splitlines()]
    assert len(stamps) == 6
    types = typestore()
    with Reader(tmp_path / "bag") as reader:
        said = [
            (connection.topic, types.deserialize_cdr(raw, connection.msgtype))
            for connection, _, raw in reader.messages()
        ]
    pictures = [message for topic, message in said if topic == "/camera/image_raw"]
    infos = [message for topic, message in said if topic == "/camera/camera_info"]
    deep = [message for topic, message in said if topic == "/camera/depth_registered/image_raw"]
    assert len(pictures) == len(infos) == len(deep) == 6
    for index, (stamp, message) in enumerate(zip(stamps, deep, strict=True)):
        assert header_stamp(message) == stamp
        assert message.encoding == "16UC1"
        np.testing.assert_allclose(depth_to_metres(message), 1.0 + index)
    for stamp, image, picture, info in zip(stamps, images, pictures, infos, strict=True):
        for message in (picture, info):
            assert header_stamp(message) == stamp
            assert (message.width, message.height) == (96, 72)
        np.testing.assert_array_equal(image_to_bgr(picture), image)
        np.testing.assert_array_equal(info.k.reshape(3, 3), matrix)
        assert (info.distortion_model, tuple(info.d)) == ("rational_polynomial", DISTORTION)
    assert np.diff(stamps).mean() == pytest.approx(1e9 / 20, rel=0.2)


def header_stamp(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def test_looping_camera_ends_when_asked(tmp_path: Path) -> None:
    """As launch/demo.launch.py starts and stops it."""
    recordings.write_images(tmp_path / "walk", recordings.pan(3))
    role = [str(tmp_path / "walk"), "--role", "camera", "--loop"]
    camera = subprocess.Popen([*COMMAND, *role], stderr=subprocess.PIPE, text=True)
    try:
        subprocess.run([sys.executable, "-c", LISTENER, str(tmp_path / "bag")], check=True)
        with Reader(tmp_path / "bag") as reader:
            assert reader.message_count >= 12  # of a clip of 3 frames
    finally:
        camera.send_signal(signal.SIGINT)
        _, said = camera.communicate(timeout=60)
    assert (camera.returncode, said) == (0, "")


LISTENER = """
import sys, time
import rclpy
from rclpy.qos import qos_profile_sensor_data
from rosbags.rosbag2 import StoragePlugin, Writer
from sensor_msgs.msg import CameraInfo, Image
from motion_seg_ros.io.message_types import typestore

rclpy.init()
node = rclpy.create_node("listener")
count = 0
with Writer(sys.argv[1], version=8, storage_plugin=StoragePlugin.MCAP) as bag:
    def listen(kind, topic):
        name = f"sensor_msgs/msg/{kind.__name__}"
        connection = bag.add_connection(topic, name, typestore=typestore())
        def keep(raw):
            global count
            count += 1
            bag.write(connection, count, raw)
        node.create_subscription(kind, topic, keep, qos_profile_sensor_data, raw=True)
    listen(Image, "/camera/image_raw")
    listen(CameraInfo, "/camera/camera_info")
    if "--depth" in sys.argv:
        listen(Image, "/camera/depth_registered/image_raw")
    deadline = time.monotonic() + 120
    while count < (18 if "--depth" in sys.argv else 12) and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.2)
node.destroy_node()
rclpy.shutdown()
"""
