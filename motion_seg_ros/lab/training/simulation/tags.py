"""Tags that describe the motion in a window of a scene, by which scores are reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.scene_sampler import SampledScene
from motion_seg_ros.lab.training.simulation.truth_labels import (
    MOVING_PX,
    STILL_PX,
    image_grid,
)

# All thresholds were set by hand. The static world shows parallax where the best homography over
# PARALLAX_GAP frames leaves one in ten of its points more than PARALLAX_PX off.
_PARALLAX_PX = 1.5
_PARALLAX_GAP = 7
_SLOW_PX, _FAST_PX = 1.0, 6.0  # per frame, relative to the world
_SMALL, _LARGE = 0.01, 0.15  # moving share of the image


def motion_tags(
    sampled: SampledScene,
    truth: GroundTruth,
    window: Sequence[int],
    displacement_px: Mapping[int, float],
) -> tuple[str, ...]:
    """Return the tags of a window, from the exact geometry.

    Args:
        sampled: the scene.
        truth: of the scene.
        window: its frames, the newest last.
        displacement_px: as of `truth_labels.displacements`.

    Returns:
        The kind of the scene and its world; "parallax"; "nothing_moves", or the motion types of the
        movers (articulated, rigid, deforming) and any of "slow", "fast", "small", "large".
    """
    newest = window[-1]
    unit = REFERENCE_SIDE_PX / max(truth.scene.camera.width, truth.scene.camera.height)
    points = image_grid(truth)
    instance = truth.instances(points, newest)
    tags = [sampled.kind, sampled.world]
    earlier = window[max(0, len(window) - 1 - _PARALLAX_GAP)]
    if unit * _unexplained_px(truth, points[instance == 0], newest, earlier) > _PARALLAX_PX:
        tags.append("parallax")
    if all(far <= STILL_PX for far in displacement_px.values()):
        return (*tags, "nothing_moves")
    movers = [each for each, far in displacement_px.items() if far >= MOVING_PX]
    tags += sorted({sampled.motions[each - 1] for each in movers})
    moves = np.isin(instance, movers)
    if moves.any():
        deviation = unit * truth.deviations(points[moves], newest, window[-2:-1])
        step = float(np.nanmedian(deviation)) if deviation.size else 0.0
        tags += ["slow"] if step < _SLOW_PX else ["fast"] if step > _FAST_PX else []
        share = moves.mean()
        tags += ["small"] if share < _SMALL else ["large"] if share > _LARGE else []
    return tuple(tags)


def _unexplained_px(
    truth: GroundTruth, points: npt.NDArray[np.float64], frame: int, other: int
) -> float:
    """Return the 90th percentile of the residuals of the best homography of the points' motion."""
    there = truth.tracks(points, frame, [other])
    seen = there.visible[0]
    if np.count_nonzero(seen) < 20:
        return 0.0
    start, end = points[seen].astype(np.float32), there.xy_px[0, seen].astype(np.float32)
    homography, _ = cv2.findHomography(start, end, cv2.RANSAC, 1.0)
    if homography is None:
        return 0.0
    fitted = cv2.perspectiveTransform(start[:, None], homography)[:, 0]
    return float(np.percentile(np.linalg.norm(fitted - end, axis=1), 90))
