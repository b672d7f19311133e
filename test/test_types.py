"""The values of the pipeline refuse what they cannot mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import FrameError
from motion_seg_ros.types import (
    Frame,
    FrameResult,
    ObjectMasks,
    RawTracks,
    Source,
    TrackLabels,
    Tracks,
)


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


def test_frame_refuses_a_camera_of_another_size() -> None:
    assert Frame(image(), 0, camera=Camera.guessed((4, 6))).camera is not None
    with pytest.raises(FrameError, match=r"for images of 6x4 .* for 4x6"):
        Frame(image(), 0, camera=Camera.guessed((6, 4)))


def raw_tracks(**changes: np.ndarray) -> RawTracks:
    logits = np.zeros((2, 3), np.float32)
    values = {"xy_px": np.zeros((2, 3, 2), np.float32), "occlusion": logits}
    return RawTracks(**{**values, "expected_distance": logits, **changes})


def tracks(**changes: np.ndarray) -> Tracks:
    values = {
        "ids": np.arange(3),
        "xy_px": np.zeros((2, 3, 2), np.float32),
        "visible": np.ones((2, 3), bool),
        "confidence": np.ones((2, 3), np.float32),
        "query_frame": np.zeros(3, np.int64),
    }
    return Tracks(**{**values, **changes})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("ids", np.arange(3, dtype=np.int32)),
        ("xy_px", np.zeros((2, 4, 2), np.float32)),
        ("xy_px", np.zeros((2, 3, 2))),
        ("visible", np.ones(3, bool)),
        ("visible", np.ones((2, 3), np.uint8)),
        ("confidence", np.ones((2, 3))),
        ("query_frame", np.zeros(2, np.int64)),
        ("query_frame", np.zeros(3)),
    ],
)
def test_tracks_refuse_other_shapes_and_types(name: str, bad: np.ndarray) -> None:
    tracks()
    with pytest.raises(ValueError, match=rf"Tracks\.{name}: expected .*, found"):
        tracks(**{name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("xy_px", np.zeros((2, 4, 2), np.float32)),
        ("xy_px", np.zeros((2, 3, 2))),
        ("occlusion", np.zeros(3, np.float32)),
        ("occlusion", np.zeros((2, 3))),
        ("expected_distance", np.zeros((2, 1), np.float32)),
    ],
)
def test_raw_tracks_refuse_other_shapes_and_types(name: str, bad: np.ndarray) -> None:
    raw_tracks()
    with pytest.raises(ValueError, match=rf"RawTracks\.{name}: expected .*, found"):
        raw_tracks(**{name: bad})


def test_raw_tracks_are_of_the_same_points() -> None:
    few = np.zeros((2, 1), np.float32)
    raw = RawTracks(np.zeros((2, 1, 2), np.float32), few, few)
    with pytest.raises(ValueError, match=r"Tracks\.raw: expected \(2, 3, 2\), found \(2, 1, 2\)"):
        tracks(raw=raw)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probability", "reason", "threshold", "message"),
    [
        (np.zeros(2), None, 0.5, r"expected \(N,\) float32, found \(2,\) float64"),
        (np.zeros((2, 1), np.float32), None, 0.5, r"found \(2, 1\) float32"),
        (np.float32([0.5, 1.5]), None, 0.5, r"values in \[0, 1\] or NaN, found 1.5"),
        (np.float32([-0.5, np.nan]), None, 0.5, r"values in \[0, 1\] or NaN, found -0.5"),
        (np.float32([np.nan, 0.5]), "too dark", 0.5, "NaN throughout .* 'too dark', found 0.5"),
        (np.float32([0.5]), None, 0.0, r"threshold: expected in \(0, 1\), found 0"),
        (np.float32([0.5]), None, 1.0, r"threshold: expected in \(0, 1\), found 1"),
    ],
)
def test_labels_refuse_what_is_no_probability(
    probability: np.ndarray, reason: str | None, threshold: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        TrackLabels(probability, reason, threshold)


def test_what_stages_share_cannot_be_changed() -> None:
    owned = np.ones((2, 3), np.float32)
    shared = tracks(confidence=owned, raw=raw_tracks())  # type: ignore[arg-type]
    assert shared.raw is not None
    labels = TrackLabels(np.zeros(3, np.float32))
    camera = Camera((4, 6), np.eye(3)).matrix
    for array in (
        *(getattr(shared, name) for name in ("ids", "xy_px", "visible", "confidence")),
        shared.raw.occlusion,
        labels.moving_probability,
        camera,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    owned[0] = 0.5
    assert shared.confidence[0, 0] == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"masks": ObjectMasks.empty((6, 4))}, r"masks: expected \(H, W\) = \(4, 6\)"),
        (
            {"labels": TrackLabels.abstain(2, "dark")},
            "labels: expected one for each of 3 .*found 2",
        ),
        ({"age_s": -0.1}, r"FrameResult\.age_s: expected seconds >= 0, found -0.1"),
        ({"tracks_age_s": -0.1}, r"FrameResult\.tracks_age_s: expected"),
        ({"age_s": float("nan")}, r"FrameResult\.age_s: expected"),
    ],
)
def test_results_refuse_parts_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    parts = {
        "frame": Frame(image(), 0),
        "masks": ObjectMasks.empty((4, 6)),
        "tracks": tracks(),
        "labels": TrackLabels.abstain(3, "none"),
    }
    FrameResult(**parts)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        FrameResult(**{**parts, **changes})


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
