"""Pictures of frames with pixels, and of those whose pixels were let go."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import header, image_message, pixels_of

from motion_seg_ros.ros.frames import FrameOutput, InputFrame
from motion_seg_ros.ros.pictures import UNKNOWN_GREY, PictureMessages
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks

SIZE = (64, 80)
ALL = {"overlay", "static_image", "static_depth"}
MOVER = np.zeros(SIZE, np.uint16)
MOVER[20:30, 30:50] = 7


def output(
    stamp_ns: int,
    brightness: int,
    *,
    encoding: str = "bgr8",
    with_depth: bool = True,
    let_go: bool = False,
    reset_reason: str | None = None,
) -> FrameOutput:
    """The output for an even image with a black mover; without pixels the frame is black."""
    image = np.full((*SIZE, 3), brightness, np.uint8)
    image[MOVER > 0] = 0
    depth = image_message(np.full(SIZE, 1000 + brightness, np.uint16), stamp_ns, "16UC1")
    pixels = image if encoding == "bgr8" else image[..., 0]
    received = InputFrame.of(
        image_message(pixels, stamp_ns, encoding), depth if with_depth else None
    )
    frame = Frame(image, stamp_ns, depth_m=np.ones(SIZE, np.float32) if with_depth else None)
    if let_go:
        received = dataclasses.replace(received, image=None, depth=None)
        frame = Frame(np.zeros_like(image), stamp_ns)
    result = FrameResult(
        frame=frame,
        masks=ObjectMasks(MOVER),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, "test"),
        source=Source.PROPAGATED if let_go else Source.INFERRED,
        age_s=0.1 if let_go else 0.0,
        reset_reason=reset_reason,
    )
    return FrameOutput(received, result, epoch=1)


def made(pictures: PictureMessages, each: FrameOutput, wanted: set[str] = ALL) -> dict[str, Any]:
    return dict(pictures.make(each, wanted))


def test_pictures_of_a_frame_without_pixels_are_those_of_the_last_with_pixels() -> None:
    pictures = PictureMessages()
    made(pictures, output(1, 60))
    shown = made(pictures, output(2, 90))
    assert (pixels_of(shown["static_image"]) == 90).all()
    for stamp in (3, 4):
        repeated = made(pictures, output(stamp, 200, let_go=True))
        assert set(repeated) == ALL
        assert all(each.header == header(stamp) for each in repeated.values())
        for name in ("static_image", "static_depth"):
            assert repeated[name].encoding == shown[name].encoding
            np.testing.assert_array_equal(pixels_of(repeated[name]), pixels_of(shown[name]))
        overlay = pixels_of(repeated["overlay"])
        assert np.median(overlay) == 90
        assert (overlay != pixels_of(shown["overlay"])).any()  # it says "propagated"
    assert shown["static_image"].header == header(2)
    assert (pixels_of(made(pictures, output(5, 70))["static_image"]) == 70).all()


def test_who_comes_in_between_sees_the_last_frame_with_pixels_too() -> None:
    pictures = PictureMessages()
    assert made(pictures, output(1, 90), set()) == {}
    late = made(pictures, output(2, 200, let_go=True))
    assert (pixels_of(late["static_image"]) == 90).all()
    depth = pixels_of(late["static_depth"])
    np.testing.assert_array_equal(depth, np.where(MOVER > 0, 0, 1090))


def test_depth_is_not_repeated_from_before_a_frame_that_had_none() -> None:
    pictures = PictureMessages()
    assert "static_depth" in made(pictures, output(1, 90))
    assert "static_depth" not in made(pictures, output(2, 90, with_depth=False))
    assert "static_depth" not in made(pictures, output(3, 90, let_go=True))


@pytest.mark.parametrize("case", ["nothing before", "reset", "another encoding"])
def test_without_a_frame_to_repeat_the_static_image_is_an_even_grey(case: str) -> None:
    pictures = PictureMessages()
    if case != "nothing before":
        made(pictures, output(1, 90))
    encoding = "mono8" if case == "another encoding" else "bgr8"
    reset_reason = "asked for" if case == "reset" else None
    first = output(2, 200, let_go=True, encoding=encoding, reset_reason=reset_reason)
    for each in (first, output(3, 200, let_go=True, encoding=encoding)):
        grey = made(pictures, each)
        assert set(grey) == {"overlay", "static_image"}
        assert grey["static_image"].encoding == encoding
        assert (pixels_of(grey["static_image"]) == UNKNOWN_GREY).all()
    # It is not taken for background later.
    assert (pixels_of(made(pictures, output(4, 70))["static_image"]) == 70).all()
