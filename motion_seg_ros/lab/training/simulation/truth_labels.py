"""Ground-truth labels of the points of a scene, from its exact geometry.

An instance moves if some visible part of it is displaced by at least MOVING_PX in the image of some
frame of the window, compared with the same instance had it stood still as it is in the newest
frame. Between STILL_PX and MOVING_PX it is ambiguous and unlabelled. All parts of an instance have
the label of its fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.labelling.camera_residuals import REFERENCE_SIDE_PX
from motion_seg_ros.types import BoolArray, UInt16Array

# Set by hand.
MOVING_PX = 1.5
STILL_PX = 0.4
_GRID_PX = 5  # spacing of the points that an instance's displacement is measured at
_PIXELS_PER_INSTANCE = 200


@dataclass(frozen=True, eq=False)
class PointTruth:
    """Ground truth of N points.

    Attributes:
        instance: (N,) uint16 instance, 0 = the static world.
        moving: (N,) bool.
        labelled: (N,) bool, False where their motion is ambiguous.
        displacement_px: as of `displacements`, of all instances in sight.
    """

    instance: UInt16Array
    moving: BoolArray
    labelled: BoolArray
    displacement_px: Mapping[int, float]


def displacements(
    truth: GroundTruth, xy_px: npt.ArrayLike, frame: int, window: Sequence[int]
) -> dict[int, float]:
    """Measure how far each instance moves in the world within a window.

    Args:
        truth: of the scene.
        xy_px: (N, 2) points of `frame`, inside the image, on all instances of interest.
        frame: the newest frame.
        window: all frames of the window.

    Returns:
        Instance (not 0) -> largest displacement of its points, in pixels of an image whose longer
        side is REFERENCE_SIDE_PX.
    """
    points = np.asarray(xy_px, np.float64)
    instance = truth.instances(points, frame)
    points, instance = points[instance != 0], instance[instance != 0]
    if not len(points):
        return {}
    camera = truth.scene.camera
    deviations = truth.deviations(points, frame, window)
    largest = np.nan_to_num(deviations).max(axis=0)
    largest *= REFERENCE_SIDE_PX / max(camera.width, camera.height)
    return {int(each): float(largest[instance == each].max()) for each in np.unique(instance)}


def label_instances(
    instance: UInt16Array, displacement_px: Mapping[int, float]
) -> tuple[BoolArray, BoolArray]:
    """Return `moving` and `labelled` of PointTruth in the shape of `instance`."""
    moves = [each for each, far in displacement_px.items() if far >= MOVING_PX]
    unclear = [each for each, far in displacement_px.items() if STILL_PX < far < MOVING_PX]
    return np.isin(instance, moves), ~np.isin(instance, unclear)


def label_points(
    truth: GroundTruth, xy_px: npt.ArrayLike, frame: int, window: Sequence[int]
) -> PointTruth:
    """Label points (N, 2) of `frame`, inside the image, over the frames of a window."""
    points = np.asarray(xy_px, np.float64)
    instance = np.asarray(truth.instances(points, frame), np.uint16)
    seen = np.concatenate([image_grid(truth), points])
    moved = displacements(truth, seen, frame, window)
    return PointTruth(instance, *label_instances(instance, moved), moved)


def image_grid(truth: GroundTruth) -> npt.NDArray[np.float64]:
    """Return points (M, 2) all over the image, _GRID_PX apart, or more in larger images."""
    camera = truth.scene.camera
    step = _GRID_PX * max(1, round(max(camera.width, camera.height) / REFERENCE_SIDE_PX))
    x = np.arange(step // 2, camera.width, step, dtype=np.float64)
    y = np.arange(step // 2, camera.height, step, dtype=np.float64)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def instance_pixels(instances: UInt16Array) -> npt.NDArray[np.float64]:
    """Return some pixels (M, 2) of each instance of a map (H, W), all of small ones."""
    found = [np.zeros((0, 2))]
    for each in np.unique(instances[instances != 0]):
        y, x = np.nonzero(instances == each)
        every = max(1, len(x) // _PIXELS_PER_INSTANCE)
        found.append(np.stack([x[::every], y[::every]], axis=1).astype(np.float64))
    return np.concatenate(found)
