"""The pipeline as a method to evaluate, with a segmenter that says what it was asked."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation import pipeline_method
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.plan import Plan
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks


class Asked:
    """Masks every pixel of an inferred frame by its stamp, and repeats that where it propagates."""

    def __init__(self) -> None:
        self.inferred: list[int] = []

    def push(self, frame: Frame) -> FrameResult:
        self.inferred.append(frame.stamp_ns)
        return self._result(frame, Source.INFERRED)

    def propagate(self, frame: Frame) -> FrameResult:
        return self._result(frame, Source.PROPAGATED)

    def _result(self, frame: Frame, source: Source) -> FrameResult:
        masks = ObjectMasks(np.full(frame.size, self.inferred[-1], np.uint16))
        return FrameResult(frame, masks, Tracks.empty(1), TrackLabels.abstain(0, "none"), source)


@pytest.mark.parametrize("every", [1, 3])
def test_one_frame_in_so_many_is_inferred(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()

    def build(plan: Plan) -> Asked:
        return asked

    monkeypatch.setattr(pipeline_method, "build", build)
    method = PipelineMethod(make_config(), every)
    shown, labelled = [], []
    for stamp in range(8):
        shown.append(int(method.push(Frame(np.zeros((4, 6, 3), np.uint8), stamp))[0, 0]))
        labelled.append(method.labelled_tracks() is not None)
    assert shown == [stamp // every * every for stamp in range(8)]
    assert asked.inferred == list(range(0, 8, every))
    assert labelled == [stamp % every == 0 for stamp in range(8)]
    assert method.propagated == 8 - len(asked.inferred)
    assert method.unjudged == "nothing could be judged: none; needed: see the reason"
