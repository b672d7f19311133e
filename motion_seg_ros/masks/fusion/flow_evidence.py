"""Evidence of flow and photometry: pixels that no static world explains."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.depth.measured import error_map
from motion_seg_ros.depth.topic import inverse_depth_of
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.lookup import gradient_magnitude, warp
from motion_seg_ros.geometry.dense import DenseGeometry, Rays, explain_flows
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.background import BackgroundViews
from motion_seg_ros.masks.fusion.evidence import MotionEvidence, half_size, scaled
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import FloatArray, Frame, UInt8Array
from motion_seg_ros.window import Window

# Set by hand:
MISMATCH_PX = 0.5  # of flow there and back that halves the trust, plus a share of its length
MISMATCH_SHARE = 0.15
LEAST_TRUST_MISMATCHED = 0.02
HALF_TRUST_SPREAD_PX = 1.0  # of static pixels, that halves the trust in registered views
# Values of a prototype, lab/evaluation/baselines/fusion.py, found by trial on DAVIS:
FLOW_GAPS = (1, 3)  # frames
MIN_THRESHOLD = 3.0  # spreads
OTSU_FACTOR = 1.25
SLOPE = 3.0  # log-odds per unit of log disagreement
LIMIT = 2.5
LOG_OFFSET = 0.05  # spreads
HALF_TRUST_TEXTURE = 0.5  # grey levels per pixel
TEXTURE_WINDOW_PX = 9
LEAST_TRUST = 0.01


class FlowEvidence:
    """Compares each pixel with the static world by its flow, and by its colour in earlier views of
    the place where it would be if it stood still.

    Args:
        flow: the dense flow shared with the tracker.
    """

    def __init__(self, *, flow: DenseFlow) -> None:
        self._flow = flow
        self._views = BackgroundViews()
        self._rays: tuple[Camera, Rays] | None = None

    def update(
        self,
        window: Window,
        geometry: WindowGeometry,
        grid: FloatArray,
        static_weight: FloatArray,
        smoother: EdgeAwareFilter,
    ) -> MotionEvidence:
        """Return the evidence about the newest frame; none where the camera's motion is unknown, or
        in a stream's first frame.

        Args:
            window: the frames.
            geometry: of the window.
            grid: (h, w, 2) pixel coordinates.
            static_weight: (h, w) belief that pixels are static, by the evidence so far.
            smoother: of the newest frame.
        """
        image, size = self._flow.image(window), self._flow.size(window)
        half = half_size(size)
        flows = [(gap, self._flow.backward(window, gap)) for gap in FLOW_GAPS if gap < len(window)]
        found = explain_flows(
            geometry,
            [(gap, scaled(flow, half)) for gap, flow in flows],
            self._rays_of(geometry.camera, size),
            scaled(static_weight, half),
            _measured(window.newest, half) if geometry.metric else None,
        )
        if found is None:
            self._views.log_odds(image.bgr, grid, None, 1)
            return MotionEvidence.none(size)
        trust = matched(flows[0][1], self._flow.forward(window), grid)
        gap, flow = flows[len(found.residuals_px) - 1]
        registered = 1 / (1 + (found.spreads_px[-1] / HALF_TRUST_SPREAD_PX) ** 2)
        static = flow - scaled(found.residuals_px[-1], size)
        photometric = self._views.log_odds(
            image.bgr, grid, static, gap, trust * np.float32(registered)
        )
        trust = textured(image.gray) * trust + np.float32(LEAST_TRUST)
        log_odds = flow_log_odds(scaled(found.misfit, size), trust, smoother)
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
    residuals = [*found.residuals_px, np.zeros_like(found.residuals_px[0])]
    return {
        "log_disagreement": np.log(found.misfit + np.float32(LOG_OFFSET)),
        "log_parallax": np.log(found.flat_misfit + np.float32(LOG_OFFSET)),
        "behind_camera": found.behind_camera,
        "behind_ground": found.behind_ground,
        "nearness": found.inverse_depth * np.float32(1 / found.median),
        "depth_certainty": np.log1p(np.float32(found.median) / found.error),
        "residuals_px": (residuals[0], residuals[1]),
    }


def matched(backward: FloatArray, forward: FloatArray, grid: FloatArray) -> FloatArray:
    """Return (h, w) trust in flow, in (0, 1]: low where forward flow does not lead back.

    A pixel that was hidden in the earlier frame, such as the ground that a mover uncovers, has no
    true flow to it, so that forward and backward flow do not match.
    """
    mismatch = backward + warp(forward, grid + backward)
    tolerance = MISMATCH_PX + MISMATCH_SHARE * np.sqrt((backward * backward).sum(axis=2))
    ratio = (mismatch[..., 0] ** 2 + mismatch[..., 1] ** 2) / tolerance**2
    trust = LEAST_TRUST_MISMATCHED + (1 - LEAST_TRUST_MISMATCHED) / (1 + ratio**2)
    return np.asarray(trust, np.float32)


def textured(gray: UInt8Array) -> FloatArray:
    """Return (h, w) the texture around each pixel, from 0 to 1."""
    window = (TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX)
    texture = cv2.blur(gradient_magnitude(gray), window)
    return np.asarray((texture / (texture + HALF_TRUST_TEXTURE)) ** 2, np.float32)


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
