"""The choice of the working size, fed with times; no clock runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.working_size import LINES, fitted_size
from motion_seg_ros.ros import size_control
from motion_seg_ros.ros.size_control import BUDGETS, SizeControl, WorkingSize

VGA, WIDE, SMALL = (480, 640), (480, 854), (240, 424)
Times = Callable[[int, float], float]


def pixels(lines: int, size: tuple[int, int] = VGA) -> int:
    height, width = fitted_size(size, lines)
    return height * width


class Camera:
    """A camera and a machine that follows its images one by one.

    Args:
        hz: rate of the camera.
        frame_s: time that a frame takes with so many lines, at a moment.
        cameras: that share the thread.
    """

    def __init__(
        self, hz: float, frame_s: Times, cameras: int = 1, size: tuple[int, int] = VGA
    ) -> None:
        self.hz, self.frame_s, self.size = hz, frame_s, size
        self.control = SizeControl(cameras)
        self.now_s = self.last_s = 1000.0
        self.changes: list[tuple[float, int]] = []  # seconds from the start, lines

    def run(self, seconds: float) -> int:
        """Let images come for some time; return the lines then. A new stream begins where one of
        them comes more than a second after that before."""
        start_s, busy_until_s = self.now_s, 0.0
        while self.now_s < start_s + seconds:
            self.now_s += 1 / self.hz
            anew = self.now_s - self.last_s > 1
            self.last_s = self.now_s
            took_s: float | None = None
            if busy_until_s <= self.now_s:
                took_s = self.frame_s(self.control.lines, self.now_s - 1000)
                busy_until_s = self.now_s + took_s
            answered_s = max(busy_until_s, self.now_s)
            if self.control.record(self.size, self.now_s, answered_s, took_s, anew=anew):
                self.changes.append((self.now_s - 1000, self.control.lines))
        return self.control.lines


def by_pixels(vga_240_s: float, fixed_s: float = 0.0) -> Times:
    """Times that grow with the pixels, and are so long at 240 lines."""
    return lambda lines, _: fixed_s + (vga_240_s - fixed_s) * pixels(lines) / pixels(240)


@pytest.mark.parametrize(
    ("frame_s", "expected"),
    [
        (0.005, 360),
        (0.030, 360),  # 68 ms there of 100 ms
        (0.045, 288),  # 65 ms there, 101 ms with 360 lines
        (0.080, 240),
        (0.120, 240),  # a little too slow is no reason
        (0.130, 180),
        (0.500, 180),  # it cannot keep up,
        (4.000, 180),  # by far
    ],
)
def test_the_largest_size_at_which_it_keeps_up(frame_s: float, expected: int) -> None:
    camera = Camera(10.0, by_pixels(frame_s))
    assert camera.run(60.0) == expected
    settled = len(camera.changes)
    assert camera.run(300.0) == expected
    assert len(camera.changes) == settled <= 2


@pytest.mark.parametrize(("cameras", "expected"), [(1, 360), (2, 288), (3, 240), (6, 180)])
def test_cameras_share_the_time(cameras: int, expected: int) -> None:
    assert Camera(10.0, by_pixels(0.025), cameras).run(60.0) == expected


def test_the_rate_of_the_camera_decides() -> None:
    assert Camera(5.0, by_pixels(0.080)).run(60.0) == 288
    assert Camera(20.0, by_pixels(0.080)).run(60.0) == 180


def test_a_small_image_is_never_worked_at_more_than_it_has() -> None:
    camera = Camera(10.0, by_pixels(0.001), size=SMALL)
    assert camera.run(60.0) == LINES
    assert camera.changes == []


def test_it_begins_in_the_middle_and_falls_soon_but_rises_later() -> None:
    assert SizeControl(1).lines == LINES
    slow, fast = Camera(10.0, by_pixels(0.2)), Camera(10.0, by_pixels(0.01))
    slow.run(60.0)
    fast.run(60.0)
    assert 1 < slow.changes[0][0] < 5
    assert 10 <= fast.changes[0][0] < 12


def test_changes_are_rare_where_the_load_comes_and_goes() -> None:
    def restless(lines: int, at_s: float) -> float:
        load = 2.5 if at_s % 14 < 7 else 1.0
        return by_pixels(0.030, fixed_s=0.01)(lines, 0) * load

    camera = Camera(10.0, restless)
    camera.run(600.0)
    times = [at for at, _ in camera.changes]
    assert all(later - at >= size_control.PAUSE_S for at, later in itertools.pairwise(times))
    lines = [LINES, *(each for _, each in camera.changes)]
    for (at, now), before, (later, then) in zip(
        camera.changes, lines, camera.changes[1:], strict=False
    ):
        if now < before and then > now:
            assert later - at >= size_control.AFTER_FALL_S


def test_a_slow_start_and_hiccups_change_nothing() -> None:
    def hiccup(lines: int, at_s: float) -> float:
        return 0.9 if at_s < 0.2 or at_s % 5 < 0.1 else 0.06

    camera = Camera(10.0, hiccup)
    camera.run(60.0)
    assert camera.changes == []


def test_it_recovers_when_the_machine_is_free_again() -> None:
    busy = by_pixels(0.15)
    free = by_pixels(0.04)
    camera = Camera(10.0, lambda lines, at_s: (busy if at_s < 30 else free)(lines, 0))
    assert camera.run(30.0) == 180
    assert camera.run(100.0) == 288


def test_a_pause_of_the_camera_is_not_taken_for_a_slow_one() -> None:
    camera = Camera(10.0, by_pixels(0.08))
    for _ in range(30):
        camera.run(9.0)
        camera.now_s += 5.0
    assert camera.changes == []


def test_a_slow_camera_gets_large_images() -> None:
    assert Camera(1.2, by_pixels(0.20)).run(60.0) == 360


def test_a_camera_slower_than_its_gaps_is_left_alone() -> None:
    assert Camera(0.5, by_pixels(0.01)).run(300.0) == LINES


def test_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [8.0]
    flow = DenseFlow(320)
    fixed = WorkingSize(flow, None)
    assert fixed.answered(WIDE, 1.0, 0.05) == ("320x180", "")
    monkeypatch.setattr(size_control.time, "monotonic", lambda: now[0])

    flow = DenseFlow(max_side_px=0)
    adapted = WorkingSize(flow, SizeControl(1))
    assert adapted.answered(WIDE, now[0], 0.061) == ("427x240 (auto)", "")
    for _ in range(15):
        now[0] += 0.1
        shown = adapted.answered(WIDE, now[0], 0.061)
    assert shown == ("427x240 (auto: 61 ms of 100 ms)", "")
    assert BUDGETS == (180, 240, 288, 360)


def test_the_change_reaches_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(size_control.time, "monotonic", lambda: now[0])
    flow = DenseFlow(max_side_px=0)
    adapted = WorkingSize(flow, SizeControl(1))
    said = []
    for i in range(40):
        now[0] = 50 + i * 0.1
        said.append(adapted.answered(WIDE, now[0], 0.13 if i % 2 else None))
    lines = [line for _, line in said if line]
    assert lines == [
        "working size 320x180 after 427x240: a frame took 130 ms of 100 ms there are for it"
    ]
    assert flow.size_of(WIDE) == (180, 320)
    change = next(i for i, (_, line) in enumerate(said) if line)
    for shown, _ in said[change : change + 3]:
        assert shown == "320x180 (auto: it took 130 ms of 100 ms at 427x240)"
    assert said[-1][0] == "320x180 (auto: 130 ms of 100 ms)"
    # A new stream begins with the default.
    WorkingSize(flow, SizeControl(1))
    assert flow.size_of(WIDE) == (240, 427)
