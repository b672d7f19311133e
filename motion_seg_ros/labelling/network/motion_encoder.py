"""Motion encoder: from the channels of each frame to one motion vector per track.

B windows, T frames, N tracks, d width, C channels.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion_seg_ros.labelling.network.attention import (
    Attention,
    feed_forward,
    open_rows,
    self_attention,
)


class TimeMlp(nn.Module):
    """Multi-layer perceptron over all frames of a track at once, without attention.

    Args:
        frames: T, fixed.
        per_frame: C of a frame.
        per_track: C of a track.
        width: d.
        layers: number of hidden layers, at least 1.
        dropout: after each layer.
    """

    def __init__(
        self, frames: int, per_frame: int, per_track: int, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [frames * per_frame + per_track, *[width] * layers]
        self.layers = nn.ModuleList(
            nn.Linear(before, after) for before, after in itertools.pairwise(widths)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, tracks: Tensor | None, visible: Tensor) -> Tensor:
        """Return (B, N, d); the arguments are those of AlternatingEncoder.forward."""
        x = frames.transpose(1, 2).flatten(2)  # (B, N, T C)
        x = x if tracks is None else torch.cat([x, tracks], dim=-1)
        for layer in self.layers:
            x = self.dropout(functional.gelu(layer(x)))
        return x


class AlternatingEncoder(nn.Module):
    """Spatio-Temporal Trajectory Attention: a transformer whose self-attentions alternate between
    the frames of a track and the tracks of a frame; then the maximum over time.

    Two layers project the channels to the width; a stack of encoder layers turns them into a
    memory, and a stack of decoder layers starts from the same input and attends to the memory of
    its track. Post-norm, ReLU. Source: the paper, section 3.1 and figure 3; its released network
    for the decoder stack.

    Args:
        per_frame: C of a frame.
        per_track: C of a track, mapped to the width by a layer of its own and added to all frames:
            the same as concatenating it to each frame's channels.
        width: d.
        heads: of all attentions.
        layers: in each of the two stacks.
        hidden: width inside the feed-forwards.
        dropout: of attention weights, feed-forwards and residuals.
        across_tracks: False removes attention over tracks.
        shared: attention over tracks uses the weights of that over time.
        masked_memory: attend to, and take the maximum over, frames only in which the track is
            visible. The paper's released network does not.
        inducing_tokens: of the attention over tracks; 0 = full attention.
    """

    def __init__(
        self,
        per_frame: int,
        per_track: int,
        *,
        width: int,
        heads: int,
        layers: int,
        hidden: int,
        dropout: float,
        across_tracks: bool = True,
        shared: bool = False,
        masked_memory: bool = True,
        inducing_tokens: int = 0,
    ) -> None:
        super().__init__()
        self.masked_memory = masked_memory
        self.project_frames = nn.Linear(per_frame, width)
        self.project_tracks = nn.Linear(per_track, width, bias=False) if per_track else None
        self.project = nn.Linear(width, width)

        def stack(with_memory: bool) -> nn.ModuleList:
            return nn.ModuleList(
                TrajectoryLayer(
                    width,
                    heads,
                    hidden,
                    dropout,
                    across_tracks=across_tracks,
                    shared=shared,
                    with_memory=with_memory,
                    inducing_tokens=inducing_tokens,
                )
                for _ in range(layers)
            )

        self.encoder = stack(with_memory=False)
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder = stack(with_memory=True)
        self.decoder_norm = nn.LayerNorm(width)

    def forward(self, frames: Tensor, tracks: Tensor | None, visible: Tensor) -> Tensor:
        """Return one vector per track, (B, N, d).

        Args:
            frames: (B, T, N, C) channels of each frame.
            tracks: (B, N, C) channels of each track, or None.
            visible: (B, T, N) bool, True = may be attended to; False in padding.
        """
        x = self.project_frames(frames)
        if self.project_tracks is not None and tracks is not None:
            x = x + self.project_tracks(tracks)[:, None]
        x = functional.relu(self.project(functional.relu(x)))
        over_time = open_rows(visible.transpose(1, 2))  # (B, N, T)
        over_tracks = open_rows(visible)  # (B, T, N)
        memory = x
        for layer in self.encoder:
            memory = layer(memory, over_time, over_tracks)
        memory = self.encoder_norm(memory)
        memory_mask = over_time if self.masked_memory else None
        for layer in self.decoder:
            x = layer(x, over_time, over_tracks, memory, memory_mask)
        x = self.decoder_norm(x)
        if self.masked_memory:
            x = x.masked_fill(~over_time.transpose(1, 2)[..., None], -torch.inf)
        pooled: Tensor = x.amax(dim=1)
        return pooled


class TrajectoryLayer(nn.Module):
    """Attention over time, over tracks, to the memory, and a feed-forward; each post-norm.

    The arguments are those of AlternatingEncoder.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        dropout: float,
        *,
        across_tracks: bool,
        shared: bool,
        with_memory: bool,
        inducing_tokens: int,
    ) -> None:
        super().__init__()
        self.time_attention = Attention(width, heads, dropout)
        self.time_norm = nn.LayerNorm(width)
        own = across_tracks and not shared
        self.track_attention = (
            self_attention(width, heads, dropout, inducing_tokens) if own else None
        )
        self.track_norm = nn.LayerNorm(width) if across_tracks else None
        self.memory_attention = Attention(width, heads, dropout) if with_memory else None
        self.memory_norm = nn.LayerNorm(width) if with_memory else None
        self.feed_forward = feed_forward(width, hidden, nn.ReLU(), dropout=dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        over_time: Tensor,
        over_tracks: Tensor,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        """Return (B, T, N, d).

        Args:
            x: (B, T, N, d), one vector per frame and track.
            over_time: (B, N, T) bool, frames that a track may attend to.
            over_tracks: (B, T, N) bool, tracks that may be attended to in a frame.
            memory: (B, T, N, d), or None.
            memory_mask: (B, N, T) bool, frames of its memory that a track may attend to; None: all.
        """
        windows, frames, tracks, width = x.shape

        def per_track(y: Tensor) -> Tensor:
            return y.transpose(1, 2).reshape(windows * tracks, frames, width)

        def per_window(y: Tensor) -> Tensor:
            return y.view(windows, tracks, frames, width).transpose(1, 2)

        attended = self.time_attention(per_track(x), None, over_time.flatten(0, 1))
        x = self.time_norm(x + self.dropout(per_window(attended)))
        if self.track_norm is not None:
            attention = self.track_attention or self.time_attention
            attended = attention(x.flatten(0, 1), key_mask=over_tracks.flatten(0, 1))
            x = self.track_norm(x + self.dropout(attended.view_as(x)))
        if self.memory_attention is not None and self.memory_norm is not None:
            if memory is None:
                raise ValueError("TrajectoryLayer: expected a memory, found none")
            mask = None if memory_mask is None else memory_mask.flatten(0, 1)
            attended = self.memory_attention(per_track(x), per_track(memory), mask)
            x = self.memory_norm(x + self.dropout(per_window(attended)))
        result: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return result
