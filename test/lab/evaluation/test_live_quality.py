"""Live masks beside the same frames with every one inferred."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recordings
from invented_results import sequence

from motion_seg_ros.io.clip import RawClipFrame, write_clip
from motion_seg_ros.lab.evaluation.datasets.clip import ClipSequence
from motion_seg_ros.lab.evaluation.live_quality import LiveQuality, offline_scores
from motion_seg_ros.lab.evaluation.metrics import region_similarity
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Frame

LIVE = sequence([0.5, 0.25, 0.0], [0.75, 0.5, 0.25])
OFFLINE = sequence([1.0, 0.5, 0.75], [1.0, 0.75, 0.5])


def test_the_difference_is_what_live_adds() -> None:
    found = LiveQuality.of(LIVE, 1, OFFLINE)
    assert (found.scored, found.never_came) == (3, 1)
    assert found.JF_mean == pytest.approx((0.25 + 0.5) / 2)
    assert found.offline_JF_mean == pytest.approx(0.75)
    assert found.JF_difference == pytest.approx(-0.375)
    live, offline = found.lines()
    assert live.startswith("live J 0.250, F 0.500, J&F 0.375 over 3 frames with truth, 1 of them ")
    assert "scored as empty" in live
    assert "J 0.750, F 0.750, J&F 0.750; live -0.375" in offline


def test_without_the_run_offline_there_is_no_difference() -> None:
    found = LiveQuality.of(LIVE, 0, None)
    assert (found.offline_J_mean, found.JF_difference) == (None, None)
    (line,) = found.lines()
    assert line.endswith("over 3 frames with truth, all answered")


def test_offline_is_the_pipeline_over_the_frames_of_the_clip(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    wall = recordings.pan(1)[0]
    truth = np.zeros((72, 96), np.uint16)
    truth[20:44, 30:60] = 3
    images = [wall.copy() for _ in range(6)]
    for index, each in enumerate(images):
        each[truth > 0] = np.roll(wall, 4 * index, axis=1)[::-1][truth > 0]
    frames = [Frame(each, index * 10**8) for index, each in enumerate(images)]
    clip = write_clip(tmp_path / "clip", (RawClipFrame(each, truth) for each in frames), fps=10)
    played = ClipSequence(clip, "walk")
    found = offline_scores(played, make_config(), tmp_path, separate=False)
    pipeline = PipelineMethod(make_config())
    masks = [pipeline.push(each) for each in frames]
    expected = [region_similarity(each > 0, truth > 0) for each in masks[1:-1]]
    assert found.per_frame.name == ("1", "2", "3", "4")
    assert pytest.approx(expected) == found.per_frame.J
    assert max(expected) > 0
    assert (found.frames, found.objects) == (6, None)
    assert len(list((tmp_path / "masks/offline/walk").glob("*.png"))) == 6
