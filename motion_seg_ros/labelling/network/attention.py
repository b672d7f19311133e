"""Attention and feed-forward blocks of the track transformer.

B sequences of a batch, L queries, S keys, d width, h heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_SEQUENCES = 65535
"""Limit of sequences in one call: CUDA's attention kernels fail beyond, and time attention has one
sequence for each track. See https://github.com/pytorch/pytorch/issues/142228."""


def open_rows(mask: Tensor) -> Tensor:
    """Set rows of `mask` (..., S) bool that are all False to True: a softmax needs a key."""
    opened: Tensor = mask | ~mask.any(dim=-1, keepdim=True)
    return opened


class Attention(nn.Module):
    """Multi-head attention of a sequence to itself or to a memory.

    Source: Vaswani et al., Attention Is All You Need, section 3.2. Queries apart from keys and
    values are plain linear layers, so that dynamic quantization reaches all of them.

    Args:
        width: d, a multiple of `heads`.
        heads: h.
        dropout: share of the attention weights dropped in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, key_mask: Tensor | None = None
    ) -> Tensor:
        """Return (B, L, d).

        Args:
            x: queries, (B, L, d).
            memory: keys and values, (B, S, d); None: `x`.
            key_mask: (B, S) bool, True = may be attended to; at least one in each row.
        """
        memory = x if memory is None else memory
        query = self._split(self.query(x))
        key, value = (self._split(part) for part in self.key_value(memory).chunk(2, dim=-1))

        def attend(some: slice) -> Tensor:
            return functional.scaled_dot_product_attention(
                query[some],
                key[some],
                value[some],
                attn_mask=None if key_mask is None else key_mask[some, None, None],
                dropout_p=self.dropout if self.training else 0.0,
            )

        if x.shape[0] <= MAX_SEQUENCES:  # not len(), which torch.export takes for constant
            attended = attend(slice(None))  # (B, h, L, d / h)
        else:
            starts = range(0, len(x), MAX_SEQUENCES)
            attended = torch.cat([attend(slice(each, each + MAX_SEQUENCES)) for each in starts])
        result: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return result

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, h, L, d / h)


class InducedAttention(nn.Module):
    """Self-attention through a few learned inducing tokens: O(S M) instead of O(S^2).

    Source: Lee et al., Set Transformer, section 3.1 (induced set attention block); the feed-forward
    on the M inducing tokens is left out.

    Args:
        width: d, a multiple of `heads`.
        heads: h.
        dropout: share of the attention weights dropped in training.
        tokens: M.
    """

    def __init__(self, width: int, heads: int, dropout: float, tokens: int) -> None:
        super().__init__()
        self.inducing = nn.Parameter(torch.randn(tokens, width) * width**-0.5)
        self.gather = Attention(width, heads, dropout)
        self.norm = nn.LayerNorm(width)
        self.spread = Attention(width, heads, dropout)

    def forward(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Return (B, S, d) from x (B, S, d); key_mask as in Attention."""
        inducing = self.inducing.expand(x.shape[0], -1, -1)  # (B, M, d)
        gathered = self.norm(inducing + self.gather(inducing, x, key_mask))
        result: Tensor = self.spread(x, gathered)
        return result


def self_attention(
    width: int, heads: int, dropout: float, inducing_tokens: int
) -> Attention | InducedAttention:
    """Make full self-attention, or attention through inducing tokens if their number is not 0."""
    if inducing_tokens:
        return InducedAttention(width, heads, dropout, inducing_tokens)
    return Attention(width, heads, dropout)


def feed_forward(
    width: int, hidden: int, activation: nn.Module, *, dropout: float = 0.0, extra: int = 0
) -> nn.Sequential:
    """Make two linear layers, width + extra -> hidden -> width.

    Args:
        width: of input and output.
        hidden: width between the layers.
        activation: between the layers.
        dropout: after the activation.
        extra: channels concatenated to the input.
    """
    return nn.Sequential(
        nn.Linear(width + extra, hidden), activation, nn.Dropout(dropout), nn.Linear(hidden, width)
    )
