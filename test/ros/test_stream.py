"""The stream of a camera: who is inferred, who propagated; nobody is forgotten."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from camera_infos import camera_info
from worker_messages import SECOND, message
from worker_rig import Rig, make, make_camera, serve

from motion_seg_ros.io import stream_images
from motion_seg_ros.io.image_messages import image_to_bgr
from motion_seg_ros.ros import frame_queue
from motion_seg_ros.ros.frames import FrameOutput
from motion_seg_ros.ros.stream import MAX_PROPAGATED
from motion_seg_ros.types import Frame, FrameResult, Source


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = make()
    yield rig
    rig.segmenter.gate.set()
    rig.worker.stop()


def stamps(answers: list[FrameOutput]) -> list[int]:
    return [each.result.frame.stamp_ns for each in answers]


def test_every_frame_of_a_slow_stream_is_inferred(rig: Rig) -> None:
    for stamp in (1, 2, 3):
        rig.send(message(stamp, value=stamp))
        rig.answered(stamp)
    assert stamps(rig.answers) == [1, 2, 3]
    assert [each.result.source for each in rig.answers] == [Source.INFERRED] * 3
    assert [each.result.masks.id_map[0, 0] for each in rig.answers] == [1, 2, 3]


def test_the_newest_wins_and_the_others_are_propagated_in_order(rig: Rig) -> None:
    rig.busy(*(message(stamp) for stamp in range(2, 5)))
    answers = rig.answered(4)
    assert stamps(answers) == [1, 2, 3, 4]
    assert rig.segmenter.calls == [("push", 1), ("propagate", 2), ("propagate", 3), ("push", 4)]
    rig.wait(lambda: rig.statistics.snapshot().counts["inferred"] == 2)
    assert rig.statistics.snapshot().counts["propagated"] == 2


def test_a_long_queue_does_not_delay_the_newest(rig: Rig) -> None:
    rig.busy(*(message(stamp * SECOND) for stamp in range(2, 40)))
    answers = rig.answered(39)
    assert stamps(answers) == [1, *(stamp * SECOND for stamp in range(2, 40))]
    carried = [stamp for kind, stamp in rig.segmenter.calls if kind == "propagate"]
    assert len(carried) == MAX_PROPAGATED
    stale = answers[10].result  # 11 s
    assert stale.source is Source.PROPAGATED
    assert stale.age_s == pytest.approx(11, abs=1e-6)
    assert stale.masks.id_map.shape == (4, 6)


def test_masks_are_not_handed_on_over_a_gap_or_back_in_time(rig: Rig) -> None:
    stamps_s = [1, 2, 100, 101, 50, 51, 52, 53]
    rig.send(message(SECOND, value=9))
    rig.answered(1)
    rig.segmenter.gate.clear()
    rig.send(message(SECOND + 1, value=9))
    rig.wait(lambda: ("push", SECOND + 1) in rig.segmenter.calls)
    rig.send(*(message(stamp * SECOND, value=9) for stamp in stamps_s[1:]))
    rig.segmenter.gate.set()
    stale = [each.result for each in rig.answered(9)[2:6]]  # 2, 100, 101, 50 s
    assert [each.masks.id_map.any() for each in stale] == [True, False, False, False]


def test_masks_are_handed_on_to_a_late_frame_and_from_the_newest_on() -> None:
    rig = make(max_bytes=0)  # all but the newest lose their pixels
    rig.send(message(SECOND, value=9))
    rig.answered(1)
    rig.segmenter.gate.clear()
    rig.send(message(SECOND + 1, value=9))
    rig.wait(lambda: ("push", SECOND + 1) in rig.segmenter.calls)
    tenth = SECOND // 10
    stamps_ns = [SECOND + 4 * tenth, SECOND + 2 * tenth, SECOND + 5 * tenth, SECOND - 6 * tenth]
    rig.send(*(message(stamp, value=9) for stamp in [*stamps_ns, SECOND + 6 * tenth]))
    rig.segmenter.gate.set()
    stale = [each.result for each in rig.answered(7)[2:6]]
    rig.worker.stop()
    assert stamps(rig.answers)[2:6] == stamps_ns
    assert [each.masks.id_map.any() for each in stale] == [True, True, True, False]
    assert [each.age_s for each in stale[:3]] == pytest.approx([0.4, 0.2, 0.5], abs=1e-6)


def test_a_pipeline_that_hangs_does_not_fill_the_memory(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_queue, "MAX_WAITING", 3)
    rig.busy(*(message(stamp) for stamp in range(2, 7)))
    assert stamps(rig.answered(4)) == [1, 2, 3, 4]
    assert rig.statistics.snapshot().counts["rejected"] == 2
    assert any("the pipeline hangs" in line for line in rig.log.lines)


def test_memory_is_bounded_and_every_frame_answered() -> None:
    rig = make(max_bytes=24 * 5)
    rig.busy(*(message(stamp, value=9) for stamp in range(2, 50)))
    answers = rig.answered(49)
    rig.worker.stop()
    assert stamps(answers) == list(range(1, 50))
    kept = [each for each in answers[1:] if each.input.image is not None]
    assert len(kept) == 5
    assert kept == answers[-5:]
    assert all(each.result.frame.size == (4, 6) for each in answers)


def test_memory_is_bounded_while_a_batch_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make(max_bytes=24 * 5, deliver=lambda answer: None)
    reached, gate = threading.Event(), threading.Event()
    propagate = rig.segmenter.propagate

    def wait(frame: Frame) -> FrameResult:
        reached.set()
        gate.wait(30)
        return propagate(frame)

    monkeypatch.setattr(rig.segmenter, "propagate", wait)
    alive: list[weakref.ref[Any]] = []

    def burst(first: int) -> None:
        for stamp in range(first, first + 10):
            pixels = np.zeros(24, np.uint8)
            alive.append(weakref.ref(pixels))
            rig.send(message(stamp, data=pixels))

    rig.segmenter.gate.clear()
    rig.send(message(1))
    rig.wait(lambda: ("push", 1) in rig.segmenter.calls)
    burst(2)
    rig.segmenter.gate.set()
    assert reached.wait(30)  # at one of this batch, while the next one comes
    burst(12)
    held = sum(each() is not None for each in alive)
    gate.set()
    # Among them the newest of the batch, which is still inferred.
    rig.wait(lambda: ("push", 21) in rig.segmenter.calls)
    assert ("push", 11) in rig.segmenter.calls
    rig.worker.stop()
    assert held <= 5 + 1, "5 that wait, and the one at hand"


def test_damaged_frames_are_not_answered_but_said_once(rig: Rig) -> None:
    for stamp in (1, 2, 3):
        rig.send(message(stamp, data=b""))
    rig.send(message(4))
    assert stamps(rig.answered(1)) == [4]
    now = rig.statistics.snapshot()
    assert now.counts["rejected"] == 3
    assert "truncated" in now.last_error
    assert sum("truncated" in line for line in rig.log.lines) == 1


def test_a_failing_conversion_does_not_end_the_thread(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(image: Any, _: Any) -> Any:
        if image.encoding == "rgb8":
            raise RuntimeError("no colours today")
        return image_to_bgr(image)

    monkeypatch.setattr(stream_images, "image_to_bgr", convert)
    rig.send(message(1, encoding="rgb8", step=18, data=bytes(72)), message(2))
    assert stamps(rig.answered(1)) == [2]
    assert "reading the image failed: RuntimeError: no colours today" in rig.log.lines


def test_a_failure_gives_an_empty_answer_and_a_fresh_start(rig: Rig) -> None:
    rig.send(message(1, value=5))
    rig.answered(1)
    rig.send(message(2, value=13))
    failed = rig.answered(2)[1].result
    assert not failed.masks.id_map.any()
    assert failed.labels.abstention == "the pipeline failed: RuntimeError: thirteen"
    rig.send(message(3, value=7))
    assert rig.answered(3)[2].result.masks.id_map[0, 0] == 7
    assert rig.segmenter.calls == [("push", 1), ("push", 2), ("reset", 0), ("push", 3)]
    assert rig.statistics.snapshot().counts["failed"] == 1


def test_a_failing_consumer_does_not_end_the_thread() -> None:
    seen: list[int] = []

    def deliver(answer: FrameOutput) -> None:
        seen.append(answer.result.frame.stamp_ns)
        raise ValueError("cannot publish")

    rig = make(deliver=deliver)
    for stamp in (1, 2):
        rig.send(message(stamp))
        rig.wait(lambda n=stamp: len(seen) == n)
    rig.worker.stop()
    assert "publishing failed: ValueError: cannot publish" in rig.log.lines
    counts = rig.statistics.snapshot().counts
    assert counts["failed"] == 2
    assert counts["inferred"] == 0


def test_a_change_of_encoding_resets(rig: Rig) -> None:
    rig.send(message(1))
    rig.answered(1)
    rig.send(message(2, encoding="8UC1"))
    assert rig.answered(2)[1].result.reset_reason == "encoding changed from mono8 to 8UC1"
    assert rig.segmenter.calls == [("push", 1), ("reset", 0), ("push", 2)]
    assert rig.log.lines == ["window reset: encoding changed from mono8 to 8UC1"]


def test_a_reset_asked_for_comes_before_the_next_frame(rig: Rig) -> None:
    rig.stream.request_reset()
    rig.send(message(1))
    rig.answered(1)
    rig.send(message(2))
    rig.answered(2)
    assert rig.segmenter.calls == [("reset", 0), ("push", 1), ("push", 2)]


def test_the_epoch_changes_where_ids_start_anew(rig: Rig) -> None:
    for stamp in (1, 2):
        rig.send(message(stamp))
        rig.answered(stamp)
    rig.stream.request_reset()
    for stamp, value in ((3, 7), (4, 13), (5, 7), (6, 7)):
        rig.send(message(stamp, value=value))
        rig.answered(stamp)
    first = rig.answers[0].epoch
    assert [each.epoch - first for each in rig.answers] == [0, 0, 1, 2, 2, 2]


def test_depth_of_another_size_is_left_out(rig: Rig) -> None:
    depth = message(1, encoding="16UC1", step=12, data=bytes([0xE8, 0x03]) * 24)
    rig.send(message(1), depth=depth)
    np.testing.assert_allclose(rig.answered(1)[0].result.frame.depth_m, 1.0)
    small = message(2, encoding="16UC1", size=(2, 2), step=4, data=bytes(8))
    rig.send(message(2), depth=small)
    assert rig.answered(2)[1].result.frame.depth_m is None
    assert "found (2, 2)" in rig.statistics.snapshot().last_error


def test_intrinsics_go_along_where_they_fit(rig: Rig) -> None:
    k = [5.0, 0, 3, 0, 5, 2, 0, 0, 1]
    for info, expected in (
        (camera_info(k, (4, 6)), np.reshape(k, (3, 3))),
        (camera_info(k, (8, 6)), None),
        (camera_info([0.0] * 9, (4, 6)), None),
    ):
        count = len(rig.answers)
        rig.send(message(count + 1), camera_info=info)
        found = rig.answered(count + 1)[-1].result.frame.camera
        assert (found is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(found.matrix, expected)


def test_one_calibration_is_one_camera() -> None:
    """Each message is another object; what is told of a camera is computed once."""
    rig = make_camera()
    distortion = {"d": (-0.2, 0.05, 0.0, 0.0, 0.0), "k": [5.0, 0, 3, 0, 5, 2, 0, 0, 1]}
    for stamp in range(4):
        changed = {**distortion, "d": (0.0,) * 5} if stamp == 3 else distortion
        rig.stream.queue.put(
            Rig.frame(message(stamp), camera_info=camera_info(size=(4, 6), **changed))
        )
        rig.stream.answer_next()
    first, *others = (each.result.frame.camera for each in rig.answers)
    assert first is not None
    assert (first.distortion_model, first.distortion) == ("plumb_bob", distortion["d"])
    assert [each is first for each in others] == [True, True, False]
    assert str(rig.statistics.snapshot().calibration) == "fits the images, focal length 5.0 px"


def test_rectified_images_have_the_camera_of_the_projection_matrix() -> None:
    rig = make_camera(rectified=True)
    p = [4.0, 0, 2.5, 0, 0, 4, 1.5, 0, 0, 0, 1, 0]
    found = camera_info([5.0, 0, 3, 0, 5, 2, 0, 0, 1], (4, 6), d=(-0.2, 0.05, 0, 0, 0), p=p)
    rig.stream.queue.put(Rig.frame(message(1), camera_info=found))
    rig.stream.answer_next()
    camera = rig.answers[0].result.frame.camera
    assert camera is not None
    np.testing.assert_array_equal(camera.matrix, [[4, 0, 2.5], [0, 4, 1.5], [0, 0, 1]])
    assert camera.distortion_model == "none"


def test_ages_are_told(rig: Rig) -> None:
    rig.send(message(SECOND - 30_000_000))
    rig.answered(1)
    rig.wait(lambda: rig.statistics.snapshot().age_ms)
    assert rig.statistics.snapshot().age_ms == pytest.approx((30.0, 30.0))


def twelve_bits(stamp_ns: int, top: int, **change: Any) -> Any:
    """An image of 16 bits whose values are spread evenly from 0 to `top`."""
    pixels = np.linspace(top, 0, 64 * 64).round().astype("<u2")
    fields = {"encoding": "mono16", "step": 128, "data": pixels.tobytes(), **change}
    return message(stamp_ns, size=(64, 64), **fields)


def test_values_that_fill_part_of_16_bits_keep_one_range_until_a_reset(rig: Rig) -> None:
    for stamp, top in ((1, 4000), (2, 1000), (3, 2000)):
        rig.send(twelve_bits(stamp, top))
        rig.answered(stamp)
    rig.stream.request_reset()
    rig.send(twelve_bits(4, 1000))
    frames = [each.result.frame for each in rig.answered(4)]
    assert [each.value_range for each in frames] == [(0, 4095)] * 3 + [(0, 1023)]
    expected = [round(top * 255 / 4095) for top in (4000, 1000, 2000)] + [249]
    assert [each.image_bgr[0, 0, 0] for each in frames] == expected


def test_a_frame_without_pixels_has_the_range_of_the_stream() -> None:
    rig = make(max_bytes=2 * 64 * 64 * 3)
    rig.send(twelve_bits(1, 4000))
    rig.answered(1)
    rig.segmenter.gate.clear()
    rig.send(twelve_bits(2, 4000))
    rig.wait(lambda: ("push", 2) in rig.segmenter.calls)
    rig.send(*(twelve_bits(stamp, 4000) for stamp in range(3, 20)))
    rig.segmenter.gate.set()
    answers = rig.answered(19)
    rig.worker.stop()
    assert sum(each.input.image is None for each in answers) > 5
    assert {each.result.frame.value_range for each in answers} == {(0, 4095)}


def test_a_depth_topic_is_no_picture() -> None:
    camera = make_camera(topic="/camera/depth/image_raw")
    serve(camera)
    try:
        camera.send(message(1, encoding="16UC1", step=12, data=bytes(48)))
        camera.send(message(2))  # whatever its name, an image of 8 bits is none
        camera.answered(1)
    finally:
        camera.worker.stop()
    assert camera.statistics.snapshot().counts["rejected"] == 1
    assert "found depth ('16UC1') on /camera/depth/image_raw; remap image" in camera.log.lines[0]
