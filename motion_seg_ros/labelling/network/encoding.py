"""Inputs of the track transformer: the channels of a batch, in the order of its layers.

Training and inference both use `encode`. B windows, T frames, N tracks, C channels.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.geometry_channels import GEOMETRY_CHANNELS
from motion_seg_ros.labelling.network.channels import CompactChannels, PaperChannels
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.tokens import TrackBatch
from motion_seg_ros.types import BoolArray, FloatArray

Arrays = dict[str, FloatArray | BoolArray]


def channel_counts(config: ModelConfig) -> tuple[int, int]:
    """Return the number of channels of a frame and of a track, which is 0 without any."""
    layout = _layout(config)
    per_track = layout.per_track + GEOMETRY_CHANNELS * config.geometry
    return layout.per_frame, per_track + config.feature_channels * (config.feature_place == "input")


def encode(batch: TrackBatch, config: ModelConfig) -> Arrays:
    """Return the inputs of the network, by the names of its arguments.

    Returns:
        frames: (B, T, N, C) float32.
        visible: (B, T, N) bool, True = may be attended to; False in padding.
        tracks: (B, N, C) float32; missing where there are no channels per track.
        features: (B, N, C) float32; missing where there are none, or where they are in `tracks`.

    Raises:
        ConfigError: the batch lacks an input, or has another length than the time MLP's.
    """
    _check(batch, config)
    frames, per_track = _layout(config)(batch)
    features = batch.features if config.feature_channels else None
    if config.geometry and batch.geometry is not None:
        per_track = [*per_track, batch.geometry]
    if config.feature_place == "input" and features is not None:
        per_track, features = [*per_track, features], None
    found: Arrays = {"frames": frames, "visible": batch.visible}
    if per_track:
        found["tracks"] = np.concatenate(per_track, axis=-1)
    if features is not None:
        found["features"] = features
    return found


def _layout(config: ModelConfig) -> PaperChannels | CompactChannels:
    if config.channels == "paper":
        return PaperChannels(config.tracks, config.depth, config.frequency_bands)
    return CompactChannels(
        config.tracks,
        config.depth,
        config.frequency_bands,
        config.raw,
        config.centred,
        config.to_newest,
    )


def _check(batch: TrackBatch, config: ModelConfig) -> None:
    length = batch.visible.shape[1]
    if config.motion_encoder == "time_mlp" and length != config.frames:
        raise ConfigError(
            f"track transformer: expected windows of {config.frames} frames, found {length}; "
            "collate to that length"
        )
    found = {"geometry": batch.geometry, "features": batch.features}
    expected = {
        "geometry": GEOMETRY_CHANNELS * config.geometry,
        "features": config.feature_channels,
    }
    for name, channels in expected.items():
        array = found[name]
        has = 0 if array is None else array.shape[-1]
        if channels and has != channels:
            raise ConfigError(
                f"track transformer: expected {channels} channels of {name}, found {has}; "
                "give it what its weights were trained with"
            )
