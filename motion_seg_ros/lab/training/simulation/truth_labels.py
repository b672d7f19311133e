"""Which points of a scene count as moving, from its exact geometry.

Moving is what moves in the world within the window, fast or slow: what some visible part of is
displaced by MOVING_PX in the image of some frame of the window, compared with the same thing had it
stood still as it is in the newest frame. Displacements between STILL_PX and MOVING_PX are nobody's
mistake, whichever way a labeller decides. All parts of an instance get the label of its fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.types import BoolArray, UInt16Array

REFERENCE_SIDE_PX = 427  # of the longer image side in which displacements are measured
MOVING_PX = 1.5
STILL_PX = 0.4
_GRID_PX = 5  # apart are the points by which an instance's displacement is found
_PIXELS_PER_INSTANCE = 200


@dataclass(frozen=True, eq=False)
class PointTruth:
    """The truth about N points.

    Attributes:
        instance: (N,) uint16 what they lie on, 0 = the static world.
        moving: (N,) bool.
        labelled: (N,) bool, False where it is ambiguous whether they move.
        displacement_px: as of `displacements`, of all instances in sight.
    """

    instance: UInt16Array
    moving: BoolArray
    labelled: BoolArray
    displacement_px: Mapping[int, float]


def displacements(
    truth: GroundTruth, xy_px: npt.ArrayLike, frame: int, window: Sequence[int]
) -> dict[int, float]:
    """How far each instance moves in the world within a window.

    Args:
        truth: of the scene.
        xy_px: (N, 2) points of `frame`, inside the image, on all instances of interest.
        frame: the newest.
        window: the frames looked at.

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
    """`moving` and `labelled`, in the shape of `instance`; as of `displacements`."""
    moves = [each for each, far in displacement_px.items() if far >= MOVING_PX]
    unclear = [each for each, far in displacement_px.items() if STILL_PX < far < MOVING_PX]
    return np.isin(instance, moves), ~np.isin(instance, unclear)


def label_points(
    truth: GroundTruth, xy_px: npt.ArrayLike, frame: int, window: Sequence[int]
) -> PointTruth:
    """The truth about points (N, 2) of `frame`, inside the image, over the frames of a window."""
    points = np.asarray(xy_px, np.float64)
    instance = np.asarray(truth.instances(points, frame), np.uint16)
    seen = np.concatenate([image_grid(truth), points])
    moved = displacements(truth, seen, frame, window)
    return PointTruth(instance, *label_instances(instance, moved), moved)


def image_grid(truth: GroundTruth) -> npt.NDArray[np.float64]:
    """(M, 2) points all over the image, a few pixels apart."""
    camera = truth.scene.camera
    x = np.arange(_GRID_PX // 2, camera.width, _GRID_PX, dtype=np.float64)
    y = np.arange(_GRID_PX // 2, camera.height, _GRID_PX, dtype=np.float64)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def instance_pixels(instances: UInt16Array) -> npt.NDArray[np.float64]:
    """(M, 2) some pixels of each instance of a map (H, W), all of them where they are few."""
    found = [np.zeros((0, 2))]
    for each in np.unique(instances[instances != 0]):
        y, x = np.nonzero(instances == each)
        every = max(1, len(x) // _PIXELS_PER_INSTANCE)
        found.append(np.stack([x[::every], y[::every]], axis=1).astype(np.float64))
    return np.concatenate(found)
