"""Tracks labelled by the authors' published network, in the stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.labelling.abstention import abstention_reason
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.networks.device import find_device, one_thread, to_device
from motion_seg_ros.types import FloatArray, Int64Array, RawTracks, TrackLabels, Tracks
from motion_seg_ros.window import Window

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from motion_seg_ros.labelling.official.network import OfficialInputs

MIN_FRAMES = 4  # below it no track is long enough to tell


class OfficialLabeller:
    """Asks the published track network about all tracks of the window, as if that were the clip.

    The network gets what the authors' inference.py gives it: positions, visibility and confidence
    straight from the logits of BootsTAPIR, without the points that are nowhere surely visible;
    disparity of every frame; DINOv2 keys at the query points. It calculates in float32, as theirs:
    it is small, and its thresholds are close to 1. Between two askings a track keeps its label, and
    new tracks have none.

    Which tracks move: the authors look for ten tracks above one of several thresholds, and take the
    three most probable ones where there are too few. So something always moves, which is right for
    a clip that was chosen because something does, and wrong for a robot: standing in an empty room
    it would lose three patches of the wall. In the stream a fixed threshold is the better rule;
    theirs is there to compare with.

    Args:
        weights: the authors' file; see motion_seg_ros.labelling.official.checkpoint.
        depth: of every frame of the window.
        device: see motion_seg_ros.networks.device.find_device.
        interval: frames from one asking to the next; 1 = every frame.
        threshold: probability above which a track moves; None: the authors' rule.

    Raises:
        ConfigError: a device that does not exist.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: torch is not installed.
    """

    def __init__(
        self,
        weights: Path,
        depth: DepthEstimator,
        *,
        device: str = "auto",
        interval: int = 3,
        threshold: float | None = None,
    ) -> None:
        try:
            from motion_seg_ros.labelling.official.checkpoint import load_official
        except ImportError as error:
            raise MissingDependencyError(
                f"labelling.backend official: expected torch and safetensors, found: {error}; "
                "pip install 'motion_seg_ros[full]', or choose labelling.backend geometric"
            ) from error
        self._device = find_device(device)
        self._network = load_official(weights).requires_grad_(False).to(self._device)
        self._depth = depth
        self._interval = interval
        self._fixed = threshold
        self._maps: dict[int, Tensor] = {}  # (H, W) prepared disparity by the frame's index
        self._memory = LabelMemory()
        self.reset()

    @property
    def feature_channels(self) -> int:
        """Channels of appearance per track that the network takes."""
        from motion_seg_ros.labelling.official.network import DINO_CHANNELS

        return DINO_CHANNELS

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._maps.clear()
        self._forget_labels()

    def _forget_labels(self) -> None:
        self._memory.clear()
        self._threshold = 0.5 if self._fixed is None else self._fixed
        self._last_asked: int | None = None

    def label(self, window: Window, tracks: Tracks, features: FloatArray | None) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller.

        Raises:
            InputError: the tracks come without what their network said, or without features.
        """
        if tracks.raw is None or features is None:
            lacking = "features" if features is None else "a tracker's logits"
            raise InputError(
                f"labelling.backend official: expected tracks with {lacking}, found them without; "
                "set tracking.backend tapir and features.backend dino"
            )
        reason = abstention_reason(window, tracks, MIN_FRAMES)
        some = _ever_visible(tracks.raw)
        if reason is None and not len(some):
            reason = "no track is surely visible in any frame"
        if reason is not None:
            self._forget_labels()
            return TrackLabels.abstain(len(tracks), reason)
        index = window.newest_index
        if self._last_asked is None or index - self._last_asked >= self._interval:
            asked = _select(tracks.raw, some)
            self._note(tracks.ids[some], self._ask(window, asked, features[some]), len(window))
            self._last_asked = index
        return TrackLabels(self._memory.recall(tracks.ids), threshold=self._threshold)

    def _note(self, ids: Int64Array, probability: FloatArray, frames: int) -> None:
        from motion_seg_ros.labelling.official.network import official_threshold

        self._memory.keep(ids, probability)
        if self._fixed is None:
            self._threshold = official_threshold(probability, frames)

    def _ask(self, window: Window, raw: RawTracks, features: FloatArray) -> FloatArray:
        """(M,) float32 probability of moving."""
        import torch

        depth = self._prepared_depth(window)
        inputs = _inputs(raw, window.newest.size, depth, features, self._device)
        with torch.inference_mode(), one_thread():
            found = self._network(inputs).pred[0, 0].cpu().numpy()
        return np.asarray(found, np.float32)

    def _prepared_depth(self, window: Window) -> Tensor:
        """(1, 1, H, W, T) disparity of the window's frames, as the network takes it; a frame is
        prepared once."""
        import torch

        from motion_seg_ros.labelling.official.network import prepare_depth

        height, width = window.newest.size
        indices = range(window.first_index, window.newest_index + 1)
        kept = {index: self._maps[index] for index in indices if index in self._maps}
        if len(kept) < len(indices):
            for index, disparity in zip(indices, self._depth.inverse_depth(window), strict=True):
                if index not in kept:
                    full = cv2.resize(disparity, (width, height), interpolation=cv2.INTER_CUBIC)
                    prepared = prepare_depth(np.asarray(full, np.float32)[None])[0]
                    kept[index] = to_device(prepared, self._device)
        self._maps = kept
        return torch.stack([kept[index] for index in indices], dim=-1)[None, None]


def _ever_visible(raw: RawTracks) -> Int64Array:
    """(M,) the points that are surely visible in some frame."""
    from motion_seg_ros.labelling.official.network import surely_visible

    return np.flatnonzero(surely_visible(raw.occlusion, raw.expected_distance).any(axis=0))


def _select(raw: RawTracks, some: Int64Array) -> RawTracks:
    return RawTracks(raw.xy_px[:, some], raw.occlusion[:, some], raw.expected_distance[:, some])


def _inputs(
    raw: RawTracks,
    size: tuple[int, int],
    depth: Tensor,
    features: FloatArray,
    device: torch.device,
) -> OfficialInputs:
    """What the network takes of points (T, M) of images of `size` (H, W), with depth
    (1, 1, H, W, T) on the device and features (M, C)."""
    from motion_seg_ros.labelling.official.network import (
        OfficialInputs,
        prepare_position,
        prepare_visibility,
    )

    visibility, confidence, valid = prepare_visibility(raw.occlusion, raw.expected_distance)
    position = prepare_position(raw.xy_px, size).transpose(2, 1, 0)  # (2, M, T)
    planes = (
        position,
        *(x.T[None] for x in (~valid, visibility, confidence)),
        features.T[..., None],
    )
    traj, mask, visible, confident, dino = (
        to_device(np.ascontiguousarray(each, np.float32)[None], device) for each in planes
    )
    return OfficialInputs(
        traj=traj, mask=mask, depth=depth, visib_value=visible, confi_value=confident, dino=dino
    )
