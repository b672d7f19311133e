"""Figures and scores of a replay, from recordings whose content is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import recordings
import results

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_writer import BagWriter
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.indexed_png import encode_id_map
from motion_seg_ros.lab.evaluation.datasets.bag import open_bag_sequence
from motion_seg_ros.lab.evaluation.recording import Recording
from motion_seg_ros.lab.evaluation.replay import (
    ReplayLog,
    replay_figures,
    replay_unjudged,
    replayed_masks,
)
from motion_seg_ros.lab.evaluation.replay_report import score_replay
from motion_seg_ros.lab.evaluation.results import Timing
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, TrackLabels, Tracks

STAMPS = [recordings.START_NS + i * recordings.STEP_NS for i in range(6)]
BOX = (20, 10, 30, 20)


def answer(path: Path, stamps: list[int]) -> Recording:
    """A bag in which the frames of these stamps were answered, the k-th one with a box with id
    k + 1 of (k + 1) x 10 px."""
    with BagWriter(path, sqlite3=False, dilation_px=0) as bag:
        for index, stamp in enumerate(stamps):
            image = np.zeros((72, 96, 3), np.uint8)
            result = results.result_with_boxes(image, {index + 1: (0, 0, index + 1, 10)}, stamp)
            bag.write(SourceFrame("", result.frame, "camera", stamp + 1), result)
    return Recording(path)


def test_figures(tmp_path: Path) -> None:
    late_s = {0: 0.1, 1: 0.2, 3: 0.4, 4: 0.05}  # 2 and 5 were dropped
    log = ReplayLog(
        sent=[(stamp, float(index)) for index, stamp in enumerate(STAMPS)],
        frames=range(6),
        arrived=[(STAMPS[index], index + late) for index, late in late_s.items()],
    )
    figures = replay_figures(log, answer(tmp_path / "bag", [STAMPS[i] for i in late_s]))
    assert (figures.sent, figures.answered, figures.dropped, figures.propagated) == (6, 4, 2, 0)
    assert figures.age_ms == pytest.approx([100, 200, 400, 50])
    assert figures.age_p50_ms == pytest.approx(150)
    assert figures.age_p95_ms == pytest.approx(370)
    assert figures.timing == Timing(age_ms=figures.age_ms, answered=4, propagated=0, dropped=2)
    first, second = figures.lines()
    assert first == "frames sent 6, answered 4 (4 inferred, 0 propagated), dropped 2"
    assert second.startswith("age of the masks p50 150 ms, p95 370 ms")


def test_frames_of_one_stamp_are_answered_in_order(tmp_path: Path) -> None:
    stamps = [STAMPS[0], STAMPS[0], STAMPS[1]]
    log = ReplayLog(sent=[(each, 0.0) for each in stamps], frames=[0, 1, 4], arrived=[])
    recording = answer(tmp_path / "bag", [*stamps, STAMPS[5]])  # the last was not sent
    masks = dict(replayed_masks(log, recording))
    assert {index: int(ids.max()) for index, ids in masks.items()} == {0: 1, 1: 2, 4: 3}
    assert [int((ids > 0).sum()) for ids in masks.values()] == [10, 20, 30]


def test_no_answer_at_all_is_an_error(tmp_path: Path) -> None:
    log = ReplayLog(sent=[(STAMPS[0], 0.0)], frames=[0], arrived=[])
    with pytest.raises(InputError, match="expected answers to 1 frames, found none"):
        replay_figures(log, answer(tmp_path / "bag", []))


def test_log_is_read_as_the_player_writes_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(json.dumps({"sent": [(5, 0.25)], "frames": [3], "arrived": []}))
    assert ReplayLog.read(tmp_path / "log") == ReplayLog(sent=[(5, 0.25)], frames=[3], arrived=[])


def test_scores_of_what_came_back(tmp_path: Path) -> None:
    truth = np.zeros((72, 96), np.uint16)
    truth[10:30, 20:50] = 1
    pairs = list(zip(recordings.pan(4), STAMPS, strict=False))
    bag = recordings.write_bag(
        tmp_path / "drive",
        {
            "/cam": [recordings.image_message(*each) for each in pairs],
            "/truth": [recordings.mask_message(truth, stamp, "mono8") for _, stamp in pairs],
        },
    )
    sequence = open_bag_sequence(bag, topic=None, truth_topic="/truth", truth_folder=None)
    folder = tmp_path / "out"
    masks = folder / "masks"
    masks.mkdir(parents=True)
    half = truth.copy()
    half[:, 35:] = 0
    for name, ids in (("000000", truth), ("000001", half), ("000003", truth)):
        (masks / f"{name}.png").write_bytes(encode_id_map(ids))
    timing = Timing(age_ms=(1.0, 2.0, 3.0), answered=3, dropped=1)
    scores, never_came = score_replay(folder, sequence, masks, timing, ())
    assert scores.J_mean == pytest.approx((1 + 0.5 + 0 + 1) / 4)  # frame 2 was dropped
    assert never_came == 1
    assert pytest.approx((1, 0.5, 0, 1)) == scores.per_frame.J
    assert (scores.frames, scores.timing) == (4, timing)
    assert all((folder / each).is_file() for each in scores.pictures.values())
    # What nobody can read is no fault of the machine's speed.
    readable, never_came = score_replay(folder, sequence, masks, timing, {"000002"})
    assert readable.J_mean == pytest.approx((1 + 0.5 + 1) / 3)
    assert never_came == 0


def unjudged_of(path: Path, stamps: list[int], reset_reason: str | None, abstention: str) -> str:
    with BagWriter(path, sqlite3=False, dilation_px=0) as bag:
        for stamp in stamps:
            frame = Frame(np.zeros((72, 96, 3), np.uint8), stamp)
            result = FrameResult(
                frame,
                ObjectMasks.empty(frame.size),
                Tracks.empty(1),
                TrackLabels.abstain(0, abstention),
                reset_reason=reset_reason,
            )
            bag.write(SourceFrame("", frame, "camera", stamp + 1), result)
    return replay_unjudged(Recording(path)) or ""


def test_a_replay_says_why_nothing_could_be_judged(tmp_path: Path) -> None:
    slow = [recordings.START_NS + 2 * i * 10**9 for i in range(6)]
    found = unjudged_of(tmp_path / "slow", slow, "gap", "1 frames seen, 4 are needed")
    assert "reset at 5 of 6 frames: gap of 2.000 s between two stamps" in found
    assert "raise window.max_gap_s" in found
    found = unjudged_of(tmp_path / "dark", STAMPS, None, "too little texture: 0 of 9")
    assert "nothing could be judged: too little texture" in found
    assert replay_unjudged(answer(tmp_path / "good", STAMPS)) is None
