"""The life of tracks that a scripted backend moves."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.tracking.lifecycle import Advance, TrackLifecycle
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

SIZE = (100, 200)


class Stream:
    """Windows of blank frames."""

    def __init__(self, size: int = 4) -> None:
        self._window = SlidingWindow(size, 1.0, 0.0)
        self._count = 0

    def next(self) -> Window:
        self._count += 1
        return self._window.push(Frame(np.zeros((*SIZE, 3), np.uint8), self._count * 10**7))


def move(
    lifecycle: TrackLifecycle, window: Window, by: tuple[float, float], lost: int = 0
) -> Tracks:
    """Advance all by one vector; the first `lost` are lost."""
    xy = lifecycle.alive_xy_px
    found = np.arange(len(xy)) >= lost
    confidence = np.full(len(xy), 0.5, np.float32)
    return lifecycle.update(window, Advance(xy + np.float32(by), found, confidence))


def test_steps_over_several_frames_are_those_over_each() -> None:
    def follow(every: int) -> Tracks:
        lifecycle, stream = TrackLifecycle(seeds=50), Stream(size=6)
        for k in range(13):
            window = stream.next()
            if k % every == 0:
                for step in lifecycle.steps(window):
                    move(lifecycle, step, (3, 1), lost=1)
        return lifecycle.tracks

    each, fourth = follow(1), follow(4)
    for name in ("ids", "xy_px", "visible", "confidence", "query_frame"):
        np.testing.assert_array_equal(getattr(each, name), getattr(fourth, name))


def test_tracks_end_where_the_last_frame_seen_has_left_the_window() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream(size=4)
    first = move(lifecycle, stream.next(), (0, 0))
    for _ in range(4):
        window = stream.next()
    for step in lifecycle.steps(window):
        move(lifecycle, step, (0, 0))
    assert lifecycle.tracks.visible.shape == (4, 50)
    assert not np.isin(lifecycle.tracks.ids, first.ids).any()


def test_every_cell_is_seeded_at_first() -> None:
    lifecycle = TrackLifecycle(seeds=50)
    tracks = move(lifecycle, Stream().next(), (0, 0))
    assert len(tracks) == 50  # cells of 20x20 pixels
    assert tracks.visible.shape == (1, 50)
    cells = {(int(x // 20), int(y // 20)) for x, y in tracks.xy_px[-1]}
    assert len(cells) == 50


def test_positions_follow_and_coverage_stays() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream()
    first = move(lifecycle, stream.next(), (0, 0))
    second = move(lifecycle, stream.next(), (15, 0))
    still = second.visible[-1, :50]
    np.testing.assert_allclose(
        second.xy_px[-1, :50][still], first.xy_px[-1][still] + np.float32([15, 0])
    )
    cells = {(int(x // 20), int(y // 20)) for x, y in second.xy_px[-1, second.visible[-1]]}
    assert len(cells) == 50
    assert np.count_nonzero(~still) == 5  # the right-most column left the image
    np.testing.assert_array_equal(second.query_frame, [0] * 50 + [1] * (len(second) - 50))


def test_a_lost_track_keeps_its_last_position_and_no_confidence() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream()
    move(lifecycle, stream.next(), (0, 0))
    before = move(lifecycle, stream.next(), (1, 1))
    after = move(lifecycle, stream.next(), (1, 1), lost=3)
    assert not after.visible[-1, :3].any()
    np.testing.assert_array_equal(after.xy_px[-1, :3], before.xy_px[-1, :3])
    np.testing.assert_array_equal(after.confidence[-1, :3], 0)
    np.testing.assert_array_equal(after.confidence[-1, 3:50], 0.5)


def test_lost_tracks_go_when_the_window_has_passed_them() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream(size=4)
    move(lifecycle, stream.next(), (0, 0))
    for _ in range(3):
        tracks = move(lifecycle, stream.next(), (0, 0))
    lost_ids = tracks.ids[:2]
    tracks = move(lifecycle, stream.next(), (0, 0), lost=2)
    assert np.isin(lost_ids, tracks.ids).all()
    for _ in range(3):
        tracks = move(lifecycle, stream.next(), (0, 0))
    assert not np.isin(lost_ids, tracks.ids).any()
    assert tracks.visible.shape[0] == 4


def test_ids_ascend_and_are_not_used_again() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream()
    seen: set[int] = set()
    gone: set[int] = set()
    for step in range(30):
        if step == 15:
            lifecycle.reset()
            gone |= seen
        tracks = move(lifecycle, stream.next(), (7, 3))
        assert (np.diff(tracks.ids) > 0).all()
        now = set(tracks.ids.tolist())
        assert not now & gone
        gone |= seen - now
        seen |= now


def test_a_crowded_cell_loses_its_youngest() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream()
    move(lifecycle, stream.next(), (0, 0))
    xy = np.tile(np.float32([[50, 50]]), (50, 1))
    found, confidence = np.ones(50, bool), np.ones(50, np.float32)
    tracks = lifecycle.update(stream.next(), Advance(xy, found, confidence))
    np.testing.assert_array_equal(np.flatnonzero(tracks.visible[-1, :50]), [0, 1, 2])


def test_query_frame_moves_out_of_the_window() -> None:
    lifecycle, stream = TrackLifecycle(seeds=50), Stream(size=3)
    for _ in range(5):
        tracks = move(lifecycle, stream.next(), (0, 0))
    np.testing.assert_array_equal(tracks.query_frame, 0)
    assert tracks.visible.all()
