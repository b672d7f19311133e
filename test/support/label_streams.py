"""Streams of tracks with made-up truth, and labellers that say what they were given beforehand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.lab.evaluation.labels.comparison import LabelStream, Moment
from motion_seg_ros.types import FloatArray, Frame, TrackLabels, Tracks
from motion_seg_ros.window import Window

SIZE = (60, 80)


class Told:
    """Says what it was given beforehand by track id, and keeps what it was asked."""

    def __init__(self, probability: list[float] | None = None, threshold: float = 0.5) -> None:
        self._probability = probability
        self._threshold = threshold
        self.lengths: list[int] = []
        self.ids: list[list[int]] = []
        self.resets = 0

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        self.lengths.append(len(window))
        self.ids.append(tracks.ids.tolist())
        if self._probability is None:
            return TrackLabels.abstain(len(tracks), "nothing to say")
        probability = np.array(self._probability, np.float32)[tracks.ids]
        return TrackLabels(probability, threshold=self._threshold)

    def reset(self) -> None:
        self.resets += 1


def tracks_of(born: list[int], lost: list[int], frames: int) -> Tracks:
    """Tracks that stand still, visible from frame `born` on until before `lost`."""
    index = np.arange(frames)[:, None]
    visible = (index >= np.array(born)) & (index < np.array(lost))
    count = len(born)
    xy = np.stack([np.arange(count), np.arange(count)], axis=1).astype(np.float32)
    return Tracks(
        ids=np.arange(count),
        xy_px=np.tile(xy, (frames, 1, 1)),
        visible=visible,
        confidence=visible.astype(np.float32),
        query_frame=np.array(born),
    )


def moment(tracks: Tracks, moving: list[bool] | None, known: list[bool] | None = None) -> Moment:
    image = np.zeros((*SIZE, 3), np.uint8)
    frames = tuple(Frame(image, index) for index in range(len(tracks.visible)))
    return Moment(
        Window(frames, 0),
        tracks,
        moving=None if moving is None else np.array(moving),
        known=None if known is None else np.array(known),
    )


def two_streams() -> Iterator[LabelStream]:
    tracks = tracks_of([0] * 4, [9] * 4, 4)
    yield LabelStream("one", ("pan", "slow"), [moment(tracks, [True, True, False, False])])
    yield LabelStream("two", ("pan",), [moment(tracks, [False, False, False, False])])
