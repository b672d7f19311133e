"""Which frames conditions show, their stamps, sizes and truth."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_sequence import PERIOD_NS, MadeUpSequence, made_up

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.stress.conditions import (
    CLEAN,
    CONDITIONS,
    Condition,
    DroppedFrames,
    EveryNth,
    JitteredStamps,
    Smaller,
)
from motion_seg_ros.lab.evaluation.stress.sequence import StressedSequence


def under(
    condition: Condition, sequence: MadeUpSequence | None = None, seed: int = 0
) -> StressedSequence:
    return StressedSequence(made_up() if sequence is None else sequence, condition, seed)


def numbers(sequence: StressedSequence) -> list[int]:
    return [int(each.name) for each in sequence.frames]


class TestFrameRate:
    @pytest.mark.parametrize("step", [2, 3])
    def test_every_nth_frame_is_shown_with_its_stamp(self, step: int) -> None:
        found = under(EveryNth("n", step))
        assert numbers(found) == list(range(0, 12, step))
        stamps = [each.frame.stamp_ns for each in found.frames]
        assert stamps == [PERIOD_NS * each for each in range(0, 12, step)]
        assert [int(each) for each in found.scored] == list(range(0, 12, step))
        assert found.frames.length == 12 // step
        assert found.frames.fps == pytest.approx(20 / step)

    def test_frames_with_truth_are_shown_where_there_are_few(self) -> None:
        found = under(EveryNth("n", 3), made_up(scored=(1, 5, 7, 10)))
        assert numbers(found) == [1, 4, 7, 10]
        assert found.scored == ("001", "007", "010")

    def test_depth_stays_with_its_image(self) -> None:
        for each in under(EveryNth("n", 3)).frames:
            assert each.frame.depth_m is not None
            assert (each.frame.depth_m == int(each.name)).all()


class TestDroppedFrames:
    def test_about_the_share_is_lost(self) -> None:
        found = numbers(under(DroppedFrames("d", 0.2), made_up(frames=2000)))
        assert 2000 - len(found) == pytest.approx(400, abs=4 * np.sqrt(2000 * 0.2 * 0.8))
        assert found == sorted(found)
        assert 1 in np.diff(found)
        assert 2 in np.diff(found)
        assert 3 in np.diff(found)

    def test_the_seed_chooses_them(self) -> None:
        sequence = made_up(frames=60)
        one, again, other = (
            numbers(under(DroppedFrames("d", 0.2), sequence, seed)) for seed in (3, 3, 4)
        )
        assert one == again
        assert one != other

    def test_one_scored_frame_arrives_at_least(self) -> None:
        found = under(DroppedFrames("d", 1.0), made_up(scored=(4, 9)))
        assert found.scored == ("004",)
        assert numbers(found) == [4]


class TestJitteredStamps:
    def test_bounded_and_in_order(self) -> None:
        found = [
            each.frame.stamp_ns
            for each in under(JitteredStamps("j", 0.3), made_up(frames=500)).frames
        ]
        off = np.array(found) - PERIOD_NS * np.arange(500)
        assert off[0] == 0
        assert 0.29 * PERIOD_NS < abs(off).max() <= 0.3 * PERIOD_NS
        assert (np.diff(found) > 0).all()
        assert off.std() == pytest.approx(0.3 * PERIOD_NS / np.sqrt(3), rel=0.1)

    def test_in_order_where_intervals_vary(self) -> None:
        stamps = np.cumsum(np.random.default_rng(2).integers(1, 10_000, 300))
        found = under(JitteredStamps("j", 0.49), made_up(stamps_ns=[int(s) for s in stamps]))
        moved = np.array([each.frame.stamp_ns for each in found.frames])
        assert (np.diff(moved) >= 0).all()
        assert (moved != stamps).mean() > 0.9

    def test_stamps_that_repeat_or_jump_back_stay(self) -> None:
        stamps = [5, 5, 900, 100, 200]
        found = under(JitteredStamps("j", 0.3), made_up(stamps_ns=stamps))
        moved = [each.frame.stamp_ns for each in found.frames]
        assert moved[:4] == stamps[:4]
        assert abs(moved[4] - 200) <= 30

    def test_images_and_depth_are_as_they_were(self) -> None:
        for each, was in zip(under(JitteredStamps("j", 0.3)).frames, made_up().frames, strict=True):
            assert each.name == was.name
            np.testing.assert_array_equal(each.frame.image_bgr, was.frame.image_bgr)
            np.testing.assert_array_equal(each.frame.depth_m, was.frame.depth_m)


class TestHalfSize:
    def test_image_depth_calibration_and_truth(self) -> None:
        image = np.zeros((40, 60, 3), np.uint8)
        image[:, 1::2] = 100  # areas of two columns each
        ids = np.zeros((40, 60), np.uint16)
        ids[10:20, 20:30] = 300
        ignored = np.zeros((40, 60), bool)
        ignored[:, 50:] = True
        matrix = np.array([[80.0, 0, 29.5], [0, 90.0, 19.5], [0, 0, 1]])
        camera = Camera((40, 60), matrix)
        things = {"post": ids == 0, "hair": _pixel(1, 1)}
        mask = TruthMask(ids, ignored, things, moving=frozenset({300}))
        found = under(Smaller("h", 0.5), made_up(image, 3, camera=camera, mask=mask))
        for each in found.frames:
            assert (each.frame.image_bgr == 50).all()
            assert each.frame.depth_m is not None
            assert each.frame.depth_m.shape == (20, 30)
            assert (each.frame.depth_m == int(each.name)).all()
            assert each.frame.camera is not None
            # The middle of the image stays in the middle: (w - 1) / 2, (h - 1) / 2.
            expected = [[40, 0, 14.5], [0, 45, 9.5], [0, 0, 1]]
            np.testing.assert_allclose(each.frame.camera.matrix, expected)
        truth = found.truth("000")
        expected_ids = np.zeros((20, 30), np.uint16)
        expected_ids[5:10, 10:15] = 300
        np.testing.assert_array_equal(truth.id_map, expected_ids)
        assert truth.ignored is not None
        np.testing.assert_array_equal(truth.ignored, np.arange(30)[None] * np.ones((20, 1)) >= 25)
        assert truth.moving == {300}
        assert list(truth.things) == ["post"]  # the other one is no longer in sight
        np.testing.assert_array_equal(truth.things["post"], expected_ids == 0)

    def test_odd_sides_have_images_and_truth_of_one_size(self) -> None:
        found = under(Smaller("h", 0.5), made_up(np.zeros((41, 63, 3), np.uint8), 2))
        (first, _) = found.frames
        assert first.frame.size == found.truth("000").id_map.shape == (20, 32)


class TestEachOfThem:
    def test_the_clean_condition_changes_nothing(self) -> None:
        for each, was in zip(under(CLEAN).frames, made_up().frames, strict=True):
            np.testing.assert_array_equal(each.frame.image_bgr, was.frame.image_bgr)
            assert each.frame.stamp_ns == was.frame.stamp_ns

    @pytest.mark.parametrize("name", CONDITIONS)
    def test_the_same_seed_makes_the_same_frames(self, name: str) -> None:
        image = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
        first, again = (under(CONDITIONS[name], made_up(image), 7) for _ in range(2))
        pairs = list(zip(first.frames, again.frames, strict=True))
        assert pairs
        for one, other in pairs:
            assert (one.name, one.frame.stamp_ns) == (other.name, other.frame.stamp_ns)
            np.testing.assert_array_equal(one.frame.image_bgr, other.frame.image_bgr)

    @pytest.mark.parametrize("name", ["motion_blur", "noise", "low_light", "jpeg"])
    def test_images_change_and_depth_does_not(self, name: str) -> None:
        image = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
        one, other, *_ = under(CONDITIONS[name], made_up(image)).frames
        assert (one.frame.image_bgr != image).mean() > 0.5
        assert other.frame.depth_m is not None
        assert (other.frame.depth_m == 1).all()
        drawn_anew = name != "jpeg"
        assert (one.frame.image_bgr != other.frame.image_bgr).any() == drawn_anew

    def test_names_levels_and_words(self) -> None:
        assert [each.name for each in CONDITIONS.values()] == list(CONDITIONS)
        assert CONDITIONS["every_2nd"].levels == {"step": 2}
        assert CONDITIONS["low_light"].levels == {"electrons_at_white": 100, "brightness": 0.5}
        assert CONDITIONS["jpeg"].levels == {"quality": 30}
        for each in CONDITIONS.values():
            for level in each.levels.values():
                assert (
                    f"{level:g}" in each.meaning
                    or f"{level:.0%}" in each.meaning
                    or (f"{level:.1%}" in each.meaning)
                )


def _pixel(row: int, column: int) -> np.ndarray:
    pixels = np.zeros((40, 60), bool)
    pixels[row, column] = True
    return pixels
