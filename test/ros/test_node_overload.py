"""A camera faster than the machine: the newest frame wins, every frame is answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    SECOND,
    image_message,
    ping,
    pixels_of,
    red_square,
    running,
    stamp_of,
    value,
)

from motion_seg_ros.msg import MovingObject

T0 = 1_700_000_000 * SECOND
FRAME_NS = SECOND // 15


def test_every_frame_is_answered_and_drops_are_counted(tmp_path: Path) -> None:
    arguments = ("-p", "diagnostics.period_s:=0.2", "-r", "__ns:=/slow")
    with running(tmp_path / "log", *arguments, delay_s=0.25, namespace="slow") as (node, bench):
        bench.connect(node, ping)
        before = int(value(bench.status("segmentation"), "drops (propagated)"))
        stamps = [T0 + i * FRAME_NS for i in range(90)]
        for i, stamp in enumerate(stamps):
            bench.images.publish(image_message(red_square(i), stamp))
            bench.spin(1 / 15)
        bench.spin_until(lambda: all(len(bench.answers[t]) >= len(stamps) for t in ALWAYS))
        for topic in ALWAYS:
            assert [stamp_of(each) for each in bench.answers[topic]] == stamps

        inferred, age_s = None, 0.0
        sources = []
        for i, stamp in enumerate(stamps):
            objects = bench.answer("objects", stamp)
            sources.append(objects.source)
            if objects.source == MovingObject.SOURCE_INFERRED:
                inferred, age_s = i, 0.0
            else:
                age_s += FRAME_NS / SECOND
            # The marker pipeline carries masks over as they are.
            assert inferred is not None
            expected = (red_square(inferred) == (0, 0, 255)).all(axis=2)
            np.testing.assert_array_equal(
                pixels_of(bench.answer("moving_mask", stamp)), expected * 255
            )
            tracks = bench.answer("tracks", stamp)
            assert tracks.source == objects.source
            assert tracks.age == pytest.approx(age_s, abs=1e-3)
            for each in objects.objects:
                assert each.source == objects.source
                assert each.age == pytest.approx(age_s, abs=1e-3)
        assert sources[-1] == MovingObject.SOURCE_INFERRED
        propagated = sources.count(MovingObject.SOURCE_PROPAGATED)
        # 6 s of frames at 0.25 s and more each: at most 24 can be inferred, and a few at the ends.
        assert propagated >= len(stamps) - 28
        status = bench.status("segmentation", lambda s: "too slow" in s.message)
        assert status.level == b"\x01"
        assert int(value(status, "drops (propagated)")) == before + propagated
        assert 0 < float(value(status, "inferred rate [Hz]")) < 5
        assert float(value(status, "propagated share [%]")) > 20


def test_a_slow_pipeline_is_no_gap_in_the_stream(tmp_path: Path) -> None:
    place = ("-r", "__ns:=/slower")
    with running(tmp_path / "log", *place, delay_s=1.3, namespace="slower") as (node, bench):
        bench.connect(node, ping)
        before = node.told("window reset")
        stamps = [T0 + i * FRAME_NS for i in range(60)]
        for stamp in stamps:
            bench.images.publish(ping(stamp))
            bench.spin(1 / 15)
        bench.spin_until(lambda: bench.has(stamps[-1]))
        bench.spin_until(lambda: node.told("window reset") > before)
        assert node.told("window reset") == before + 1  # the bench's own


def test_waiting_images_are_let_go_beyond_the_memory_limit(tmp_path: Path) -> None:
    arguments = ("-p", "queue.max_mb:=1", "-r", "__ns:=/full")
    pictures = ("static_image", "overlay")
    with running(tmp_path / "log", *arguments, delay_s=1.0, namespace="full") as (node, bench):
        bench.connect(node, ping)
        image = np.full((256, 512, 3), 90, np.uint8)  # 0.4 MB
        image[100:140, 200:260] = (0, 0, 255)
        stamps = [T0 + i * FRAME_NS for i in range(12)]
        for stamp in stamps:
            bench.images.publish(image_message(image, stamp))
            bench.spin(0.05)
        topics = (*ALWAYS, *pictures)
        bench.spin_until(lambda: all(len(bench.answers[t]) >= len(stamps) for t in topics))
        for topic in topics:
            assert [stamp_of(each) for each in bench.answers[topic]] == stamps
        # The picture before is repeated: grey around and, filled, under the red area; never black.
        for each in bench.answers["static_image"]:
            np.testing.assert_array_equal(pixels_of(each), np.full_like(image, 90))
        grey = (image == 90).all(axis=2)
        grey[-40:] = grey[:60] = False  # captions
        for each in bench.answers["overlay"]:
            assert np.median(pixels_of(each)[grey]) == 90
