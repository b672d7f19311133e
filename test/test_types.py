"""The values of the pipeline refuse what they cannot mean."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.errors import FrameError
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks


def image(height: int = 4, width: int = 6) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((4, 6), np.uint8), r"expected \(H, W, 3\) uint8, found \(4, 6\)"),
        (np.zeros((4, 6, 3), np.float32), "float32"),
        (np.zeros((0, 6, 3), np.uint8), "at least one pixel, found 6x0"),
    ],
)
def test_frame_refuses_what_is_no_image(bad: np.ndarray, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        Frame(bad, 0)


def test_frame_refuses_negative_stamp() -> None:
    with pytest.raises(FrameError, match="stamp"):
        Frame(image(), -1)


@pytest.mark.parametrize("depth", [np.zeros((4, 5), np.float32), np.zeros((4, 6), np.float64)])
def test_frame_refuses_depth_unlike_the_image(depth: np.ndarray) -> None:
    with pytest.raises(FrameError, match="depth: expected"):
        Frame(image(), 0, depth_m=depth)


def test_frame_shields_its_pixels_and_leaves_the_owner_free() -> None:
    pixels = image()
    frame = Frame(pixels, 0)
    with pytest.raises(ValueError, match="read-only"):
        frame.image_bgr[0, 0] = 1
    pixels[0, 0] = 1
    assert frame.size == (4, 6)


def test_tracks_refuse_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Tracks\.xy_px"):
        Tracks(
            ids=np.arange(3),
            xy_px=np.zeros((2, 4, 2), np.float32),
            visible=np.ones((2, 3), bool),
            confidence=np.ones((2, 3), np.float32),
            query_frame=np.zeros(3, np.int64),
        )


def test_tracks_lie_on_the_object_under_their_newest_visible_position() -> None:
    id_map = np.zeros((4, 6), np.uint16)
    id_map[1:3, 2:5] = 7
    xy = np.array([[2.4, 1.0], [1.4, 1.0], [4.0, 2.4], [9.0, 1.0], [3.0, 2.0]], np.float32)
    tracks = Tracks(
        ids=np.arange(5),
        xy_px=np.stack([np.zeros_like(xy), xy]),
        visible=np.array([[True] * 5, [True, True, True, True, False]]),
        confidence=np.ones((2, 5), np.float32),
        query_frame=np.zeros(5, np.int64),
    )
    result = FrameResult(
        Frame(image(), 0), ObjectMasks(id_map), tracks, TrackLabels(np.zeros(5, np.float32))
    )
    assert result.track_object_ids().tolist() == [
        7,
        0,
        7,
        0,
        0,
    ]  # inside, left, inside, off the image, hidden


@pytest.mark.parametrize(
    ("source", "tracks_age_s", "expected"),
    [
        (Source.INFERRED, 0.0, Source.INFERRED),
        (Source.INFERRED, 0.2, Source.PROPAGATED),
        (Source.PROPAGATED, 0.2, Source.PROPAGATED),
        (Source.PROPAGATED, 0.0, Source.PROPAGATED),  # two frames of one stamp
    ],
)
def test_tracks_have_a_source_of_their_own(
    source: Source, tracks_age_s: float, expected: Source
) -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 0)
    masks, labels = ObjectMasks.empty(frame.size), TrackLabels.abstain(0, "none")
    result = FrameResult(
        frame, masks, Tracks.empty(1), labels, source=source, tracks_age_s=tracks_age_s
    )
    assert result.tracks_source is expected
