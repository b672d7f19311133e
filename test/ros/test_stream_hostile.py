"""What strangers send through the queue and the inference thread, without ROS."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from camera_infos import camera_info
from hostile import FLOATS, NUMBERS, TEXTS, memory_at_most, share
from hypothesis import given
from hypothesis import strategies as st
from image_fields import ENCODINGS
from worker_messages import message
from worker_rig import Rig, make, make_camera

from motion_seg_ros.camera import COEFFICIENTS
from motion_seg_ros.ros.frames import MAX_TEXT
from motion_seg_ros.ros.worker import InferenceWorker

MEGABYTE = "x" * 2**20
K = (525.0, 0.0, 2.5, 0.0, 525.0, 1.5, 0.0, 0.0, 1.0)


def with_text(stamp_ns: int, **changes: str) -> Any:
    msg = message(stamp_ns)
    for name, text in changes.items():
        setattr(msg.header if name == "frame_id" else msg, name, text)
    return msg


def test_a_size_that_is_only_claimed_costs_nothing_when_pixels_are_dropped() -> None:
    rig = make(max_bytes=30)
    claims = {"height": 100_000, "width": 100_000, "step": 100_000, "data": bytes(10)}
    lies = [message(2 + i, **claims) for i in range(5)]
    with memory_at_most(0):
        rig.busy(*lies, message(10, value=9))
        answers = rig.answered(2)
        rig.worker.stop()
    assert [each.result.frame.stamp_ns for each in answers] == [1, 10]
    assert rig.statistics.snapshot().counts["rejected"] == 5
    assert any("found 10: truncated" in line for line in rig.log.lines)


def test_a_frame_whose_pixels_were_dropped_stays_so() -> None:
    frame = Rig.frame(message(1)).without_payload()
    assert frame.without_payload() is frame
    assert frame.dropped_size == (4, 6)


@pytest.mark.parametrize("name", ["frame_id", "encoding"])
def test_long_texts_do_not_wait_in_the_queue(name: str) -> None:
    rig = make_camera()
    worker = InferenceWorker([rig.stream])  # not started: all would wait
    with memory_at_most(0):
        for stamp in range(200):
            received = Rig.frame(with_text(stamp, **{name: f"{stamp}{MEGABYTE}"}))
            worker.submit(rig.stream, received)
    assert rig.stream.queue.waiting_since_s is None
    assert rig.statistics.snapshot().counts["rejected"] == 200
    assert f"expected at most {MAX_TEXT} characters" in rig.log.lines[0]
    assert len(rig.log.lines[0]) < 200


def test_a_format_cannot_forge_a_line_of_the_log() -> None:
    rig = make_camera()
    for stamp, text in enumerate(("jpeg", "jpeg\n[ERROR] [motion_seg]: \x1b[31mstop the robot")):
        rig.stream.queue.put(Rig.frame(SimpleNamespace(**vars(message(stamp)), format=text)))
    rig.stream._reset_if_due(rig.stream.queue.take()[0])
    reason = rig.stream._reset_if_due(rig.stream.queue.take()[0])
    assert reason is not None
    assert reason.isprintable()


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": [math.nan] * 9},
        {"k": [math.inf] * 9},
        {"k": [525, 0, 2, 0, -525, 1, 0, 0, 1]},
        {"k": [525, 0, math.nan, 0, 525, 1, 0, 0, 1]},
        {"k": [0] * 9},
        {"k": [1e-320, 0, 2, 0, 1e308, 1, 0, 0, 1]},
        {"d": [0.1, 0.2, 0.3]},
        {"d": [0.1] * 100},
        {"d": [math.nan] * 5},
        {"d": [1e308, -1e308, 1e308, 1e308, 0]},
        {"d": [0.1] * 4, "model": "x" * 400},
        {"roi": (2**32 - 1, 0, 6, 4)},
        {"binning": (2**32 - 1, 1)},
    ],
)
def test_a_calibration_that_cannot_be_takes_no_image_along(wrong: dict[str, Any]) -> None:
    rig = make_camera()
    found = camera_info(**{"k": K, "size": (4, 6), **wrong})
    rig.stream.queue.put(Rig.frame(message(1), camera_info=found))
    rig.stream.answer_next()
    (answer,) = rig.answers
    assert answer.result.frame.camera is None


stamps = st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1])
matrices = st.lists(FLOATS, min_size=9, max_size=9) | st.just(K)
calibrations = st.fixed_dictionaries(
    {"k": matrices},
    optional={
        "size": st.tuples(NUMBERS, NUMBERS),
        "model": st.sampled_from([*COEFFICIENTS, ""]) | TEXTS,
        "d": st.lists(FLOATS | st.floats(-1, 1), max_size=9),
        "p": st.lists(FLOATS, min_size=12, max_size=12),
        "roi": st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
        "binning": st.tuples(NUMBERS, NUMBERS),
    },
)
images = st.fixed_dictionaries(
    {},
    optional={
        "height": NUMBERS,
        "width": NUMBERS,
        "step": NUMBERS,
        "encoding": TEXTS | st.sampled_from(ENCODINGS),
        "data": st.binary(max_size=30),
    },
)


@st.composite
def frames(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """An image with perhaps depth and calibration, as they arrive together."""
    msg = message(1, value=5, **draw(images))
    msg.header.stamp = SimpleNamespace(sec=draw(stamps), nanosec=draw(NUMBERS))
    msg.header.frame_id = draw(TEXTS)
    depth = message(1, **{"encoding": "16UC1", **draw(images)}) if draw(st.booleans()) else None
    found = {"size": (4, 6), **draw(calibrations)}
    return msg, depth, camera_info(**found) if draw(st.booleans()) else None


@share(0.05)
@given(st.lists(frames(), min_size=1, max_size=4), st.sampled_from([0, 40, 10**6]))
def test_each_frame_is_answered_or_refused(sent: list[tuple[Any, Any, Any]], most: int) -> None:
    rig = make_camera(max_bytes=most)
    worker = InferenceWorker([rig.stream])
    with memory_at_most(0):
        for image, depth, calibration in sent:
            worker.submit(rig.stream, Rig.frame(image, depth, calibration))
        while rig.stream.queue.waiting_since_s is not None:
            rig.stream.answer_next()
    counts = rig.statistics.snapshot().counts
    assert len(rig.answers) + counts["rejected"] == len(sent)
    assert all(line.isprintable() and len(line) < 2200 for line in rig.log.lines)
