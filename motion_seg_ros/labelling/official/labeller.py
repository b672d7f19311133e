"""Tracks labelled by the authors' published network, in the stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.abstention import abstention_reason
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.networks.device import find_device, one_thread, to_device
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray, Int64Array, RawTracks, TrackLabels, Tracks
from motion_seg_ros.window import Window

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from motion_seg_ros.labelling.official.network import OfficialInputs, OfficialTrackNetwork


@shared_while_used
def _load(weights: Path, device: torch.device) -> OfficialTrackNetwork:
    from motion_seg_ros.labelling.official.checkpoint import load_official

    return load_official(weights).requires_grad_(False).to(device)


class OfficialLabeller:
    """Runs the published track network on all tracks of the window, as if that were the clip.

    The network gets the inputs of the authors' inference.py: positions, visibility and confidence
    straight from the logits of BootsTAPIR, without the points that are nowhere surely visible;
    disparity of every frame; DINOv2 keys at the query points. It computes in float32 as theirs
    does: it is small, and its thresholds are close to 1. Between two labellings a track keeps its
    label, and new tracks have none.

    The authors' rule takes ten tracks above one of several thresholds as moving, and the three most
    probable ones if there are too few. So something always moves, which is right for a clip that
    was chosen because something does, and wrong for a robot: in an empty room it would lose three
    patches of the wall. In a stream a fixed threshold is the better rule; theirs is kept for
    comparison.

    Args:
        weights: the authors' file; see motion_seg_ros.labelling.official.checkpoint.
        depth: of every frame of the window.
        device: see motion_seg_ros.networks.device.find_device.
        interval: frames from one labelling to the next; 1 = every frame.
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
        device: str,
        interval: int,
        threshold: float | None,
    ) -> None:
        self._device = find_device(device)
        try:
            self._network = _load(weights, self._device)
        except ImportError as error:
            raise MissingDependencyError(
                f"labelling.backend official: expected torch and safetensors, found: {error}; "
                "pip install 'motion_seg_ros[full]', or choose labelling.backend geometric"
            ) from error
        self._depth = depth
        self._fixed = threshold
        self._maps: dict[int, Tensor] = {}  # (H, W) prepared disparity by the frame's index
        self._memory = LabelMemory(interval)
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

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller.

        Raises:
            InputError: the tracks come without the outputs of a network, or without features.
        """
        from motion_seg_ros.labelling.official.network import official_threshold

        if tracks.raw is None or features is None:
            lacking = "features" if features is None else "a tracker's logits"
            raise InputError(
                f"labelling.backend official: expected tracks with {lacking}, found them without; "
                "set tracking.backend tapir and features.backend dino"
            )
        reason = abstention_reason(window, tracks)
        some = _ever_visible(tracks.raw)
        if reason is None and not len(some):
            reason = "no track is surely visible in any frame"
        if reason is not None:
            self._forget_labels()
            return TrackLabels.abstain(len(tracks), reason)
        if self._memory.is_due(window.newest_index):
            probability = self._infer(window, _select(tracks.raw, some), features[some])
            self._memory.keep(window.newest_index, tracks.ids[some], probability)
            if self._fixed is None:
                self._threshold = official_threshold(probability, len(window))
        return TrackLabels(self._memory.recall(tracks.ids), threshold=self._threshold)

    def _infer(self, window: Window, raw: RawTracks, features: FloatArray) -> FloatArray:
        """Return the moving probability (M,) float32."""
        import torch

        depth = self._prepared_depth(window)
        inputs = _inputs(raw, window.newest.size, depth, features, self._device)
        with torch.inference_mode(), one_thread():
            found = self._network(inputs).pred[0, 0].cpu().numpy()
        return np.asarray(found, np.float32)

    def _prepared_depth(self, window: Window) -> Tensor:
        """Return the disparity (1, 1, H, W, T) of the window's frames, as the network takes it.

        A frame is prepared once.
        """
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
    """Return the indices (M,) of the points that are surely visible in some frame."""
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
    """Return the network's inputs for points (T, M) of images of `size` (H, W), with depth
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
