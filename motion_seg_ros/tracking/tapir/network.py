"""TAPIR as published: the PyTorch port in https://github.com/google-deepmind/tapnet.

Only this module and `port` depend on the port. Positions here are in pixels of the network's square
input and in its convention: the corner of the first pixel, not its centre, is (0, 0).

Letters: T frames, N points, S side of the square input, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.networks.device import (
    autocast,
    cast_weights,
    find_device,
    find_dtype,
    to_device,
)
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.tracking.tapir.checkpoint import load_weights
from motion_seg_ros.tracking.tapir.chunks import PointChunks
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.tracking.tapir.port import load_port
from motion_seg_ros.types import BoolArray, FloatArray, UInt8Array

# Working memory in float32, from a profile of allocations: of a point in a frame for each cell of
# its cost volume, and then for its refinement; of a causal point in states of its size.
COST_VOLUME_BYTES_PER_CELL = 160
REFINEMENT_BYTES = 110_000
STATES = 3
STATE_BYTES_PER_POINT = 4 * 12 * 2 * (512 + 2048) * 4
"""983,040: 4 refinements x 12 blocks x 2 frames x (512 + 2048) channels x 4 bytes."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A network, and the module of the port that it is made with."""

    port: Any
    model: Any


@shared_while_used
def _load(
    weights: Path | None, resolution: int, causal: bool, device: torch.device, dtype: torch.dtype
) -> _Loaded:
    port = load_port(device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = port.TAPIR(
            pyramid_level=1, initial_resolution=(resolution, resolution), use_casual_conv=causal
        )
    if weights is not None:
        load_weights(model, weights)
    cast_weights(model, dtype)
    return _Loaded(port, model.to(device).eval().requires_grad_(False))


@dataclass(frozen=True, eq=False)
class FrameFeatures:
    """Features of one frame; 3 MB in float32 at S = 256.

    Attributes:
        coarse: (1, 1, S/8, S/8, 256).
        fine: (1, 1, S/4, S/4, 128).
    """

    coarse: Tensor
    fine: Tensor


@dataclass(frozen=True, eq=False)
class PointFeatures:
    """Features of points in their query frames.

    Attributes:
        coarse: (1, N, 256).
        fine: (1, N, 128).
    """

    coarse: Tensor
    fine: Tensor

    def __len__(self) -> int:
        return int(self.coarse.shape[1])

    def select(self, some: slice | BoolArray) -> PointFeatures:
        """Return the points at `some`."""
        rows = _rows(some, self.coarse.device)
        return PointFeatures(self.coarse[:, rows], self.fine[:, rows])

    def beside(self, others: PointFeatures) -> PointFeatures:
        """Append the points of `others`."""
        return PointFeatures(
            torch.cat((self.coarse, others.coarse), 1), torch.cat((self.fine, others.fine), 1)
        )


@dataclass(frozen=True, eq=False)
class CausalState:
    """Memory of the causal network's temporal convolutions: STATE_BYTES_PER_POINT for each point.

    Attributes:
        refinements: for each refinement the tensors (1, N, 2, C) by the port's names.
    """

    refinements: tuple[Mapping[str, Tensor], ...]

    def select(self, some: slice | BoolArray) -> CausalState:
        """Return the points at `some`."""
        rows = _rows(some, next(iter(self.refinements[0].values())).device)
        return CausalState(
            tuple({name: x[:, rows] for name, x in each.items()} for each in self.refinements)
        )

    @classmethod
    def joined(cls, states: Sequence[CausalState]) -> CausalState:
        """Concatenate the points of all states."""
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


class TapnetNetwork:
    """The published BootsTAPIR, or its causal variant (Vecerik et al., RoboTAP, ICRA 2024).

    Args:
        weights: file of the tensors, .pt or .safetensors; the files of the two variants cannot be
            distinguished. None: random, always the same.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype; of the calculation, under autocast.
        causal: load the causal variant.
        resolution: S in pixels, a multiple of 8.
        memory_budget_mb: working memory at most, not counting weights, features and states, and
            some 3 MB for each frame.

    Raises:
        ConfigError: no such device or dtype, or a resolution that is no multiple of 8.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: tapnet, or a package it needs, is not installed.
    """

    def __init__(
        self,
        weights: Path | None,
        *,
        device: str,
        dtype: str,
        causal: bool,
        resolution: int,
        memory_budget_mb: float,
    ) -> None:
        if resolution < 64 or resolution % 8:
            raise ConfigError(
                "tracking.tapir.resolution: expected a multiple of 8 from 64 pixels, "
                f"found {resolution}; the weights were trained at 256"
            )
        self._device = find_device(device)
        self._dtype = find_dtype(dtype, self._device)
        self._side = resolution
        self._loaded = _load(weights, resolution, causal, self._device, self._dtype)
        self._port, self._model = self._loaded.port, self._loaded.model
        self._chunks = PointChunks(memory_budget_mb)
        cost_volume_bytes = (resolution // 8) ** 2 * COST_VOLUME_BYTES_PER_CELL
        self._bytes_per_point = max(cost_volume_bytes, REFINEMENT_BYTES)  # in one frame

    @property
    def side(self) -> int:
        """Side S of the network's input in pixels."""
        return self._side

    @property
    def model(self) -> torch.nn.Module:
        """Network of the port, which takes whole clips; to be run under autocast."""
        model: torch.nn.Module = self._model
        return model

    def encode(self, image_bgr: UInt8Array) -> FrameFeatures:
        """Compute the features of an image (H, W, 3), which is stretched to the square."""
        square = cv2.resize(image_bgr, (self._side, self._side), interpolation=cv2.INTER_AREA)
        rgb = to_device(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), self._device)
        video = rgb[None, None].float() / 255 * 2 - 1  # (1, 1, S, S, 3)

        def work(_: slice) -> FrameFeatures:
            with torch.inference_mode(), autocast(self._device, self._dtype):
                features = self._model.get_feature_grids(video, is_training=False)
            return FrameFeatures(features.lowres[0], features.hires[0])

        return self._chunks.run(1, 1, work)[0]

    def describe(self, frame: FrameFeatures, xy: FloatArray) -> PointFeatures:
        """Compute the features of points `xy` (N, 2) of a frame."""
        query = np.column_stack((np.zeros(len(xy), np.float32), xy[:, ::-1]))  # t, y, x
        shape_only = torch.empty((1, 1, self._side, self._side, 3), device="meta")
        with torch.inference_mode(), autocast(self._device, self._dtype):
            features = self._model.get_query_features(
                shape_only,
                is_training=False,
                query_points=self._tensor(query)[None],
                feature_grids=self._feature_grids([frame]),
            )
        return PointFeatures(features.lowres[0], features.hires[0])

    def estimate(
        self, frames: Sequence[FrameFeatures], points: PointFeatures, query_txy: FloatArray
    ) -> Estimates:
        """Locate points in T consecutive frames, each by means of all of them.

        Args:
            frames: oldest first.
            points: N points.
            query_txy: (N, 3) index into `frames` of each point's query frame, and its position
                there; an index below 0: in none of them.
        """
        grids = self._feature_grids(frames)
        query = self._tensor(query_txy[:, [0, 2, 1]])[None]  # t, y, x

        def work(some: slice) -> Tensor:
            return self._run(grids, points.select(some), query_points_in_video=query[:, some])[0]

        parts = self._chunks.run(len(points), self._bytes_per_point * len(frames), work)
        return _estimates(parts, len(frames))

    def start(self, count: int) -> CausalState:
        """Return the memory of `count` points that have not been followed yet."""
        # The port gives the same dictionary for every refinement, on the CPU: of all points that
        # would be a gigabyte to copy, so one point's goes to the device, and is repeated there.
        one = self._model.construct_initial_causal_state(1, 1)
        state = {
            name: to_device(x, self._device).repeat(1, count, 1, 1) for name, x in one[0].items()
        }
        return CausalState((state,) * len(one))

    def step(
        self, frame: FrameFeatures, points: PointFeatures, state: CausalState
    ) -> tuple[Estimates, CausalState]:
        """Locate points in the next frame (T = 1) by the causal variant, and update the memory."""
        grids = self._feature_grids([frame])

        def work(some: slice) -> tuple[Tensor, CausalState]:
            context = [dict(each) for each in state.select(some).refinements]
            values, after = self._run(
                grids,
                points.select(some),
                query_points_in_video=None,
                causal_context=context,
                get_causal_context=True,
            )
            return values, CausalState(tuple(after))

        parts = self._chunks.run(
            len(points), self._bytes_per_point + STATES * STATE_BYTES_PER_POINT, work
        )
        estimates = _estimates([values for values, _ in parts], 1)
        return estimates, CausalState.joined([after for _, after in parts])

    def _run(
        self, grids: Any, points: PointFeatures, **arguments: object
    ) -> tuple[Tensor, Sequence[Mapping[str, Tensor]]]:
        """Return x, y and the logits of occlusion and expected distance of the points (N, T, 4),
        and the causal context where the arguments ask for it."""
        pair = (self._side, self._side)
        features = self._port.QueryFeatures(
            (points.coarse,) * 2, (points.fine,) * 2, grids.resolutions
        )
        with (
            torch.inference_mode(),
            autocast(self._device, self._dtype),
            torch.random.fork_rng(devices=[]),  # the port shuffles the points
        ):
            torch.default_generator.manual_seed(0)
            found = self._model.estimate_trajectories(
                pair,
                is_training=False,
                feature_grids=grids,
                query_features=features,
                query_chunk_size=len(points),
                **arguments,
            )
        logits = torch.stack((found["occlusion"][-1][0], found["expected_dist"][-1][0]), -1)
        values = torch.cat((found["tracks"][-1][0].float(), logits.float()), -1)
        return values, found.get("causal_context", ())

    def _feature_grids(self, frames: Sequence[FrameFeatures]) -> Any:
        """Return the port's form of features: for the first guess and for its refinement, which
        share a resolution."""
        coarse = torch.cat([frame.coarse for frame in frames], 1)
        fine = torch.cat([frame.fine for frame in frames], 1)
        pair = (self._side, self._side)
        return self._port.FeatureGrids((coarse,) * 2, (fine,) * 2, (pair,) * 2)

    def _tensor(self, array: FloatArray) -> Tensor:
        return to_device(np.ascontiguousarray(array, np.float32), self._device)


def _estimates(parts: Sequence[Tensor], frames: int) -> Estimates:
    """Join parts (N, T, 4) of one set of points, fetched from the device at once."""
    if not parts:
        return Estimates.unknown(frames, 0)
    values = torch.cat(list(parts)).transpose(0, 1).cpu().numpy()
    return Estimates(values[..., :2], values[..., 2], values[..., 3])
