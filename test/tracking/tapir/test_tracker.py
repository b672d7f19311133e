"""The life of tracks that a TAPIR network follows, against points that move as is known."""

from __future__ import annotations

import numpy as np
import pytest
from backends import tapir_on_cpu

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

HEIGHT, WIDTH = 60, 80
SURE = 20.0  # logits


class Oracle:
    """All points move alike; hidden are those in a strip of the image, and for some frames all.

    Args:
        step_px: x, y of every step.
        looks_back: frames before the newest one that it has news about.
        strip_px: x from and to where nothing is visible.
        dark: frames in which nothing is visible.
    """

    def __init__(
        self,
        step_px: tuple[float, float] = (0, 0),
        *,
        looks_back: int = 1000,
        strip_px: tuple[float, float] = (0, 0),
        dark: frozenset[int] = frozenset(),
    ) -> None:
        self.step = np.float32(step_px)
        self.looks_back = looks_back
        self.strip = strip_px
        self.dark = dark
        self.query_frames: list[int] = []
        self.reset()

    def reset(self) -> None:
        self.born = np.zeros(0, np.int64)
        self.start = np.zeros((0, 2), np.float32)

    def see(self, window: Window) -> None:
        self.window = window

    def follow(self) -> Estimates:
        return self._at(self.born, self.start)

    def add(self, xy_px: FloatArray) -> Estimates:
        newest = self.window.newest_index
        self.query_frames.append(newest)
        born = np.full(len(xy_px), newest)
        self.born = np.concatenate((self.born, born))
        self.start = np.concatenate((self.start, xy_px))
        return self._at(born, xy_px)

    def keep(self, some: BoolArray) -> None:
        self.born, self.start = self.born[some], self.start[some]

    def _at(self, born: np.ndarray, start: FloatArray) -> Estimates:
        newest = self.window.newest_index
        index = np.arange(max(self.window.first_index, newest - self.looks_back), newest + 1)
        xy = start + (index[:, None] - born)[..., None] * self.step
        hidden = (xy[..., 0] >= self.strip[0]) & (xy[..., 0] < self.strip[1])
        hidden |= np.isin(index, list(self.dark))[:, None]
        # Where a point is hidden the network still answers something.
        xy = np.where(hidden[..., None], np.float32(-7), xy).astype(np.float32)
        logits = np.where(hidden, SURE, -SURE).astype(np.float32)
        return Estimates(xy, logits, np.full_like(logits, -SURE))


class Stream:
    """A tracker that is pushed one frame after another."""

    def __init__(self, oracle: Oracle, *, size: int = 6, **settings: int) -> None:
        self.tracker = TapirTracker(oracle, **{"points": 1024, "query_interval": 8, **settings})
        self.window = SlidingWindow(size, 1.0, 0.0)
        self.pushed = 0

    def push(self, frames: int = 1, leap: int = 1) -> Tracks:
        """The last of so many frames, of which the tracker sees every `leap`-th."""
        for k in range(frames):
            image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            window = self.window.push(Frame(image, self.pushed * 10**7))
            self.pushed += 1
            if (k + 1) % leap == 0:
                tracks = self.tracker.update(window)
        return tracks

    def reset(self) -> None:
        self.window.reset()
        self.tracker.reset()


def test_tracks_follow_the_true_points_over_the_whole_window() -> None:
    stream = Stream(Oracle((1.5, -0.5)), points=40, query_interval=100)
    first = stream.push()
    tracks = stream.push(3)
    order = np.searchsorted(first.ids, tracks.ids)
    assert tracks.visible.shape == (4, len(tracks))
    true = first.xy_px[0, order] + np.arange(4)[:, None, None] * np.float32([1.5, -0.5])
    inside = ((true >= 0) & (true <= [WIDTH - 1, HEIGHT - 1])).all(axis=2)
    np.testing.assert_array_equal(tracks.visible, inside)
    np.testing.assert_allclose(tracks.xy_px[inside], true[inside], atol=1e-4)
    np.testing.assert_allclose(tracks.confidence, inside, atol=1e-6)


@pytest.mark.parametrize("leap", [3, 5, 6, 9])
def test_leaps_over_frames_leave_no_gaps(leap: int) -> None:
    """Although there is news of the frames since the last look only; also of a whole window."""
    step = np.float32([0.5, 0.25])
    oracle = Oracle((0.5, 0.25), looks_back=leap - 1)
    stream = Stream(oracle, size=6, points=40, query_interval=100)
    first = stream.push()
    tracks = stream.push(4 * leap, leap)
    age = np.arange(4 * leap - 5, 4 * leap + 1)[:, None, None]
    true = first.xy_px[0, np.searchsorted(first.ids, tracks.ids)] + age * step
    inside = ((true >= 0) & (true <= [WIDTH - 1, HEIGHT - 1])).all(axis=2)
    assert inside.sum() > 100
    np.testing.assert_array_equal(tracks.visible, inside)
    np.testing.assert_allclose(tracks.xy_px[inside], true[inside], atol=1e-4)


def test_what_the_network_says_is_handed_on_undecided() -> None:
    stream = Stream(Oracle((4, 0), strip_px=(30, 50)), points=40, query_interval=2)
    tracks = stream.push(5)
    raw = tracks.raw
    assert raw is not None
    own = (tracks.query_frame, np.arange(len(tracks)))
    asked = np.ones(tracks.visible.shape, bool)
    asked[own] = False
    hidden = (raw.occlusion > 0) & asked
    assert hidden.any()
    np.testing.assert_array_equal(raw.expected_distance, -SURE)
    np.testing.assert_array_equal(raw.xy_px[hidden], -7)  # not held where it was last seen
    np.testing.assert_array_equal(raw.xy_px[own], tracks.xy_px[own])
    seen = tracks.visible & asked
    np.testing.assert_array_equal(raw.occlusion[seen], -SURE)
    np.testing.assert_array_equal(raw.xy_px[seen], tracks.xy_px[seen])


def test_a_new_track_is_followed_back_through_the_window() -> None:
    stream = Stream(Oracle((4, 0)), points=40, query_interval=3)
    tracks = stream.push(4)
    new = tracks.query_frame == 3
    assert new.any()
    seeded_at = tracks.xy_px[3, new]
    before = seeded_at - np.float32([12, 0])
    seen = before[:, 0] >= 0
    np.testing.assert_array_equal(tracks.visible[0, new], seen)
    np.testing.assert_allclose(tracks.xy_px[0, new][seen], before[seen], atol=1e-4)


def test_query_frames_come_at_their_interval_and_anew_after_a_reset() -> None:
    oracle = Oracle((5, 0))
    stream = Stream(oracle, points=40, query_interval=4)
    stream.push(10)
    assert oracle.query_frames == [0, 4, 8]
    stream.reset()
    stream.push(5)
    assert oracle.query_frames == [0, 4, 8, 10, 14]


def test_between_query_frames_nothing_is_seeded() -> None:
    stream = Stream(Oracle((5, 0)), points=40, query_interval=4)
    assert set(stream.push(4).ids) <= set(range(32))
    assert len(stream.push().ids) > 0


def test_every_cell_without_a_visible_track_is_seeded_at_a_query_frame() -> None:
    stream = Stream(Oracle(strip_px=(20, 40)), points=40, query_interval=2)
    everywhere = stream.push()
    tracks = stream.push(2)
    new = ~np.isin(tracks.ids, everywhere.ids)
    x = everywhere.xy_px[0, :, 0]
    hidden = (x >= 20) & (x < 40)
    assert hidden.any()
    expected = everywhere.xy_px[0, hidden]
    assert sorted(map(tuple, tracks.xy_px[-1, new])) == sorted(map(tuple, expected))


def test_ids_ascend_and_are_never_given_twice_also_over_a_reset() -> None:
    stream = Stream(Oracle((6, 2)), points=60, query_interval=2)
    last: set[int] = set()
    highest = -1
    for _ in range(2):
        for _ in range(15):
            tracks = stream.push()
            assert (np.diff(tracks.ids) > 0).all()
            new = set(tracks.ids.tolist()) - last
            assert all(name > highest for name in new)
            last, highest = set(tracks.ids.tolist()), max([highest, *new])
        stream.reset()
        last = set()
    assert highest > 100


def test_a_track_keeps_its_id_while_it_is_followed() -> None:
    stream = Stream(Oracle((1, 0)), points=40, query_interval=2, size=4)
    before = stream.push(5)
    after = stream.push()
    common = np.isin(after.ids, before.ids)
    assert common.any()
    at = np.searchsorted(before.ids, after.ids[common])
    seen = before.visible[-1, at] & after.visible[-1, common]
    step = after.xy_px[-1, common][seen] - before.xy_px[-1, at][seen]
    np.testing.assert_allclose(step, np.tile([1, 0], (len(step), 1)), atol=1e-4)


def test_a_track_leaves_once_its_last_visible_frame_has_left_the_window() -> None:
    everything_gone = frozenset(range(3, 100))
    stream = Stream(Oracle(dark=everything_gone), points=40, query_interval=100, size=4)
    count = len(stream.push(3))
    for _ in range(3):  # frame 2 is still in the window of frames 2..5
        assert len(stream.push()) == count
    assert len(stream.push()) == 0


def test_a_track_that_is_seen_again_goes_on() -> None:
    stream = Stream(Oracle(dark=frozenset({3, 4})), points=40, query_interval=100, size=4)
    before = stream.push(3)
    assert not stream.push(2).visible[-1].any()
    after = stream.push()
    assert after.visible[-1].all()
    np.testing.assert_array_equal(before.ids, after.ids)


def test_a_hidden_track_is_where_it_was_last_seen() -> None:
    stream = Stream(Oracle((1, 0), dark=frozenset({3, 4})), points=40, query_interval=100)
    tracks = stream.push(6)
    np.testing.assert_array_equal(tracks.visible[3:5], False)
    np.testing.assert_array_equal(tracks.confidence[3:5], 0)
    np.testing.assert_array_equal(tracks.xy_px[3], tracks.xy_px[2])
    np.testing.assert_array_equal(tracks.xy_px[4], tracks.xy_px[2])


def test_before_it_is_first_seen_a_track_is_where_it_is_first_seen() -> None:
    stream = Stream(Oracle((2, 0), dark=frozenset({0, 1})), points=40, query_interval=3)
    tracks = stream.push(4)
    new = tracks.query_frame == 3
    assert new.any()
    np.testing.assert_array_equal(tracks.visible[:, new].T, [[False, False, True, True]] * sum(new))
    np.testing.assert_array_equal(tracks.xy_px[0, new], tracks.xy_px[2, new])


def test_at_its_query_frame_a_track_is_visible_at_the_query_point() -> None:
    stream = Stream(Oracle(dark=frozenset(range(100))), points=40, query_interval=100)
    first = stream.push()
    tracks = stream.push(2)
    assert (tracks.query_frame == 0).all()
    assert tracks.visible[0].all()
    assert not tracks.visible[1:].any()
    np.testing.assert_array_equal(tracks.xy_px[0], first.xy_px[0])
    assert (first.xy_px[0] >= 0).all()


def test_the_query_frame_of_older_tracks_is_the_first_one() -> None:
    stream = Stream(Oracle(), points=40, query_interval=100, size=4)
    assert (stream.push().query_frame == 0).all()
    assert (stream.push(9).query_frame == 0).all()


@pytest.mark.parametrize("step_px", [(0.0, 0.0), (7.0, 3.0), (-13.0, 0.0)])
@pytest.mark.parametrize("points", [1, 2, 30, 200])
def test_there_are_never_more_tracks_than_asked_for(
    step_px: tuple[float, float], points: int
) -> None:
    stream = Stream(Oracle(step_px, strip_px=(30, 50)), points=points, query_interval=2)
    for _ in range(12):
        assert 1 <= len(stream.push()) <= points


def test_a_follower_with_news_of_the_newest_frame_only_leaves_the_past_as_it_was() -> None:
    stream = Stream(Oracle((2, 0), looks_back=0), points=40, query_interval=3)
    before = stream.push(3)
    after = stream.push()
    old = np.isin(after.ids, before.ids)
    at = np.searchsorted(before.ids, after.ids[old])
    np.testing.assert_array_equal(after.xy_px[:3, old], before.xy_px[:, at])
    new = ~old
    assert new.any()
    assert not after.visible[:3, new].any()
    assert after.visible[3, new].all()


def test_a_tracker_that_joins_late_knows_the_window_by_looking_back() -> None:
    tracker, window = (
        TapirTracker(Oracle((1, 0)), points=40, query_interval=8),
        SlidingWindow(4, 1.0, 0.0),
    )
    for k in range(3):
        seen = window.push(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), k))
    assert tracker.update(seen).visible.shape[0] == 3


def test_visible_is_what_visibility_times_confidence_says() -> None:
    logit = np.log(np.array([0.8, 0.7, 0.99, 0.4]) / (1 - np.array([0.8, 0.7, 0.99, 0.4])))
    sure = np.log(np.array([0.7, 0.7, 0.49, 0.99]) / (1 - np.array([0.7, 0.7, 0.49, 0.99])))
    shape = (1, 4)
    estimates = Estimates(
        np.zeros((1, 4, 2), np.float32),
        np.float32(-logit).reshape(shape),
        np.float32(-sure).reshape(shape),
    )
    assert estimates.visible[0].tolist() == [True, False, False, False]
    np.testing.assert_allclose(estimates.confidence[0], [0.7, 0.7, 0.49, 0.99], atol=1e-6)


def test_logits_of_any_size_are_understood() -> None:
    extremes = np.float32([[-1e30, 1e30, -np.inf, np.inf]])
    with np.errstate(all="raise"):
        estimates = Estimates(np.zeros((1, 4, 2), np.float32), extremes, extremes)
        assert estimates.visible[0].tolist() == [True, False, True, False]


def test_without_torch_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "motion_seg_ros.tracking.tapir.network", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        tapir_on_cpu()
