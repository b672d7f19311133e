"""Answers are read back from a bag of the node's topics, and scored against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recordings
import results

from motion_seg_ros.io.bag_writer import BagWriter
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.clip import RawClipFrame, write_clip
from motion_seg_ros.lab.evaluation.datasets.clip import ClipSequence
from motion_seg_ros.lab.evaluation.recording import Recording, score_recording
from motion_seg_ros.types import Frame, Source

BOX = (20, 10, 30, 20)
LATE_NS = 40_000_000
STAMPS = [recordings.START_NS + i * recordings.STEP_NS for i in range(6)]


@pytest.fixture
def clip(tmp_path: Path) -> ClipSequence:
    truth = np.zeros((72, 96), np.uint16)
    truth[10:30, 20:50] = 2
    (tmp_path / "clip").mkdir()
    frames = (RawClipFrame(Frame(each, i), truth) for i, each in enumerate(recordings.pan(6)))
    return ClipSequence(write_clip(tmp_path / "clip", frames, fps=10), "walk")


def record(path: Path, boxes: dict[int, tuple[int, int, int, int] | None]) -> Recording:
    """A bag in which frame i was answered with a box, LATE_NS after its stamp."""
    with BagWriter(path, sqlite3=False, dilation_px=0) as bag:
        for index, box in boxes.items():
            stamp = STAMPS[index]
            image = np.zeros((72, 96, 3), np.uint8)
            result = results.result_with_boxes(image, {} if box is None else {1: box}, stamp)
            item = SourceFrame("", result.frame, "camera", stamp + LATE_NS)
            bag.write(item, result)
    return Recording(path)


def test_answers_have_source_and_age(tmp_path: Path) -> None:
    answers = record(tmp_path / "bag", {0: BOX, 3: None}).answers()
    assert list(answers) == [STAMPS[0], STAMPS[3]]
    assert {each.source for each in answers.values()} == {Source.INFERRED}
    assert [each.age_s for each in answers.values()] == pytest.approx([0.04, 0.04])


def test_perfect_masks_score_one(tmp_path: Path, clip: ClipSequence) -> None:
    recording = record(tmp_path / "bag", dict.fromkeys(range(6), BOX))
    scores, never_came = score_recording(recording, clip, STAMPS)
    assert never_came == 0
    assert scores.per_frame.name == ("1", "2", "3", "4")
    assert scores.per_frame.J == scores.per_frame.F == (1, 1, 1, 1)


def test_frames_without_an_answer_count_as_empty(tmp_path: Path, clip: ClipSequence) -> None:
    recording = record(tmp_path / "bag", {0: BOX, 1: BOX, 2: BOX})  # 3, 4 and 5 were lost
    scores, never_came = score_recording(recording, clip, STAMPS)
    assert never_came == 2  # of the scored ones
    assert scores.per_frame.J == (1, 1, 0, 0)
    assert scores.J_mean == pytest.approx(0.5)
    assert scores.F_mean == pytest.approx(0.5)


def test_half_a_box_scores_half(tmp_path: Path, clip: ClipSequence) -> None:
    half = (20, 10, 15, 20)
    recording = record(tmp_path / "bag", dict.fromkeys(range(6), half))
    scores, _ = score_recording(recording, clip, STAMPS)
    assert scores.J_mean == pytest.approx(0.5)
    assert 0 < scores.F_mean < 1
