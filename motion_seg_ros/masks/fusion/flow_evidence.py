"""Evidence of flow and photometry: pixels that no static world explains."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.depth.measured import error_map
from motion_seg_ros.depth.topic import inverse_depth_of
from motion_seg_ros.geometry.dense import DenseGeometry, Rays, explain_flows
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.evidence import MotionEvidence, half_size, scaled
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import FloatArray, Frame

# Values of a prototype, lab/evaluation/baselines/fusion.py; on rendered scenes none is clearly
# better, see docs/masks_tried.md:
MIN_THRESHOLD = 3.0  # spreads
OTSU_FACTOR = 1.25
SLOPE = 3.0  # log-odds per unit of log disagreement
LIMIT = 2.5
LOG_OFFSET = 0.05  # spreads
LEAST_TRUST = 0.01


class FlowEvidence:
    """Compares each pixel with the static world by its flow, and by its colour in earlier views of
    the place where it would be if it stood still.
    """

    def __init__(self) -> None:
        self._views = BackgroundViews()
        self._rays: tuple[Camera, Rays] | None = None

    def update(
        self, seen: ImageEvidence, geometry: WindowGeometry, static_weight: FloatArray
    ) -> MotionEvidence:
        """Return the evidence about the newest frame; none where the camera's motion is unknown, or
        in a stream's first frame.

        Args:
            seen: of the frame.
            geometry: of the window.
            static_weight: (h, w) belief that pixels are static, by the evidence so far.
        """
        size = seen.size
        half = half_size(size)
        found = explain_flows(
            geometry,
            [(gap, scaled(flow, half)) for gap, flow in seen.flows],
            self._rays_of(geometry.camera, size),
            scaled(static_weight, half),
            _measured(seen.frame, half) if geometry.metric else None,
        )
        if found is None:
            self._views.log_odds(seen.image_bgr, seen.grid, None, 1)
            return MotionEvidence.none(size)
        gap, flow = seen.flows[len(found.residuals_px) - 1]
        static = flow - scaled(found.residuals_px[-1], size)
        photometric = self._views.log_odds(seen.image_bgr, seen.grid, static, gap, seen.matched)
        trust = seen.texture * seen.matched + np.float32(LEAST_TRUST)
        log_odds = flow_log_odds(scaled(found.misfit, size), trust, seen.smoother)
        nothing = np.zeros_like(log_odds)
        return MotionEvidence(
            flow=log_odds,
            photometry=nothing if photometric is None else photometric,
            trust=trust,
            **_maps(found),
        )

    def _rays_of(self, camera: Camera, size: tuple[int, int]) -> Rays:
        """Return the directions of the pixels, made anew where camera or size is another."""
        if self._rays is not None:
            known, rays = self._rays
            if rays.camera.size == size and _same(camera, known):
                return rays
        rays = Rays.of(camera, size, half_size(size))
        self._rays = camera, rays
        return rays


def _same(camera: Camera, other: Camera) -> bool:
    """Return whether cameras are alike; without a calibration there is a new one in each frame."""
    return (
        np.array_equal(camera.matrix, other.matrix)
        and camera.size == other.size
        and camera.distortion_model == other.distortion_model
        and camera.distortion == other.distortion
    )


def _measured(frame: Frame, size: tuple[int, int]) -> tuple[FloatArray, FloatArray] | None:
    """Return the inverse depth (h, w) that came with a frame, and its standard error."""
    if frame.depth_m is None:
        return None
    inverse = inverse_depth_of(frame, size)
    return inverse, error_map(inverse)


def _maps(found: DenseGeometry) -> dict[str, Any]:
    """Return the maps of MotionEvidence that are the geometry's own."""
    return {
        "log_disagreement": np.log(found.misfit + np.float32(LOG_OFFSET)),
        "behind_camera": found.behind_camera,
        "behind_ground": found.behind_ground,
        "nearness": found.inverse_depth * np.float32(1 / found.median),
        "depth_certainty": np.log1p(np.float32(found.median) / found.error),
        "residual_px": found.residuals_px[0],
    }


def flow_log_odds(
    disagreement: FloatArray, trust: FloatArray, smoother: EdgeAwareFilter
) -> FloatArray:
    """Return (h, w) log-odds of moving for a disagreement (h, w) in spreads.

    The threshold is Otsu's, but at least MIN_THRESHOLD: slow movers may differ less than the heavy
    tails of the static pixels. Trusted pixels decide for their untrusted surroundings.
    """
    threshold = max(MIN_THRESHOLD, OTSU_FACTOR * _otsu(disagreement))
    log_odds = SLOPE * (np.log(disagreement + LOG_OFFSET) - np.float32(np.log(threshold)))
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -LIMIT, LIMIT)))
    spread = np.clip(smoother.spread(probability, trust, 1e-6), 0.02, 0.98)
    return np.asarray(np.log(spread / (1 - spread)), np.float32)


def _otsu(disagreement: FloatArray) -> float:
    """Return Otsu's threshold of the disagreement, on a square-root scale."""
    top = float(np.percentile(disagreement[::2, ::2], 99))
    root = np.sqrt(np.minimum(disagreement, top))
    scale = max(float(root.max()), 1e-3) / 255
    level, _ = cv2.threshold((root / scale).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    return float((level * scale) ** 2)
