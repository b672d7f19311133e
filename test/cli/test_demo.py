"""`motion_seg demo` over real topics: camera, node and viewer as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import recordings
from processes import processes_in

pytest.importorskip("rclpy")

from rosbags.rosbag2 import Reader

from motion_seg_ros.cli import demo, live_node, main
from motion_seg_ros.io.clip import RawClipFrame, write_clip
from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.ros.tools.demo_camera import there_and_back
from motion_seg_ros.types import Frame

COMMAND = [sys.executable, "-m", "motion_seg_ros.cli.main", "demo"]


def run_demo(capsys: pytest.CaptureFixture[str], out: Path, *arguments: str) -> tuple[dict, str]:
    """Run it in this process; returns report.json and what it printed."""
    assert main.main(["demo", *arguments, "-o", str(out)]) == 0
    return json.loads((out / demo.REPORT_FILE).read_text()), capsys.readouterr().out


def test_rendered_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, said = run_demo(capsys, tmp_path / "demo", "--frames", "30")
    assert report["sent"] == 30
    # Best effort on the way in: a frame may get lost on a busy machine, never many.
    assert 24 <= report["inferred"] + report["propagated"] <= 30
    assert 0 < report["age_p50_ms"] <= report["age_p95_ms"]
    assert 0 <= report["region"] <= 1
    assert 0 <= report["boundary"] <= 1
    assert f"frames sent 30, answered {report['inferred'] + report['propagated']}" in said
    assert f"J {report['region']:.3f}, F {report['boundary']:.3f}" in said
    for name in ("overlay.mp4", "contact_sheet.png"):
        assert str(tmp_path / "demo" / name) in said
    sheet = cv2.imread(str(tmp_path / "demo" / "contact_sheet.png"))
    assert sheet.shape[1] > 1000
    frames, _ = imageio_ffmpeg.count_frames_and_secs(tmp_path / "demo" / "overlay.mp4")
    assert frames >= 25
    assert sorted(each.name for each in tmp_path.iterdir()) == ["demo"]


def test_own_images_have_no_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(20, (160, 120)))
    arguments = (str(tmp_path / "walk"), "--fps", "20", "--frames", "12")
    report, said = run_demo(capsys, tmp_path / "demo", *arguments)
    assert report["sent"] == 12
    assert report["inferred"] + report["propagated"] >= 10
    assert report["region"] is None
    assert "J " not in said


def test_a_node_that_dies_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dying_node.py").write_text("import sys; sys.exit('out of memory')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(live_node, "NODE", "dying_node")
    recordings.write_images(tmp_path / "walk", recordings.pan(5))
    out = tmp_path / "demo"
    assert main.main(["demo", str(tmp_path / "walk"), "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert "the node process ended with status 1" in said
    assert "node: out of memory" in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_without_ros_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_node.importlib.util, "find_spec", lambda name: None)
    assert main.main(["demo", "-o", str(tmp_path / "demo")]) == 2
    assert "make setup" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--frames=2", "--seed=-1"])
def test_numbers_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main.main(["demo", "-o", str(tmp_path / "demo"), option]) == 2
    name = option.partition("=")[0]
    assert capsys.readouterr().err.startswith(f"motion_seg: error: {name}: expected")


def test_interrupt_ends_all_processes(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(200))
    work = tmp_path / "tmp"
    work.mkdir()
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path / "walk"), "-o", str(tmp_path / "demo")],
        env={**os.environ, "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("playing")
    time.sleep(2)
    assert len(processes_in(work)) == 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "motion_seg: interrupted\n"
    assert processes_in(work) == []
    assert not (tmp_path / "demo").exists()
    assert list(work.iterdir()) == []


def test_loop_goes_there_and_back() -> None:
    order = there_and_back(4)
    assert [next(order) for _ in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_camera_publishes_the_clip_as_it_is(tmp_path: Path) -> None:
    """What arrives on the topics, seen by a process that knows nothing of the camera."""
    matrix = np.array([[90.0, 0, 48], [0, 91, 36], [0, 0, 1]])
    images = recordings.pan(6)
    (tmp_path / "clip").mkdir()
    frames = (RawClipFrame(Frame(each, i, camera_matrix=matrix)) for i, each in enumerate(images))
    write_clip(tmp_path / "clip", frames, fps=20)
    listener = subprocess.Popen([sys.executable, "-c", LISTENER, str(tmp_path / "bag")])
    camera = [sys.executable, "-m", "motion_seg_ros.ros.tools.demo_camera", str(tmp_path / "clip")]
    stamps_file = tmp_path / "stamps.json"
    subprocess.run([*camera, "--stamps", str(stamps_file)], check=True, timeout=60)
    assert listener.wait(30) == 0
    stamps = json.loads(stamps_file.read_text())
    assert len(stamps) == 6
    types = typestore()
    with Reader(tmp_path / "bag") as reader:
        said = [
            (connection.topic, types.deserialize_cdr(raw, connection.msgtype))
            for connection, _, raw in reader.messages()
        ]
    pictures = [message for topic, message in said if topic == "/camera/image_raw"]
    infos = [message for topic, message in said if topic == "/camera/camera_info"]
    assert len(pictures) == len(infos) == 6
    for stamp, image, picture, info in zip(stamps, images, pictures, infos, strict=True):
        for message in (picture, info):
            time_ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            assert time_ns == stamp
            assert (message.width, message.height) == (96, 72)
        np.testing.assert_array_equal(image_to_bgr(picture), image)
        np.testing.assert_array_equal(info.k.reshape(3, 3), matrix)
    assert np.diff(stamps).mean() == pytest.approx(1e9 / 20, rel=0.2)


def test_looping_camera_ends_when_asked(tmp_path: Path) -> None:
    """As launch/demo.launch.py starts and stops it."""
    recordings.write_images(tmp_path / "walk", recordings.pan(3))
    role = [str(tmp_path / "walk"), "--role", "camera", "--loop"]
    camera = subprocess.Popen([*COMMAND, *role], stderr=subprocess.PIPE, text=True)
    listener = subprocess.run([sys.executable, "-c", LISTENER, str(tmp_path / "bag")], timeout=60)
    assert listener.returncode == 0
    with Reader(tmp_path / "bag") as reader:
        assert reader.message_count >= 12  # of a clip of 3 frames
    camera.send_signal(signal.SIGINT)
    _, said = camera.communicate(timeout=30)
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
    deadline = time.monotonic() + 30
    while count < 12 and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.2)
node.destroy_node()
rclpy.shutdown()
"""
