"""Which image goes on with which depth, and when, by a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from motion_seg_ros.ros.depth_pairing import DepthPairing
from motion_seg_ros.ros.pairing_counts import PairingCounts, PairingLimits

LIMITS = PairingLimits(slop_s=0.02, max_wait_s=0.2)


class Rig:
    """A pairing, what it has forwarded, and the steady clock.

    Attributes:
        answers: number of the image, that of its depth or None, and when it went on.
    """

    def __init__(self, limits: PairingLimits = LIMITS, max_bytes: int = 10**6) -> None:
        self.now_s = 0.0
        self.answers: list[tuple[int, int | None, float]] = []
        self.counts = PairingCounts("/depth", limits)
        self.pairing = DepthPairing(limits, self.counts, max_bytes, self._on_pair)

    def _on_pair(self, image: Any, depth: Any | None, arrived_s: float) -> None:
        assert arrived_s == image.arrives_s
        self.answers.append((image.number, depth and depth.number, self.now_s))

    def play(self, images: Sequence[Any], depths: Sequence[Any], until_s: float = 1e3) -> None:
        """Hand over messages when they arrive, and settle when that is due, as the node does."""
        events = [(each.arrives_s, self.pairing.add_image, each) for each in images]
        events += [(each.arrives_s, self.pairing.add_depth, each) for each in depths]
        for at_s, add, message in sorted(events, key=lambda each: each[0]):
            self._wait(at_s)
            add(message)
        self._wait(until_s)

    def _wait(self, until_s: float) -> None:
        while (due_s := self.pairing.due_in_s) is not None and self.now_s + due_s < until_s:
            self.now_s += due_s
            self.pairing.settle()
        self.now_s = until_s

    @property
    def pairs(self) -> list[tuple[int, int | None]]:
        return [(image, depth) for image, depth, _ in self.answers]

    def waits_s(self, images: Sequence[Any]) -> list[float]:
        arrived = {each.number: each.arrives_s for each in images}
        return [at_s - arrived[image] for image, _, at_s in self.answers]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rig]:
    def made(*arguments: Any, **options: Any) -> Rig:
        rig = Rig(*arguments, **options)
        monkeypatch.setattr(time, "monotonic", lambda: rig.now_s)
        return rig

    return made


def stream(
    count: int,
    hz: float = 30.0,
    *,
    start_s: float = 100.0,
    offset_s: float = 0.0,
    delay_s: float = 0.0,
    jitter_s: Sequence[float] = (0.0,),
    size: int = 100,
) -> list[Any]:
    """Messages: stamps from `start_s` + `offset_s` on, arrivals from `delay_s` on."""
    made = []
    for i in range(count):
        stamp_ns = round((start_s + offset_s + i / hz + jitter_s[i % len(jitter_s)]) * 1e9)
        stamp = SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        header = SimpleNamespace(stamp=stamp)
        made.append(
            SimpleNamespace(
                number=i, header=header, arrives_s=1 + delay_s + i / hz, data=bytes(size)
            )
        )
    return made


def test_depth_that_is_there_goes_on_with_its_image_at_once(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(30)
    rig.play(images, stream(30, delay_s=-0.01))
    assert rig.pairs == [(i, i) for i in range(30)]
    assert max(rig.waits_s(images)) == 0


def test_an_image_waits_for_its_depth_and_no_longer(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(30)
    rig.play(images, stream(30, delay_s=0.05))
    # The first two went on before depth had ever come.
    assert rig.pairs == [(0, None), (1, None), *((i, i) for i in range(2, 30))]
    assert rig.waits_s(images)[2:] == pytest.approx([0.05] * 28)
    snapshot = rig.counts.snapshot
    rig.now_s = 2.1
    assert snapshot().offset_s == pytest.approx(0.0, abs=1e-9)
    assert snapshot().waited_s == (pytest.approx(0.05), pytest.approx(0.05))


def test_depth_of_before_is_not_taken_where_a_nearer_one_is_due(make: Callable[..., Rig]) -> None:
    """60 Hz: the depth of the frame before is within the slop, too."""
    rig, images = make(), stream(60, 60.0)
    rig.play(images, stream(60, 60.0, delay_s=0.008))
    assert rig.pairs[1:] == [(i, i) for i in range(1, 60)]


def test_a_constant_offset_costs_no_wait(make: Callable[..., Rig]) -> None:
    for offset_s in (-0.012, 0.012):
        rig, images = make(), stream(30)
        rig.play(images, stream(30, offset_s=offset_s, delay_s=-0.001))
        assert rig.pairs == [(i, i) for i in range(30)]
        assert sorted(rig.waits_s(images))[-4] == 0  # until the period is known


def test_depth_at_half_the_rate(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(60)
    rig.play(images, stream(30, 15.0, delay_s=0.02))
    assert rig.pairs[6:] == [(i, None if i % 2 else i // 2) for i in range(6, 60)]
    # Those without depth go on at once.
    assert rig.waits_s(images)[6:] == pytest.approx([0.02, 0] * 27)


def test_jittered_stamps(make: Callable[..., Rig]) -> None:
    jitter_s = (0.0, 0.009, -0.008, 0.004, -0.01, 0.002, 0.008)
    rig, images = make(), stream(60)
    rig.play(images, stream(60, jitter_s=jitter_s, delay_s=0.015))
    assert rig.pairs[1:] == [(i, i) for i in range(1, 60)]


def test_lost_depth_images(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(60)
    depths = [each for each in stream(60, delay_s=0.01) if each.number % 5]
    rig.play(images, depths)
    assert rig.pairs[2:] == [(i, i if i % 5 else None) for i in range(2, 60)]
    assert max(rig.waits_s(images)) <= 0.2 + 1e-9


def test_without_depth_nothing_waits(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(30)
    rig.play(images, [])
    assert rig.pairs == [(i, None) for i in range(30)]
    assert max(rig.waits_s(images)) == 0


def test_depth_that_ends_is_waited_for_a_second_at_most(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(120)
    rig.play(images, stream(30, delay_s=-0.01))
    assert rig.pairs == [(i, i if i < 30 else None) for i in range(120)]
    waits = rig.waits_s(images)
    assert max(waits) == pytest.approx(0.2)
    # The last depth came at 1 + 29/30 s - 10 ms.
    assert waits[59:] == pytest.approx([0.0] * 61)


def test_a_pause_of_both_costs_no_depth(make: Callable[..., Rig]) -> None:
    rig = make()
    images, depths = (
        [each for each in stream(120, delay_s=d) if each.number not in range(10, 100)]
        for d in (0.0, 0.02)
    )
    rig.play(images, depths)
    assert rig.pairs[1:] == [(i, i) for i in (*range(1, 10), *range(100, 120))]


def test_slow_streams_are_paired_too(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.play(stream(10, 0.4), stream(10, 0.4, delay_s=0.1))
    assert rig.pairs == [(0, None), *((i, i) for i in range(1, 10))]


def test_late_depth_keeps_no_image_longer_than_the_limit(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(60)
    rig.play(images, stream(60, delay_s=0.3))
    assert rig.pairs == [(i, None) for i in range(60)]
    assert max(rig.waits_s(images)) == pytest.approx(0.2)
    rig = make(PairingLimits(slop_s=0.02, max_wait_s=0.35))
    rig.play(images, stream(60, delay_s=0.3))
    assert rig.pairs[12:] == [(i, i) for i in range(12, 60)]


def test_another_clock_keeps_no_image(make: Callable[..., Rig]) -> None:
    for offset_s in (-100.0, 100.0):
        rig, images = make(), stream(30)
        rig.play(images, stream(30, offset_s=offset_s))
        assert rig.pairs == [(i, None) for i in range(30)]
        assert max(rig.waits_s(images)) == 0


def test_early_depth_is_kept(make: Callable[..., Rig]) -> None:
    rig, images = make(), stream(60)
    rig.play(images, stream(60, delay_s=-0.5))
    assert rig.pairs == [(i, i) for i in range(60)]


def test_a_recording_that_begins_again(make: Callable[..., Rig]) -> None:
    rig = make()
    images = [*stream(30), *stream(60, start_s=50.0)[30:]]
    depths = [*stream(30, delay_s=0.01), *stream(60, start_s=50.0, delay_s=0.01)[30:]]
    rig.play(images, depths)
    assert rig.pairs[31:] == [(i, i) for i in range(31, 60)]
    assert [image for image, _ in rig.pairs] == list(range(60))


def test_memory_is_bounded_and_every_image_goes_on(make: Callable[..., Rig]) -> None:
    rig = make(PairingLimits(slop_s=0.02, max_wait_s=60.0), max_bytes=1000)
    # 5 images before one depth, which is due all the time.
    images, depths = stream(60, size=200), stream(60, delay_s=0.5, size=50)
    rig.play(images, depths, until_s=3.1)
    held = [each for each in images if each.number not in dict(rig.pairs)]
    assert sum(len(each.data) for each in held) <= 1000
    rig.play([], [], until_s=1e3)
    assert [image for image, _ in rig.pairs] == list(range(60))


def test_the_limit_may_be_no_wait_at_all(make: Callable[..., Rig]) -> None:
    rig, images = make(PairingLimits(slop_s=0.04, max_wait_s=0.0)), stream(30)
    rig.play(images, stream(30, delay_s=0.01))
    # What is there: the depth of the frame before.
    assert rig.pairs == [(0, None), *((i, i - 1) for i in range(1, 30))]
    assert max(rig.waits_s(images)) == 0
