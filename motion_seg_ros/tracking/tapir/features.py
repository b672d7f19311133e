"""What the stream needs of a TAPIR network, and what such a network keeps of frames and points.

Positions here are in pixels of the network's square input and in its convention: the corner of the
first pixel, not its centre, is (0, 0).

Letters: T frames, N points, S side of the square input, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from motion_seg_ros.networks.device import to_device
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.types import BoolArray, FloatArray, UInt8Array

STATE_BYTES_PER_POINT = 4 * 12 * 2 * (512 + 2048) * 4
"""983,040: 4 refinements x 12 blocks x 2 frames x (512 + 2048) channels x 4 bytes."""


@dataclass(frozen=True, eq=False)
class FrameFeatures:
    """What the network makes of one frame; at S = 256 3 MB in float32.

    Attributes:
        coarse: (1, 1, S/8, S/8, 256).
        fine: (1, 1, S/4, S/4, 128).
    """

    coarse: Tensor
    fine: Tensor


@dataclass(frozen=True, eq=False)
class PointFeatures:
    """What points look like in their query frames.

    Attributes:
        coarse: (1, N, 256).
        fine: (1, N, 128).
    """

    coarse: Tensor
    fine: Tensor

    def __len__(self) -> int:
        return int(self.coarse.shape[1])

    def select(self, some: slice | BoolArray) -> PointFeatures:
        """The points at `some`."""
        rows = _rows(some, self.coarse.device)
        return PointFeatures(self.coarse[:, rows], self.fine[:, rows])

    def beside(self, others: PointFeatures) -> PointFeatures:
        """These points, and after them `others`."""
        return PointFeatures(
            torch.cat((self.coarse, others.coarse), 1), torch.cat((self.fine, others.fine), 1)
        )


@dataclass(frozen=True, eq=False)
class CausalState:
    """The memory of the causal network's temporal convolutions: STATE_BYTES_PER_POINT a point.

    Attributes:
        refinements: for each refinement the tensors (1, N, 2, C) by the port's names.
    """

    refinements: tuple[Mapping[str, Tensor], ...]

    def select(self, some: slice | BoolArray) -> CausalState:
        """The points at `some`."""
        rows = _rows(some, next(iter(self.refinements[0].values())).device)
        return CausalState(
            tuple({name: x[:, rows] for name, x in each.items()} for each in self.refinements)
        )

    @classmethod
    def joined(cls, states: Sequence[CausalState]) -> CausalState:
        """The points of all states, in order."""
        if len(states) == 1:
            return states[0]
        return cls(
            tuple(
                {name: torch.cat([each[name] for each in same], 1) for name in same[0]}
                for same in zip(*(state.refinements for state in states), strict=True)
            )
        )


def _rows(some: slice | BoolArray, device: torch.device) -> slice | Tensor:
    return some if isinstance(some, slice) else to_device(np.flatnonzero(some), device)


class TapirNetwork(Protocol):
    """What following points takes."""

    @property
    def side(self) -> int:
        """S."""
        ...

    def encode(self, image_bgr: UInt8Array) -> FrameFeatures:
        """Features of an image (H, W, 3), which is stretched to the square."""
        ...

    def describe(self, frame: FrameFeatures, xy: FloatArray) -> PointFeatures:
        """Features of points `xy` (N, 2) of a frame."""
        ...

    def estimate(
        self, frames: Sequence[FrameFeatures], points: PointFeatures, query_txy: FloatArray
    ) -> Estimates:
        """Where points are in T consecutive frames; each frame's answer rests on all of them.

        Args:
            frames: oldest first.
            points: N points.
            query_txy: (N, 3) index into `frames` of each point's query frame, and where it is
                there; an index below 0: in none of them.
        """
        ...

    def start(self, count: int) -> CausalState:
        """The memory of `count` points that have not been followed yet."""
        ...

    def step(
        self, frame: FrameFeatures, points: PointFeatures, state: CausalState
    ) -> tuple[Estimates, CausalState]:
        """Where points are in the next frame (T = 1), and the memory after it; causal only."""
        ...
