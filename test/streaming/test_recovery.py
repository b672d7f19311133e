"""Errors in a discovery, resets, devices without memory and threads that hang."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drawn_scene import IdBook, truth
from streaming_rig import PATIENCE_S, Rig, mover

from motion_seg_ros.errors import DeviceMemoryError
from motion_seg_ros.types import (
    FloatArray,
    Frame,
)


def test_an_error_in_the_discovery_is_raised_by_the_next_push(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    rig.truth.fails = RuntimeError("the tracker broke")
    rig.push()
    rig.settle()
    with pytest.raises(RuntimeError, match="the tracker broke"):
        rig.push()
    rig.t -= 1  # the window has not seen it
    rig.segmenter.reset()
    *_, (t, result) = rig.in_step(12)
    IdBook().check(result.masks, truth(rig.scene, t), t)


def test_what_was_discovered_before_a_reset_never_joins(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    for _ in range(4):
        rig.push()
        rig.settle()
    rig.truth.gate.clear()
    rig.truth.entered.clear()
    rig.push()
    assert rig.truth.entered.wait(PATIENCE_S)
    rig.segmenter.reset()  # does not wait
    resets = rig.truth.resets
    for _ in range(3):
        result = rig.push()
        assert (len(result.tracks), result.discovery) == (0, None)
    rig.truth.gate.set()
    rig.settle()
    assert rig.push().discovery is None
    assert rig.truth.resets == resets, "the stages are reset by the thread that uses them, later"
    book = IdBook()
    for t, result in rig.in_step(16):
        book.steady(result.masks, truth(rig.scene, t), t)
    book.check(result.masks, truth(rig.scene, t), t)
    assert rig.truth.resets == resets + 2, "tracker and labeller, once each"
    assert rig.truth.threads == {"discovery"}


def test_an_error_of_what_is_no_longer_wanted_is_logged_only(
    make: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    rig = make(mover())
    rig.truth.gate.clear()
    rig.push()
    assert rig.truth.entered.wait(PATIENCE_S)
    rig.truth.fails = RuntimeError("too late")
    rig.segmenter.reset()
    rig.truth.gate.set()
    rig.settle()
    rig.push()
    assert "too late" in caplog.text


def test_a_broken_stream_starts_anew(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    *_, (_, before) = rig.in_step(12)
    assert before.masks.objects
    late = Frame(rig.scene.frame(12).image_bgr, 10**12)
    result = rig.segmenter.push(late)
    assert result is not None
    assert "gap" in str(result.reset_reason)
    assert (result.masks.objects, len(result.tracks)) == ((), 0)


def test_a_thread_that_hangs_is_left_alone(
    make: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("motion_seg_ros.streaming.segmenter.CLOSE_TIMEOUT_S", 0.05)
    rig = make(mover())
    rig.truth.gate.clear()
    rig.push()
    assert rig.truth.entered.wait(PATIENCE_S)
    rig.segmenter.close()
    assert "has not ended" in caplog.text
    assert rig.segmenter.shrink() is None


def test_a_full_device_in_the_discovery(make: Callable[..., Rig]) -> None:
    torch = pytest.importorskip("torch", reason="torch: not installed")
    rig = make(mover())
    for _ in range(2):
        rig.truth.fails = torch.OutOfMemoryError("CUDA out of memory.")
        rig.push()
        rig.settle()
        with pytest.raises(DeviceMemoryError, match=r"tracking: .* CUDA out of memory") as raised:
            rig.push()
        assert raised.value.stage == "tracking"
        rig.t -= 1
        saved = rig.segmenter.shrink()
    assert saved == "masks.sam2.max_masklets 3"
    *_, (t, result) = rig.in_step(12)
    IdBook().check(result.masks, truth(rig.scene, t), t)


def test_a_full_device_in_following(
    make: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="torch: not installed")
    rig = make(mover())
    *_, (_, result) = rig.in_step(12)
    before = [each.id for each in result.masks.objects]
    with monkeypatch.context() as patched:

        def full(*_: object) -> FloatArray:
            raise torch.OutOfMemoryError("CUDA out of memory.")

        patched.setattr(rig.oracle, "follow", full)
        with pytest.raises(DeviceMemoryError, match="follow: "):
            rig.push()
    assert rig.segmenter.shrink() == "masks.sam2.max_masklets 6"
    assert rig.oracle.followed == {}
    *_, (t, result) = rig.in_step(12)
    IdBook().check(result.masks, truth(rig.scene, t), t)
    assert not {each.id for each in result.masks.objects} & set(before)
