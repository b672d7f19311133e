"""TAPIR as published: the PyTorch port in https://github.com/google-deepmind/tapnet.

Only this module and tapir_port know the port. Letters: T frames, N points, S side of the square
input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from motion_seg_ros.tracking.tapir.checkpoint import load_weights
from motion_seg_ros.tracking.tapir.chunks import PointChunks
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.tracking.tapir.features import (
    STATE_BYTES_PER_POINT,
    CausalState,
    FrameFeatures,
    PointFeatures,
)
from motion_seg_ros.tracking.tapir.port import load_port
from motion_seg_ros.types import FloatArray, UInt8Array

# Working memory in float32, which a profile of the allocations gave: of a point in a frame for each
# cell of its cost volume, and then for its refinement; of a causal point in states of its size.
COST_VOLUME_BYTES_PER_CELL = 160
REFINEMENT_BYTES = 110_000
STATES = 3


class TapnetNetwork:
    """The published BootsTAPIR, or its causal variant (Vecerik et al., RoboTAP, ICRA 2024).

    Args:
        weights: file of the tensors, .pt or .safetensors. The two variants' files cannot be told
            apart. None: random, always the same.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype; of the calculation, under autocast.
        causal: the variant.
        resolution: S in pixels, a multiple of 8.
        memory_budget_mb: working memory at most, beside weights, features and states, and beside
            some 3 MB for each frame looked at.

    Raises:
        ConfigError: no such device or dtype, or a resolution that is no multiple of 8.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: tapnet, or a package it needs, is not installed.
    """

    def __init__(
        self,
        weights: Path | None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        causal: bool = False,
        resolution: int = 256,
        memory_budget_mb: float = 1024,
    ) -> None:
        if resolution < 64 or resolution % 8:
            raise ConfigError(
                "tracking.tapir.resolution: expected a multiple of 8 from 64 pixels, "
                f"found {resolution}; the weights were trained at 256"
            )
        self._device = find_device(device)
        self._dtype = find_dtype(dtype, self._device)
        self._side = resolution
        self._port = load_port(self._device)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model = self._port.TAPIR(
                pyramid_level=1,
                initial_resolution=(resolution, resolution),
                use_casual_conv=causal,
            )
        if weights is not None:
            load_weights(model, weights)
        cast_weights(model, self._dtype)
        self._model = model.to(self._device).eval().requires_grad_(False)
        self._chunks = PointChunks(memory_budget_mb)
        cost_volume_bytes = (resolution // 8) ** 2 * COST_VOLUME_BYTES_PER_CELL
        self._bytes_per_point = max(cost_volume_bytes, REFINEMENT_BYTES)  # in one frame

    @property
    def side(self) -> int:
        """See TapirNetwork."""
        return self._side

    @property
    def model(self) -> torch.nn.Module:
        """The port's own network, which takes whole clips; to be run under autocast."""
        model: torch.nn.Module = self._model
        return model

    def encode(self, image_bgr: UInt8Array) -> FrameFeatures:
        """See TapirNetwork."""
        square = cv2.resize(image_bgr, (self._side, self._side), interpolation=cv2.INTER_AREA)
        rgb = to_device(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), self._device)
        video = rgb[None, None].float() / 255 * 2 - 1  # (1, 1, S, S, 3)

        def work(_: slice) -> FrameFeatures:
            with torch.inference_mode(), autocast(self._device, self._dtype):
                features = self._model.get_feature_grids(video, is_training=False)
            return FrameFeatures(features.lowres[0], features.hires[0])

        return self._chunks.run(1, 1, work)[0]

    def describe(self, frame: FrameFeatures, xy: FloatArray) -> PointFeatures:
        """See TapirNetwork."""
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
        """See TapirNetwork."""
        grids = self._feature_grids(frames)
        query = self._tensor(query_txy[:, [0, 2, 1]])[None]  # t, y, x

        def work(some: slice) -> Tensor:
            return self._run(grids, points.select(some), query_points_in_video=query[:, some])[0]

        parts = self._chunks.run(len(points), self._bytes_per_point * len(frames), work)
        return _estimates(parts, len(frames))

    def start(self, count: int) -> CausalState:
        """See TapirNetwork."""
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
        """See TapirNetwork."""
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
        """(N, T, 4) x, y and the logits of occlusion and expected distance of the points; and the
        causal context where that is asked for."""
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
        """The port's form: for the first guess and for its refinement, which share a resolution."""
        coarse = torch.cat([frame.coarse for frame in frames], 1)
        fine = torch.cat([frame.fine for frame in frames], 1)
        pair = (self._side, self._side)
        return self._port.FeatureGrids((coarse,) * 2, (fine,) * 2, (pair,) * 2)

    def _tensor(self, array: FloatArray) -> Tensor:
        return to_device(np.ascontiguousarray(array, np.float32), self._device)


def _estimates(parts: Sequence[Tensor], frames: int) -> Estimates:
    """Parts (N, T, 4) of one set of points, fetched from the device at once."""
    if not parts:
        return Estimates.unknown(frames, 0)
    values = torch.cat(list(parts)).transpose(0, 1).cpu().numpy()
    return Estimates(values[..., :2], values[..., 2], values[..., 3])
