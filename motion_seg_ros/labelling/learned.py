"""Tracks labelled by the track transformer."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.abstention import abstention_reason
from motion_seg_ros.labelling.geometry_channels import geometry_channels, implied_depth
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.encoding import encode
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.track_depth import track_depth
from motion_seg_ros.networks.device import find_device, find_dtype
from motion_seg_ros.networks.runtime import Runtime, load_runtime, needs_torch
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, TrackLabels, Tracks
from motion_seg_ros.window import Window

# Set by hand.
TRACKS_MULTIPLE = 128  # padded to it, as libraries keep memory or code for each size they have seen
PERSISTENCE = 0.5  # of a track's log-odds from one labelling to the next
LEAST_PROBABILITY = 1e-4  # and most, less than 1 by as much: log-odds stay finite


@dataclass(frozen=True, eq=False)
class _VisibleTracks:
    """Input of the network; see motion_seg_ros.labelling.network.tokens.SampleLike."""

    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    size: tuple[int, int]
    geometry: FloatArray
    depth: FloatArray | None
    features: FloatArray | None


@dataclass(frozen=True, eq=False)
class _Labelling:
    """A labelling that was begun.

    Attributes:
        index: of its frame.
        ids: (M,) of its tracks.
        probability: (M,) float32 of moving, once it is done.
    """

    index: int
    ids: Int64Array
    probability: Future[FloatArray]


@dataclass(frozen=True, eq=False)
class _Loaded:
    network: Runtime
    config: ModelConfig
    calibration: Calibration


@shared_while_used
def _load(weights: Path, device: str, dtype: str) -> _Loaded:
    if weights.suffix == ".onnx":
        network, metadata = load_runtime(weights, threads=1)
        config = ModelConfig.from_metadata(metadata, weights)
        return _Loaded(network, config, Calibration.from_metadata(metadata, weights))
    with needs_torch(weights):
        from motion_seg_ros.labelling.network.checkpoint import load_weights
        from motion_seg_ros.networks.torch_runtime import TorchRuntime

    place = find_device(device)
    model, metadata = load_weights(weights)
    runtime = TorchRuntime(model, place, find_dtype(dtype, place), threads=1)
    return _Loaded(runtime, model.config, Calibration.from_metadata(metadata, weights))


class TransformerLabeller:
    """Runs the track transformer on the tracks that are visible in the newest frame.

    The log-odds of a track are a running mean over the labellings, because objects keep moving for
    a while. Between two labellings a track keeps its label, and new tracks have none.

    On a CPU the network runs on one thread, so that its result does not depend on their number.
    With 800 tracks that takes 12 ms instead of the 9 ms of two threads on two idle cores of an
    Intel Xeon, and much less than those where other processes need the cores.

    It runs in a thread of its own. Where the stream is behind its camera, and with `late`, nobody
    waits for it but the next frame, from which on its labels hold, so that they do not depend on
    how long it takes.

    Args:
        weights: a file that `motion_seg train` wrote: .onnx, for a CPU, or .safetensors.
        interval: frames from one labelling to the next; 1 = every frame.
        threshold: probability above which a track moves; None: the one stored with the weights.
        device: of .safetensors weights, see motion_seg_ros.networks.device.find_device.
        dtype: of .safetensors weights, see motion_seg_ros.networks.device.find_dtype; the weights
            themselves stay in float32.
        depth: of the window's frames; None: the depth that the camera's travel implies.
        late: labels may hold from the frame after theirs; those of a stream's first labelling hold
            at once.

    Raises:
        ConfigError: a device or dtype that does not exist.
        InputError: the weights are missing or damaged.
        MissingDependencyError: the weights are a .safetensors file, and torch is not installed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        interval: int,
        threshold: float | None,
        device: str,
        dtype: str,
        late: bool,
        depth: DepthEstimator | None = None,
    ) -> None:
        self._loaded = _load(weights, device, dtype)
        self._config, self._calibration = self._loaded.config, self._loaded.calibration
        chosen = self._calibration.threshold if threshold is None else threshold
        # Weights of which no track was found to move come with 1.
        self._threshold = float(np.clip(chosen, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
        self._memory = LabelMemory(interval)
        self._depth = depth
        self._late = late
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="labelling")
        self._begun: _Labelling | None = None

    @property
    def feature_channels(self) -> int:
        """Channels of appearance per track that the network takes; 0: none."""
        return self._config.feature_channels

    @property
    def takes_depth(self) -> bool:
        """True if the network takes depth at the tracks."""
        return self._config.depth

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._memory.clear()
        self._begun = None

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller."""
        reason = abstention_reason(window, tracks)
        if reason is not None:
            self.reset()
            return TrackLabels.abstain(len(tracks), reason)
        self._finish()
        if self._memory.is_due(window.newest_index):
            self._begin(window, tracks, features, geometry)
            if not (self._late and window.behind and self._memory.known):
                self._finish()
        return TrackLabels(self._memory.recall(tracks.ids), threshold=self._threshold)

    def _begin(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> None:
        """Begin to label the tracks that are visible in the newest frame."""
        now = np.flatnonzero(tracks.visible[-1])
        depth = None
        if self._depth is not None:  # here, as the estimator serves others too
            maps = self._depth.inverse_depth(window)
            seen = tracks.xy_px[:, now], tracks.visible[:, now]
            depth = track_depth(maps, window.newest.size, *seen)
        visible = None if features is None else features[now]
        size = window.newest.size
        found = self._thread.submit(self._infer, size, tracks, now, visible, depth, geometry)
        self._begun = _Labelling(window.newest_index, tracks.ids[now], found)

    def _finish(self) -> None:
        """Remember the labels of the labelling that was begun, if one was; wait for them."""
        if self._begun is None:
            return
        begun, self._begun = self._begun, None
        before = self._memory.recall(begun.ids)
        mean = _running_mean(before, begun.probability.result())
        self._memory.keep(begun.index, begun.ids, mean)

    def _infer(
        self,
        size: tuple[int, int],
        tracks: Tracks,
        some: Int64Array,
        features: FloatArray | None,
        depth: FloatArray | None,
        geometry: WindowGeometry,
    ) -> FloatArray:
        """Return the moving probability (M,) of the tracks at `some` (M,); `features` and `depth`
        are theirs alone."""
        if depth is None:
            depth = implied_depth(geometry, tracks)[:, some]
        visible_tracks = _VisibleTracks(
            tracks.xy_px[:, some],
            tracks.visible[:, some],
            tracks.confidence[:, some],
            size,
            geometry_channels(geometry, tracks)[some],
            depth,
            features,
        )
        batch = collate([visible_tracks], self._config.frames, multiple=TRACKS_MULTIPLE)
        logits = self._loaded.network(encode(batch, self._config))[0, : len(some)]
        return np.asarray(self._calibration.probability(logits), np.float32)


def _running_mean(before: FloatArray, now: FloatArray) -> FloatArray:
    """Return the mean of probabilities `before` (M,), NaN = unknown, and `now` (M,), as
    log-odds."""
    limits = LEAST_PROBABILITY, 1 - LEAST_PROBABILITY
    old, new = (np.clip(each.astype(np.float64), *limits) for each in (before, now))
    old = np.where(np.isnan(old), new, old)
    mixed = PERSISTENCE * np.log(old / (1 - old)) + (1 - PERSISTENCE) * np.log(new / (1 - new))
    return np.asarray(1 / (1 + np.exp(-mixed)), np.float32)
