"""The schedule of the paper's authors with the networks of this pipeline, to compare speed.

A clip is processed as a whole and from scratch, in the order and with the repetitions of the code
released with the paper (https://github.com/nnanhuang/SegAnyMo, commit 4523e8f). What is counted:

- tracking: a grid of at least 9,000 points in every tenth frame; for each 128 of them the tracking
  network is run on the whole clip, its features of the frames included.
- depth: every frame by itself, at 518 pixels of its shorter side, stretched to the image.
- features: the frames in which points were started, at the image's size with patches every 7
  pixels; the keys of the last block at the points.
- labelling: the authors' track network, once, on the share of the points that is one over the
  number of such frames, and on 5,000 at most; its inputs are prepared as theirs are.
- masks: one click for each object to group its tracks, in a frame whose features are worked out
  for it; then each object by itself, from the middle frame to the last and from there to the
  first, clicked every 16 frames; the features of each frame are worked out anew for each object.

Not counted, in favour of the authors: reading and writing files between the steps, loading
networks, all further clicks of the grouping, the second clicks of objects that the first one
missed, and merging. The networks are those given, in the numbers given; theirs are larger (Depth
Anything V2 Large, DINOv2 Base, SAM 2 Large), and all but SAM 2 calculate in float32.

T frames, N points, S side of the tracking network's square.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from motion_seg_ros.depth.depth_anything import DepthAnythingDepth
from motion_seg_ros.features.dino import DinoFeatures
from motion_seg_ros.lab.benchmark.full_profile import OfficialSettings
from motion_seg_ros.lab.benchmark.machine_floor import synchronise
from motion_seg_ros.labelling.official.network import (
    DINO_CHANNELS,
    OfficialInputs,
    OfficialTrackNetwork,
    official_moving,
    prepare_depth,
    prepare_position,
    prepare_visibility,
)
from motion_seg_ros.masks.sam2.network import Sam2Network
from motion_seg_ros.networks.device import autocast
from motion_seg_ros.tracking.tapir.network import TapnetNetwork
from motion_seg_ros.types import FloatArray, Frame, Int64Array, Tracks
from motion_seg_ros.window import Window

CHUNK_POINTS = 128
STAGES = ("tracking", "depth", "features", "labelling", "masks")


@dataclass(frozen=True)
class OfficialNetworks:
    """Networks of a run.

    Attributes:
        tracker: not a causal one; None: points stay where they are, at no cost.
        depth: of frames at the authors' size; None: no depth, at no cost.
        features: of the authors' variant; None: likewise.
        labeller: on `device`.
        masks: follows objects.
        device: where all of them are.
        dtype: that they calculate in, under autocast.
    """

    tracker: TapnetNetwork | None
    depth: DepthAnythingDepth | None
    features: DinoFeatures | None
    labeller: OfficialTrackNetwork
    masks: Sam2Network
    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True, eq=False)
class _SchedulePoints:
    """N points in T frames.

    Attributes:
        xy_px: (T, N, 2) float32.
        occlusion: (T, N) float32 logits of being hidden.
        expected_distance: (T, N) float32 logits of being far off.
    """

    xy_px: FloatArray
    occlusion: FloatArray
    expected_distance: FloatArray

    def __len__(self) -> int:
        return int(self.xy_px.shape[1])

    def select(self, some: Int64Array) -> _SchedulePoints:
        return _SchedulePoints(
            self.xy_px[:, some], self.occlusion[:, some], self.expected_distance[:, some]
        )


def run_official(
    networks: OfficialNetworks, settings: OfficialSettings, frames: Sequence[Frame]
) -> dict[str, float]:
    """Process a clip.

    Args:
        frames: of one size; 2 or more.

    Returns:
        Milliseconds of each of STAGES, for the whole clip.
    """
    return _OfficialRun(networks, settings, frames).all_stages()


class _OfficialRun:
    def __init__(
        self, networks: OfficialNetworks, settings: OfficialSettings, frames: Sequence[Frame]
    ) -> None:
        self._networks = networks
        self._settings = settings
        self._frames = frames
        self._size = frames[0].size
        self._query_frames = range(0, len(frames), settings.step)
        self._random = np.random.default_rng(0)
        self._ms: dict[str, float] = {}

    def all_stages(self) -> dict[str, float]:
        with self._timed("tracking"):
            points = [self._share(self._track(each)) for each in self._query_frames]
        with self._timed("depth"):
            disparity = self._disparity()
        with self._timed("features"):
            described = [
                self._describe(*each) for each in zip(self._query_frames, points, strict=True)
            ]
        with self._timed("labelling"):
            self._label(points, np.concatenate(described), disparity)
        with self._timed("masks"):
            for each in range(self._settings.objects):
                self._group(each)
            for each in range(self._settings.objects):
                self._follow(each)
        return self._ms

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        synchronise(self._networks.device)
        started = time.perf_counter()
        yield
        synchronise(self._networks.device)
        self._ms[stage] = (time.perf_counter() - started) * 1e3

    def _track(self, query_frame: int) -> _SchedulePoints:
        """Track a grid of points of a frame through all frames."""
        height, width = self._size
        spacing = max(1, int(np.sqrt(height * width / self._settings.grid_points)))
        y, x = np.mgrid[0:height:spacing, 0:width:spacing].reshape(2, -1).astype(np.float32)
        xy_px = np.stack((x, y), axis=1)
        tracker, frames = self._networks.tracker, len(self._frames)
        if tracker is None:
            visible = np.full((frames, len(x)), -1, np.float32)
            return _SchedulePoints(np.repeat(xy_px[None], frames, axis=0), visible, visible)
        scale = (tracker.side - 1) / (np.array([width, height], np.float32) - 1)
        queries = np.column_stack((np.full(len(x), query_frame), (xy_px * scale)[:, ::-1]))
        chunks = np.array_split(queries.astype(np.float32), max(1, len(queries) // CHUNK_POINTS))
        video = self._video(tracker.side)
        found = np.concatenate([self._track_chunk(tracker, video, each) for each in chunks], axis=1)
        at = np.asarray(found[..., :2] / scale, np.float32)
        at[query_frame] = xy_px
        return _SchedulePoints(at, found[..., 2], found[..., 3])

    def _share(self, points: _SchedulePoints) -> _SchedulePoints:
        """Return the points of one query frame that are used."""
        count = max(1, len(points) // len(self._query_frames))
        return points.select(self._random.permutation(len(points))[:count])

    def _video(self, side: int) -> Tensor:
        """Return (1, T, S, S, 3), the input of the tracking network."""
        pair = (side, side)
        squares = [
            cv2.resize(each.image_bgr, pair, interpolation=cv2.INTER_AREA) for each in self._frames
        ]
        rgb = torch.from_numpy(np.stack(squares)[..., ::-1].copy()).to(self._networks.device)
        return rgb[None].float() / 255 * 2 - 1

    def _track_chunk(
        self, tracker: TapnetNetwork, video: Tensor, queries: FloatArray
    ) -> FloatArray:
        """Return (T, M, 4) x, y in the square and the two logits, of (M, 3) queries t, y, x."""
        points = torch.from_numpy(queries).to(video.device)[None]
        with torch.inference_mode(), autocast(self._networks.device, self._networks.dtype):
            said = tracker.model(video, points)
        logits = torch.stack((said["occlusion"][0], said["expected_dist"][0]), dim=-1)
        values = torch.cat((said["tracks"][0].float(), logits.float()), dim=-1)
        return np.asarray(values.transpose(0, 1).cpu().numpy(), np.float32)

    def _disparity(self) -> FloatArray:
        """Return (T, H, W) float32."""
        height, width = self._size
        depth = self._networks.depth
        if depth is None:
            return np.zeros((len(self._frames), height, width), np.float32)
        found = []
        for index, frame in enumerate(self._frames):
            small = depth.inverse_depth(Window((frame,), index))[0]
            found.append(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
        return np.stack(found).astype(np.float32)

    def _describe(self, query_frame: int, points: _SchedulePoints) -> FloatArray:
        """Return (N, 768) float32 of the points of a query frame; missing channels are 0."""
        described = np.zeros((len(points), DINO_CHANNELS), np.float32)
        features = self._networks.features
        if features is not None:
            window = Window((self._frames[query_frame],), query_frame)
            found = features.extract(window, _seen_once(points.xy_px[query_frame]))
            features.reset()
            described[:, : found.shape[1]] = found[:, :DINO_CHANNELS]
        return described

    def _label(
        self, parts: Sequence[_SchedulePoints], features: FloatArray, disparity: FloatArray
    ) -> None:
        """Run the authors' network on the points."""
        points = _SchedulePoints(
            np.concatenate([each.xy_px for each in parts], axis=1),
            np.concatenate([each.occlusion for each in parts], axis=1),
            np.concatenate([each.expected_distance for each in parts], axis=1),
        )
        some = self._random.permutation(len(points))[: self._settings.most_tracks]
        points, features = points.select(some), features[some]
        visibility, confidence, valid = prepare_visibility(
            points.occlusion, points.expected_distance
        )
        inputs = OfficialInputs(
            traj=self._tensor(prepare_position(points.xy_px, self._size)).permute(2, 1, 0)[None],
            mask=self._tensor(~valid).T[None, None],
            depth=self._tensor(prepare_depth(disparity)).permute(1, 2, 0)[None, None],
            visib_value=self._tensor(visibility).T[None, None],
            confi_value=self._tensor(confidence).T[None, None],
            dino=self._tensor(features).T[None, :, :, None],
        )
        with torch.inference_mode(), autocast(self._networks.device, self._networks.dtype):
            probability = self._networks.labeller(inputs).pred[0, 0]
        official_moving(probability.float().cpu().numpy(), len(self._frames))

    def _tensor(self, array: Any) -> Tensor:
        values = np.ascontiguousarray(array, np.float32)
        return torch.from_numpy(values).to(self._networks.device)

    def _group(self, number: int) -> None:
        """Click once on an object, in its middle frame."""
        masks, middle = self._networks.masks, len(self._frames) // 2
        masks.encode(0, self._frames[middle].image_bgr)
        masks.new_memory().segment(0, self._size, self._click(number), remember=False)
        masks.forget(0)

    def _follow(self, number: int) -> None:
        """Follow an object from the middle frame to the last, and to the first."""
        middle = len(self._frames) // 2
        for way in (self._frames[middle:], self._frames[middle::-1]):
            masks = self._networks.masks
            memory = masks.new_memory()
            for position, frame in enumerate(way):
                asked = position % self._settings.prompt_interval == 0
                clicks = self._click(number) if asked else None
                masks.encode(position, frame.image_bgr)
                memory.segment(position, self._size, clicks, remember=True)
                masks.forget(position)

    def _click(self, number: int) -> FloatArray:
        height, width = self._size
        return np.array([[(number + 0.5) / self._settings.objects * width, height / 2]], np.float32)


def _seen_once(xy_px: FloatArray) -> Tracks:
    """Return tracks of one frame at (N, 2)."""
    count = len(xy_px)
    return Tracks(
        ids=np.arange(count),
        xy_px=xy_px[None],
        visible=np.ones((1, count), bool),
        confidence=np.ones((1, count), np.float32),
        query_frame=np.zeros(count, np.int64),
    )
