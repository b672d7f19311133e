"""Content of the node's output, over real topics."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    OUTPUTS,
    SECOND,
    Bench,
    NodeProcess,
    header,
    image_message,
    ping,
    pixels_of,
    red_square,
    running,
    stamp_of,
    value,
)
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from motion_seg_ros.msg import MovingObject

T0 = 1_700_000_000 * SECOND + 123_456_789
FRAME_NS = SECOND // 15


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, Bench]]:
    log = tmp_path_factory.mktemp("node") / "log"
    arguments = ("-p", "diagnostics.period_s:=0.2", "-p", "diagnostics.input_timeout_s:=1.0")
    with running(log, *arguments) as (node, bench):
        bench.connect(node, ping)
        yield node, bench


@pytest.fixture
def bench(pair: tuple[NodeProcess, Bench]) -> Iterator[Bench]:
    """The bench, every test with a new stream; the node must outlive the test."""
    node, bench = pair
    bench.call(Trigger, "motion_seg/reset", Trigger.Request())
    bench.clear()
    yield bench
    assert node.alive, node.output


def test_every_topic_tells_the_same(bench: Bench) -> None:
    image = red_square(24)
    image[40:44, 2:6] = (0, 0, 255)
    message = image_message(image, T0, frame_id="Kamera/vörn optical")
    bench.ask(message, (*set(OUTPUTS) - {"camera_info", "static_depth"},))
    moving = (image == (0, 0, 255)).all(axis=2)

    for topic in (*ALWAYS, "static_image", "overlay"):
        assert bench.answer(topic, T0).header == message.header
    assert bench.answer("moving_mask", T0).encoding == "mono8"
    np.testing.assert_array_equal(pixels_of(bench.answer("moving_mask", T0)), moving * 255)
    ids = pixels_of(bench.answer("instance_mask", T0))
    assert bench.answer("instance_mask", T0).encoding == "mono16"
    assert set(np.unique(ids[40:44, 2:6])) == {1}
    assert set(np.unique(ids[20:36, 24:40])) == {2}
    np.testing.assert_array_equal(ids != 0, moving)

    keep = pixels_of(bench.answer("static_mask", T0))
    distance = cv2.distanceTransform(
        1 - moving.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    assert set(np.unique(keep)) == {0, 255}
    assert (keep[distance < 3.5] == 0).all()
    assert (keep[distance > 4.5] == 255).all()

    for mask in ("moving_mask", "static_mask", "instance_mask"):
        compressed = bench.answer(f"{mask}/compressed", T0)
        assert compressed.header == message.header
        np.testing.assert_array_equal(pixels_of(compressed), pixels_of(bench.answer(mask, T0)))

    small, large = bench.answer("objects", T0).objects
    assert bench.answer("objects", T0).source == MovingObject.SOURCE_INFERRED
    assert (small.id, small.area, large.id, large.area) == (1, 16, 2, 256)
    box = large.box
    assert (box.x_offset, box.y_offset, box.width, box.height) == (24, 20, 16, 16)
    assert large.centroid.tolist() == [31.5, 27.5]
    assert large.score == pytest.approx(0.75)
    assert math.isnan(large.velocity[0])
    assert (large.age, large.source) == (0.0, MovingObject.SOURCE_INFERRED)

    tracks = bench.answer("tracks", T0).tracks
    assert len(tracks) == 64
    assert [each.id for each in tracks] == sorted(each.id for each in tracks)
    for each in tracks:
        x, y = (round(float(v)) for v in each.position)
        assert each.visible
        assert each.confidence == pytest.approx(0.5)
        assert each.object_id == ids[y, x]
        assert each.moving_probability == float(moving[y, x])


def test_detections_tell_the_same_as_objects(bench: Bench) -> None:
    if "detections" not in OUTPUTS:
        pytest.skip("vision_msgs comes with a full ROS 2 installation, not with the wheels")
    message = image_message(red_square(24), T0)
    bench.ask(message, ("objects", "detections"))
    (expected,) = bench.answer("objects", T0).objects
    (found,) = bench.answer("detections", T0).detections
    assert bench.answer("detections", T0).header == found.header == message.header
    assert found.id == str(expected.id)
    assert (found.bbox.center.position.x, found.bbox.center.position.y) == (32.0, 28.0)
    assert (found.bbox.size_x, found.bbox.size_y) == (16.0, 16.0)
    (only,) = found.results
    assert only.hypothesis.class_id == "moving"
    assert only.hypothesis.score == pytest.approx(expected.score)


def test_nothing_moves_is_an_answer_too(bench: Bench) -> None:
    bench.ask(ping(T0))
    assert not pixels_of(bench.answer("moving_mask", T0)).any()
    assert (pixels_of(bench.answer("static_mask", T0)) == 255).all()
    assert not pixels_of(bench.answer("instance_mask", T0)).any()
    assert list(bench.answer("objects", T0).objects) == []


def test_a_stream_is_answered_once_each(bench: Bench) -> None:
    stamps = [T0 + i * FRAME_NS for i in range(20)]
    for i, stamp in enumerate(stamps):
        bench.images.publish(image_message(red_square(2 * i), stamp))
        bench.spin(1 / 15)
    bench.spin_until(lambda: bench.has(stamps[-1]))
    for topic in ALWAYS:
        assert [stamp_of(each) for each in bench.answers[topic]] == stamps
    for i, stamp in enumerate(stamps):
        if bench.answer("objects", stamp).source == MovingObject.SOURCE_INFERRED:
            expected = (red_square(2 * i) == (0, 0, 255)).all(axis=2) * 255
            np.testing.assert_array_equal(pixels_of(bench.answer("moving_mask", stamp)), expected)


@pytest.mark.parametrize(
    ("encoding", "picture"),
    [
        ("bgr8", "bgr8"),
        ("8UC3", "8UC3"),
        ("rgb8", "rgb8"),
        ("bgra8", "bgra8"),
        ("rgba8", "rgba8"),
        ("bgr16", "bgr8"),
    ],
)
def test_encodings(bench: Bench, encoding: str, picture: str) -> None:
    bgr = red_square(10)
    pixels = bgr[..., ::-1] if "rgb" in encoding else bgr
    if "a" in encoding:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    if "16" in encoding:
        pixels = pixels.astype(np.uint16) * 257
    bench.ask(image_message(pixels, T0, encoding), (*ALWAYS, "static_image"))
    expected = (bgr == (0, 0, 255)).all(axis=2) * 255
    np.testing.assert_array_equal(pixels_of(bench.answer("moving_mask", T0)), expected)
    filled = bench.answer("static_image", T0)
    assert filled.encoding == picture
    # Around the square all is grey, so the smooth filling is grey too.
    assert (pixels_of(filled)[..., :3] == 90).all()


def test_grey_images_come_back_grey(bench: Bench) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    bench.ask(image_message(grey, T0, "mono8"), (*ALWAYS, "static_image"))
    assert bench.answer("static_image", T0).encoding == "mono8"
    np.testing.assert_array_equal(pixels_of(bench.answer("static_image", T0)), grey)


def test_camera_info_goes_with_every_mask(bench: Bench) -> None:
    info = CameraInfo(header=header(5), height=64, width=64, distortion_model="plumb_bob")
    info.k = np.array([50.0, 0, 32, 0, 50, 32, 0, 0, 1])
    info.d = [0.1, 0.02, 0.0, 0.0, 0.0]
    stamp = T0
    while not bench.answers["camera_info"]:  # best effort: until one has arrived
        bench.infos.publish(info)
        stamp += FRAME_NS
        bench.ask(ping(stamp))
    stamp += FRAME_NS
    message = ping(stamp)
    bench.ask(message, (*ALWAYS, "camera_info"))
    answer = bench.answer("camera_info", stamp)
    assert answer.header == message.header
    assert answer.k.tolist() == info.k.tolist()
    assert list(answer.d) == [0.1, 0.02, 0.0, 0.0, 0.0]
    assert "camera plumb_bob 50 " in bench.answer("tracks", stamp).abstention
    # Intrinsics of another image size are passed on, but not used.
    stamp += FRAME_NS
    bench.ask(image_message(red_square(0, size=96), stamp), (*ALWAYS, "camera_info"))
    assert "camera None " in bench.answer("tracks", stamp).abstention


def test_rectified_images_by_the_name_of_their_topic(tmp_path: Path) -> None:
    info = CameraInfo(header=header(5), height=64, width=64, distortion_model="plumb_bob")
    info.k = np.array([50.0, 0, 32, 0, 50, 32, 0, 0, 1])
    info.d = [0.1, 0.02, 0.0, 0.0, 0.0]
    info.p = np.array([40.0, 0, 32, 0, 0, 40, 32, 0, 0, 0, 1, 0])
    arguments = ("-r", "__ns:=/rectified", "-r", "image:=image_rect_color")
    with running(tmp_path / "log", *arguments, namespace="rectified") as (node, bench):
        bench.images = bench.node.create_publisher(Image, "image_rect_color", 100)
        bench.connect(node, ping)
        stamp = T0
        while not bench.answers["camera_info"]:  # best effort: until one has arrived
            bench.infos.publish(info)
            stamp += FRAME_NS
            bench.ask(ping(stamp))
        bench.ask(ping(stamp + FRAME_NS))
        assert "camera none 40 " in bench.answer("tracks", stamp + FRAME_NS).abstention


def test_overlay_shows_the_image_and_the_object(bench: Bench) -> None:
    image = red_square(24)
    bench.ask(image_message(image, T0), (*ALWAYS, "overlay"))
    overlay = pixels_of(bench.answer("overlay", T0))
    assert bench.answer("overlay", T0).encoding == "bgr8"
    assert overlay.shape == image.shape
    assert (overlay[20:36, 24:40] != image[20:36, 24:40]).any(axis=2).mean() > 0.9


def resets(node: NodeProcess, reason: str) -> list[str]:
    return [line for line in node.output.splitlines() if f"window reset: {reason}" in line]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (lambda: ping(T0 - 3600 * SECOND), "time jumped back by 3600"),
        (lambda: ping(T0 + 3600 * SECOND), "gap of 3600"),
        (
            lambda: image_message(red_square(0, 96), T0 + 1),
            "image size changed from 64x64 to 96x96",
        ),
        (
            lambda: image_message(np.zeros((64, 64), np.uint8), T0 + 1, "mono8"),
            "encoding changed from bgr8 to mono8",
        ),
    ],
)
def test_a_broken_stream_starts_anew_with_one_line(
    pair: tuple[NodeProcess, Bench], bench: Bench, second: object, reason: str
) -> None:
    node, _ = pair
    bench.ask(ping(T0 - FRAME_NS))
    bench.ask(ping(T0))
    assert "n 2" in bench.answer("tracks", T0).abstention
    before = len(resets(node, reason))
    message = second()  # type: ignore[operator]
    bench.ask(message)
    assert "n 1" in bench.answer("tracks", stamp_of(message)).abstention
    assert pixels_of(bench.answer("moving_mask", stamp_of(message))).shape == (
        message.height,
        message.width,
    )
    bench.spin_until(lambda: len(resets(node, reason)) > before)
    assert len(resets(node, reason)) == before + 1, node.output


def resets_counted(bench: Bench) -> int:
    return int(value(bench.status("segmentation"), "resets"))


def test_reset_service(pair: tuple[NodeProcess, Bench], bench: Bench) -> None:
    node, _ = pair
    bench.ask(ping(T0))
    before = resets_counted(bench), node.told("window reset: requested by ~/reset")
    assert bench.call(Trigger, "motion_seg/reset", Trigger.Request()).success
    bench.ask(ping(T0 + FRAME_NS))
    assert "n 1" in bench.answer("tracks", T0 + FRAME_NS).abstention
    assert resets_counted(bench) == before[0] + 1
    bench.spin_until(lambda: node.told("window reset: requested by ~/reset") > before[1])
    bench.ask(ping(T0 + 2 * FRAME_NS))
    assert "n 2" in bench.answer("tracks", T0 + 2 * FRAME_NS).abstention


def test_equal_stamps_are_each_answered_and_reported(bench: Bench) -> None:
    for count in (1, 2, 3):
        bench.images.publish(ping(T0))
        bench.spin_until(lambda n=count: all(len(bench.answers[t]) == n for t in ALWAYS))
    status = bench.status("input", lambda s: "stand still" in s.message)
    assert status.level == b"\x01"


def test_diagnostics_of_a_healthy_stream(bench: Bench) -> None:
    for _ in range(30):
        bench.images.publish(ping(time.time_ns()))
        bench.spin(1 / 15)
    given = bench.status("input")
    assert given.level == b"\x00"
    assert 1 < float(value(given, "input rate [Hz]")) < 100
    assert value(given, "topic") == "/image"
    taken = bench.status("segmentation")
    assert 1 < float(value(taken, "output rate [Hz]")) < 100
    assert float(value(taken, "latency p95 [ms]")) >= float(value(taken, "latency p50 [ms]")) > 0
    for stage in ("convert", "tracking", "labelling", "masks", "publish"):
        assert float(value(taken, f"stage {stage} [ms]")) >= 0
    assert value(taken, "backend tracking") == "flow"


def test_silence_is_reported_and_its_end(pair: tuple[NodeProcess, Bench], bench: Bench) -> None:
    node, _ = pair
    bench.ask(ping(time.time_ns()))
    status = bench.status("input", lambda s: s.level == b"\x02")
    assert "no input: nothing on /image for 1." in status.message
    bench.spin_until(lambda: "no input" in node.output)
    bench.ask(ping(time.time_ns()))
    assert bench.status("input").level == b"\x00"
    bench.spin_until(lambda: "input is back" in node.output)
