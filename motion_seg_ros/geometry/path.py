"""Path of the camera: the motions of its windows, one after the other.

Without a depth sensor each window has a unit of length of its own. What two windows have in common,
the way between the frames that both know, gives the ratio of their units, so that the whole path
has the unit of the first window in which the camera travelled; errors of the ratios add up (the
scale drifts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.types import CameraMotion

LEAST_WAY = 1e-6  # of the typical depth, squared; less has no length to compare. Set by hand


@dataclass(frozen=True, eq=False)
class Pose:
    """Position and orientation of a camera in the world, whose axes are those of the first frame.

    Attributes:
        rotation: (3, 3) from the camera's optical axes (x right, y down, z forward) to the world's.
        position: (3,) of the camera.
    """

    rotation: Float64Array
    position: Float64Array

    def moved(self, rotation: Float64Array, translation: Float64Array) -> Pose:
        """Return the pose of a camera from which a point p is seen at rotation p + translation
        here."""
        return Pose(self.rotation @ rotation, self.position + self.rotation @ translation)


class CameraPath:
    """Follows a stream of windows; the first frame is the world."""

    def __init__(self) -> None:
        self._poses: list[Pose | None] = []  # of the last frames, the newest last
        self._last = Pose(np.eye(3), np.zeros(3))
        self._before: CameraMotion | None = None
        self._unit = 1.0

    def update(self, motion: CameraMotion) -> Pose | None:
        """Return the pose of the next frame; None where it is unknown.

        Args:
            motion: over the window that ends with it. A window of one frame begins a new stream,
                which goes on where the last one ended.
        """
        earlier = len(motion.known) - 1
        self._poses = self._poses[len(self._poses) - min(earlier, len(self._poses)) :]
        pose = self._placed(motion)
        self._poses.append(pose)
        if pose is not None:
            self._last = pose
        self._before = motion
        return pose

    def _placed(self, motion: CameraMotion) -> Pose | None:
        """Return the pose of the newest frame, seen from the latest frame whose pose is known."""
        self._unit = 1.0 if motion.metric else self._unit * self._ratio(motion)
        first = len(motion.known) - 1 - len(self._poses)  # of the window, that has a place in poses
        for index in range(len(motion.known) - 2, first - 1, -1):
            earlier = self._poses[index - first]
            if earlier is not None and motion.known[index]:
                rotation = nearest_rotation(motion.linear[index])
                return earlier.moved(rotation, self._unit * motion.translation[index])
        # Nothing to go on from: a new stream goes on where the last one ended.
        return self._last if not any(self._poses) else None

    def _ratio(self, motion: CameraMotion) -> float:
        """Return the unit of the last window in this one's, 1 where nothing tells."""
        before = self._before
        if before is None or not (before.rigid and motion.rigid):
            return 1.0
        last = len(motion.known) - 2  # the newest frame of the window before
        shift = len(before.known) - 1 - last
        both = np.arange(max(0, -shift), last)
        both = both[motion.known[both] & before.known[both + shift]]
        if last < 0 or not motion.known[last] or not len(both):
            return 1.0
        rotation = motion.linear[both] @ motion.linear[last].T
        way = motion.translation[both] - rotation @ motion.translation[last]
        length = float((way * way).sum())
        same = float((way * before.translation[both + shift]).sum())
        return same / length if length > LEAST_WAY * len(both) and same > 0 else 1.0


def nearest_rotation(linear: Float64Array) -> Float64Array:
    """Return the rotation nearest to a matrix (3, 3) of positive determinant."""
    u, _, vt = np.linalg.svd(linear)
    rotation: Float64Array = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return rotation
