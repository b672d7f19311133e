"""Frames are encoded once, points described once, and what is asked of the network is what is
known to be right: a network that answers by a formula."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from motion_seg_ros.types import Frame, UInt8Array
from motion_seg_ros.window import SlidingWindow

torch = pytest.importorskip("torch", reason="torch: not installed")
from motion_seg_ros.tracking.tapir.estimates import Estimates  # noqa: E402
from motion_seg_ros.tracking.tapir.followers import CausalFollower, WindowFollower  # noqa: E402
from motion_seg_ros.tracking.tapir.network import (  # noqa: E402
    CausalState,
    FrameFeatures,
    PointFeatures,
)

SIDE = 64
HEIGHT, WIDTH = 32, 128
STEP = np.float32([3, 1])  # pixels of the network's input, in each frame


class Formula:
    """Knows a frame by its brightness, which is its index; points move by STEP a frame.

    The x of an answer is the truth. What it was computed from is written into the logits:
    occlusion = frames looked at, expected distance = steps the state has seen.
    """

    side = SIDE

    def __init__(self) -> None:
        self.encoded: list[int] = []
        self.described: list[int] = []

    def encode(self, image_bgr: UInt8Array) -> FrameFeatures:
        index = int(image_bgr[0, 0, 0])
        self.encoded.append(index)
        value = torch.full((1, 1, 1, 1, 1), float(index))
        return FrameFeatures(value, value)

    def describe(self, frame: FrameFeatures, xy: np.ndarray) -> PointFeatures:
        self.described.append(int(frame.coarse.item()))
        born = torch.full((1, len(xy), 1), float(frame.coarse.item()))
        return PointFeatures(born, torch.from_numpy(np.asarray(xy, np.float32))[None])

    def estimate(
        self, frames: Sequence[FrameFeatures], points: PointFeatures, query_txy: np.ndarray
    ) -> Estimates:
        index = np.array([frame.coarse.item() for frame in frames], np.float32)
        born = points.coarse[0, :, 0].numpy()
        # The query points are given a second time, by their place in the window.
        np.testing.assert_array_equal(query_txy[:, 0], born - index[0])
        np.testing.assert_array_equal(query_txy[:, 1:], points.fine[0].numpy())
        return self._answer(index, points, len(frames), np.zeros(len(points), np.float32))

    def start(self, count: int) -> CausalState:
        return CausalState(({"steps": torch.zeros((1, count, 1))},))

    def step(
        self, frame: FrameFeatures, points: PointFeatures, state: CausalState
    ) -> tuple[Estimates, CausalState]:
        steps = state.refinements[0]["steps"] + 1
        index = np.array([frame.coarse.item()], np.float32)
        found = self._answer(index, points, 1, steps[0, :, 0].numpy())
        return found, CausalState(({"steps": steps},))

    def _answer(
        self, index: np.ndarray, points: PointFeatures, looked_at: int, steps: np.ndarray
    ) -> Estimates:
        age = index[:, None] - points.coarse[0, :, 0].numpy()
        xy = points.fine[0].numpy() + age[..., None] * STEP
        return Estimates(
            xy.astype(np.float32),
            np.full(age.shape, looked_at, np.float32),
            np.tile(steps, (len(index), 1)).astype(np.float32),
        )


class Frames:
    """A stream of frames whose brightness is their index."""

    def __init__(self, size: int) -> None:
        self.window = SlidingWindow(size, 1.0, 0.0)
        self.count = 0

    def next(self, follower: WindowFollower | CausalFollower, leap: int = 1) -> None:
        """Show the last of the next `leap` frames."""
        for _ in range(leap):
            image = np.full((HEIGHT, WIDTH, 3), self.count, np.uint8)
            window = self.window.push(Frame(image, self.count * 10**7))
            self.count += 1
        follower.see(window)


def windowed(network: Any) -> WindowFollower:
    return WindowFollower(network, update_interval=8, tail=4)


SEEDS = np.float32([[0, 0], [100, 20], [64, 16]])
TRUE_STEP = STEP * [WIDTH / SIDE, HEIGHT / SIDE]  # pixels of the frames


def test_positions_are_those_of_the_frames() -> None:
    follower, frames = WindowFollower(Formula(), update_interval=1, tail=4), Frames(8)
    frames.next(follower)
    np.testing.assert_allclose(follower.add(SEEDS).xy_px, SEEDS[None], atol=1e-4)
    frames.next(follower)
    np.testing.assert_allclose(follower.follow().xy_px, [SEEDS, SEEDS + TRUE_STEP], atol=1e-4)


def test_the_network_is_asked_in_its_own_pixels() -> None:
    asked = []

    class Listening(Formula):
        def describe(self, frame: FrameFeatures, xy: np.ndarray) -> PointFeatures:
            asked.append(xy)
            return super().describe(frame, xy)

    follower, frames = WindowFollower(Listening(), update_interval=8, tail=4), Frames(8)
    frames.next(follower)
    # Centres of the frame's first and last pixel; corners count in the network.
    follower.add(np.float32([[0, 0], [WIDTH - 1, HEIGHT - 1]]))
    np.testing.assert_allclose(asked[0], [[0.25, 1.0], [SIDE - 0.25, SIDE - 1.0]], atol=1e-5)


def test_each_frame_is_encoded_once_and_each_point_described_once() -> None:
    network = Formula()
    follower, frames = WindowFollower(network, update_interval=2, tail=4), Frames(5)
    for k in range(12):
        frames.next(follower)
        if k:
            follower.follow()
        if k % 4 == 0:
            follower.add(SEEDS)
    assert network.encoded == list(range(12))
    assert network.described == [0, 4, 8]


def test_points_are_found_although_their_query_frame_has_left_the_window() -> None:
    follower, frames = WindowFollower(Formula(), update_interval=1, tail=4), Frames(4)
    frames.next(follower)
    follower.add(SEEDS)
    for _ in range(9):
        frames.next(follower)
        found = follower.follow()
    age = np.arange(6, 10)[:, None, None]
    np.testing.assert_allclose(found.xy_px, SEEDS + age * TRUE_STEP, atol=1e-3)


def test_the_whole_window_is_looked_at_in_its_turn_and_in_between_its_tail() -> None:
    follower, frames = WindowFollower(Formula(), update_interval=5, tail=3), Frames(8)
    frames.next(follower)
    follower.add(SEEDS)
    news, looked_at = [], []
    for _ in range(12):
        frames.next(follower)
        found = follower.follow()
        news.append(found.frames)
        looked_at.append(int(found.occlusion[0, 0]))
    #                   frame: 1  2  3  4  5  6  7  8  9  10 11 12
    assert looked_at == [2, 3, 3, 3, 6, 3, 3, 3, 3, 8, 3, 3]
    assert news == [1, 2, 3, 3, 6, 1, 2, 3, 3, 8, 1, 2]


def test_new_points_are_looked_for_in_the_whole_window() -> None:
    follower, frames = WindowFollower(Formula(), update_interval=100, tail=1), Frames(4)
    for _ in range(6):
        frames.next(follower)
    found = follower.add(SEEDS)
    assert found.frames == 4
    age = np.arange(-3, 1)[:, None, None]
    np.testing.assert_allclose(found.xy_px, SEEDS + age * TRUE_STEP, atol=1e-4)


@pytest.mark.parametrize(("kind", "held"), [(windowed, 4), (CausalFollower, 1)])
def test_features_of_frames_that_left_the_window_are_let_go(
    kind: Callable[[Any], WindowFollower | CausalFollower], held: int
) -> None:
    encoded = []

    class Counting(Formula):
        def encode(self, image_bgr: UInt8Array) -> FrameFeatures:
            features = super().encode(image_bgr)
            encoded.append(weakref.ref(features))
            return features

    follower, frames = kind(Counting()), Frames(4)
    for _ in range(30):
        frames.next(follower)
        follower.add(SEEDS[:1])
        follower.follow()
    assert sum(each() is not None for each in encoded) == held


@pytest.mark.parametrize("kind", [windowed, CausalFollower])
def test_what_is_kept_goes_on_beside_what_is_added(
    kind: Callable[[Any], WindowFollower | CausalFollower],
) -> None:
    follower, frames = kind(Formula()), Frames(8)
    frames.next(follower)
    follower.add(SEEDS)
    frames.next(follower)
    follower.follow()
    follower.keep(np.array([False, True, True]))
    follower.add(SEEDS[:1] + 1)
    frames.next(follower)
    expected = [*(SEEDS[1:] + 2 * TRUE_STEP), SEEDS[0] + 1 + TRUE_STEP]
    np.testing.assert_allclose(follower.follow().xy_px[-1], expected, atol=1e-4)


@pytest.mark.parametrize("kind", [windowed, CausalFollower])
def test_after_a_reset_nothing_is_known(
    kind: Callable[[Any], WindowFollower | CausalFollower],
) -> None:
    network = Formula()
    follower, frames = kind(network), Frames(8)
    frames.next(follower)
    follower.add(SEEDS)
    follower.reset()
    frames.window.reset()
    frames.next(follower)
    assert network.encoded == [0, 1]
    assert follower.follow().xy_px.shape[1] == 0
    np.testing.assert_allclose(follower.add(SEEDS).xy_px[-1], SEEDS, atol=1e-4)


def test_every_point_has_a_memory_of_its_own() -> None:
    follower, frames = CausalFollower(Formula()), Frames(8)
    frames.next(follower)
    follower.add(SEEDS)
    for _ in range(3):
        frames.next(follower)
        follower.follow()
    follower.keep(np.array([True, False, True]))
    np.testing.assert_array_equal(follower.add(SEEDS[:1]).expected_distance, [[1]])
    frames.next(follower)
    np.testing.assert_array_equal(follower.follow().expected_distance, [[5, 5, 2]])


def test_the_causal_follower_has_news_of_the_newest_frame_only() -> None:
    follower, frames = CausalFollower(Formula()), Frames(8)
    frames.next(follower)
    assert follower.add(SEEDS).frames == 1
    frames.next(follower)
    assert follower.follow().frames == 1


@pytest.mark.parametrize("kind", [windowed, CausalFollower])
def test_leaps_over_frames(kind: Callable[[Any], WindowFollower | CausalFollower]) -> None:
    """There is news of every frame that is in the window and was not asked about before."""
    network = Formula()
    follower, frames = kind(network), Frames(16)
    frames.next(follower)
    follower.add(SEEDS)
    for _ in range(5):
        frames.next(follower, leap=6)
        found = follower.follow()
        assert found.frames >= 6
        age = np.arange(frames.count - found.frames, frames.count)[:, None, None]
        np.testing.assert_allclose(found.xy_px, SEEDS + age * TRUE_STEP, atol=1e-3)
    assert network.encoded == list(range(31))


@pytest.mark.parametrize("kind", [windowed, CausalFollower])
def test_a_leap_out_of_the_window(kind: Callable[[Any], WindowFollower | CausalFollower]) -> None:
    follower, frames = kind(Formula()), Frames(4)
    frames.next(follower)
    follower.add(SEEDS)
    frames.next(follower, leap=9)
    found = follower.follow()
    assert found.frames == 4
    age = np.arange(6, 10)[:, None, None]
    np.testing.assert_allclose(found.xy_px, SEEDS + age * TRUE_STEP, atol=1e-3)
