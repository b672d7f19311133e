"""Tracks decoder: from one motion vector to one logit per track, by attention between the tracks.

Appearance features may join in the Motion-Semantic Decoupled Embedding: they are concatenated in
the feed-forwards, so that attention is first computed from motion alone. B windows, N tracks, d
width, C channels of features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motion_seg_ros.labelling.network.attention import Attention, feed_forward, self_attention


def with_features(x: Tensor, features: Tensor | None) -> Tensor:
    """Concatenate x (..., d) with `features` (..., C), if there are any."""
    return x if features is None else torch.cat([x, features], dim=-1)


class PostNormBlock(nn.Module):
    """Block of the paper's figure 9: self-attention over tracks, attention to a memory in decoder
    blocks, then a feed-forward, which also takes the features in encoder blocks. Post-norm.

    Args:
        width: d.
        heads: of all attentions.
        hidden: width inside the feed-forward.
        features: C, or 0.
        dropout: of attention weights and residuals.
        inducing_tokens: of the self-attention; 0 = full.
        with_memory: True in decoder blocks.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        features: int,
        dropout: float,
        inducing_tokens: int,
        *,
        with_memory: bool,
    ) -> None:
        super().__init__()
        self.attention = self_attention(width, heads, dropout, inducing_tokens)
        self.attention_norm = nn.LayerNorm(width)
        self.memory_attention = Attention(width, heads, dropout) if with_memory else None
        self.memory_norm = nn.LayerNorm(width) if with_memory else nn.Identity()
        self.feed_forward = feed_forward(width, hidden, nn.ReLU(), extra=features)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        key_mask: Tensor | None,
        *,
        features: Tensor | None = None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """Return (B, N, d) from x (B, N, d), key_mask (B, N) bool, features (B, N, C) and memory
        (B, N, d)."""
        x = self.attention_norm(x + self.dropout(self.attention(x, key_mask=key_mask)))
        if self.memory_attention is not None:
            x = self.memory_norm(x + self.dropout(self.memory_attention(x, memory, key_mask)))
        fed = self.feed_forward(with_features(x, features))
        result: Tensor = self.feed_forward_norm(x + self.dropout(fed))
        return result


class EncoderDecoder(nn.Module):
    """Tracks decoder of the paper (section 3.2, figure 9).

    Args:
        motion: width of the motion vectors.
        width: d.
        heads: of all attentions.
        layers: number of encoder blocks, and of decoder blocks.
        hidden: width inside the feed-forwards.
        features: C of the features in the feed-forwards of the encoder blocks, or 0.
        dropout: of attention weights and residuals.
        inducing_tokens: of the self-attentions; 0 = full.
    """

    def __init__(
        self,
        motion: int,
        *,
        width: int,
        heads: int,
        layers: int,
        hidden: int,
        features: int,
        dropout: float,
        inducing_tokens: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(motion, width)

        def stack(channels: int, with_memory: bool) -> nn.ModuleList:
            sizes = width, heads, hidden, channels, dropout, inducing_tokens
            return nn.ModuleList(
                PostNormBlock(*sizes, with_memory=with_memory) for _ in range(layers)
            )

        self.encoder = stack(features, with_memory=False)
        self.decoder = stack(0, with_memory=True)
        self.head = nn.Linear(width, 1)

    def forward(self, motion: Tensor, features: Tensor | None, seen: Tensor | None) -> Tensor:
        """Return logits (B, N).

        Args:
            motion: (B, N, motion).
            features: (B, N, C), or None if C is 0.
            seen: (B, N) bool, tracks that count, at least one in each row; None: all.
        """
        x = self.embedding(motion)
        memory = x
        for block in self.encoder:
            memory = block(memory, seen, features=features)
        for block in self.decoder:
            x = block(x, seen, memory=memory)
        logits: Tensor = self.head(x).squeeze(-1)
        return logits


class PlainBlock(nn.Module):
    """Pre-norm self-attention over tracks and a feed-forward that also takes the features.

    The arguments are those of PostNormBlock.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        features: int,
        dropout: float,
        inducing_tokens: int,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = self_attention(width, heads, dropout, inducing_tokens)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width, hidden, nn.GELU(), extra=features)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, features: Tensor | None, key_mask: Tensor | None) -> Tensor:
        """Return (B, N, d) from x (B, N, d), features (B, N, C), key_mask (B, N) bool."""
        attended = self.attention(self.attention_norm(x), key_mask=key_mask)
        x = x + self.dropout(attended)
        fed = self.feed_forward(with_features(self.feed_forward_norm(x), features))
        result: Tensor = x + self.dropout(fed)
        return result


class PlainDecoder(nn.Module):
    """Single stack of pre-norm blocks, at half the cost of EncoderDecoder of the same depth.

    The arguments are those of EncoderDecoder.
    """

    def __init__(
        self,
        motion: int,
        *,
        width: int,
        heads: int,
        layers: int,
        hidden: int,
        features: int,
        dropout: float,
        inducing_tokens: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(motion, width)
        self.blocks = nn.ModuleList(
            PlainBlock(width, heads, hidden, features, dropout, inducing_tokens)
            for _ in range(layers)
        )
        self.head = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1)
        )

    def forward(self, motion: Tensor, features: Tensor | None, seen: Tensor | None) -> Tensor:
        """Return logits (B, N); the arguments are those of EncoderDecoder.forward."""
        x = self.embedding(motion)
        for block in self.blocks:
            x = block(x, features, seen)
        logits: Tensor = self.head(x).squeeze(-1)
        return logits
