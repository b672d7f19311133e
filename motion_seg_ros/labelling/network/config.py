"""Configuration of a track transformer: inputs, layout and sizes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.settings.declaration import Value, hint, setting, settings

MODEL_KEY = "track_transformer"  # of the metadata of weights: the configuration as JSON


@dataclass(frozen=True)
class ModelConfig:
    """Inputs, layout and sizes of a TrackTransformer; the defaults are those of `lite`.

    Raises:
        ConfigError: a value out of range, or settings that contradict each other.
    """

    channels: str = setting(
        "compact",
        "input channels: the paper's, or fewer ones free of the image's resolution",
        choices=("compact", "paper"),
    )
    tracks: bool = setting(True, "take positions, motions, visibility and confidence")
    depth: bool = setting(False, "take depth at the tracks")
    geometry: bool = setting(True, "take what the camera's motion implies of each track")
    raw: bool = setting(True, "compact: take displacements to the next frame")
    centred: bool = setting(True, "compact: take them less their median, and the median")
    to_newest: bool = setting(False, "compact: take displacements to the newest frame")
    frequency_bands: int = setting(
        4, "of the position's embedding; 0 = none", minimum=0, maximum=16
    )
    feature_channels: int = setting(
        0, "appearance channels per track; 0 = none", minimum=0, maximum=65536
    )
    features_at: str = setting(
        "feed_forward",
        "where features join: the feed-forwards of the tracks decoder, its input, or the motion "
        "encoder's input",
        choices=("feed_forward", "embedding", "input"),
    )
    frames: int = setting(16, "frames of a window", minimum=2, maximum=256)
    motion_encoder: str = setting(
        "time_mlp",
        "per track: a perceptron over all frames, or alternating attention",
        choices=("time_mlp", "alternating"),
    )
    spatio_temporal: bool = setting(
        True, "alternating attention: over tracks too, not over time only"
    )
    encoder_width: int = setting(256, "width of the motion encoder", minimum=1, maximum=4096)
    encoder_heads: int = setting(4, "of alternating attention", minimum=1, maximum=64)
    encoder_layers: int = setting(
        1, "hidden layers of the perceptron, or layers of each stack", minimum=1, maximum=32
    )
    encoder_hidden: int = setting(
        64, "width inside the feed-forwards of alternating attention", minimum=1, maximum=16384
    )
    tracks_decoder: str = setting(
        "plain",
        "between tracks: one stack of self-attention, or the paper's encoder and decoder blocks",
        choices=("plain", "encoder_decoder"),
    )
    decoder_width: int = setting(96, "width of the tracks decoder", minimum=1, maximum=4096)
    decoder_heads: int = setting(4, "of its attentions", minimum=1, maximum=64)
    decoder_layers: int = setting(4, "blocks of each stack", minimum=1, maximum=32)
    decoder_hidden: int = setting(192, "width inside its feed-forwards", minimum=1, maximum=16384)
    inducing_tokens: int = setting(
        0,
        "attend over tracks through this many learned tokens; 0 = every track to every other",
        minimum=0,
        maximum=4096,
    )
    dropout: float = setting(0.0, "share dropped in training", minimum=0.0, maximum=0.9)

    def __post_init__(self) -> None:
        for each in settings(type(self)):
            each.check(getattr(self, each.name))
        paper_only = self.channels == "paper"
        for wrong, complaint in (
            (not self.tracks and not self.depth, "tracks, depth: expected one of them, found none"),
            (
                self.geometry and not self.tracks,
                "geometry: expected false without tracks, found true",
            ),
            (
                paper_only and (self.raw or self.centred or self.to_newest),
                "raw, centred, to_newest: expected false with channels = paper, found true",
            ),
            (
                not self.spatio_temporal and self.motion_encoder == "time_mlp",
                "spatio_temporal: expected true with motion_encoder = time_mlp, found false",
            ),
            (
                self.motion_encoder == "alternating" and self.encoder_width % self.encoder_heads,
                f"encoder_width: expected a multiple of {self.encoder_heads} heads, found "
                f"{self.encoder_width}",
            ),
            (
                self.decoder_width % self.decoder_heads,
                f"decoder_width: expected a multiple of {self.decoder_heads} heads, found "
                f"{self.decoder_width}",
            ),
        ):
            if wrong:
                raise ConfigError(complaint)

    @property
    def feature_place(self) -> str:
        """Place where features join: features_at, or "none" without features."""
        return self.features_at if self.feature_channels else "none"

    @classmethod
    def lite(cls, **changes: Any) -> ModelConfig:
        """Return the configuration of a small network for a CPU, with `changes`."""
        return cls(**changes)

    @classmethod
    def paper(cls, **changes: Any) -> ModelConfig:
        """Return the paper's layout and sizes, with DINOv2 features and depth, with `changes`."""
        values: dict[str, Any] = {
            "channels": "paper",
            "depth": True,
            "geometry": False,
            "raw": False,
            "centred": False,
            "frequency_bands": 10,
            "feature_channels": 768,
            "motion_encoder": "alternating",
            "encoder_width": 16,
            "encoder_layers": 2,
            "tracks_decoder": "encoder_decoder",
            "decoder_width": 128,
            "decoder_heads": 8,
            "decoder_hidden": 512,
            "dropout": 0.1,
        }
        return cls(**{**values, **changes})

    def to_dict(self) -> dict[str, Value]:
        """Return every setting by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> ModelConfig:
        """Return the configuration of to_dict; settings not named keep their defaults.

        Raises:
            ConfigError: an unknown name, or a value as for the class.
        """
        known = {each.name: each for each in settings(cls)}
        for name in values:
            if name not in known:
                raise ConfigError(f"model.{name}: no such setting; {hint(name, known)}")
        checked = {name: known[name].check(value) for name, value in values.items()}
        return cls(**checked)  # type: ignore[arg-type]

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> ModelConfig:
        """Return the configuration that weights were trained with.

        Args:
            metadata: of the weights in `path`.
            path: for the message.

        Raises:
            InputError: there is none in it, or it is not of this version of the package.
        """
        if MODEL_KEY not in metadata:
            raise InputError(
                f"{path}: expected weights of a track transformer, found a file without "
                f"'{MODEL_KEY}' in its metadata; name a file made by training"
            )
        try:
            values = json.loads(metadata[MODEL_KEY])
            if not isinstance(values, dict):
                raise ConfigError(f"{type(values).__name__} instead of settings")
            return cls.from_dict(values)
        except (ValueError, ConfigError) as error:
            raise InputError(
                f"{path}: expected the configuration of a track transformer, found: {error}; "
                "use the version of this package that made it"
            ) from error
