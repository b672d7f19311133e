"""Where streams of moments come from: clips with ground truth, tracked as live; and stored samples
of tracks, played back as they grew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.lab.evaluation.datasets.base import FileSequence
from motion_seg_ros.lab.evaluation.labels.comparison import Moment, Stream
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

_FRAME_NS = round(1e9 / 24)  # nothing here depends on it


def follow_clip(
    clip: FileSequence,
    window: SlidingWindow,
    tracker: Tracker,
    features: FeatureExtractor | None = None,
) -> Iterator[Moment]:
    """The moments of a clip as a live pipeline has them; each track's truth is the mask under its
    newest position.

    Args:
        clip: images and masks; images without one have no truth.
        window: reset before.
        tracker: reset before.
        features: reset before; None: the tracks are not described.

    Raises:
        InputError: an image or a mask cannot be read.
    """
    window.reset()
    tracker.reset()
    if features is not None:
        features.reset()
    labelled = frozenset(clip.labelled)
    for item in clip.frames:
        seen = window.push(item.frame)
        tracks = tracker.update(seen)
        described = None if features is None else features.extract(seen, tracks)
        moving = None
        if item.name in labelled:
            moving = mask_at(clip.truth(item.name).id_map != 0, tracks.xy_px[-1])
        yield Moment(seen, tracks, described, moving)


def mask_at(mask: BoolArray, xy_px: FloatArray) -> BoolArray:
    """(N,) bool: `mask` (H, W) at the pixels nearest to (N, 2) positions."""
    height, width = mask.shape
    x, y = np.clip(np.rint(xy_px).astype(np.int64), 0, [width - 1, height - 1]).T
    under: BoolArray = mask[y, x]
    return under


def sample_stream(name: str, sample: TrackSample) -> Stream:
    """A stored sample, played back from its first frame on: at each moment the tracks seen so far.

    So a labeller that remembers what it said has as much to remember as a window is long; in a live
    stream it may have more. The truth is that of the last moment. The images are black, for they
    are not stored: only labellers that look at tracks alone can be judged.

    Args:
        name: the group it is scored in, such as its file.
        sample: at least one frame.
    """
    return Stream(name, sample.tags, _play_back(sample))


def _play_back(sample: TrackSample) -> Iterator[Moment]:
    height, width = sample.size
    black = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    length = len(sample.visible)
    frames = tuple(Frame(black, index * _FRAME_NS) for index in range(length))
    born = sample.visible.argmax(axis=0)
    for count in range(1, length + 1):
        known = np.flatnonzero(sample.visible[:count].any(axis=0))
        last = count == length
        yield Moment(
            window=Window(frames[:count], 0),
            tracks=_prefix(sample, count, known, born),
            features=None if sample.features is None else sample.features[known],
            moving=sample.moving[known] if last else None,
            known=sample.labelled[known] if last else None,
        )


def _prefix(
    sample: TrackSample, count: int, known: npt.NDArray[np.int64], born: npt.NDArray[np.int64]
) -> Tracks:
    return Tracks(
        ids=known,
        xy_px=sample.xy_px[:count, known],
        visible=sample.visible[:count, known],
        confidence=sample.confidence[:count, known],
        query_frame=born[known],
    )
