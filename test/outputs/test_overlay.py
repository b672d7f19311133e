"""The picture for people shows what it is said to show."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.outputs.overlay import FILL_OPACITY, MOVING_TRACK_BGR, draw_overlay
from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import Frame, FrameResult, MovingObject, ObjectMasks, TrackLabels, Tracks


def test_palette_begins_as_the_published_colour_map() -> None:
    assert id_palette()[:6].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [128, 0, 128],
    ]
    assert len(np.unique(id_palette(), axis=0)) == 256


def test_objects_are_tinted_and_moving_tracks_dotted() -> None:
    image = np.full((200, 300, 3), 100, np.uint8)
    id_map = np.zeros((200, 300), np.uint16)
    id_map[60:140, 100:180] = 2
    xy = np.array([[20, 20], [250, 30], [140, 100]], np.float32)
    tracks = Tracks(
        ids=np.arange(3),
        xy_px=xy[None],
        visible=np.array([[True, False, True]]),
        confidence=np.ones((1, 3), np.float32),
        query_frame=np.zeros(3, np.int64),
    )
    moving = MovingObject(2, 0.9, (100, 60, 80, 80), (139.5, 99.5), 6400)
    labels = TrackLabels(np.array([0.9, 0.9, 0.1], np.float32))
    picture = draw_overlay(
        FrameResult(Frame(image, 0), ObjectMasks(id_map, (moving,)), tracks, labels)
    )
    assert picture[20, 20].tolist() == list(MOVING_TRACK_BGR)
    assert picture[30, 250].tolist() == [100, 100, 100]  # not visible: not drawn
    tint = 100 * (1 - FILL_OPACITY) + id_palette()[2][::-1] * FILL_OPACITY
    assert np.abs(picture[80, 120] - tint).max() <= 1
    assert (image == 100).all()
