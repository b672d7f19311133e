"""Track transformer: labels long-range tracks as moving in the world or static.

Source: Segment Any Motion in Videos, sections 3.1 and 3.2 (https://motion-seg.github.io/). Layout,
inputs and sizes are configuration: ModelConfig.paper() is the paper's, ModelConfig.lite() is small
enough for an embedded CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motion_seg_ros.labelling.network.attention import open_rows
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.encoding import channel_counts
from motion_seg_ros.labelling.network.motion_encoder import AlternatingEncoder, TimeMlp
from motion_seg_ros.labelling.network.tracks_decoder import EncoderDecoder, PlainDecoder


class TrackTransformer(nn.Module):
    """Network: channels of the tracks (see labelling.network.encoding) -> motion encoder -> tracks
    decoder -> one logit per track.

    Permutation-equivariant over tracks; neither padding nor tracks that are never visible change
    the others. Their own logits are finite but meaningless.

    Args:
        config: layout, inputs and sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        at = config.feature_place
        features = config.feature_channels
        self.motion_encoder = _motion_encoder(config, *channel_counts(config))
        decoder = PlainDecoder if config.tracks_decoder == "plain" else EncoderDecoder
        self.tracks_decoder = decoder(
            config.encoder_width + features * (at == "embedding"),
            width=config.decoder_width,
            heads=config.decoder_heads,
            layers=config.decoder_layers,
            hidden=config.decoder_hidden,
            features=features * (at == "feed_forward"),
            dropout=config.dropout,
            inducing_tokens=config.inducing_tokens,
        )

    def forward(
        self,
        frames: Tensor,
        visible: Tensor,
        tracks: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Return the log-odds (B, N) float32 that each track moves.

        Args:
            frames, visible, tracks, features: see
                motion_seg_ros.labelling.network.encoding.encode.
        """
        dtype = next(self.parameters()).dtype
        features = None if features is None else features.to(dtype)
        tracks = None if tracks is None else tracks.to(dtype)
        motion = self.motion_encoder(frames.to(dtype), tracks, visible)
        at_embedding = self.config.feature_place == "embedding"
        if at_embedding and features is not None:
            motion = torch.cat([motion, features], dim=-1)
        seen = open_rows(visible.any(dim=1))  # (B, N), padding never is
        logits: Tensor = self.tracks_decoder(motion, None if at_embedding else features, seen)
        return logits.float()


def _motion_encoder(
    config: ModelConfig, per_frame: int, per_track: int
) -> TimeMlp | AlternatingEncoder:
    if config.motion_encoder == "time_mlp":
        return TimeMlp(
            config.frames,
            per_frame,
            per_track,
            config.encoder_width,
            config.encoder_layers,
            config.dropout,
        )
    return AlternatingEncoder(
        per_frame,
        per_track,
        width=config.encoder_width,
        heads=config.encoder_heads,
        layers=config.encoder_layers,
        hidden=config.encoder_hidden,
        dropout=config.dropout,
        across_tracks=config.spatio_temporal,
        inducing_tokens=config.inducing_tokens,
    )
