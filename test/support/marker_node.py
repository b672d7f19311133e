"""The node with a pipeline whose truth is plain: whatever is pure red moves.

Objects are the connected red areas, numbered from the left. MARKER_DELAY_S in the environment is
the time it takes for a frame. A frame whose top-left pixel is pure blue makes it fail. With
MARKER_GATES, a folder, building it waits while the file `configure` is there, and a frame whose
top-left pixel is pure green while `frame` is; the file `frame.reached` says that it does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.plan import Plan
from motion_seg_ros.ros import node, worker
from motion_seg_ros.ros.main import main
from motion_seg_ros.types import Frame, MovingObject, ObjectMasks, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

DELAY_S = float(os.environ.get("MARKER_DELAY_S", "0"))
GATES = Path(os.environ.get("MARKER_GATES", "/nowhere"))


def wait_at_gate(name: str) -> None:
    """Wait while the file is there."""
    if (GATES / name).exists():
        (GATES / f"{name}.reached").touch()
    while (GATES / name).exists():
        time.sleep(0.01)


class MarkerStages:
    """Tracker, labeller, mask backend and propagator in one."""

    def reset(self) -> None:
        """Nothing is kept."""

    def update(self, window: Window) -> Tracks:
        if tuple(window.newest.image_bgr[0, 0]) == (255, 0, 0):
            raise RuntimeError("blue in the corner,\nas asked")
        if tuple(window.newest.image_bgr[0, 0]) == (0, 255, 0):
            wait_at_gate("frame")
        time.sleep(DELAY_S)
        height, width = window.newest.size
        step = max(8, height // 32)
        y, x = np.mgrid[4:height:step, 4:width:step].reshape(2, -1)
        shape = (len(window), x.size)
        xy = np.broadcast_to(np.stack([x, y], axis=1).astype(np.float32), (*shape, 2))
        return Tracks(
            ids=np.arange(x.size, dtype=np.int64) + 1,
            xy_px=xy,
            visible=np.ones(shape, bool),
            confidence=np.full(shape, 0.5, np.float32),
            query_frame=np.zeros(x.size, np.int64),
        )

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: np.ndarray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        x, y = tracks.xy_px[-1].astype(int).T
        probability = is_red(window.newest.image_bgr)[y, x].astype(np.float32)
        # What came along with the frame is told through the reason, which is published.
        camera = window.newest.camera
        lens = None if camera is None else f"{camera.distortion_model} {camera.focal_px:g}"
        depth = window.newest.depth_m
        middle = None if depth is None else float(depth[depth.shape[0] // 2, depth.shape[1] // 2])
        return MarkedLabels(probability, f"depth {middle} camera {lens} n {len(window)}")

    def begin(self, window: Window) -> None:
        pass

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        return red_objects(window.newest.image_bgr)

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        return masks


class MarkedLabels(TrackLabels):
    """Probabilities beside a reason, which labels otherwise refuse."""

    def __post_init__(self) -> None:
        pass


def is_red(image_bgr: np.ndarray) -> np.ndarray:
    return (image_bgr == (0, 0, 255)).all(axis=2)


def red_objects(image_bgr: np.ndarray) -> ObjectMasks:
    count, labels, stats, centroids = cv2.connectedComponentsWithStats(
        is_red(image_bgr).astype(np.uint8), connectivity=4
    )
    order = sorted(range(1, count), key=lambda k: stats[k, cv2.CC_STAT_LEFT])
    id_map = np.zeros(labels.shape, np.uint16)
    objects = []
    for new, old in enumerate(order, start=1):
        id_map[labels == old] = new
        x, y, width, height, area = stats[old].tolist()
        centroid = (float(centroids[old][0]), float(centroids[old][1]))
        objects.append(MovingObject(new, 0.75, (x, y, width, height), centroid, area))
    return ObjectMasks(id_map, tuple(objects))


def build(plan: Plan, **_: object) -> MotionSegmenter:
    from motion_seg_ros.depth.topic import TopicDepth

    wait_at_gate("configure")
    stages = MarkerStages()
    window = plan.config.window
    return MotionSegmenter(
        window=SlidingWindow(window.size, window.max_gap_s, window.max_backward_s),
        tracker=stages,
        labeller=stages,
        masks=stages,
        propagator=stages,
        depth=TopicDepth() if plan.config.depth.backend == "topic" else None,
    )


if __name__ == "__main__":
    node.build = build
    worker.STOP_S = 60.0  # for machines under load
    sys.exit(main())
