"""Windows in memory against the function that inference makes its batches by."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rigid_scenes import forward_drive
from training_windows import FRAMES, pan_sample, rigid_sample, without_truth

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.packed import pack
from motion_seg_ros.labelling.network.tokens import TrackBatch, collate


def some() -> list[TrackSample]:
    samples = [pan_sample(seed, tracks=count) for seed, count in enumerate((7, 30, 12))]
    chance = np.random.default_rng(5)
    samples[1] = dataclasses.replace(
        samples[1], depth=chance.random((FRAMES, 30), np.float32), size=(480, 640)
    )
    return samples


def drive() -> TrackSample:
    return rigid_sample(forward_drive(mover="crossing", static=300))


def assert_same(found: TrackBatch, expected: TrackBatch) -> None:
    """Equal but for 16 bits of precision, where a track is there and seen."""
    assert np.array_equal(found.present, expected.present)
    assert np.array_equal(found.visible, expected.visible)
    assert np.array_equal(found.size_px, expected.size_px)
    seen = expected.visible
    assert np.array_equal(found.xy_px[seen], expected.xy_px[seen])
    for name in ("confidence", "depth"):
        one, other = getattr(found, name)[seen], getattr(expected, name)[seen]
        assert np.allclose(one, other, atol=1e-3, equal_nan=True)
    assert found.geometry is not None
    assert expected.geometry is not None
    assert np.allclose(found.geometry, expected.geometry, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("sensed", [False, True])
@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("frames", [FRAMES, 10, 20])
def test_whole_windows_are_what_inference_makes(
    frames: int, calibrated: bool, sensed: bool
) -> None:
    samples = [*some(), drive()]
    packed = pack(samples, frames, calibrated_share=float(calibrated), sensed_share=float(sensed))
    batch, targets = packed.whole(np.array([3, 1]))
    chosen = [samples[3], samples[1]]
    given = without_truth(chosen, calibrated=calibrated, sensed=sensed)
    assert_same(batch, collate(given, frames))
    for row, sample in enumerate(chosen):
        assert targets.moving[row, : len(sample)].tolist() == sample.moving.tolist()
        assert targets.labelled[row, : len(sample)].tolist() == sample.labelled.tolist()
        assert not targets.labelled[row, len(sample) :].any()


def test_a_share_of_the_windows_is_calibrated_and_a_share_has_a_sensor() -> None:
    sample, times = drive(), 60
    packed = pack([sample] * times, FRAMES)
    batch, _ = packed.whole(np.arange(times))
    assert batch.geometry is not None
    assert batch.depth is not None
    kinds = [(calibrated, sensed) for calibrated in (False, True) for sensed in (False, True)]
    given = [
        collate(without_truth([sample], calibrated=calibrated, sensed=sensed))
        for calibrated, sensed in kinds
    ]
    count = np.zeros(len(kinds), int)
    for geometry, depth in zip(batch.geometry, batch.depth, strict=True):
        same = [
            np.allclose(geometry, each.geometry[0], rtol=1e-3, atol=1e-3)
            and np.allclose(depth, each.depth[0], atol=1e-3, equal_nan=True)
            for each in given
            if each.geometry is not None and each.depth is not None
        ]
        assert sum(same) == 1
        count[same.index(True)] += 1
    assert (count > 0).all()
    # Half and three in ten, to three standard deviations.
    assert abs(count[2:].sum() / times - 0.5) < 3 * np.sqrt(0.25 / times)
    assert abs(count[1::2].sum() / times - 0.3) < 3 * np.sqrt(0.21 / times)


def test_windows_are_degraded_only_if_a_share_is_to_be() -> None:
    """Every window of the share is, and each in its own way; what is packed is what the geometry
    was found of."""
    sample, times = drive(), 6
    clean = pack([sample] * times, FRAMES, calibrated_share=1.0, sensed_share=0.0)
    given = sample.xy_px.transpose(1, 0, 2)
    count = len(sample)
    np.testing.assert_array_equal(clean.xy_px, np.tile(given, (times, 1, 1)))
    worse = pack(
        [sample] * times, FRAMES, calibrated_share=1.0, sensed_share=0.0, degraded_share=1.0
    )
    np.testing.assert_array_equal(worse.moving, clean.moving)
    np.testing.assert_array_equal(worse.visible, clean.visible)
    positions = worse.xy_px.reshape(times, count, FRAMES, 2)
    assert len({each.tobytes() for each in positions} | {given.tobytes()}) == times + 1
    for n, xy in enumerate(positions):
        shown = dataclasses.replace(sample, xy_px=np.ascontiguousarray(xy.transpose(1, 0, 2)))
        batch, _ = worse.whole(np.array([n]))
        assert_same(batch, collate(without_truth([shown], calibrated=True), FRAMES))


def test_a_share_of_the_windows_is_degraded() -> None:
    sample, times = pan_sample(0, tracks=40), 80
    packed = pack([sample] * times, FRAMES, degraded_share=0.25)
    same = packed.xy_px.reshape(times, 40, -1) == sample.xy_px.transpose(1, 0, 2).reshape(40, -1)
    share = 1 - same.all(axis=(1, 2)).mean()
    assert abs(share - 0.25) < 3 * np.sqrt(0.25 * 0.75 / times)


def test_packing_is_deterministic() -> None:
    one, other = (pack([drive()] * 4, FRAMES, degraded_share=0.5) for _ in range(2))
    np.testing.assert_array_equal(one.xy_px, other.xy_px)
    np.testing.assert_array_equal(one.geometry, other.geometry)


def test_drawn_tracks_are_different_tracks_of_the_window_with_their_own_truth() -> None:
    samples = some()
    packed = pack(samples, FRAMES)
    batch, targets = packed.draw(np.array([1, 0]), 20, np.random.default_rng(0))
    assert batch.present.sum(axis=1).tolist() == [20, 7]
    for row, sample in enumerate((samples[1], samples[0])):
        of_newest = {tuple(xy): n for n, xy in enumerate(sample.xy_px[-1].tolist())}
        found = batch.xy_px[row, -1][batch.present[row]].tolist()
        chosen = [of_newest[tuple(xy)] for xy in found]
        assert len(set(chosen)) == len(chosen)
        moving = targets.moving[row][batch.present[row]].tolist()
        assert moving == sample.moving[chosen].tolist()


def test_every_track_is_drawn_as_often() -> None:
    packed = pack([pan_sample(0, tracks=10)], FRAMES)
    chance = np.random.default_rng(1)
    newest = packed.xy_px[:, -1, 0]
    times = np.zeros(10)
    for _ in range(1000):
        batch, _ = packed.draw(np.array([0]), 3, chance)
        times += np.isin(newest, batch.xy_px[0, -1, :, 0])
    assert times.sum() == 3000
    assert np.abs(times - 300).max() < 6 * np.sqrt(300 * 0.7)


def test_windows_keep_their_order_and_empty_ones_are_left_out() -> None:
    samples = [pan_sample(seed, tracks=count) for seed, count in enumerate((5, 0, 6, 7))]
    packed = pack(iter(samples), FRAMES)
    assert packed.count.tolist() == [5, 6, 7]
    assert packed.start.tolist() == [0, 5, 11]
    assert packed.depth is None
    assert packed.moving.tolist() == [moves for sample in samples for moves in sample.moving]


def test_no_windows_are_refused() -> None:
    with pytest.raises(InputError, match="found none"):
        pack([], FRAMES)
